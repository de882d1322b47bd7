/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/host_blk.c drivers/host_virtio.c drivers/host_queue.c */
/* sources: tests/unit/fake_host_disk.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * The driver of the host's disks against a model of one that is honest, one that is not,
 * and one that never answers: whose the slots are, and that a buffer which the device
 * may still write is nobody else's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/host_blk.h"
#include "drivers/virtio_registers.h"
#include "tests/unit/fake_host_disk.h"
#include "tests/unit/fake_pages.h"

static struct host_virtio found;
static struct host_blk blk;

static struct asker {
	struct host_blk_user user;
	unsigned answers, failures, rooms;
	unsigned last;
	bool asks_again; /* by the slot that was answered */
	bool floods;	 /* asks for more whenever there is room */
} askers[3];

void harts_serve(void)
{
	fail_msg("a lock is waited for");
}

static void answered(struct host_blk_user *user, unsigned slot, bool is_done)
{
	struct asker *asker = (struct asker *)user;

	asker->answers++;
	asker->failures += !is_done;
	asker->last = slot;
	if (!asker->asks_again ||
	    !host_blk_send(&blk, slot, HOST_BLK_READ, user->first, 512))
		host_blk_release(&blk, slot);
}

static void room(struct host_blk_user *user)
{
	struct asker *asker = (struct asker *)user;
	unsigned slot;

	asker->rooms++;
	while (asker->floods && host_blk_take(&blk, user, &slot) == HOST_BLK_TAKEN)
		assert_true(host_blk_send(&blk, slot, HOST_BLK_READ, user->first, 512));
}

static int setup(void **state)
{
	(void)state;
	fake_pages_create();
	fake_host_disk_create();
	memset(askers, 0, sizeof(askers));
	for (unsigned i = 0; i < 3; i++)
		askers[i].user = (struct host_blk_user){.first = i * 8,
							.sectors = 8,
							.is_writer = true,
							.owner = &askers[i],
							.answered = answered,
							.room = room};
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
	assert_int_equal(host_virtio_find(&found, FAKE_DISK_BASE), STATUS_OK);
	return host_blk_init(&blk, &found, 1000);
}

static int setup_begun(void **state)
{
	setup(state);
	assert_null(begin());
	assert_null(host_blk_join(&blk, &askers[0].user));
	return 0;
}

static unsigned take(unsigned who)
{
	unsigned slot = UINT32_MAX;

	assert_int_equal(host_blk_take(&blk, &askers[who].user, &slot), HOST_BLK_TAKEN);
	return slot;
}

static unsigned ask(unsigned who, enum host_blk_kind kind)
{
	unsigned slot = take(who);

	assert_true(host_blk_send(&blk, slot, kind, askers[who].user.first,
				  kind == HOST_BLK_FLUSH ? 0 : 512));
	return slot;
}

static enum host_blk_turn turn_of(unsigned who)
{
	unsigned slot;

	return host_blk_take(&blk, &askers[who].user, &slot);
}

/* ---- finding one and setting it up ---- */

static void only_a_modern_device_is_found(void **state)
{
	(void)state;
	assert_int_equal(host_virtio_find(&found, FAKE_DISK_BASE + 2), STATUS_NOT_FOUND);
	fake_disk.magic++;
	assert_int_equal(host_virtio_find(&found, FAKE_DISK_BASE), STATUS_NOT_FOUND);
	fake_disk.magic--;
	fake_disk.version = 1;
	assert_int_equal(host_virtio_find(&found, FAKE_DISK_BASE), STATUS_UNSUPPORTED);
	fake_disk.id = 0;
	assert_int_equal(host_virtio_find(&found, FAKE_DISK_BASE), STATUS_NOT_FOUND);
}

static void a_disk_is_set_up(void **state)
{
	(void)state;
	fake_disk.serial = "a-name-of-20-letters";
	assert_null(begin());
	assert_string_equal(blk.name, "a-name-of-20-letters");
	assert_int_equal(blk.sectors, FAKE_DISK_SECTORS);
	assert_int_equal(blk.queue.chains, HOST_BLK_SLOTS);
	assert_true(blk.can_flush);
	assert_false(blk.is_read_only);
	/* what it does not know (bit 28), it does not accept */
	assert_int_equal(fake_disk.driver_features,
			 UINT64_C(1) << 32 | 1U << 9 | 1U << 6);
	assert_int_equal(fake_disk.driver_status, 0xf);
	host_blk_end(&blk);
	assert_int_equal(fake_pages_taken(), 0);
}

