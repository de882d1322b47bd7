/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/virtio_blk.c drivers/virtio_blk_host.c drivers/virtio_mmio.c */
/* sources: drivers/virtio_queue.c drivers/mmio.c mm/guest_memory.c */
/* sources: drivers/host_blk.c drivers/host_virtio.c drivers/host_queue.c */
/* sources: tests/unit/fake_host_disk.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * A guest's disk that is a part of a disk of the host's: requests that are answered
 * later, in pieces, in any order, and never to a guest that has reset its device.
 */
#include "tests/unit/virtio_bench.h"

#include "drivers/virtio_blk_host.h"
#include "tests/unit/fake_host_disk.h"
#include "tests/unit/fake_pages.h"

#define FIRST	16U
#define SECTORS 24U
#define HEADERS (RAM + 0x500)
#define STATUS	(RAM + 0x700)
#define PART	0x800U /* bytes of data of each request */

static struct host_blk host;
static struct virtio_blk_host on_host;
static struct virtio_blk blk;

static bool resets; /* between the disk's answer and the lock of the device */

static void answered(struct host_blk_user *user, unsigned slot, bool is_done)
{
	if (resets)
		out(0x70, 0);
	virtio_blk_host_answered((struct virtio_blk_host *)user, slot, is_done);
}

static void room(struct host_blk_user *user)
{
	virtio_blk_host_room((struct virtio_blk_host *)user);
}

static void create(bool is_writer)
{
	struct virtio_disk disk = {.name = "disk0",
				   .size = SECTORS * 512,
				   .host = &on_host};
	struct host_virtio virtio;

	assert_int_equal(host_virtio_find(&virtio, FAKE_DISK_BASE), STATUS_OK);
	assert_null(host_blk_init(&host, &virtio, 1000));
	memset(&on_host, 0, sizeof(on_host));
	on_host.user = (struct host_blk_user){.first = FIRST,
					      .sectors = SECTORS,
					      .is_writer = is_writer,
					      .owner = &on_host,
					      .answered = answered,
					      .room = room};
	on_host.disk = &host;
	on_host.blk = &blk;
	assert_null(host_blk_join(&host, &on_host.user));
	virtio_blk_init(&blk, GPA(BASE), bench_line, &bench_memory, &disk);
	bench_create(&blk.virtio.device);
	drive(1, 128);
}

static int setup(void **state)
{
	(void)state;
	fake_pages_create();
	fake_host_disk_create();
	create(true);
	fake_disk.holds = true;
	resets = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bench_destroy();
	fake_pages_destroy();
	return 0;
}

/* The n-th request: of three parts, at the chain that begins with 3n. */
static void ask(unsigned n, uint32_t type, uint64_t sector, uint32_t size)
{
	const struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header = {type, 0, sector};
	const uint64_t at = HEADERS + n * sizeof(header);
	const uint16_t head = (uint16_t)(3 * n);
	const uint8_t unanswered = 0xee;
	const uint16_t index = peek16(AVAIL + 2);

	poke(at, &header, sizeof(header));
	poke(STATUS + n, &unanswered, 1);
	describe(head, at, sizeof(header), NEXT, (uint16_t)(head + (size > 0 ? 1 : 2)));
	describe(head + 1, DATA + n * PART, size, NEXT | (type == 0 ? WRITE : 0),
		 (uint16_t)(head + 2));
	describe(head + 2, STATUS + n, 1, WRITE, 0);
	poke16(AVAIL + 4 + index % 128 * 2, head);
	poke16(AVAIL + 2, (uint16_t)(index + 1));
	out(0x50, 0);
}

static uint8_t status_of(unsigned n)
{
	uint8_t status;

	peek(STATUS + n, &status, 1);
	return status;
}

static void assert_data(unsigned n, uint64_t sector, uint32_t size)
{
	uint8_t got[0x4000];

	peek(DATA + n * PART, got, size);
	assert_memory_equal(got, fake_disk.data + (FIRST + sector) * 512, size);
}

static void a_request_is_answered_when_the_disk_has(void **state)
{
	(void)state;
	ask(0, 0, 2, 1024);
	assert_int_equal(used_count(0), 0);
	assert_int_equal(status_of(0), 0xee);
	assert_false(outside.wire);
	fake_host_disk_answer(0);
	host_blk_serve(&host);
	assert_int_equal(used_count(0), 1);
	assert_int_equal(used_length(0, 0), 1025);
	assert_int_equal(status_of(0), 0);
	assert_true(outside.wire);
	assert_data(0, 2, 1024);
}

