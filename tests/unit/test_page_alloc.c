/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: mm/page_alloc.c tests/unit/lone_hart.c tests/unit/host_ram.c */
/*
 * The page allocator: alignment, splitting and merging, exhaustion, misuse that
 * its assertions catch, and a random run against a naive list of what is taken.
 */
#include <stdlib.h>
#include <string.h>

#include "mm/page_alloc.h"
#include "tests/unit/host_ram.h"

#define PAGES 2048u
#define SIZE  (PAGES * PAGE_SIZE)

static hpa_t base;
static uint8_t bytes[64 * 1024];

/* All pages of 8 MiB that begin at an odd multiple of 8 MiB. */
static int setup(void **state)
{
	(void)state;
	base = host_ram_map(2 * SIZE, 2 * SIZE);
	base.raw += SIZE;
	assert_true(page_alloc_state_size(SIZE) <= sizeof(bytes));
	page_alloc_init(base, SIZE, bytes);
	assert_int_equal(page_alloc_free_pages(), 0);
	assert_null(page_alloc(0));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_ram_unmap(HPA(base.raw - SIZE), 2 * SIZE);
	return 0;
}

static char *at(unsigned page)
{
	return (char *)(uintptr_t)(base.raw + page * PAGE_SIZE);
}

static void add_all(void)
{
	page_alloc_add(base, SIZE);
	assert_int_equal(page_alloc_free_pages(), PAGES);
}

static void the_state_is_a_byte_for_each_page(void **state)
{
	(void)state;
	assert_int_equal(page_alloc_state_size(PAGE_SIZE), PAGE_SIZE);
	assert_int_equal(page_alloc_state_size(4096 * PAGE_SIZE), 4096);
	assert_int_equal(page_alloc_state_size(4097 * PAGE_SIZE), 8192);
}

static void blocks_are_aligned_to_their_size(void **state)
{
	(void)state;
	add_all();
	for (unsigned order = 0; order < 11; order++) {
		void *block = page_alloc(order);

		assert_non_null(block);
		assert_true(is_aligned((uintptr_t)block, PAGE_SIZE << order));
		assert_true(range_within((uintptr_t)block, PAGE_SIZE << order, base.raw,
					 SIZE));
	}
	assert_int_equal(page_alloc_free_pages(), PAGES - 2047);
}

/* Taken in pages and given back in any order, it is one block again. */
static void pages_merge_again(void **state)
{
	static void *pages[PAGES];

	(void)state;
	add_all();
	for (unsigned i = 0; i < PAGES; i++)
		assert_non_null(pages[i] = page_alloc(0));
	assert_null(page_alloc(0));
	assert_int_equal(page_alloc_free_pages(), 0);
	for (unsigned i = 0; i < PAGES; i++)
		page_free(pages[i * 1021 % PAGES], 0);
	assert_int_equal(page_alloc_free_pages(), PAGES);
	assert_ptr_equal(page_alloc(11), at(0));
	assert_null(page_alloc(0));
}

static void what_is_too_large_is_refused(void **state)
{
	(void)state;
	add_all();
	for (unsigned order = 12; order < PAGE_ORDER_LIMIT; order++)
		assert_null(page_alloc(order));
	assert_int_equal(page_alloc_free_pages(), PAGES);
	expect_assertion(page_alloc(PAGE_ORDER_LIMIT));
}

/* Odd ranges become as many pages as lie in them whole. */
static void ranges_are_cut_to_pages(void **state)
{
	(void)state;
	page_alloc_add(HPA(base.raw + 1), 3 * PAGE_SIZE);
	assert_int_equal(page_alloc_free_pages(), 2);
	page_alloc_add(HPA(base.raw + 8 * PAGE_SIZE + 1), PAGE_SIZE);
	page_alloc_add(HPA(base.raw + 8 * PAGE_SIZE + 1), 0);
	page_alloc_add(HPA(base.raw + 16 * PAGE_SIZE), PAGE_SIZE - 1);
	assert_int_equal(page_alloc_free_pages(), 2);
	/* neighbours, but no buddies */
	assert_null(page_alloc(1));
	page_alloc_add(HPA(base.raw + 3 * PAGE_SIZE), PAGE_SIZE);
	assert_ptr_equal(page_alloc(1), at(2));
}

static void zeroed_blocks_are_zero(void **state)
{
	uint8_t *block;

	(void)state;
	add_all();
	block = page_alloc(3);
	memset(block, 0xff, PAGE_SIZE << 3);
	page_free(block, 3);
	block = page_alloc_zeroed(3);
	for (unsigned i = 0; i < PAGE_SIZE << 3; i++)
		assert_int_equal(block[i], 0);
}