static void a_name_is_what_can_be_printed(void **state)
{
	(void)state;
	fake_disk.serial = "ab\ncd";
	assert_null(begin());
	assert_string_equal(blk.name, "ab");
	host_blk_end(&blk);
	fake_disk.status = 2; /* it knows no GET_ID */
	assert_null(begin());
	assert_string_equal(blk.name, "");
	host_blk_end(&blk);
}

static void assert_refused(const char *why)
{
	const char *wrong = begin();

	assert_non_null(wrong);
	assert_string_equal(wrong, why);
	assert_int_equal(fake_pages_taken(), 0);
	setup(NULL);
}

static void what_a_device_gets_wrong_is_named(void **state)
{
	(void)state;
	fake_disk.features &= UINT32_MAX;
	assert_refused("it does not offer VIRTIO_F_VERSION_1");
	fake_disk.refuses_features = true;
	assert_refused("it refuses the features that it offers");
	fake_disk.block_size = 768;
	assert_refused("its blocks have no size that they can have");
	fake_disk.block_size = 0;
	assert_refused("its blocks have no size that they can have");
	fake_disk.features |= 2;
	fake_disk.size_max = 511;
	assert_refused("it takes less than a block at a time");
	fake_disk.sectors = UINT64_MAX;
	assert_refused("it is impossibly large");
	fake_disk.queue_most = 0;
	assert_refused("a queue of it is too short");
	fake_disk.queue_most = 2;
	assert_refused("a queue of it is too short");
	fake_disk.holds = true;
	assert_refused("it does not answer");
}

static void no_memory_is_no_disk(void **state)
{
	(void)state;
	for (unsigned allowed = 0; allowed < 2 + HOST_BLK_SLOTS; allowed++) {
		fake_pages_allow(allowed);
		assert_non_null(begin());
		assert_int_equal(fake_pages_taken(), 0);
	}
}

/* It may still write there. */
static void a_device_that_does_not_stop_keeps_its_memory(void **state)
{
	(void)state;
	assert_null(begin());
	fake_disk.never_resets = true;
	host_blk_end(&blk);
	assert_int_equal(fake_pages_taken(),
			 2 + HOST_BLK_SLOTS * HOST_BLK_BUFFER / PAGE_SIZE);
	assert_string_equal(begin(), "it does not end a reset");
}

static void a_short_queue_has_fewer_slots(void **state)
{
	(void)state;
	fake_disk.queue_most = 8;
	assert_null(begin());
	assert_int_equal(blk.queue.size, 8);
	assert_int_equal(blk.queue.chains, 2);
}

/* ---- parts of a disk ---- */

static void parts_must_lie_on_the_disk_and_apart(void **state)
{
	struct host_blk_user *one = &askers[0].user, *two = &askers[1].user;

	(void)state;
	assert_null(begin());
	one->first = FAKE_DISK_SECTORS - 7;
	assert_non_null(host_blk_join(&blk, one));
	one->first = UINT64_MAX - 3;
	assert_non_null(host_blk_join(&blk, one));
	one->first = FAKE_DISK_SECTORS - 8;
	one->sectors = 0;
	assert_non_null(host_blk_join(&blk, one));
	one->sectors = 8;
	assert_null(host_blk_join(&blk, one));
	for (two->first = one->first - 7; two->first < FAKE_DISK_SECTORS - 7;
	     two->first++)
		assert_non_null(host_blk_join(&blk, two));
	two->first = one->first;
	two->is_writer = false; /* what another writes */
	assert_non_null(host_blk_join(&blk, two));
	host_blk_leave(&blk, one);
	one->is_writer = false;
	assert_null(host_blk_join(&blk, one));
	assert_null(host_blk_join(&blk, two));
	fake_disk.features |= 1U << 5;
	host_blk_end(&blk);
	assert_null(begin());
	two->is_writer = true;
	assert_string_equal(host_blk_join(&blk, two),
			    "the host's disk cannot be written");
}

static void parts_are_whole_blocks(void **state)
{
	struct host_blk_user *user = &askers[0].user;

	(void)state;
	fake_disk.block_size = 4096;
	assert_null(begin());
	user->first = 4;
	assert_non_null(host_blk_join(&blk, user));
	user->first = 8;
	user->sectors = 12;
	assert_non_null(host_blk_join(&blk, user));
	user->sectors = 16;
	assert_null(host_blk_join(&blk, user));
}

