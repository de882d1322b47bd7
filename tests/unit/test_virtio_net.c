/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/virtio_net.c drivers/virtio_mmio.c drivers/virtio_queue.c */
/* sources: drivers/mmio.c mm/guest_memory.c core/switch.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * The network card, frame by frame: what its driver sends comes to the switch whole, what
 * the switch has waits until there is a buffer for it, and what is no frame or finds no
 * room is dropped, there alone.
 */
#include "tests/unit/virtio_bench.h"

#include "drivers/virtio_net.h"
#include "tests/unit/fake_pages.h"

#define RECEIVE	 0
#define TRANSMIT 1
#define HEADER	 12U
#define BUFFER	 (HEADER + SWITCH_FRAME_MOST)

static const uint8_t mac[MAC_SIZE] = {2, 0x12, 0x34, 0x56, 0x78, 0x9a};
static struct virtio_net net;
static struct switch_port far; /* another's, beside the card's */

static void wake_card(struct switch_port *port)
{
	assert_ptr_equal(port, &net.port);
	virtio_net_receive(&net);
}

static void wake_far(struct switch_port *port)
{
	assert_ptr_equal(port, &far);
}

static int setup(void **state)
{
	(void)state;
	fake_pages_create();
	virtio_net_init(&net, GPA(BASE), bench_line, &bench_memory, mac);
	bench_create(&net.virtio.device);
	net.port.wake = wake_card;
	far = (struct switch_port){.wake = wake_far};
	assert_int_equal(switch_attach(&net.port, "lan"), STATUS_OK);
	assert_int_equal(switch_attach(&far, "lan"), STATUS_OK);
	drive(2, 8);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	switch_detach(&net.port);
	switch_detach(&far);
	bench_destroy();
	fake_pages_destroy();
	return 0;
}

static void fill(uint8_t *bytes, size_t size, uint8_t seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 11 + seed);
	memset(bytes, 0xff, MAC_SIZE);
	bytes[6] = 2; /* no group sends */
}

static void send_from_far(size_t size, uint8_t seed)
{
	uint8_t frame[SWITCH_FRAME_MOST];

	fill(frame, size, seed);
	switch_send(&far, frame, size);
	switch_deliver();
}

/* What the device wrote to the buffer at `at`: a header that says nothing, and this. */
static void assert_received(uint64_t at, size_t size, uint8_t seed)
{
	static const uint8_t header[HEADER] = {[10] = 1};
	uint8_t got[BUFFER], frame[SWITCH_FRAME_MOST];

	peek(at, got, HEADER + size);
	fill(frame, size, seed);
	assert_memory_equal(got, header, HEADER);
	assert_memory_equal(got + HEADER, frame, size);
}

/* ---- the configuration ---- */

static void a_card_says_what_it_is(void **state)
{
	(void)state;
	assert_int_equal(in(0x08), 1);
	assert_int_equal(in(0x100), 0x56341202);
	assert_int_equal(in(0x104), 0x00019a78); /* and the link is up */
	out(0x14, 0);
	assert_int_equal(in(0x10), 0x10020);
	assert_int_equal(net.port.mac, UINT64_C(0x02123456789a));
}

/* ---- sending ---- */

static void a_frame_goes_out_as_it_is(void **state)
{
	static const uint32_t sizes[] = {14, 60, 61, 1514, 1518};
	uint8_t bytes[BUFFER];

	(void)state;
	for (uint16_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		const struct switch_frame *frame;

		memset(bytes, 0, HEADER);
		fill(bytes + HEADER, sizes[i], (uint8_t)i);
		poke(DATA, bytes, HEADER + sizes[i]);
		describe_of(TRANSMIT, 0, DATA, HEADER + sizes[i], 0, 0);
		offer_of(TRANSMIT, 0);
		out(0x50, TRANSMIT);
		assert_int_equal(used_count(TRANSMIT), i + 1);
		assert_int_equal(used_length(TRANSMIT, i), 0);
		frame = switch_next(&far);
		assert_non_null(frame);
		assert_int_equal(frame->size, sizes[i]);
		assert_memory_equal(frame->bytes, bytes + HEADER, sizes[i]);
		switch_done(&far);
	}
	assert_true(outside.wire);
}

static void a_frame_may_be_in_parts(void **state)
{
	uint8_t bytes[HEADER + 100];

	(void)state;
	memset(bytes, 0, HEADER);
	fill(bytes + HEADER, 100, 3);
	poke(DATA, bytes, sizeof(bytes));
	describe_of(TRANSMIT, 0, DATA, 5, NEXT, 3);
	describe_of(TRANSMIT, 3, DATA + 5, 8, NEXT, 1); /* over the header's end */
	describe_of(TRANSMIT, 1, DATA + 13, 99, 0, 0);
	offer_of(TRANSMIT, 0);
	out(0x50, TRANSMIT);
	assert_int_equal(switch_next(&far)->size, 100);
	assert_memory_equal(switch_next(&far)->bytes, bytes + HEADER, 100);
}

