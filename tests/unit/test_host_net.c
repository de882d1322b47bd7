/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/host_net.c drivers/host_virtio.c drivers/host_queue.c */
/* sources: tests/unit/fake_host_disk.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * The driver of the host's network cards against a model of a device (the disk's: its
 * registers and the used ring are the same) of which the test itself is the card.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/host_net.h"
#include "drivers/virtio_registers.h"
#include "tests/unit/fake_host_disk.h"
#include "tests/unit/fake_pages.h"

#define HEADER 12U

static struct host_net net;

static int setup(void **state)
{
	(void)state;
	fake_pages_create();
	fake_host_disk_create();
	fake_disk.id = HOST_VIRTIO_NET;
	fake_disk.features = VIRTIO_F_VERSION_1 | 1U << 5 | 1U << 0 | 1U << 15;
	fake_disk.sectors = UINT64_C(0x563412005452); /* where a card has its address */
	fake_disk.holds = fake_disk.forgets = true;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_pages_destroy();
	return 0;
}

static const char *begin(void)
{
	struct host_virtio virtio;

	assert_int_equal(host_virtio_find(&virtio, FAKE_DISK_BASE), STATUS_OK);
	return host_net_init(&net, &virtio);
}

static int setup_begun(void **state)
{
	setup(state);
	fake_disk.queue_most = 256;
	assert_null(begin());
	return 0;
}

/* An answer of the card's. */
static void answer(const struct host_queue *queue, uint32_t id, uint32_t length)
{
	fake_host_queue_put(&fake_disk.queues[queue->index], id, length, 1);
}

static void *area(const struct host_queue *queue, enum fake_host_area which)
{
	return fake_host_queue_area(&fake_disk.queues[queue->index], which);
}

static char *buffer(const struct host_queue *queue, unsigned chain)
{
	const struct virtio_descriptor *descriptors = area(queue, FAKE_DESCRIPTORS);

	return (char *)(uintptr_t)descriptors[chain].address;
}

static void a_card_is_set_up(void **state)
{
	static const uint8_t mac[HOST_NET_MAC] = {0x52, 0x54};

	(void)state;
	assert_null(begin());
	assert_memory_equal(net.mac, mac, 1);
	assert_int_equal(fake_disk.driver_features, VIRTIO_F_VERSION_1 | 1U << 5);
	assert_int_equal(net.receive.chains, HOST_NET_BUFFERS);
	for (unsigned i = 0; i < HOST_NET_BUFFERS; i++) {
		assert_true(net.receive.is_out[i]);
		assert_false(net.transmit.is_out[i]);
	}
	host_net_end(&net);
	assert_int_equal(fake_pages_taken(), 0);
}

static void without_memory_there_is_none(void **state)
{
	(void)state;
	for (unsigned allowed = 0; allowed < 3; allowed++) {
		fake_pages_allow(allowed);
		assert_non_null(begin());
		assert_int_equal(fake_pages_taken(), 0);
	}
}

static void frames_go_out_until_there_is_no_room(void **state)
{
	char frame[HOST_NET_FRAME];

	(void)state;
	memset(frame, 0x42, sizeof(frame));
	for (unsigned i = 0; i < HOST_NET_BUFFERS; i++) {
		assert_true(host_net_send(&net, frame, sizeof(frame)));
		assert_memory_equal(buffer(&net.transmit, i) + HEADER, frame,
				    sizeof(frame));
		for (unsigned k = 0; k < HEADER; k++)
			assert_int_equal(buffer(&net.transmit, i)[k], 0);
	}
	assert_false(host_net_send(&net, frame, 14));
	answer(&net.transmit, 5, 0);
	host_net_acknowledge(&net);
	assert_true(host_net_send(&net, frame, 14));
	assert_true(net.transmit.is_out[5]);
	assert_false(host_net_send(&net, frame, 14));
}

static unsigned flags(const struct host_queue *queue)
{
	return *(const uint16_t *)area(queue, FAKE_AVAILABLE);
}

/* A frame costs no interrupt as long as there is room for the next. */
static void what_was_sent_interrupts_only_who_waits_for_it(void **state)
{
	char frame[60] = {0};

	(void)state;
	assert_int_equal(flags(&net.receive), 0);
	for (unsigned i = 0; i < 5 * HOST_NET_BUFFERS; i++) {
		assert_int_equal(flags(&net.transmit), 1);
		assert_true(host_net_send(&net, frame, sizeof(frame)));
		answer(&net.transmit, i % HOST_NET_BUFFERS, 0);
	}
	host_net_acknowledge(&net);
	for (unsigned i = 0; i < HOST_NET_BUFFERS; i++)
		assert_true(host_net_send(&net, frame, sizeof(frame)));
	assert_int_equal(flags(&net.transmit), 1);
	assert_false(host_net_send(&net, frame, sizeof(frame)));
	assert_int_equal(flags(&net.transmit), 0);
	host_net_acknowledge(&net); /* something came, and there is no room yet */
	assert_int_equal(flags(&net.transmit), 0);
	answer(&net.transmit, 2, 0);
	host_net_acknowledge(&net);
	assert_int_equal(flags(&net.transmit), 1);
	assert_true(host_net_send(&net, frame, sizeof(frame)));
}

