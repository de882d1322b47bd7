/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/virtio_blk.c drivers/virtio_rng.c drivers/virtio_console.c */
/* sources: drivers/virtio_mmio.c drivers/virtio_queue.c drivers/mmio.c core/random.c */
/* sources: drivers/virtio_blk_host.c drivers/host_blk.c drivers/host_virtio.c */
/* sources: drivers/host_queue.c tests/unit/fake_host_disk.c */
/* sources: mm/guest_memory.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * The virtio devices, request by request: disks of both kinds at and over their ends,
 * entropy of any size, and a console that loses no byte on its way in.
 */
#include "tests/unit/virtio_bench.h"

#include "drivers/virtio_blk.h"
#include "drivers/virtio_console.h"
#include "drivers/virtio_rng.h"

#define SECTORS 48U
#define HEADER	(RAM + 0x500)
#define STATUS	(RAM + 0x600)

static uint8_t image[SECTORS * 512];
static struct guest_memory copy;
static union {
	struct virtio_blk blk;
	struct virtio_rng rng;
	struct virtio_console console;
} the;

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < copy.run_count; i++)
		free(hpa_pointer(copy.runs[i].hpa));
	copy.run_count = 0;
	bench_destroy();
	return 0;
}

/* ---- disks ---- */

static void make_disk(bool is_copied)
{
	struct virtio_disk disk = {.name = "disk0", .data = image, .size = sizeof(image)};

	for (size_t i = 0; i < sizeof(image); i++)
		image[i] = (uint8_t)(i / 512 + i * 7);
	if (is_copied) { /* of two runs, which end in the middle of a request */
		copy = (struct guest_memory){.size = sizeof(image), .run_count = 2};
		for (unsigned i = 0; i < 2; i++)
			copy.runs[i] =
				(struct guest_run){GPA(i * sizeof(image) / 2),
						   pointer_hpa(malloc(sizeof(image) / 2)),
						   sizeof(image) / 2};
		guest_memory_write(&copy, GPA(0), image, sizeof(image));
		disk.copy = &copy;
	}
	virtio_blk_init(&the.blk, GPA(BASE), bench_line, &bench_memory, &disk);
	bench_create(&the.blk.virtio.device);
	drive(1, 8);
}

static int setup_read_only(void **state)
{
	(void)state;
	make_disk(false);
	return 0;
}

static int setup_writable(void **state)
{
	(void)state;
	make_disk(true);
	return 0;
}

/* A request of three parts; its status byte, with *written as the device says it. */
static uint8_t request(uint32_t type, uint64_t sector, uint32_t size, bool in_data,
		       uint32_t *written)
{
	const struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header = {type, 0, sector};
	const unsigned before = used_count(0);
	uint8_t status = 0xee;

	poke(HEADER, &header, sizeof(header));
	poke(STATUS, &status, sizeof(status));
	describe(0, HEADER, sizeof(header), NEXT, size > 0 ? 1 : 2);
	describe(1, DATA, size, NEXT | (in_data ? WRITE : 0), 2);
	describe(2, STATUS, 1, WRITE, 0);
	offer(0);
	out(0x50, 0);
	assert_int_equal(used_count(0), before + 1);
	*written = used_length(0, before);
	peek(STATUS, &status, sizeof(status));
	return status;
}

static void a_disk_says_how_large_it_is(void **state)
{
	(void)state;
	assert_int_equal(in(0x08), 2);
	assert_int_equal(in(0x100), SECTORS);
	assert_int_equal(in(0x104), 0);
	assert_int_equal(in(0x10c), 126);
	assert_int_equal(in(0x114), 512);
	out(0x14, 0);
	assert_int_equal(in(0x10), 0x266); /* FLUSH, BLK_SIZE, RO, SEG_MAX, SIZE_MAX */
}

static void every_sector_can_be_read(void **state)
{
	uint8_t got[0x2000];
	uint32_t written;

	(void)state;
	for (uint64_t sector = 0; sector < SECTORS; sector += 16) {
		assert_int_equal(request(0, sector, sizeof(got), true, &written), 0);
		assert_int_equal(written, sizeof(got) + 1);
		peek(DATA, got, sizeof(got));
		assert_memory_equal(got, image + sector * 512, sizeof(got));
	}
}

static void a_read_only_disk_stays_as_it_is(void **state)
{
	uint8_t before[sizeof(image)];
	uint32_t written;

	(void)state;
	memcpy(before, image, sizeof(image));
	assert_int_equal(request(1, 0, 512, false, &written), 1);
	assert_int_equal(written, 1);
	assert_memory_equal(image, before, sizeof(image));
}