static void what_is_no_frame_is_answered_and_dropped(void **state)
{
	static const uint32_t sizes[] = {0, 13, 1519, 60000};

	(void)state;
	for (uint16_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		describe_of(TRANSMIT, 0, RAM, HEADER + sizes[i], 0, 0);
		offer_of(TRANSMIT, 0);
		out(0x50, TRANSMIT);
		assert_int_equal(used_count(TRANSMIT), i + 1);
		assert_null(switch_next(&far));
	}
	assert_int_equal(in(0x70), 0xf);
}

static void a_frame_needs_its_header(void **state)
{
	(void)state;
	describe_of(TRANSMIT, 0, DATA, HEADER - 1, 0, 0);
	offer_of(TRANSMIT, 0);
	out(0x50, TRANSMIT);
	assert_failed_device();
	assert_null(switch_next(&far));
}

/* ---- receiving ---- */

static void frames_come_into_buffers(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 3; i++) {
		describe(i, DATA + i * 0x800, BUFFER, WRITE, 0);
		offer(i);
	}
	out(0x50, RECEIVE);
	assert_int_equal(used_count(RECEIVE), 0);
	assert_false(outside.wire);
	send_from_far(60, 1);
	assert_true(outside.wire);
	assert_int_equal(in(0x60), 1);
	assert_int_equal(used_count(RECEIVE), 1);
	send_from_far(1518, 2);
	send_from_far(14, 3);
	assert_int_equal(used_length(RECEIVE, 0), HEADER + 60);
	assert_int_equal(used_length(RECEIVE, 1), HEADER + 1518);
	assert_int_equal(used_length(RECEIVE, 2), HEADER + 14);
	assert_received(DATA, 60, 1);
	assert_received(DATA + 0x800, 1518, 2);
	assert_received(DATA + 0x1000, 14, 3);
}

static void frames_wait_for_buffers(void **state)
{
	(void)state;
	send_from_far(60, 1);
	send_from_far(70, 2);
	assert_int_equal(used_count(RECEIVE), 0);
	assert_false(outside.wire);
	for (uint16_t i = 0; i < 3; i++) {
		describe(i, DATA + i * 0x800, BUFFER, WRITE, 0);
		offer(i);
	}
	out(0x50, RECEIVE);
	assert_int_equal(used_count(RECEIVE), 2);
	assert_received(DATA, 60, 1);
	assert_received(DATA + 0x800, 70, 2);
}

static void a_buffer_may_be_in_parts(void **state)
{
	(void)state;
	describe(0, DATA, 5, NEXT | WRITE, 1);
	describe(1, DATA + 5, 30, NEXT | WRITE, 2);
	describe(2, DATA + 35, 37, WRITE, 0);
	offer(0);
	send_from_far(60, 9); /* all of it, to the last byte */
	assert_int_equal(used_length(RECEIVE, 0), HEADER + 60);
	assert_received(DATA, 60, 9);
}

static void a_frame_that_does_not_fit_is_lost_alone(void **state)
{
	uint8_t behind[4];

	(void)state;
	describe(0, DATA, HEADER + 60, WRITE, 0);
	offer(0);
	send_from_far(61, 1);
	assert_int_equal(net.misfits, 1);
	assert_int_equal(used_count(RECEIVE), 0);
	assert_int_equal(in(0x70), 0xf);
	send_from_far(1514, 2);
	send_from_far(60, 3);
	assert_int_equal(net.misfits, 2);
	assert_int_equal(used_count(RECEIVE), 1);
	assert_received(DATA, 60, 3);
	peek(DATA + HEADER + 60, behind, sizeof(behind));
	assert_memory_equal(behind, "\0\0\0\0", sizeof(behind));
}

static void a_buffer_needs_room_for_a_header(void **state)
{
	(void)state;
	describe(0, DATA, HEADER - 1, WRITE, 0);
	offer(0);
	out(0x50, RECEIVE);
	assert_failed_device();
}

static void a_buffer_that_is_not_in_ram(void **state)
{
	(void)state;
	describe(0, RAM_END - 20, BUFFER, WRITE, 0);
	offer(0);
	send_from_far(14, 1);
	assert_failed_device();
	assert_int_equal(outside.writes, 0);
}

/* With nobody to take frames none are kept, for a driver of another boot to find. */
static void without_a_driver_frames_are_dropped(void **state)
{
	(void)state;
	send_from_far(60, 1);
	out(0x70, 0);
	send_from_far(60, 2);
	assert_null(switch_next(&net.port));
	drive(2, 8);
	poke16(AVAIL + 2, 0);
	describe(0, DATA, BUFFER, WRITE, 0);
	offer(0);
	out(0x50, RECEIVE);
	assert_int_equal(used_count(RECEIVE), 0);
	send_from_far(60, 3);
	assert_received(DATA, 60, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_card_says_what_it_is),
		TEST(a_frame_goes_out_as_it_is),
		TEST(a_frame_may_be_in_parts),
		TEST(what_is_no_frame_is_answered_and_dropped),
		TEST(a_frame_needs_its_header),
		TEST(frames_come_into_buffers),
		TEST(frames_wait_for_buffers),
		TEST(a_buffer_may_be_in_parts),
		TEST(a_frame_that_does_not_fit_is_lost_alone),
		TEST(a_buffer_needs_room_for_a_header),
		TEST(a_buffer_that_is_not_in_ram),
		TEST(without_a_driver_frames_are_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
