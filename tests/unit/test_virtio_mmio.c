/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/virtio_mmio.c drivers/virtio_queue.c drivers/mmio.c */
/* sources: mm/guest_memory.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * The transport and the rings: what each register does, how features and the status are
 * agreed on, and each way in which a ring can be malformed. A device that copies what
 * it reads to where it may write stands for those of drivers/virtio_*.c.
 */
#include "tests/unit/virtio_bench.h"

static struct virtio_device device;
static uint8_t read_bytes[256];
static unsigned served;
static enum virtio_answer answer;
static void (*while_serving)(void);

static enum virtio_answer echo(struct virtio_device *of, unsigned queue,
			       const struct virtio_chain *chain, uint32_t *written)
{
	uint64_t size = chain->readable_size;

	assert_ptr_equal(of, &device);
	assert_true(queue < 2);
	served++;
	if (while_serving)
		while_serving();
	if (answer != VIRTIO_DONE)
		return answer;
	if (size > sizeof(read_bytes))
		size = sizeof(read_bytes);
	assert_int_equal(virtio_chain_read(chain, &of->memory, 0, read_bytes, size),
			 STATUS_OK);
	if (size > chain->writable_size)
		size = chain->writable_size;
	assert_int_equal(virtio_chain_write(chain, &of->memory, 0, read_bytes, size),
			 STATUS_OK);
	*written = (uint32_t)size;
	return VIRTIO_DONE;
}

static const struct virtio_class echoing = {
	.name = "echo", .id = 42, .queues = 2, .serve = echo};
static const uint8_t config[6] = {1, 2, 3, 4, 5, 6};

static int setup(void **state)
{
	(void)state;
	served = 0;
	answer = VIRTIO_DONE;
	while_serving = NULL;
	virtio_init(&device, &echoing, GPA(BASE), bench_line, &bench_memory);
	virtio_offer(&device, 0x30, config, sizeof(config));
	bench_create(&device.device);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bench_destroy();
	return 0;
}

/* ---- registers ---- */

static void it_says_what_it_is(void **state)
{
	(void)state;
	assert_int_equal(in(0x00), 0x74726976);
	assert_int_equal(in(0x04), 2);
	assert_int_equal(in(0x08), 42);
	assert_int_equal(in(0x34), 128);
	assert_int_equal(in(0xfc), 0);
	assert_int_equal(in(0xb0), UINT32_MAX); /* no shared memory */
	assert_int_equal(in(0x70), 0);
	out(0x30, 2);
	assert_int_equal(in(0x34), 0); /* no third queue */
	out(0x38, 4);
	out(0x44, 1);
	assert_int_equal(in(0x44), 0);
	out(0x14, 0);
	assert_int_equal(in(0x10), 0x30);
	out(0x14, 1);
	assert_int_equal(in(0x10), 1);
	out(0x14, 2);
	assert_int_equal(in(0x10), 0);
}

static void widths_and_configuration(void **state)
{
	uint64_t value = 0;

	(void)state;
	assert_false(mmio_read(&outside.device, 1, GPA(BASE), 1, &value));
	assert_false(mmio_read(&outside.device, 1, GPA(BASE), 8, &value));
	assert_false(mmio_write(&outside.device, 1, GPA(BASE + 0x50), 2, 0));
	assert_false(mmio_read(&outside.device, 1, GPA(BASE + 0x100), 8, &value));
	assert_true(mmio_read(&outside.device, 1, GPA(BASE + 0x101), 1, &value));
	assert_int_equal(value, 2);
	assert_true(mmio_read(&outside.device, 1, GPA(BASE + 0x104), 2, &value));
	assert_int_equal(value, 0x0605);
	assert_true(mmio_read(&outside.device, 1, GPA(BASE + 0x104), 4, &value));
	assert_int_equal(value, 0); /* not all of it is there */
	out(0x100, 7);
	assert_int_equal(in(0x100), 0x04030201);
}