static void what_is_written_is_read(void **state)
{
	uint8_t data[0x2000], got[0x2000];
	uint32_t written;

	(void)state;
	out(0x14, 0);
	assert_int_equal(in(0x10), 0x246);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 13);
	poke(DATA, data, sizeof(data));
	assert_int_equal(request(1, 17, sizeof(data), false, &written), 0);
	assert_int_equal(written, 1);
	guest_memory_read(&copy, got, GPA(17 * 512), sizeof(got));
	assert_memory_equal(got, data, sizeof(got));
	guest_memory_read(&copy, got, GPA(16 * 512), 512);
	assert_memory_equal(got, image + 16 * 512, 512);
	assert_int_equal(request(0, 17, sizeof(data), true, &written), 0);
	peek(DATA, got, sizeof(got));
	assert_memory_equal(got, data, sizeof(got));
	assert_int_equal(request(4, 0, 0, true, &written), 0);
}

static void what_is_no_part_of_the_disk_is_an_error(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t size;
		uint8_t status;
	} cases[] = {
		{0, SECTORS, 512, 1},
		{0, SECTORS - 1, 1024, 1},
		{0, UINT64_MAX, 512, 1},
		{0, UINT64_MAX / 512 + 1, 512, 1}, /* times 512 it is sector 0 */
		{0, 0, 511, 1},
		{0, 0, 0, 1},
		{1, SECTORS, 512, 1},
		{1, SECTORS - 1, 1024, 1},
		{1, UINT64_MAX / 512 + 1, 512, 1},
		{1, 0, 100, 1},
		{11, 0, 512, 2}, /* DISCARD */
		{UINT32_MAX, 0, 512, 2},
	};
	uint32_t written;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		outside.writes = 0;
		assert_int_equal(request(cases[i].type, cases[i].sector, cases[i].size,
					 cases[i].type != 1, &written),
				 cases[i].status);
		assert_int_equal(written, 1);
		assert_int_equal(outside.writes, 3); /* status, and two for the ring */
	}
	assert_int_equal(in(0x70), 0xf);
}

static void the_name_of_a_disk(void **state)
{
	char id[20];
	uint32_t written;

	(void)state;
	memset(id, 0xff, sizeof(id));
	assert_int_equal(request(8, 0, 20, true, &written), 0);
	assert_int_equal(written, 21);
	peek(DATA, id, sizeof(id));
	assert_memory_equal(id, "disk0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	assert_int_equal(request(8, 0, 19, true, &written), 1);
}

static void parts_may_be_cut_anywhere(void **state)
{
	const uint8_t header[16] = {0, 0, 0, 0, 0, 0, 0, 0, 3};
	uint8_t got[513];

	(void)state;
	poke(HEADER, header, sizeof(header));
	describe(0, HEADER, 5, NEXT, 1);
	describe(1, HEADER + 5, 11, NEXT, 2);
	describe(2, DATA, 100, NEXT | WRITE, 3);
	describe(3, DATA + 100, 413, WRITE, 0); /* data's rest and the status */
	offer(0);
	out(0x50, 0);
	assert_int_equal(used_length(0, 0), 513);
	peek(DATA, got, sizeof(got));
	assert_memory_equal(got, image + 3 * 512, 512);
	assert_int_equal(got[512], 0);
}

static void requests_without_header_or_status(void **state)
{
	(void)state;
	describe(0, HEADER, 15, NEXT, 1);
	describe(1, STATUS, 1, WRITE, 0);
	offer(0);
	out(0x50, 0);
	assert_failed_device();
	drive(1, 8);
	poke16(AVAIL + 2, 0);
	describe(0, HEADER, 16, 0, 0);
	offer(0);
	out(0x50, 0);
	assert_failed_device();
}

/* ---- entropy ---- */

static int setup_rng(void **state)
{
	static const uint8_t seed[RANDOM_SEED_SIZE] = "a seed that is no secret at all";

	(void)state;
	virtio_rng_init(&the.rng, GPA(BASE), bench_line, &bench_memory, seed);
	bench_create(&the.rng.virtio.device);
	drive(1, 8);
	return 0;
}

static void entropy_of_any_size(void **state)
{
	static const uint32_t sizes[] = {1, 31, 64, 65, 255, 256, 257, 4096, 5000};
	uint8_t bytes[5000], before[64] = {0};

	(void)state;
	assert_int_equal(in(0x08), 4);
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		const uint32_t size = sizes[i] < 4096 ? sizes[i] : 4096;
		unsigned sum = 0;

		memset(bytes, 0, sizeof(bytes));
		poke(DATA, bytes, sizeof(bytes));
		describe(0, DATA, sizes[i], WRITE, 0);
		offer(0);
		out(0x50, 0);
		assert_int_equal(used_length(0, (unsigned)i), size);
		peek(DATA, bytes, sizeof(bytes));
		for (uint32_t j = 0; j < size; j++)
			sum += bytes[j];
		if (size >= 64) {
			assert_in_range(sum / size, 0x50, 0xb0);
			assert_memory_not_equal(bytes, before, 64);
			memcpy(before, bytes, 64);
		}
		for (size_t j = size; j < sizeof(bytes); j++)
			assert_int_equal(bytes[j], 0);
	}
	describe(0, DATA, 4, 0, 0); /* nowhere to put it */
	offer(0);
	out(0x50, 0);
	assert_failed_device();
}