static void what_is_written_is_on_the_disk_and_nowhere_else(void **state)
{
	uint8_t before[sizeof(fake_disk.data)], data[1024];

	(void)state;
	memcpy(before, fake_disk.data, sizeof(before));
	memset(data, 0x3c, sizeof(data));
	poke(DATA, data, sizeof(data));
	fake_disk.holds = false;
	ask(0, 1, SECTORS - 2, sizeof(data));
	host_blk_serve(&host);
	assert_int_equal(status_of(0), 0);
	assert_int_equal(used_length(0, 0), 1);
	memcpy(before + (FIRST + SECTORS - 2) * 512, data, sizeof(data));
	assert_memory_equal(fake_disk.data, before, sizeof(before));
}

static void what_is_not_on_its_part_is_refused(void **state)
{
	(void)state;
	fake_disk.notified = 0;
	ask(0, 0, SECTORS - 1, 1024);
	ask(1, 1, SECTORS, 512);
	ask(2, 1, UINT64_MAX - FIRST + 1, 512);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(status_of(i), 1);
	assert_int_equal(fake_disk.notified, 0);
}

static void a_part_that_is_read_only_is_not_written(void **state)
{
	(void)state;
	teardown(NULL);
	fake_pages_create();
	fake_host_disk_create();
	create(false);
	fake_disk.notified = 0;
	out(0x14, 0);
	assert_int_equal(in(0x10) & 0x20, 0x20);
	ask(0, 1, 0, 512);
	assert_int_equal(status_of(0), 1);
	assert_int_equal(fake_disk.notified, 0);
}

static void a_flush_is_the_disks(void **state)
{
	(void)state;
	ask(0, 4, 0, 0);
	assert_int_equal(used_count(0), 0);
	fake_host_disk_answer(0);
	host_blk_serve(&host);
	assert_int_equal(status_of(0), 0);
	assert_int_equal(fake_disk.flushes, 1);
	host.can_flush = false;
	ask(1, 4, 0, 0);
	assert_int_equal(status_of(1), 0);
	assert_int_equal(fake_disk.flushes, 1);
}

static void answers_come_in_the_disks_order(void **state)
{
	(void)state;
	ask(0, 0, 0, 512);
	ask(1, 0, 1, 512);
	fake_host_disk_answer(1);
	host_blk_serve(&host);
	assert_int_equal(status_of(0), 0xee);
	assert_int_equal(status_of(1), 0);
	assert_int_equal(peek32(USED + 4), 3);
	fake_host_disk_answer(0);
	host_blk_serve(&host);
	assert_int_equal(peek32(USED + 12), 0);
	assert_data(0, 0, 512);
	assert_data(1, 1, 512);
}

static void a_large_request_goes_in_pieces(void **state)
{
	(void)state;
	fake_disk.holds = false;
	fake_disk.largest = 0;
	host.piece = 1024;
	ask(0, 0, 3, 5 * 512);
	for (unsigned i = 0; i < 3; i++)
		host_blk_serve(&host);
	assert_int_equal(status_of(0), 0);
	assert_int_equal(used_count(0), 1);
	assert_int_equal(used_length(0, 0), 5 * 512 + 1);
	assert_int_equal(fake_disk.largest, 1024);
	assert_data(0, 3, 5 * 512);
}

static void a_failure_is_the_guests(void **state)
{
	(void)state;
	fake_disk.status = 1;
	ask(0, 0, 0, 512);
	fake_host_disk_answer(0);
	host_blk_serve(&host);
	assert_int_equal(status_of(0), 1);
	assert_int_equal(used_length(0, 0), 1);
	ask(1, 0, 0, 512);
	fake_host_disk_lie(UINT32_MAX, 0, 1);
	host_blk_serve(&host);
	assert_int_equal(status_of(1), 1);
	ask(2, 0, 0, 512); /* of a disk that is out of use */
	assert_int_equal(status_of(2), 1);
	assert_int_equal(in(0x70), 0xf);
}

/* Those that it has, and those that it was not given yet. */
static void what_is_never_answered_fails(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HOST_BLK_SLOTS + 4; i++)
		ask(i, i % 2, i, 512);
	fake_disk.time = 1001;
	host_blk_look(&host);
	for (unsigned i = 0; i < HOST_BLK_SLOTS + 4; i++)
		assert_int_equal(status_of(i), 1);
	assert_int_equal(used_count(0), HOST_BLK_SLOTS + 4);
	assert_int_equal(in(0x70), 0xf);
}