static void features_are_agreed_on_or_not(void **state)
{
	static const struct {
		uint32_t low, high, status;
	} cases[] = {
		{0x30, 1, 0xb}, {0, 1, 0xb},
		{0x30, 0, 0x3}, /* a driver from before version 1 */
		{0x70, 1, 0x3}, /* a feature that was not offered */
		{0, 3, 0x3},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		features(cases[i].low, cases[i].high);
		assert_int_equal(in(0x70), cases[i].status);
		out(0x70, cases[i].status | 4);
		assert_int_equal(in(0x70) & 4, cases[i].status & 8 ? 4 : 0);
	}
	features(0, 1);
	out(0x24, 0);
	out(0x20, 0xffffffff); /* too late */
	out(0x70, 0xf);
	assert_int_equal(in(0x70), 0xf);
	out(0x70, 0x40); /* the device's own bit */
	out(0x70, 1);
	assert_int_equal(in(0x70), 0xf);
}

static void nothing_is_served_before_the_driver_is_ready(void **state)
{
	(void)state;
	features(0, 1);
	place_queue(0, 8);
	describe(0, DATA, 4, 0, 0);
	offer(0);
	out(0x50, 0);
	out(0x44, 1);
	assert_int_equal(in(0x44), 1);
	out(0x50, 0);
	assert_int_equal(served, 0);
	out(0x70, 0xf);
	out(0x50, 1); /* not set up */
	out(0x50, 2); /* not there */
	out(0x50, UINT32_MAX);
	assert_int_equal(served, 0);
	out(0x50, 0);
	assert_int_equal(served, 1);
}

static void a_ready_queue_does_not_change(void **state)
{
	(void)state;
	drive(1, 8);
	out(0x38, 999);
	out(0x80, 0x13);
	out(0x44, 1);
	describe(0, DATA, 4, 0, 0);
	offer(0);
	out(0x50, 0);
	assert_int_equal(used_count(0), 1);
	out(0x44, 0);
	assert_int_equal(in(0x44), 0);
	offer(0);
	out(0x50, 0);
	assert_int_equal(used_count(0), 1);
}

/* ---- requests ---- */

static void a_request_over_parts_and_runs(void **state)
{
	char got[11] = {0};

	(void)state;
	drive(1, 8);
	poke(RAM + RUN_SIZE - 3, "hello ", 6); /* over the runs' bound */
	poke(RAM + 0x500, "world", 5);
	describe(3, RAM + RUN_SIZE - 3, 6, NEXT, 5);
	describe(5, RAM + 0x500, 5, NEXT, 1);
	describe(1, RAM + 0x600, 4, NEXT | WRITE, 2);
	describe(2, RAM_END - 20, 20, WRITE, 99);
	offer(3);
	out(0x50, 0);
	assert_int_equal(used_count(0), 1);
	assert_int_equal(peek32(USED + 4), 3);
	assert_int_equal(used_length(0, 0), 11);
	peek(RAM + 0x600, got, 4);
	peek(RAM_END - 20, got + 4, 7);
	assert_memory_equal(got, "hello world", 11);
	assert_true(outside.wire);
	assert_int_equal(in(0x60), 1);
	out(0x64, 2);
	assert_true(outside.wire);
	out(0x64, 1);
	assert_false(outside.wire);
	assert_int_equal(in(0x60), 0);
}

static void rings_go_round_and_round(void **state)
{
	(void)state;
	drive(1, 8);
	describe(0, DATA, 4, 0, 0);
	for (unsigned i = 0; i < 70000; i++) {
		offer(0);
		if (i % 5 != 0)
			continue;
		out(0x50, 0);
		assert_int_equal(used_count(0), (i + 1) & 0xffff);
	}
	assert_int_equal(in(0x70), 0xf);
}

static void a_driver_that_polls_gets_no_interrupt(void **state)
{
	(void)state;
	drive(1, 8);
	describe(0, DATA, 4, 0, 0);
	poke16(AVAIL, 1);
	offer(0);
	out(0x50, 0);
	assert_int_equal(used_count(0), 1);
	assert_false(outside.wire);
	assert_int_equal(in(0x60), 0);
	out(0x50, 0); /* nothing new, so nothing to tell */
	poke16(AVAIL, 0);
	out(0x50, 0);
	assert_false(outside.wire);
}

static void one_exit_has_a_bound_and_the_rest_comes(void **state)
{
	(void)state;
	drive(1, 128);
	describe(0, DATA, 4, 0, 0);
	poke16(AVAIL, 1);	/* even if the driver wants no interrupt */
	poke16(AVAIL + 2, 128); /* every entry names chain 0 */
	out(0x50, 0);
	assert_int_equal(served, VIRTIO_SERVE_CHAINS);
	assert_int_equal(in(0x60), 1);
	out(0x64, 1);
	assert_int_equal(served, 128);
	assert_int_equal(used_count(0), 128);
	out(0x64, 1);
	assert_int_equal(served, 128);
}