static void a_lie_about_what_was_sent_is_seen_when_sending(void **state)
{
	char frame[60] = {0};

	(void)state;
	for (unsigned i = 0; i < HOST_NET_BUFFERS; i++)
		assert_true(host_net_send(&net, frame, sizeof(frame)));
	answer(&net.transmit, 1, 1);
	assert_false(host_net_send(&net, frame, sizeof(frame)));
	assert_string_equal(net.wrong, "it says it wrote more than it may");
	assert_int_equal(fake_disk.driver_status, 0);
}

static void what_comes_is_taken_in_and_the_buffer_offered_again(void **state)
{
	const char *frame;
	unsigned chain;
	size_t size;

	(void)state;
	assert_null(host_net_receive(&net, &size, &chain));
	strcpy(buffer(&net.receive, 3) + HEADER, "a frame");
	answer(&net.receive, 3, HEADER + 60);
	answer(&net.receive, 4, HEADER - 1);
	frame = host_net_receive(&net, &size, &chain);
	assert_string_equal(frame, "a frame");
	assert_int_equal(size, 60);
	assert_false(net.receive.is_out[3]);
	host_net_done(&net, chain);
	assert_true(net.receive.is_out[3]);
	assert_non_null(host_net_receive(&net, &size, &chain));
	assert_int_equal(size, 0); /* of nothing, but one all the same */
	assert_int_equal(chain, 4);
	host_net_done(&net, chain);
	assert_null(host_net_receive(&net, &size, &chain));
	assert_true(net.receive.is_out[4]);
	assert_null(net.wrong);
}

static void assert_out_of_use(const char *why)
{
	unsigned chain;
	size_t size;

	assert_string_equal(net.wrong, why);
	assert_int_equal(fake_disk.driver_status, 0);
	assert_null(host_net_receive(&net, &size, &chain));
	assert_false(host_net_send(&net, "0123456789abcd", 14));
	host_net_acknowledge(&net);
	host_net_end(&net);
	teardown(NULL);
	setup_begun(NULL);
}

static void what_cannot_be_ends_a_card(void **state)
{
	unsigned chain;
	size_t size;

	(void)state;
	answer(&net.receive, 0, HEADER + HOST_NET_FRAME + 1);
	assert_null(host_net_receive(&net, &size, &chain));
	assert_out_of_use("it says it wrote more than it may");
	answer(&net.receive, HOST_NET_BUFFERS, HEADER + 60);
	assert_null(host_net_receive(&net, &size, &chain));
	assert_out_of_use("it answers what it was not asked");
	answer(&net.transmit, 0, 0);
	host_net_acknowledge(&net);
	assert_out_of_use("it answers more than it was asked");
	assert_true(host_net_send(&net, "0123456789abcd", 14));
	answer(&net.transmit, 0, 1);
	host_net_acknowledge(&net);
	assert_out_of_use("it says it wrote more than it may");
	fake_disk.driver_status |= VIRTIO_STATUS_NEEDS_RESET;
	fake_disk.interrupt = VIRTIO_INTERRUPT_CONFIG;
	host_net_acknowledge(&net);
	assert_out_of_use("it says that it is broken");
}

/* Or it would interrupt for ever: a reset that does not come takes nothing back. */
static void the_interrupt_of_a_broken_card_is_taken_back(void **state)
{
	unsigned chain;
	size_t size;

	(void)state;
	fake_disk.never_resets = true;
	answer(&net.receive, HOST_NET_BUFFERS, HEADER + 60);
	assert_null(host_net_receive(&net, &size, &chain));
	assert_non_null(net.wrong);
	fake_disk.interrupt = VIRTIO_INTERRUPT_USED;
	host_net_acknowledge(&net);
	assert_int_equal(fake_disk.interrupt, 0);
}

static void frames_that_are_too_long_are_dropped(void **state)
{
	static const char frame[HOST_NET_FRAME + 1];

	(void)state;
	assert_true(host_net_send(&net, frame, sizeof(frame)));
	assert_false(net.transmit.is_out[0]);
}

#define TEST(name, by) cmocka_unit_test_setup_teardown(name, by, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_card_is_set_up, setup),
		TEST(without_memory_there_is_none, setup),
		TEST(frames_go_out_until_there_is_no_room, setup_begun),
		TEST(what_was_sent_interrupts_only_who_waits_for_it, setup_begun),
		TEST(a_lie_about_what_was_sent_is_seen_when_sending, setup_begun),
		TEST(what_comes_is_taken_in_and_the_buffer_offered_again, setup_begun),
		TEST(what_cannot_be_ends_a_card, setup_begun),
		TEST(the_interrupt_of_a_broken_card_is_taken_back, setup_begun),
		TEST(frames_that_are_too_long_are_dropped, setup_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