static void more_than_there_are_slots_wait(void **state)
{
	const unsigned all = HOST_BLK_SLOTS + 4;

	(void)state;
	for (unsigned i = 0; i < all; i++)
		ask(i, 0, i, 512);
	assert_int_equal(fake_disk.asked, HOST_BLK_SLOTS);
	for (unsigned i = 0; i < all; i++) {
		fake_host_disk_answer(0);
		host_blk_serve(&host);
		assert_int_equal(used_count(0), i + 1);
	}
	for (unsigned i = 0; i < all; i++) {
		assert_int_equal(status_of(i), 0);
		assert_data(i, i, 512);
	}
}

static struct host_blk_user beside;
static unsigned beside_slot;

static void room_beside(struct host_blk_user *user)
{
	assert_int_equal(host_blk_take(&host, user, &beside_slot), HOST_BLK_TAKEN);
}

/* However much more this one asks for. */
static void a_slot_goes_to_who_waits_longest(void **state)
{
	(void)state;
	teardown(NULL);
	fake_pages_create();
	fake_host_disk_create();
	fake_disk.queue_most = 4;
	create(true);
	fake_disk.holds = true;
	beside = (struct host_blk_user){.sectors = 8, .room = room_beside};
	assert_null(host_blk_join(&host, &beside));
	ask(0, 0, 0, 512);
	assert_int_equal(host_blk_take(&host, &beside, &beside_slot), HOST_BLK_WAIT);
	ask(1, 0, 1, 512);
	beside_slot = HOST_BLK_SLOTS;
	fake_host_disk_answer(0);
	host_blk_serve(&host);
	assert_int_equal(status_of(0), 0);
	assert_int_equal(beside_slot, 0);
	host_blk_release(&host, beside_slot);
	host_blk_serve(&host);
	assert_int_equal(fake_disk.asked, 1);
	host_blk_leave(&host, &beside);
}

/* ---- guests that go ---- */

static void assert_forgotten(void)
{
	const unsigned writes = outside.writes;

	fake_host_disk_answer(0);
	host_blk_serve(&host);
	assert_int_equal(outside.writes, writes);
	assert_int_equal(status_of(0), 0xee);
	assert_false(outside.wire);
}

static void a_reset_device_is_answered_no_more(void **state)
{
	(void)state;
	ask(0, 0, 0, 512);
	out(0x70, 0);
	assert_forgotten();
}

static void nor_is_one_that_is_reset_at_that_moment(void **state)
{
	(void)state;
	ask(0, 0, 0, 512);
	resets = true;
	assert_forgotten();
	assert_int_equal(host.slots[0].state, SLOT_FREE);
}

static void nor_is_a_queue_that_is_not_ready(void **state)
{
	(void)state;
	ask(0, 0, 0, 512);
	out(0x30, 0);
	out(0x44, 0);
	place_queue(0, 128);
	out(0x44, 1);
	assert_forgotten();
}

static void nor_a_device_that_needs_a_reset(void **state)
{
	(void)state;
	ask(0, 0, 0, 512);
	poke16(AVAIL + 2, 0x7777);
	out(0x50, 0);
	assert_int_equal(in(0x70), 0x4f);
	fake_host_disk_answer(0);
	host_blk_serve(&host);
	assert_int_equal(used_count(0), 0);
	out(0x70, 0);
	host_blk_serve(&host);
}

/* An old write would come behind a new one. */
static void what_comes_after_a_reset_waits_for_what_was_before(void **state)
{
	const uint16_t none = 0;

	(void)state;
	ask(0, 1, 0, 512);
	out(0x70, 0);
	poke(AVAIL + 2, &none, sizeof(none));
	drive(1, 128);
	ask(1, 0, 0, 512);
	assert_int_equal(fake_disk.asked, 1);
	fake_host_disk_answer(0);
	host_blk_serve(&host);
	assert_int_equal(fake_disk.asked, 1);
	fake_host_disk_answer(0);
	host_blk_serve(&host);
	assert_int_equal(status_of(0), 0xee);
	assert_int_equal(status_of(1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_answered_when_the_disk_has),
		TEST(what_is_written_is_on_the_disk_and_nowhere_else),
		TEST(what_is_not_on_its_part_is_refused),
		TEST(a_part_that_is_read_only_is_not_written),
		TEST(a_flush_is_the_disks),
		TEST(answers_come_in_the_disks_order),
		TEST(a_large_request_goes_in_pieces),
		TEST(a_failure_is_the_guests),
		TEST(what_is_never_answered_fails),
		TEST(more_than_there_are_slots_wait),
		TEST(a_slot_goes_to_who_waits_longest),
		TEST(a_reset_device_is_answered_no_more),
		TEST(nor_is_one_that_is_reset_at_that_moment),
		TEST(nor_is_a_queue_that_is_not_ready),
		TEST(nor_a_device_that_needs_a_reset),
		TEST(what_comes_after_a_reset_waits_for_what_was_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
