/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/clearing.c mm/guest_memory.c */
/* sanitizers: thread */
/* libs: -lpthread */
/*
 * Memory that is cleared in pieces, by one hart and by several at once: what is in it
 * afterwards, who is told, and when. Harts are threads; what one wrote is read by another
 * under the thread sanitizer, with nothing but the clearing between them.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/arch.h"
#include "core/clearing.h"
#include "core/harts.h"
#include "core/panic.h"
#include "core/scheduler.h"
#include "mm/page_alloc.h"
#include "tests/unit/host_ram.h"

#define BLOCK (2 * MIB)
#define SIZE  (3 * BLOCK)
#define HARTS 4

static uint8_t *bytes; /* two runs of them, the second first */
static struct guest_memory memory;
static struct clearing clearing;
static unsigned woken, recalled, served;
static uint64_t now;
static void (*at_piece)(void); /* when one has been given */
static void (*at_serve)(void);

/* ---- the rest of Gnomon ---- */

void harts_wake_idle(void)
{
	assert_true(clearing_waits());
	woken++;
}

void harts_serve(void)
{
	__atomic_fetch_add(&served, 1, __ATOMIC_RELAXED);
	if (at_serve)
		at_serve();
}

void scheduler_recall(unsigned hart)
{
	assert_int_equal(hart, 0);
	__atomic_fetch_add(&recalled, 1, __ATOMIC_RELAXED);
}

/* Each piece takes one tick. */
uint64_t arch_time(void)
{
	if (at_piece)
		at_piece();
	return __atomic_fetch_add(&now, 1, __ATOMIC_RELAXED);
}

uint64_t page_alloc_free_of(enum page_kind kind)
{
	(void)kind;
	return 0;
}

uint64_t page_alloc_run(uint64_t wanted, hpa_t *start)
{
	(void)wanted;
	(void)start;
	return 0;
}

void page_alloc_add(hpa_t start, uint64_t size)
{
	(void)start;
	(void)size;
}

_Noreturn void assert_failed(const char *file, unsigned line, const char *text)
{
	print_error("%s:%u: %s\n", file, line, text);
	abort();
}

static int setup(void **state)
{
	(void)state;
	woken = recalled = served = 0;
	at_piece = at_serve = NULL;
	bytes = aligned_alloc(BLOCK, SIZE);
	memset(bytes, 0x77, SIZE);
	memory = (struct guest_memory){
		.base = GUEST_RAM_BASE,
		.size = SIZE,
		.run_count = 2,
		.runs = {{GUEST_RAM_BASE, pointer_hpa(bytes + BLOCK), 2 * BLOCK},
			 {GPA(GUEST_RAM_BASE.raw + 2 * BLOCK), pointer_hpa(bytes),
			  BLOCK}},
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_false(clearing_waits());
	free(bytes);
	return 0;
}

/* The byte at that offset of the memory. */
static uint8_t byte_at(uint64_t offset)
{
	return bytes[offset < 2 * BLOCK ? BLOCK + offset : offset - 2 * BLOCK];
}

static void expect_content(const char *content, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++)
		assert_int_equal(byte_at(i), (uint8_t)content[i]);
	for (uint64_t i = size; i < SIZE; i++)
		assert_int_equal(byte_at(i), 0);
}

/* ---- one hart ---- */

static void one_hart_clears_it_piece_by_piece(void **state)
{
	unsigned pieces = 0;

	(void)state;
	assert_false(clearing_step());
	clearing_begin(&clearing, &memory, (struct blob){0});
	assert_int_equal(woken, 1);
	while (clearing_waits()) {
		assert_false(clearing_is_done(&clearing));
		assert_int_equal(recalled, 0);
		assert_true(clearing_step());
		pieces++;
	}
	assert_int_equal(pieces, SIZE / CLEARING_PIECE);
	assert_true(clearing_is_done(&clearing));
	assert_int_equal(recalled, 1);
	assert_int_equal(clearing.ticks, pieces);
	assert_int_equal(clearing.finished, SIZE);
	assert_false(clearing_step());
	expect_content(NULL, 0);
}

/* Of any size: none, less than a piece, some and a bit, all of it. */
static void a_disk_is_copied_and_the_rest_is_zero(void **state)
{
	static const uint64_t sizes[] = {
		0, 1, 512, CLEARING_PIECE, 5 * CLEARING_PIECE + 513, SIZE - 1, SIZE};
	char *content = malloc(SIZE);

	(void)state;
	for (uint64_t i = 0; i < SIZE; i++)
		content[i] = (char)(i * 7 + (i >> 12));
	for (unsigned i = 0; i < ARRAY_LENGTH(sizes); i++) {
		memset(bytes, 0x77, SIZE);
		clearing_begin(&clearing, &memory, (struct blob){content, sizes[i]});
		while (clearing_step())
			;
		expect_content(content, sizes[i]);
	}
	free(content);
}