/* ---- requests ---- */

static void requests_are_carried_out(void **state)
{
	unsigned slot = take(0);

	(void)state;
	assert_true(host_blk_send(&blk, slot, HOST_BLK_READ, 3, 1024));
	host_blk_serve(&blk);
	assert_memory_equal(blk.buffers[slot], fake_disk.data + 3 * 512, 1024);
	slot = take(0);
	memset(blk.buffers[slot], 0x77, 512);
	assert_true(host_blk_send(&blk, slot, HOST_BLK_WRITE, 7, 512));
	ask(0, HOST_BLK_FLUSH);
	host_blk_serve(&blk);
	assert_int_equal(fake_disk.data[7 * 512 + 511], 0x77);
	assert_int_equal(fake_disk.data[8 * 512], (8 * 3 + 8 * 512 * 5) & 0xff);
	assert_int_equal(fake_disk.flushes, 1);
	assert_int_equal(askers[0].answers, 3);
	assert_int_equal(askers[0].failures, 0);
	assert_int_equal(fake_disk.interrupt, 0);
}

static void answers_may_come_in_any_order(void **state)
{
	unsigned first, second;

	(void)state;
	fake_disk.holds = true;
	first = ask(0, HOST_BLK_READ);
	second = ask(0, HOST_BLK_READ);
	fake_host_disk_answer(1);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].last, second);
	fake_host_disk_answer(0);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].last, first);
	assert_int_equal(askers[0].answers, 2);
}

/* What was in the buffer before would be taken for what is on the disk. */
static void a_read_that_came_short_has_failed(void **state)
{
	(void)state;
	fake_disk.short_by = 1;
	ask(0, HOST_BLK_READ);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].failures, 1);
	fake_disk.short_by = 0;
	fake_disk.status = 1;
	ask(0, HOST_BLK_WRITE);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].failures, 2);
	assert_null(blk.wrong);
}

static void each_user_has_its_share(void **state)
{
	(void)state;
	fake_disk.holds = true;
	assert_null(host_blk_join(&blk, &askers[1].user));
	for (unsigned i = 0; i < HOST_BLK_SLOTS / 2; i++)
		ask(0, HOST_BLK_READ);
	assert_int_equal(turn_of(0), HOST_BLK_WAIT);
	for (unsigned i = 0; i < HOST_BLK_SLOTS / 2; i++)
		ask(1, HOST_BLK_READ);
	assert_int_equal(turn_of(1), HOST_BLK_WAIT);
	fake_host_disk_answer(0);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].rooms, 1);
	ask(0, HOST_BLK_READ);
}

/* ---- turns ---- */

/* Two users of one owner, and one beside them. */
static void join_as_two(void)
{
	askers[1].user.owner = &askers[0];
	assert_null(host_blk_join(&blk, &askers[1].user));
	assert_null(host_blk_join(&blk, &askers[2].user));
	fake_disk.holds = true;
}

static void an_owner_of_two_parts_has_one_share(void **state)
{
	(void)state;
	join_as_two();
	for (unsigned i = 0; i < HOST_BLK_SLOTS / 2; i++)
		ask(i % 2, HOST_BLK_READ);
	assert_int_equal(turn_of(0), HOST_BLK_WAIT);
	assert_int_equal(turn_of(1), HOST_BLK_WAIT);
	for (unsigned i = 0; i < HOST_BLK_SLOTS / 2; i++)
		ask(2, HOST_BLK_READ);
	assert_int_equal(turn_of(2), HOST_BLK_WAIT);
}

/* As by one reset after the other. */
static void what_was_forgotten_counts_until_it_is_answered(void **state)
{
	(void)state;
	join_as_two();
	for (unsigned i = 0; i < HOST_BLK_SLOTS / 2; i++)
		ask(0, HOST_BLK_READ);
	host_blk_forget(&blk, &askers[0].user);
	assert_int_equal(turn_of(0), HOST_BLK_WAIT);
	assert_int_equal(turn_of(1), HOST_BLK_WAIT);
	for (unsigned i = 0; i < HOST_BLK_SLOTS / 2; i++)
		ask(2, HOST_BLK_READ);
	fake_host_disk_answer(0);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].answers, 0);
	ask(1, HOST_BLK_READ);
}