static void a_request_can_wait(void **state)
{
	(void)state;
	drive(1, 8);
	describe(0, DATA, 4, 0, 0);
	offer(0);
	answer = VIRTIO_LATER;
	out(0x50, 0);
	assert_int_equal(used_count(0), 0);
	assert_false(outside.wire);
	answer = VIRTIO_DONE;
	virtio_serve(&device, 0);
	assert_int_equal(used_count(0), 1);
	assert_true(outside.wire);
}

/* ---- a hostile driver ---- */

static void change_the_ring(void)
{
	describe(0, 0x1234, 0xffffffff, NEXT | WRITE | INDIRECT, 0x7777);
	poke16(AVAIL + 4, 0x5555);
	poke(DATA, "XXXX", 4);
}

static void what_was_judged_is_what_is_used(void **state)
{
	(void)state;
	drive(1, 8);
	poke(DATA, "good", 4);
	describe(0, DATA, 4, 0, 0);
	offer(0);
	while_serving = change_the_ring;
	out(0x50, 0);
	assert_int_equal(peek32(USED + 4), 0);
	assert_int_equal(used_count(0), 1);
	assert_int_equal(in(0x70), 0xf);
}

static const struct bad_chain {
	const char *wrong;
	struct {
		uint64_t address;
		uint32_t length;
		uint16_t flags;
		uint16_t next;
	} of[3];
} bad_chains[] = {
	{"a loop of one", {{DATA, 1, NEXT, 0}, {0}, {0}}},
	{"a loop of two", {{DATA, 1, NEXT, 1}, {DATA, 1, NEXT, 0}, {0}}},
	{"a number beyond the queue", {{DATA, 1, NEXT, 8}, {0}, {0}}},
	{"the highest number", {{DATA, 1, NEXT, 0xffff}, {0}, {0}}},
	{"indirect", {{DATA, 16, INDIRECT, 0}, {0}, {0}}},
	{"indirect, later", {{DATA, 1, NEXT, 1}, {DATA, 16, INDIRECT, 0}, {0}}},
	{"empty", {{DATA, 0, 0, 0}, {0}, {0}}},
	{"below RAM", {{RAM - 1, 2, 0, 0}, {0}, {0}}},
	{"address 0", {{0, 1, 0, 0}, {0}, {0}}},
	{"the device itself", {{BASE, 4, 0, 0}, {0}, {0}}},
	{"over the end of RAM", {{RAM_END - 1, 2, 0, 0}, {0}, {0}}},
	{"at the end of RAM", {{RAM_END, 1, 0, 0}, {0}, {0}}},
	{"all lengths", {{RAM, UINT32_MAX, WRITE, 0}, {0}, {0}}},
	{"over the end of everything", {{UINT64_MAX, 2, WRITE, 0}, {0}, {0}}},
	{"round to RAM", {{UINT64_MAX - 0xfff, UINT32_MAX, WRITE, 0}, {0}, {0}}},
	{"readable behind writable",
	 {{DATA, 1, NEXT | WRITE, 1}, {DATA, 1, NEXT, 2}, {DATA, 1, WRITE, 0}}},
};

static void malformed_chains_fail_the_device_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad_chains); i++) {
		drive(1, 8);
		poke16(AVAIL + 2, 0);
		poke16(USED + 2, 0);
		for (unsigned j = 0; j < 3; j++)
			describe(j, bad_chains[i].of[j].address,
				 bad_chains[i].of[j].length, bad_chains[i].of[j].flags,
				 bad_chains[i].of[j].next);
		describe(8, DATA, 1, 0, 0); /* would be good, if it were one */
		offer(0);
		outside.writes = 0;
		out(0x50, 0);
		if (in(0x70) != 0x4f)
			fail_msg("not refused: %s", bad_chains[i].wrong);
		assert_non_null(device.wrong);
		assert_failed_device();
		assert_int_equal(served, 0);
		assert_int_equal(outside.writes, 0);
	}
	out(0x70, 0); /* and a reset mends it */
	assert_int_equal(in(0x70), 0);
	assert_false(outside.wire);
	drive(1, 8);
	poke16(AVAIL + 2, 0);
	describe(0, DATA, 4, 0, 0);
	offer(0);
	out(0x50, 0);
	assert_int_equal(served, 1);
}