static void misuse_is_caught(void **state)
{
	char *block, *other;

	(void)state;
	add_all();
	block = page_alloc(2);
	expect_assertion(page_free(block, 1));
	expect_assertion(page_free(block + PAGE_SIZE, 0));
	expect_assertion(page_free(at(PAGES), 0));
	expect_assertion(page_free(at(0) - PAGE_SIZE, 0));
	other = page_alloc(2);
	page_free(block, 2);
	expect_assertion(page_free(block, 2));
	page_free(other, 2);
	/* merged into something larger by now */
	expect_assertion(page_free(other, 2));
	assert_int_equal(page_alloc_free_pages(), PAGES);
}

/*
 * page_alloc.h: "Give the allocator the whole pages of a range; also how pages
 * return". Then no page of theirs may still count as the start of a taken block.
 */
static void misuse_is_caught_after_a_return_by_range(void **state)
{
	char *first, *second;

	(void)state;
	page_alloc_add(base, 2 * PAGE_SIZE);
	first = page_alloc(0);
	second = page_alloc(0);
	page_alloc_add(base, 2 * PAGE_SIZE);
	assert_int_equal(page_alloc_free_pages(), 2);
	expect_assertion(page_free(first > second ? first : second, 0));
}

/* ---- runs ---- */

#define CHUNK (PAGE_SIZE << PAGE_ORDER_2M)

static void check_run(uint64_t wanted, uint64_t size, const char *start)
{
	uint64_t free = page_alloc_free_pages();
	hpa_t run;

	assert_int_equal(page_alloc_run(wanted, &run), size);
	assert_int_equal(run.raw, (uintptr_t)start);
	assert_int_equal(page_alloc_free_pages(), free - size / PAGE_SIZE);
}

/* Across blocks of which none is as large, and what is beside it stays free. */
static void a_run_is_adjacent_blocks(void **state)
{
	(void)state;
	page_alloc_add(HPA(base.raw + PAGE_SIZE), SIZE - 2 * PAGE_SIZE);
	assert_null(page_alloc(11));
	check_run(2 * CHUNK, 2 * CHUNK, at(512));
	assert_null(page_alloc(9));
	for (unsigned i = 0; i < 1022; i++)
		assert_non_null(page_alloc(0));
	assert_int_equal(page_alloc_free_pages(), 0);
	page_alloc_add(base, SIZE);
	assert_ptr_equal(page_alloc(11), at(0));
}

/* No page of a run is anyone's but its owner's until it is given back. */
static void what_is_around_a_run_merges_not_with_it(void **state)
{
	char *block;

	(void)state;
	add_all();
	check_run(3 * CHUNK, 3 * CHUNK, at(0));
	block = page_alloc(9);
	assert_ptr_equal(block, at(1536));
	page_free(block, 9);
	assert_null(page_alloc(10));
	expect_assertion(page_free(at(0), 9));
	page_alloc_add(base, 3 * CHUNK);
	assert_int_equal(page_alloc_free_pages(), PAGES);
	assert_ptr_equal(page_alloc(11), at(0));
}

static void the_smallest_stretch_that_holds_a_run_is_taken(void **state)
{
	(void)state;
	page_alloc_add(base, 2 * CHUNK);
	page_alloc_add(HPA(base.raw + 3 * CHUNK), CHUNK);
	check_run(CHUNK, CHUNK, at(1536));
	page_alloc_add(HPA(base.raw + 3 * CHUNK), CHUNK);
	check_run(2 * CHUNK, 2 * CHUNK, at(0));
	page_alloc_add(base, 2 * CHUNK);
	/* of none that does, the largest */
	check_run(3 * CHUNK, 2 * CHUNK, at(0));
	check_run(CHUNK, CHUNK, at(1536));
	assert_int_equal(page_alloc_free_pages(), 0);
}

static void there_is_no_run_of_pages(void **state)
{
	hpa_t run;

	(void)state;
	assert_int_equal(page_alloc_run(CHUNK, &run), 0);
	page_alloc_add(HPA(base.raw + PAGE_SIZE), 2 * CHUNK - 2 * PAGE_SIZE);
	assert_int_equal(page_alloc_run(CHUNK, &run), 0);
	assert_int_equal(page_alloc_free_pages(), 2 * 512 - 2);
	expect_assertion(page_alloc_run(PAGE_SIZE, &run));
}