/* However many parts one has, and however much is asked there. */
static void owners_take_turns(void **state)
{
	const unsigned rounds = 24;

	(void)state;
	fake_disk.queue_most = 4; /* one slot */
	assert_null(begin());
	assert_int_equal(blk.queue.chains, 1);
	assert_null(host_blk_join(&blk, &askers[0].user));
	join_as_two();
	for (unsigned i = 0; i < 3; i++)
		askers[i].floods = true;
	for (unsigned i = 0; i < 3; i++)
		room(&askers[i].user);
	for (unsigned i = 0; i < rounds; i++) {
		assert_int_equal(fake_disk.asked, 1);
		fake_host_disk_answer(0);
		host_blk_serve(&blk);
	}
	assert_int_equal(askers[0].answers, rounds / 4);
	assert_int_equal(askers[1].answers, rounds / 4);
	assert_int_equal(askers[2].answers, rounds / 2);
}

/* What comes amid the answers, on another hart, is behind who waits. */
static void nobody_overtakes_who_waits(void **state)
{
	unsigned slot;

	(void)state;
	fake_disk.queue_most = 4;
	assert_null(begin());
	assert_null(host_blk_join(&blk, &askers[0].user));
	join_as_two();
	slot = take(0);
	assert_int_equal(turn_of(2), HOST_BLK_WAIT);
	host_blk_release(&blk, slot);
	assert_int_equal(turn_of(0), HOST_BLK_WAIT);
	assert_int_equal(turn_of(1), HOST_BLK_WAIT);
	host_blk_release(&blk, take(2));
	host_blk_serve(&blk);
	assert_int_equal(askers[0].rooms, 1);
	assert_int_equal(askers[1].rooms, 1);
}

/* Who has nothing to ask any more takes nobody's call. */
static void all_that_wait_are_called(void **state)
{
	static struct asker many[2 * HOST_BLK_SLOTS];

	(void)state;
	fake_disk.holds = true;
	memset(many, 0, sizeof(many));
	ask(0, HOST_BLK_WRITE);
	host_blk_forget(&blk, &askers[0].user);
	for (unsigned i = 0; i < ARRAY_LENGTH(many); i++) {
		unsigned slot;

		many[i].user = askers[2].user;
		many[i].user.is_writer = false;
		many[i].user.owner = &many[i];
		assert_null(host_blk_join(&blk, &many[i].user));
		assert_int_equal(host_blk_take(&blk, &many[i].user, &slot),
				 HOST_BLK_WAIT);
	}
	fake_host_disk_answer(0);
	host_blk_serve(&blk);
	for (unsigned i = 0; i < ARRAY_LENGTH(many); i++)
		assert_int_equal(many[i].rooms, 1);
}

/* A disk that is faster than its driver: guests on this hart get their turn too. */
static void no_more_is_done_at_once_than_there_are_slots(void **state)
{
	(void)state;
	askers[0].asks_again = true;
	ask(0, HOST_BLK_READ);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].answers, HOST_BLK_SLOTS);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].answers, 2 * HOST_BLK_SLOTS);
	assert_int_equal(fake_disk.interrupt, 1); /* for the next */
}

/* ---- users that go ---- */

static void a_slot_that_is_out_is_nobodys_before_the_answer(void **state)
{
	unsigned slot;

	(void)state;
	assert_null(host_blk_join(&blk, &askers[1].user));
	fake_disk.holds = true;
	slot = ask(0, HOST_BLK_READ);
	host_blk_leave(&blk, &askers[0].user);
	assert_null(host_blk_join(&blk, &askers[0].user));
	for (unsigned i = 0; i < HOST_BLK_SLOTS / 2; i++)
		assert_int_not_equal(take(1), slot);
	fake_host_disk_answer(0);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].answers, 0);
	assert_int_equal(blk.slots[slot].state, SLOT_FREE);
}

static void no_request_overtakes_a_write_of_who_is_gone(void **state)
{
	(void)state;
	assert_null(host_blk_join(&blk, &askers[1].user));
	fake_disk.holds = true;
	ask(0, HOST_BLK_WRITE);
	host_blk_forget(&blk, &askers[0].user);
	assert_int_equal(turn_of(0), HOST_BLK_WAIT);
	assert_int_equal(turn_of(1), HOST_BLK_WAIT);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].rooms + askers[1].rooms, 0);
	fake_host_disk_answer(0);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].answers, 0);
	assert_int_equal(askers[0].rooms, 1);
	assert_int_equal(askers[1].rooms, 1);
	ask(0, HOST_BLK_READ);
}