static void the_oldest_is_done_first(void **state)
{
	struct guest_memory first = memory, second = memory;
	struct clearing other;

	(void)state;
	first.run_count = second.run_count = 1;
	first.size = second.size = BLOCK;
	second.runs[0].hpa = pointer_hpa(bytes);
	clearing_begin(&clearing, &first, (struct blob){0});
	clearing_begin(&other, &second, (struct blob){0});
	assert_int_equal(woken, 2);
	for (unsigned i = 0; i < BLOCK / CLEARING_PIECE; i++)
		assert_true(clearing_step());
	assert_true(clearing_is_done(&clearing));
	assert_false(clearing_is_done(&other));
	assert_int_equal(other.given, 0);
	assert_true(clearing_waits());
	while (clearing_step())
		;
	assert_true(clearing_is_done(&other));
	assert_int_equal(recalled, 2);
}

static void nothing_more_is_done_of_what_is_not_wanted(void **state)
{
	(void)state;
	clearing_begin(&clearing, &memory, (struct blob){0});
	assert_true(clearing_step());
	clearing_cancel(&clearing);
	assert_false(clearing_waits());
	assert_false(clearing_step());
	assert_int_equal(recalled, 0);
	assert_int_equal(byte_at(CLEARING_PIECE - 1), 0);
	assert_int_equal(byte_at(CLEARING_PIECE), 0x77);
	/* One that is not there is done, and one that was done can be cancelled. */
	assert_true(clearing_is_done(&clearing));
	clearing_begin(&clearing, &memory, (struct blob){0});
	while (clearing_step())
		;
	clearing_cancel(&clearing);
}

/* ---- several ---- */

static void *clear_all(void *steps)
{
	while (clearing_waits())
		*(unsigned *)steps += clearing_step();
	return NULL;
}

static void each_piece_is_one_harts(void **state)
{
	pthread_t threads[HARTS];
	unsigned steps[HARTS] = {0}, pieces = 0;

	(void)state;
	for (unsigned round = 1; round <= 20; round++) {
		memset(bytes, 0x77, SIZE);
		clearing_begin(&clearing, &memory, (struct blob){0});
		for (unsigned i = 0; i < HARTS; i++)
			assert_int_equal(
				pthread_create(&threads[i], NULL, clear_all, &steps[i]),
				0);
		while (!clearing_is_done(&clearing))
			sched_yield();
		/* Before they are joined: the clearing alone orders it. */
		expect_content(NULL, 0);
		for (unsigned i = 0; i < HARTS; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(recalled, round);
	}
	for (unsigned i = 0; i < HARTS; i++)
		pieces += steps[i];
	assert_int_equal(pieces, 20 * SIZE / CLEARING_PIECE);
}

static uint32_t is_given, may_go_on;

static void wait_with_piece(void)
{
	__atomic_store_n(&is_given, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&may_go_on, __ATOMIC_SEQ_CST))
		sched_yield();
}

static void let_go_on(void)
{
	__atomic_store_n(&may_go_on, 1, __ATOMIC_SEQ_CST);
}

static void *clear_one(void *nothing)
{
	clearing_step();
	return nothing;
}

/* A hart is in the midst of a piece, and ends it when it is waited for. */
static void a_piece_in_hand_is_waited_for(void **state)
{
	pthread_t thread;

	(void)state;
	at_piece = wait_with_piece;
	clearing_begin(&clearing, &memory, (struct blob){0});
	assert_int_equal(pthread_create(&thread, NULL, clear_one, NULL), 0);
	while (!__atomic_load_n(&is_given, __ATOMIC_SEQ_CST))
		sched_yield();
	assert_int_equal(byte_at(0), 0x77);
	at_serve = let_go_on;
	clearing_cancel(&clearing);
	assert_in_range(served, 1, UINT32_MAX);
	/* All that it wrote has been written. */
	assert_int_equal(byte_at(0), 0);
	memset(bytes, 0x77, SIZE);
	pthread_join(thread, NULL);
	assert_int_equal(byte_at(0), 0x77);
}

static void it_is_not_done_before_the_last_piece_is_back(void **state)
{
	pthread_t thread;

	(void)state;
	is_given = may_go_on = 0;
	clearing_begin(&clearing, &memory, (struct blob){0});
	for (unsigned i = 0; i + 1 < SIZE / CLEARING_PIECE; i++)
		assert_true(clearing_step());
	at_piece = wait_with_piece;
	assert_int_equal(pthread_create(&thread, NULL, clear_one, NULL), 0);
	while (!__atomic_load_n(&is_given, __ATOMIC_SEQ_CST))
		sched_yield();
	assert_false(clearing_waits());
	assert_false(clearing_is_done(&clearing));
	assert_int_equal(recalled, 0);
	let_go_on();
	while (!clearing_is_done(&clearing))
		sched_yield();
	expect_content(NULL, 0);
	pthread_join(thread, NULL);
	assert_int_equal(recalled, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(one_hart_clears_it_piece_by_piece),
		TEST(a_disk_is_copied_and_the_rest_is_zero),
		TEST(the_oldest_is_done_first),
		TEST(nothing_more_is_done_of_what_is_not_wanted),
		TEST(each_piece_is_one_harts),
		TEST(a_piece_in_hand_is_waited_for),
		TEST(it_is_not_done_before_the_last_piece_is_back),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