/* Where large pages of the hart's may come to bear; else wherever there is room. */
static void a_large_run_is_aligned_if_it_can_be(void **state)
{
	const uint64_t size = 3 * GIB;
	hpa_t large = host_ram_map(size, GIB), run;
	uint8_t *more = malloc(size / PAGE_SIZE);

	(void)state;
	page_alloc_init(large, size, more);
	page_alloc_add(HPA(large.raw + 4 * MIB), size - 4 * MIB);
	assert_int_equal(page_alloc_run(2 * GIB, &run), 2 * GIB);
	assert_int_equal(run.raw, large.raw + GIB);
	page_alloc_add(run, 2 * GIB);
	assert_int_equal(page_alloc_run(GIB - CHUNK, &run), GIB - CHUNK);
	assert_int_equal(run.raw, large.raw + 4 * MIB);
	page_alloc_add(run, GIB - CHUNK);
	assert_int_equal(page_alloc_run(size - 4 * MIB, &run), size - 4 * MIB);
	assert_int_equal(run.raw, large.raw + 4 * MIB);
	assert_int_equal(page_alloc_free_pages(), 0);
	free(more);
	host_ram_unmap(large, size);
}

/* ---- arenas ---- */

/* Own: 0 .. 511, tables: 512 .. 1023, of guests: 1024 .. 1535, of no kind: the others. */
static void divide(void)
{
	const struct page_division division = {{
		[PAGES_OWN] = {base, CHUNK},
		[PAGES_TABLES] = {HPA(base.raw + CHUNK), CHUNK},
		[PAGES_GUESTS] = {base, 3 * CHUNK},
	}};

	assert_false(page_alloc_is_divided());
	page_alloc_divide(&division);
	assert_true(page_alloc_is_divided());
	page_alloc_add(base, SIZE);
}

static void expect_free(uint64_t own, uint64_t tables, uint64_t guests)
{
	assert_int_equal(page_alloc_free_of(PAGES_OWN), own);
	assert_int_equal(page_alloc_free_of(PAGES_TABLES), tables);
	assert_int_equal(page_alloc_free_of(PAGES_GUESTS), guests);
	assert_int_equal(page_alloc_free_pages(), own + tables + guests);
}

static void undivided_pages_are_of_every_kind(void **state)
{
	hpa_t run;
	void *table;

	(void)state;
	add_all();
	assert_false(page_alloc_is_divided());
	table = page_alloc_table(0);
	assert_ptr_equal(page_alloc(0), (char *)table + PAGE_SIZE);
	assert_true(page_is_table(HPA((uintptr_t)table + PAGE_SIZE), 0));
	assert_int_equal(page_alloc_run(CHUNK, &run), CHUNK);
	for (enum page_kind kind = 0; kind < PAGE_KINDS; kind++)
		assert_int_equal(page_alloc_free_of(kind), PAGES - 2 - 512);
	assert_int_equal(page_alloc_free_pages(), PAGES - 2 - 512);
}

static void a_page_is_of_one_kind(void **state)
{
	char *own, *table, *other;

	(void)state;
	divide();
	expect_free(512, 512, 512);
	table = page_alloc_table(9);
	memset(table, 0xff, CHUNK);
	page_free(table, 9);
	own = page_alloc_zeroed(3);
	table = page_alloc_table(1);
	other = page_alloc_kind(PAGES_GUESTS, 0);
	assert_true(own >= at(0) && own < at(512));
	assert_true(table >= at(512) && table < at(1024));
	assert_true(other >= at(1024) && other < at(1536));
	for (unsigned i = 0; i < 2 * PAGE_SIZE; i++)
		assert_int_equal(table[i], 0);
	expect_free(504, 510, 511);
	assert_true(page_is_table(HPA((uintptr_t)table), 1));
	assert_false(page_is_table(HPA((uintptr_t)table), 0));
	assert_false(page_is_table(HPA((uintptr_t)own), 3));
	assert_false(page_is_table(HPA((uintptr_t)other), 0));
	assert_true(page_is_taken(HPA((uintptr_t)other)));
	page_free(own, 3);
	page_free(table, 1);
	page_free(other, 0);
	assert_false(page_is_table(HPA((uintptr_t)table), 1));
	expect_free(512, 512, 512);
}

/* Free neighbours of two kinds are no block, and one that is short borrows nothing. */
static void kinds_do_not_merge(void **state)
{
	(void)state;
	divide();
	for (enum page_kind kind = 0; kind < PAGE_KINDS; kind++) {
		assert_null(page_alloc_kind(kind, 10));
		assert_ptr_equal(page_alloc_kind(kind, 9), at(512 * kind));
		assert_null(page_alloc_kind(kind, 0));
	}
	expect_free(0, 0, 0);
	page_free(at(512), 9);
	page_free(at(0), 9);
	page_free(at(1024), 9);
	assert_null(page_alloc(10));
	expect_free(512, 512, 512);
}