/* ---- devices that lie ---- */

static void assert_breaks(const char *why)
{
	unsigned failures = askers[0].failures;

	host_blk_serve(&blk);
	assert_non_null(blk.wrong);
	assert_string_equal(blk.wrong, why);
	assert_int_equal(askers[0].failures, failures + 1);
	assert_int_equal(turn_of(0), HOST_BLK_BROKEN);
	assert_int_equal(fake_disk.driver_status, 0);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].failures, failures + 1);
	assert_int_equal(blk.slots[askers[0].last].state, SLOT_FREE);
	teardown(NULL);
	setup_begun(NULL);
	fake_disk.holds = true;
}

static void what_cannot_be_ends_a_device(void **state)
{
	(void)state;
	fake_disk.holds = true;
	ask(0, HOST_BLK_READ);
	fake_host_disk_lie(3, 1, 1);
	assert_breaks("it answers what it was not asked"); /* a chain that it has not */
	ask(0, HOST_BLK_READ);
	fake_host_disk_lie(1, 1, 1);
	assert_breaks("it answers what it was not asked"); /* amid one */
	ask(0, HOST_BLK_READ);
	fake_host_disk_lie(UINT32_MAX, 1, 1);
	assert_breaks("it answers what it was not asked");
	ask(0, HOST_BLK_READ);
	fake_host_disk_lie(0, 514, 1);
	assert_breaks("it says it wrote more than it may");
	ask(0, HOST_BLK_WRITE);
	fake_host_disk_lie(0, 2, 1);
	assert_breaks("it says it wrote more than it may");
	ask(0, HOST_BLK_READ);
	fake_host_disk_lie(0, 1, 2);
	assert_breaks("it answers more than it was asked");
	ask(0, HOST_BLK_READ);
	fake_host_disk_lie(0, 1, UINT16_MAX);
	assert_breaks("it answers more than it was asked");
	ask(0, HOST_BLK_READ);
	fake_disk.driver_status |= VIRTIO_STATUS_NEEDS_RESET;
	fake_disk.interrupt = VIRTIO_INTERRUPT_CONFIG;
	assert_breaks("it says that it is broken");
}

/* Neither by an answer, nor by its own word that it is broken. */
static void a_disk_that_does_not_answer_is_given_up(void **state)
{
	(void)state;
	fake_disk.holds = true;
	fake_disk.time = 5000;
	ask(0, HOST_BLK_READ);
	fake_disk.time = 5500;
	ask(0, HOST_BLK_READ);
	fake_disk.time = 6000;
	host_blk_look(&blk);
	assert_null(blk.wrong);
	assert_int_equal(askers[0].answers, 0);
	fake_disk.time = 6001;
	host_blk_look(&blk);
	assert_string_equal(blk.wrong, "it has left a request without an answer");
	assert_int_equal(askers[0].failures, 2);
	assert_int_equal(fake_disk.driver_status, 0);
	assert_int_equal(turn_of(0), HOST_BLK_BROKEN);
	for (unsigned i = 0; i < HOST_BLK_SLOTS; i++)
		assert_int_equal(blk.slots[i].state, SLOT_FREE);
	host_blk_look(&blk);
	assert_int_equal(askers[0].failures, 2);
}

/* Much that has been written is much to flush: others wait behind it. */
static void a_flush_may_take_its_time(void **state)
{
	unsigned flush;

	(void)state;
	fake_disk.holds = true;
	fake_disk.time = 5000;
	flush = ask(0, HOST_BLK_FLUSH);
	ask(0, HOST_BLK_READ);
	fake_disk.time = 15000;
	host_blk_look(&blk);
	assert_null(blk.wrong);
	/* What is behind it has its time again, but not for ever. */
	fake_disk.time = 14800;
	fake_host_disk_answer(flush);
	host_blk_look(&blk);
	assert_int_equal(askers[0].answers, 1);
	fake_disk.time = 15000;
	host_blk_look(&blk);
	assert_null(blk.wrong);
	fake_disk.time = 15001;
	host_blk_look(&blk);
	assert_non_null(blk.wrong);
}