/* ---- the console ---- */

static char sent[70000];
static size_t sent_count;
static const char *typed;
static unsigned rooms;

static void transmit(void *context, uint8_t byte)
{
	assert_ptr_equal(context, &the);
	sent[sent_count++] = (char)byte;
}

static void room(void *context)
{
	assert_ptr_equal(context, &the);
	rooms++;
	while (*typed && virtio_console_receive(&the.console, (uint8_t)*typed))
		typed++;
}

static int setup_console(void **state)
{
	(void)state;
	sent_count = rooms = 0;
	typed = "";
	virtio_console_init(&the.console, GPA(BASE), bench_line, &bench_memory, transmit,
			    &the);
	virtio_console_on_room(&the.console, room);
	bench_create(&the.console.virtio.device);
	return 0;
}

static void what_is_written_comes_out(void **state)
{
	static char text[3000];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	drive(2, 8);
	poke(DATA, text, sizeof(text));
	describe_of(1, 0, DATA, 2990, NEXT, 1);
	describe_of(1, 1, DATA + 2990, 10, 0, 0);
	offer_of(1, 0);
	out(0x50, 1);
	assert_int_equal(sent_count, sizeof(text));
	assert_memory_equal(sent, text, sizeof(text));
	assert_int_equal(used_count(1), 1);
}

static void too_much_at_once_is_malformed(void **state)
{
	(void)state;
	drive(2, 8);
	describe_of(1, 0, RAM, VIRTIO_CONSOLE_MAX, 0, 0);
	offer_of(1, 0);
	out(0x50, 1);
	assert_int_equal(sent_count, VIRTIO_CONSOLE_MAX);
	describe_of(1, 0, RAM, VIRTIO_CONSOLE_MAX + 1, 0, 0);
	offer_of(1, 0);
	out(0x50, 1);
	assert_int_equal(sent_count, VIRTIO_CONSOLE_MAX);
	assert_failed_device();
}

static void input_waits_for_a_buffer(void **state)
{
	char got[5];

	(void)state;
	assert_false(virtio_console_is_open(&the.console));
	drive(2, 8);
	assert_true(virtio_console_is_open(&the.console));
	typed = "hello";
	room(&the);
	assert_string_equal(typed, "hello");
	assert_int_equal(used_count(0), 0);
	for (unsigned i = 0; i < 5; i++)
		describe(i, DATA + i, 1, WRITE, 0);
	offer(0);
	offer(1);
	out(0x50, 0);
	assert_string_equal(typed, "llo");
	for (uint16_t i = 2; i < 5; i++)
		offer(i);
	out(0x50, 0);
	assert_string_equal(typed, "");
	peek(DATA, got, sizeof(got));
	assert_memory_equal(got, "hello", 5);
	assert_int_equal(used_count(0), 5);
	assert_true(outside.wire);
	rooms = 0;
	out(0x64, 1); /* nothing is held back any more */
	assert_int_equal(rooms, 0);
	out(0x70, 0);
	assert_false(virtio_console_is_open(&the.console));
}

/* Who brings input never waits: the holder of the lock may want what the bringer has. */
static void a_busy_console_refuses_and_calls_back(void **state)
{
	(void)state;
	drive(2, 8);
	describe(0, DATA, 1, WRITE, 0);
	offer(0);
	typed = "x";
	assert_true(spin_lock_try(&the.console.virtio.lock));
	assert_false(spin_lock_try(&the.console.virtio.lock));
	room(&the);
	assert_string_equal(typed, "x");
	spin_lock_give(&the.console.virtio.lock);
	out(0x64, 0);
	assert_string_equal(typed, "");
	assert_int_equal(used_count(0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_disk_says_how_large_it_is, setup_read_only),
		TEST(every_sector_can_be_read, setup_read_only),
		TEST(every_sector_can_be_read, setup_writable),
		TEST(a_read_only_disk_stays_as_it_is, setup_read_only),
		TEST(what_is_written_is_read, setup_writable),
		TEST(what_is_no_part_of_the_disk_is_an_error, setup_writable),
		TEST(the_name_of_a_disk, setup_read_only),
		TEST(parts_may_be_cut_anywhere, setup_writable),
		TEST(requests_without_header_or_status, setup_read_only),
		TEST(entropy_of_any_size, setup_rng),
		TEST(what_is_written_comes_out, setup_console),
		TEST(too_much_at_once_is_malformed, setup_console),
		TEST(input_waits_for_a_buffer, setup_console),
		TEST(a_busy_console_refuses_and_calls_back, setup_console),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
