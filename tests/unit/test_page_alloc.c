/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: mm/page_alloc.c tests/unit/host_ram.c */
/*
 * The page allocator: alignment, splitting and merging, exhaustion, misuse that
 * its assertions catch, and a random run against a naive list of what is taken.
 */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(the_state_is_a_byte_for_each_page),
		TEST(blocks_are_aligned_to_their_size),
		TEST(pages_merge_again),
		TEST(what_is_too_large_is_refused),
		TEST(ranges_are_cut_to_pages),
		TEST(zeroed_blocks_are_zero),
		TEST(misuse_is_caught),
		TEST(misuse_is_caught_after_a_return_by_range),
		TEST(a_random_run),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