static void impossible_indices_fail_the_device(void **state)
{
	(void)state;
	describe(0, DATA, 4, 0, 0); /* but for the index, all is well */
	describe(8, DATA, 4, 0, 0);
	drive(1, 8);
	poke16(AVAIL + 2, 9); /* more than there are entries */
	out(0x50, 0);
	assert_failed_device();
	drive(1, 8);
	poke16(AVAIL + 2, 0xffff); /* backwards */
	out(0x50, 0);
	assert_failed_device();
	drive(1, 8);
	poke16(AVAIL + 2, 0);
	offer(8); /* no such descriptor */
	out(0x50, 0);
	assert_failed_device();
	assert_int_equal(served, 0);
}

static void a_bad_one_does_not_undo_those_before(void **state)
{
	(void)state;
	drive(1, 8);
	describe(0, DATA, 4, 0, 0);
	offer(0);
	offer(0);
	offer(77);
	out(0x50, 0);
	assert_int_equal(served, 2);
	assert_int_equal(used_count(0), 2);
	assert_int_equal(in(0x60), 3);
	assert_int_equal(in(0x70), 0x4f);
}

static void a_shape_the_device_does_not_know(void **state)
{
	(void)state;
	drive(1, 8);
	describe(0, DATA, 4, 0, 0);
	offer(0);
	answer = VIRTIO_MALFORMED;
	out(0x50, 0);
	assert_int_equal(used_count(0), 0);
	assert_failed_device();
	answer = VIRTIO_DONE; /* that all is well now does not matter before a reset */
	out(0x50, 0);
	assert_int_equal(used_count(0), 0);
}

static void queues_that_cannot_be(void **state)
{
	static const struct {
		uint32_t size, at, low, high;
	} cases[] = {
		{0, 0, 0, 0},
		{3, 0, 0, 0},
		{256, 0, 0, 0},
		{UINT32_MAX, 0, 0, 0},
		{8, 0x80, (uint32_t)DESC + 8, 0},
		{8, 0x80, (uint32_t)RAM_END - 112, 0},
		{8, 0x80, (uint32_t)RAM - 16, 0},
		{8, 0x80, (uint32_t)DESC, 1},
		{8, 0x80, 0xfffffff0, 0xffffffff},
		{8, 0x90, (uint32_t)AVAIL + 1, 0},
		{8, 0x90, (uint32_t)RAM_END - 18, 0},
		{8, 0x90, 0xfffffffe, 0xffffffff},
		{8, 0xa0, (uint32_t)USED + 2, 0},
		{8, 0xa0, (uint32_t)RAM_END - 64, 0},
		{8, 0xa0, 0xfffffffc, 0xffffffff},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		features(0, 1);
		place_queue(0, cases[i].size);
		if (cases[i].at) {
			out(cases[i].at, cases[i].low);
			out(cases[i].at + 4, cases[i].high);
		}
		out(0x44, 1);
		assert_int_equal(in(0x44), 0);
		assert_int_equal(in(0x70), 0x4b);
		assert_int_equal(in(0x60), 0); /* nobody is there to be told */
	}
	features(0, 1); /* the last places that are in RAM */
	place_queue(0, 8);
	out(0x80, (uint32_t)RAM_END - 128);
	out(0x90, (uint32_t)RAM_END - 20);
	out(0xa0, (uint32_t)RAM_END - 68);
	out(0x44, 1);
	assert_int_equal(in(0x44), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(it_says_what_it_is),
		TEST(widths_and_configuration),
		TEST(features_are_agreed_on_or_not),
		TEST(nothing_is_served_before_the_driver_is_ready),
		TEST(a_ready_queue_does_not_change),
		TEST(a_request_over_parts_and_runs),
		TEST(rings_go_round_and_round),
		TEST(a_driver_that_polls_gets_no_interrupt),
		TEST(one_exit_has_a_bound_and_the_rest_comes),
		TEST(a_request_can_wait),
		TEST(what_was_judged_is_what_is_used),
		TEST(malformed_chains_fail_the_device_alone),
		TEST(impossible_indices_fail_the_device),
		TEST(a_bad_one_does_not_undo_those_before),
		TEST(a_shape_the_device_does_not_know),
		TEST(queues_that_cannot_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
