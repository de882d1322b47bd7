/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: mm/guest_memory.c mm/page_alloc.c tests/unit/host_ram.c */
/*
 * A VM's RAM: its runs on whole and on fragmented machines, the levels they can
 * be mapped at, ownership, copies across runs, and nothing left of a failure.
 */
#include <string.h>

#include "core/harts.h"
#include "mm/guest_memory.h"
#include "mm/page_alloc.h"
#include "mm/pte.h"
#include "tests/unit/host_ram.h"

#define SIZE  (64 * MIB)
#define BLOCK (2 * MIB)

static hpa_t base;
static uint8_t bytes[SIZE / PAGE_SIZE];
static struct guest_memory memory;

/* What others ask of the hart, of which there is nothing here. */
void harts_serve(void)
{
}

static int setup(void **state)
{
	(void)state;
	base = host_ram_map(SIZE, GIB);
	page_alloc_init(base, SIZE, bytes);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_ram_unmap(base, SIZE);
	return 0;
}

static hpa_t block(unsigned index)
{
	return HPA(base.raw + index * BLOCK);
}

/* Only blocks of 2 MiB with a hole behind each: n of them. */
static void add_fragments(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		page_alloc_add(block(2 * i), BLOCK);
}

/* The runs are in order and have no holes between them, and map at 2 MiB. */
static void check_runs(uint64_t size)
{
	uint64_t at = GUEST_RAM_BASE.raw;

	assert_int_equal(memory.size, size);
	for (unsigned i = 0; i < memory.run_count; i++) {
		const struct guest_run *run = &memory.runs[i];

		assert_int_equal(run->gpa.raw, at);
		assert_true(is_aligned(run->gpa.raw | run->hpa.raw | run->size, BLOCK));
		assert_true(guest_memory_owns(&memory, run->hpa, run->size));
		for (unsigned j = 0; j < i; j++)
			assert_true(memory.runs[j].hpa.raw + memory.runs[j].size <=
					    run->hpa.raw ||
				    run->hpa.raw + run->size <= memory.runs[j].hpa.raw);
		at += run->size;
	}
	assert_int_equal(at, GUEST_RAM_BASE.raw + size);
}

static void a_whole_machine_gives_one_run(void **state)
{
	(void)state;
	page_alloc_add(base, SIZE);
	assert_int_equal(guest_memory_allocate(&memory, GUEST_RAM_BASE, 32 * MIB),
			 STATUS_OK);
	check_runs(32 * MIB);
	assert_int_equal(memory.run_count, 1);
	assert_int_equal(page_alloc_free_pages(), 32 * MIB / PAGE_SIZE);
	guest_memory_free(&memory);
	assert_int_equal(memory.size, 0);
	assert_int_equal(page_alloc_free_pages(), SIZE / PAGE_SIZE);
	assert_non_null(page_alloc(14));
}

static void every_size_comes_back_whole(void **state)
{
	(void)state;
	page_alloc_add(base, SIZE);
	for (uint64_t size = BLOCK; size <= SIZE; size += BLOCK) {
		assert_int_equal(guest_memory_allocate(&memory, GUEST_RAM_BASE, size),
				 STATUS_OK);
		check_runs(size);
		assert_int_equal(memory.run_count, 1);
		guest_memory_free(&memory);
		assert_int_equal(page_alloc_free_pages(), SIZE / PAGE_SIZE);
	}
	assert_non_null(page_alloc(14));
}

/* As on a machine whose first and last pages are taken: no block is as large as a VM. */
static void adjacent_blocks_are_one_run(void **state)
{
	(void)state;
	page_alloc_add(HPA(base.raw + PAGE_SIZE), SIZE - 2 * PAGE_SIZE);
	for (uint64_t size = BLOCK; size <= SIZE - 2 * BLOCK; size += BLOCK) {
		assert_int_equal(guest_memory_allocate(&memory, GUEST_RAM_BASE, size),
				 STATUS_OK);
		check_runs(size);
		assert_int_equal(memory.run_count, 1);
		guest_memory_free(&memory);
		assert_int_equal(page_alloc_free_pages(), SIZE / PAGE_SIZE - 2);
	}
}