static void a_run_is_of_the_guests(void **state)
{
	hpa_t run;

	(void)state;
	divide();
	assert_int_equal(page_alloc_run(2 * CHUNK, &run), CHUNK);
	assert_int_equal(run.raw, (uintptr_t)at(1024));
	assert_int_equal(page_alloc_run(CHUNK, &run), 0);
	expect_free(512, 512, 0);
	page_alloc_add(HPA((uintptr_t)at(1024)), CHUNK);
	/* a range that reaches over bounds goes to each its own */
	while (page_alloc(0) || page_alloc_table(0) || page_alloc_kind(PAGES_GUESTS, 0))
		;
	page_alloc_add(HPA((uintptr_t)at(510)), 516 * PAGE_SIZE);
	expect_free(2, 512, 2);
}

static void a_division_comes_first(void **state)
{
	const struct page_division division = {{[PAGES_OWN] = {base, CHUNK}}};
	const struct page_division odd = {{[PAGES_OWN] = {HPA(base.raw + 8), CHUNK}}};

	(void)state;
	expect_assertion(page_alloc_divide(&odd));
	page_alloc_init(base, SIZE, bytes);
	page_alloc_add(base, PAGE_SIZE);
	expect_assertion(page_alloc_divide(&division));
}

/* ---- at random ---- */

static void a_random_run(void **state)
{
	static struct {
		char *block;
		unsigned order;
	} taken[512];
	static uint8_t owner[PAGES];
	unsigned count = 0;
	uint64_t pages = 0, seed = 12345;

	(void)state;
	add_all();
	memset(owner, 0, sizeof(owner));
	for (unsigned step = 0; step < 200000; step++) {
		unsigned order = random_below(&seed, 4) ? random_below(&seed, 3)
							: random_below(&seed, 9);
		unsigned i;

		if (count < 512 && random_below(&seed, 2)) {
			char *block = page_alloc(order);
			uint64_t first;

			if (!block)
				continue;
			assert_true(is_aligned((uintptr_t)block, PAGE_SIZE << order));
			first = ((uintptr_t)block - base.raw) >> PAGE_SHIFT;
			for (i = 0; i < 1u << order; i++)
				assert_int_equal(owner[first + i]++, 0);
			/* what is taken may be written, all of it */
			memset(block, 0x5a, 64);
			memset(block + (PAGE_SIZE << order) - 64, 0xa5, 64);
			taken[count].block = block;
			taken[count++].order = order;
			pages += UINT64_C(1) << order;
		} else if (count > 0) {
			unsigned which = random_below(&seed, count);
			uint64_t first =
				((uintptr_t)taken[which].block - base.raw) >> PAGE_SHIFT;

			for (i = 0; i < 1u << taken[which].order; i++)
				owner[first + i]--;
			pages -= UINT64_C(1) << taken[which].order;
			page_free(taken[which].block, taken[which].order);
			taken[which] = taken[--count];
		}
		assert_int_equal(page_alloc_free_pages(), PAGES - pages);
	}
	while (count > 0) {
		count--;
		page_free(taken[count].block, taken[count].order);
	}
	assert_non_null(page_alloc(11));
}

static void pages_are_counted_whoever_has_them(void **state)
{
	uint64_t all;
	void *page;

	(void)state;
	page_alloc_add(base, SIZE);
	all = page_alloc_free_pages();
	page = page_alloc(0);
	assert_non_null(page);
	assert_int_equal(page_alloc_pages_of(PAGES_OWN), all);
	page_free(page, 0);
	assert_int_equal(page_alloc_pages_of(PAGES_OWN), all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(the_state_is_a_byte_for_each_page),
		TEST(blocks_are_aligned_to_their_size),
		TEST(pages_merge_again),
		TEST(pages_are_counted_whoever_has_them),
		TEST(what_is_too_large_is_refused),
		TEST(ranges_are_cut_to_pages),
		TEST(zeroed_blocks_are_zero),
		TEST(misuse_is_caught),
		TEST(misuse_is_caught_after_a_return_by_range),
		TEST(a_run_is_adjacent_blocks),
		TEST(what_is_around_a_run_merges_not_with_it),
		TEST(the_smallest_stretch_that_holds_a_run_is_taken),
		TEST(there_is_no_run_of_pages),
		TEST(a_large_run_is_aligned_if_it_can_be),
		TEST(undivided_pages_are_of_every_kind),
		TEST(a_page_is_of_one_kind),
		TEST(kinds_do_not_merge),
		TEST(a_run_is_of_the_guests),
		TEST(a_division_comes_first),
		TEST(a_random_run),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