/* Nor does what is sent a moment later, by a hart whose clock is ahead, look old. */
static void what_it_has_answered_in_time_is_not_overdue(void **state)
{
	(void)state;
	fake_disk.holds = true;
	ask(0, HOST_BLK_READ);
	fake_host_disk_answer(0);
	fake_disk.time = 6000;
	ask(0, HOST_BLK_READ);
	fake_disk.time = 5999;
	host_blk_look(&blk);
	assert_null(blk.wrong);
	assert_int_equal(askers[0].answers, 1);
	assert_int_equal(askers[0].failures, 0);
}

/* Which would hold up all others for ever. */
static void a_write_that_was_forgotten_is_given_up_too(void **state)
{
	unsigned slot;

	(void)state;
	assert_null(host_blk_join(&blk, &askers[1].user));
	fake_disk.holds = true;
	fake_disk.never_resets = true;
	slot = ask(0, HOST_BLK_WRITE);
	host_blk_forget(&blk, &askers[0].user);
	assert_int_equal(turn_of(1), HOST_BLK_WAIT);
	fake_disk.time = 1001;
	host_blk_look(&blk);
	assert_int_equal(askers[1].rooms, 1);
	assert_int_equal(turn_of(1), HOST_BLK_BROKEN);
	assert_int_equal(blk.slots[slot].state, SLOT_LOST); /* it may still read there */
	fake_host_disk_answer(0);
	host_blk_look(&blk);
	assert_int_equal(blk.slots[slot].state, SLOT_LOST);
}

/* ---- what was in the buffer before ---- */

/* Whatever a disk that writes nothing shows, in each of the first bytes. */
static void assert_shown(unsigned who, unsigned size, uint8_t first, uint8_t last)
{
	unsigned slot = take(who);

	fake_disk.writes_nothing = true;
	assert_true(host_blk_send(&blk, slot, HOST_BLK_READ, 0, size));
	host_blk_serve(&blk);
	assert_int_equal(askers[who].failures, 0);
	assert_int_equal((uint8_t)blk.buffers[slot][0], first);
	assert_int_equal((uint8_t)blk.buffers[slot][size - 1], last);
}

static unsigned write_secret(unsigned who, unsigned size)
{
	unsigned slot = take(who);

	memset(blk.buffers[slot], 0x5a, size);
	assert_true(host_blk_send(&blk, slot, HOST_BLK_WRITE, 0, size));
	host_blk_serve(&blk);
	return slot;
}

static void what_was_anothers_is_cleared(void **state)
{
	(void)state;
	assert_null(host_blk_join(&blk, &askers[1].user));
	assert_int_equal(write_secret(0, 4096), 0);
	assert_shown(1, 1024, 0, 0);
	assert_shown(1, 2048, 0, 0);
	assert_shown(1, 4096, 0, 0);
	/* one's own is not, which costs nothing */
	assert_int_equal(write_secret(1, 1024), 0);
	assert_shown(1, 1024, 0x5a, 0x5a);
	assert_shown(1, 2048, 0x5a, 0);
	assert_shown(0, 512, 0, 0);
	assert_shown(0, 1024, 0, 0);
}

/* An owner that comes later may well be where the other was. */
static void nothing_is_left_for_the_next_at_that_place(void **state)
{
	(void)state;
	write_secret(0, 512);
	host_blk_leave(&blk, &askers[0].user);
	assert_null(host_blk_join(&blk, &askers[0].user));
	assert_shown(0, 512, 0, 0);
}

static void the_same_answer_twice_ends_a_device(void **state)
{
	(void)state;
	fake_disk.holds = true;
	ask(0, HOST_BLK_READ);
	ask(0, HOST_BLK_READ);
	fake_host_disk_answer(0);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].failures, 0);
	fake_host_disk_lie(0, 1, 1);
	host_blk_serve(&blk);
	assert_string_equal(blk.wrong, "it answers what it was not asked");
	assert_int_equal(askers[0].failures, 1);
}

static void a_buffer_it_may_still_write_is_never_used_again(void **state)
{
	unsigned slot;

	(void)state;
	fake_disk.holds = true;
	slot = ask(0, HOST_BLK_READ);
	fake_disk.never_resets = true;
	fake_host_disk_lie(7, 1, 1);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].failures, 1);
	assert_int_equal(blk.slots[slot].state, SLOT_LOST);
}