/* Of what is free in pieces, as few as there can be. */
static void the_largest_pieces_are_taken_first(void **state)
{
	(void)state;
	page_alloc_add(block(0), 2 * BLOCK);
	page_alloc_add(block(3), BLOCK);
	page_alloc_add(block(5), 5 * BLOCK);
	assert_int_equal(guest_memory_allocate(&memory, GUEST_RAM_BASE, 6 * BLOCK),
			 STATUS_OK);
	check_runs(6 * BLOCK);
	assert_int_equal(memory.run_count, 2);
	assert_int_equal(memory.runs[0].hpa.raw, block(5).raw);
	assert_int_equal(memory.runs[1].hpa.raw, block(3).raw);
	guest_memory_free(&memory);
	assert_int_equal(page_alloc_free_pages(), 8 * BLOCK / PAGE_SIZE);
}

static void fragments_are_runs_of_their_own(void **state)
{
	(void)state;
	add_fragments(9);
	assert_int_equal(guest_memory_allocate(&memory, GUEST_RAM_BASE, 8 * BLOCK),
			 STATUS_OK);
	check_runs(8 * BLOCK);
	assert_int_equal(memory.run_count, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(
			guest_memory_level(
				&memory, GPA(GUEST_RAM_BASE.raw + i * BLOCK + 0x1234), 2),
			1);
	guest_memory_free(&memory);
	assert_int_equal(page_alloc_free_pages(), 9 * BLOCK / PAGE_SIZE);
}

static void no_memory_leaves_nothing(void **state)
{
	uint64_t free;

	(void)state;
	/* enough pages, but only so many blocks */
	add_fragments(4);
	page_alloc_add(HPA(block(20).raw + PAGE_SIZE), 2 * BLOCK - 2 * PAGE_SIZE);
	free = page_alloc_free_pages();
	assert_int_equal(guest_memory_allocate(&memory, GUEST_RAM_BASE, 5 * BLOCK),
			 STATUS_NO_MEMORY);
	assert_int_equal(page_alloc_free_pages(), free);
	assert_int_equal(memory.size, 0);
	assert_int_equal(memory.run_count, 0);
	assert_int_equal(guest_memory_allocate(&memory, GUEST_RAM_BASE, 8 * BLOCK),
			 STATUS_NO_MEMORY);
	assert_int_equal(page_alloc_free_pages(), free);
	assert_int_equal(guest_memory_allocate(&memory, GUEST_RAM_BASE, 4 * BLOCK),
			 STATUS_OK);
	check_runs(4 * BLOCK);
}

/* More fragments than there can be runs: refused, and given back. */
static void too_many_runs(void **state)
{
	hpa_t large = host_ram_map(2 * 65 * BLOCK, GIB);
	static uint8_t more[2 * 65 * BLOCK / PAGE_SIZE];

	(void)state;
	page_alloc_init(large, 2 * 65 * BLOCK, more);
	for (unsigned i = 0; i < 65; i++)
		page_alloc_add(HPA(large.raw + 2 * i * BLOCK), BLOCK);
	assert_int_equal(guest_memory_allocate(&memory, GUEST_RAM_BASE, 65 * BLOCK),
			 STATUS_NO_MEMORY);
	assert_int_equal(page_alloc_free_pages(), 65 * BLOCK / PAGE_SIZE);
	assert_int_equal(guest_memory_allocate(&memory, GUEST_RAM_BASE, 64 * BLOCK),
			 STATUS_OK);
	assert_int_equal(memory.run_count, GUEST_RUN_LIMIT);
	guest_memory_free(&memory);
	host_ram_unmap(large, 2 * 65 * BLOCK);
}

/* Any bytes at all, and none beside them; one in 65 is not zero before. */
static void what_was_there_is_cleared(void **state)
{
	static uint8_t bytes_there[1024];

	(void)state;
	for (unsigned start = 0; start < 130; start++) {
		for (unsigned size = 0; size < 260; size++) {
			memset(bytes_there, 0, sizeof(bytes_there));
			for (unsigned i = start % 65; i < sizeof(bytes_there); i += 65)
				bytes_there[i] = 0x77;
			guest_memory_clear(pointer_hpa(bytes_there + start), size);
			for (unsigned i = 0; i < sizeof(bytes_there); i++) {
				bool is_in = i >= start && i < start + size;
				bool was = i % 65 == start % 65;

				assert_int_equal(bytes_there[i],
						 !is_in && was ? 0x77 : 0);
			}
		}
	}
}

static void all_of_it_is_cleared(void **state)
{
	uint64_t *words = hpa_pointer(base);

	(void)state;
	memset(words, 0x77, SIZE);
	guest_memory_clear(block(1), SIZE - 2 * BLOCK);
	for (uint64_t i = 0; i < SIZE / 8; i++)
		assert_true(words[i] == (i < BLOCK / 8 || i >= (SIZE - BLOCK) / 8
						 ? UINT64_C(0x7777777777777777)
						 : 0));
}

static void sizes_that_cannot_be_are_our_own_defects(void **state)
{
	(void)state;
	expect_assertion((void)guest_memory_allocate(&memory, GUEST_RAM_BASE, 0));
	expect_assertion((void)guest_memory_allocate(&memory, GUEST_RAM_BASE, MIB));
	expect_assertion((void)guest_memory_allocate(&memory, GPA(0x80001000), BLOCK));
}

/* ---- looking things up ---- */

/* Two runs: 4 MiB aligned alike to 4 MiB, and 2 MiB elsewhere. */
static void two_runs(void)
{
	memory = (struct guest_memory){
		.base = GUEST_RAM_BASE,
		.size = 3 * BLOCK,
		.run_count = 2,
		.runs = {{GUEST_RAM_BASE, block(4), 2 * BLOCK},
			 {GPA(GUEST_RAM_BASE.raw + 2 * BLOCK), block(1), BLOCK}},
	};
}

static void places_are_found_within_one_run(void **state)
{
	uint64_t ram = GUEST_RAM_BASE.raw;
	hpa_t hpa = {0};

	(void)state;
	two_runs();
	assert_true(guest_memory_find(&memory, GPA(ram + 8), 8, &hpa));
	assert_int_equal(hpa.raw, block(4).raw + 8);
	assert_true(guest_memory_find(&memory, GPA(ram + 2 * BLOCK), BLOCK, &hpa));
	assert_int_equal(hpa.raw, block(1).raw);
	assert_false(guest_memory_find(&memory, GPA(ram + 2 * BLOCK - 1), 2, &hpa));
	assert_false(guest_memory_find(&memory, GPA(ram + 3 * BLOCK - 1), 2, &hpa));
	assert_false(guest_memory_find(&memory, GPA(ram - 1), 1, &hpa));
	assert_false(guest_memory_find(&memory, GPA(ram + 3 * BLOCK), 1, &hpa));
	assert_false(guest_memory_find(&memory, GPA(ram), UINT64_MAX, &hpa));
	assert_false(guest_memory_find(&memory, GPA(UINT64_MAX), 2, &hpa));
	assert_null(guest_memory_run(&memory, GPA(0)));
}

static void ownership_is_exact(void **state)
{
	(void)state;
	two_runs();
	assert_true(guest_memory_owns(&memory, block(4), 2 * BLOCK));
	assert_true(guest_memory_owns(&memory, block(1), BLOCK));
	assert_false(guest_memory_owns(&memory, block(3), 2 * BLOCK));
	assert_false(guest_memory_owns(&memory, block(1), BLOCK + 1));
	assert_false(guest_memory_owns(&memory, HPA(block(1).raw - 1), 1));
	assert_false(guest_memory_owns(&memory, block(6), 1));
	assert_false(guest_memory_owns(&memory, block(5), UINT64_MAX));
	assert_false(guest_memory_owns(&memory, HPA(GUEST_RAM_BASE.raw), 1));
}

static void levels_need_alignment_and_room(void **state)
{
	(void)state;
	two_runs();
	for (unsigned most = 0; most < 5; most++) {
		unsigned expected = most > 1 ? 1 : most;

		assert_int_equal(guest_memory_level(&memory, GUEST_RAM_BASE, most),
				 expected);
	}
	/* off by a page from each other: pages only */
	memory.runs[0].hpa.raw += PAGE_SIZE;
	assert_int_equal(guest_memory_level(&memory, GUEST_RAM_BASE, 2), 0);
	/* alike, but begun or ended within the 2 MiB */
	memory.runs[0] = (struct guest_run){GPA(GUEST_RAM_BASE.raw + PAGE_SIZE),
					    HPA(block(4).raw + PAGE_SIZE),
					    2 * BLOCK - 2 * PAGE_SIZE};
	assert_int_equal(
		guest_memory_level(&memory, GPA(GUEST_RAM_BASE.raw + PAGE_SIZE), 2), 0);
	assert_int_equal(guest_memory_level(&memory, GPA(GUEST_RAM_BASE.raw + BLOCK), 2),
			 0);
	/* 1 GiB */
	memory.runs[0] = (struct guest_run){GUEST_RAM_BASE, HPA(4 * GIB), 2 * GIB};
	assert_int_equal(guest_memory_level(&memory, GUEST_RAM_BASE, 4), 2);
	assert_int_equal(guest_memory_level(&memory, GPA(0x80001000), 1), 1);
	assert_int_equal(guest_memory_level(&memory, GPA(0x1000), 4), 0);
}

static void copies_cross_runs_and_stop_at_the_end(void **state)
{
	static uint8_t out[0x4000], in[0x4000];
	gpa_t across = GPA(GUEST_RAM_BASE.raw + 2 * BLOCK - 0x1ff8);
	gpa_t end = GPA(GUEST_RAM_BASE.raw + 3 * BLOCK);

	(void)state;
	two_runs();
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7);
	assert_int_equal(guest_memory_write(&memory, across, out, sizeof(out)),
			 STATUS_OK);
	assert_memory_equal((char *)hpa_pointer(block(6)) - 0x1ff8, out, 0x1ff8);
	assert_memory_equal(hpa_pointer(block(1)), out + 0x1ff8, 0x2008);
	assert_int_equal(guest_memory_read(&memory, in, across, sizeof(in)), STATUS_OK);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(guest_memory_zero(&memory, across, 0x2000), STATUS_OK);
	assert_int_equal(guest_memory_read(&memory, in, across, sizeof(in)), STATUS_OK);
	for (unsigned i = 0; i < 0x2000; i++)
		assert_int_equal(in[i], 0);
	assert_memory_equal(in + 0x2000, out + 0x2000, 0x2000);
	/* none at all where not all of it fits */
	assert_int_equal(guest_memory_write(&memory, GPA(end.raw - 8), out, 9),
			 STATUS_INVALID);
	assert_int_equal(guest_memory_read(&memory, in, GPA(end.raw - 8), 8), STATUS_OK);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(in[i], 0);
	assert_int_equal(guest_memory_write(&memory, end, out, 0), STATUS_OK);
	assert_int_equal(guest_memory_read(&memory, in, GPA(UINT64_MAX), 2),
			 STATUS_INVALID);
	assert_int_equal(guest_memory_zero(&memory, GPA(GUEST_RAM_BASE.raw - 1), 1),
			 STATUS_INVALID);
	assert_int_equal(guest_memory_zero(&memory, GUEST_RAM_BASE, UINT64_MAX),
			 STATUS_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(a_whole_machine_gives_one_run),
		TEST(every_size_comes_back_whole),
		TEST(adjacent_blocks_are_one_run),
		TEST(the_largest_pieces_are_taken_first),
		TEST(fragments_are_runs_of_their_own),
		TEST(no_memory_leaves_nothing),
		TEST(too_many_runs),
		TEST(what_was_there_is_cleared),
		TEST(all_of_it_is_cleared),
		TEST(sizes_that_cannot_be_are_our_own_defects),
		TEST(places_are_found_within_one_run),
		TEST(ownership_is_exact),
		TEST(levels_need_alignment_and_room),
		TEST(copies_cross_runs_and_stop_at_the_end),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