/* Or it would interrupt for ever: a reset that does not come takes nothing back. */
static void the_interrupt_of_a_broken_disk_is_taken_back(void **state)
{
	(void)state;
	fake_disk.holds = true;
	ask(0, HOST_BLK_READ);
	fake_disk.never_resets = true;
	fake_host_disk_lie(7, 1, 1);
	host_blk_serve(&blk);
	assert_non_null(blk.wrong);
	fake_disk.interrupt = VIRTIO_INTERRUPT_USED;
	host_blk_serve(&blk);
	assert_int_equal(fake_disk.interrupt, 0);
	assert_int_equal(askers[0].failures, 1);
}

/* Nothing calls for them later. */
static void all_that_wait_hear_that_a_disk_is_broken(void **state)
{
	static struct asker many[2 * HOST_BLK_SLOTS];

	(void)state;
	fake_disk.holds = true;
	memset(many, 0, sizeof(many));
	for (unsigned i = 0; i < HOST_BLK_SLOTS; i++)
		ask(0, HOST_BLK_READ);
	for (unsigned i = 0; i < ARRAY_LENGTH(many); i++) {
		unsigned slot;

		many[i].user = askers[2].user;
		many[i].user.is_writer = false;
		assert_null(host_blk_join(&blk, &many[i].user));
		assert_int_equal(host_blk_take(&blk, &many[i].user, &slot),
				 HOST_BLK_WAIT);
	}
	fake_host_disk_lie(7, 1, 1);
	host_blk_serve(&blk);
	assert_int_equal(askers[0].failures, HOST_BLK_SLOTS);
	for (unsigned i = 0; i < ARRAY_LENGTH(many); i++)
		assert_int_equal(many[i].rooms, 1);
}

static void a_slot_that_was_taken_cannot_be_sent_to_a_broken_disk(void **state)
{
	unsigned slot = take(0);

	(void)state;
	fake_disk.driver_status |= VIRTIO_STATUS_NEEDS_RESET;
	fake_disk.interrupt = VIRTIO_INTERRUPT_CONFIG;
	host_blk_serve(&blk);
	assert_false(host_blk_send(&blk, slot, HOST_BLK_READ, 0, 512));
	host_blk_release(&blk, slot);
	assert_string_equal(host_blk_join(&blk, &askers[1].user),
			    "it says that it is broken");
}

#define TEST(name, by) cmocka_unit_test_setup_teardown(name, by, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_a_modern_device_is_found, setup),
		TEST(a_disk_is_set_up, setup),
		TEST(a_name_is_what_can_be_printed, setup),
		TEST(what_a_device_gets_wrong_is_named, setup),
		TEST(no_memory_is_no_disk, setup),
		TEST(a_device_that_does_not_stop_keeps_its_memory, setup),
		TEST(a_short_queue_has_fewer_slots, setup),
		TEST(parts_must_lie_on_the_disk_and_apart, setup),
		TEST(parts_are_whole_blocks, setup),
		TEST(requests_are_carried_out, setup_begun),
		TEST(answers_may_come_in_any_order, setup_begun),
		TEST(a_read_that_came_short_has_failed, setup_begun),
		TEST(each_user_has_its_share, setup_begun),
		TEST(an_owner_of_two_parts_has_one_share, setup_begun),
		TEST(what_was_forgotten_counts_until_it_is_answered, setup_begun),
		TEST(owners_take_turns, setup),
		TEST(nobody_overtakes_who_waits, setup),
		TEST(all_that_wait_are_called, setup_begun),
		TEST(no_more_is_done_at_once_than_there_are_slots, setup_begun),
		TEST(a_slot_that_is_out_is_nobodys_before_the_answer, setup_begun),
		TEST(no_request_overtakes_a_write_of_who_is_gone, setup_begun),
		TEST(what_cannot_be_ends_a_device, setup_begun),
		TEST(a_disk_that_does_not_answer_is_given_up, setup_begun),
		TEST(a_flush_may_take_its_time, setup_begun),
		TEST(what_it_has_answered_in_time_is_not_overdue, setup_begun),
		TEST(a_write_that_was_forgotten_is_given_up_too, setup_begun),
		TEST(what_was_anothers_is_cleared, setup_begun),
		TEST(nothing_is_left_for_the_next_at_that_place, setup_begun),
		TEST(the_same_answer_twice_ends_a_device, setup_begun),
		TEST(a_buffer_it_may_still_write_is_never_used_again, setup_begun),
		TEST(the_interrupt_of_a_broken_disk_is_taken_back, setup_begun),
		TEST(all_that_wait_hear_that_a_disk_is_broken, setup_begun),
		TEST(a_slot_that_was_taken_cannot_be_sent_to_a_broken_disk, setup_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
