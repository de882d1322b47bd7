/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leaves above level 0: 2 MiB and up to 256 TiB, split and merged.
 *
 * The largest ones start at physical address 0 and reach memory at its own
 * offset, as an identity mapping does. Splitting and merging change an entry
 * from leaf to pointer or back, which "sfence.vma with rs1=x0" covers; a fence
 * of one address covers the whole leaf that translates it, because it is the
 * leaf's entry that the fence orders.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"

#define PAGES	512 /* of a 2 MiB block */
#define BLOCK_A 1   /* tags of the first pages of two blocks */
#define BLOCK_B 1025

static const enum access kinds[] = {LD, SD, FETCH, AMOSWAP_D};
static const uint64_t offsets[] = {0, 8, 0x7f8, 0xff8};

static void expect_offsets(const char *what, uint64_t va, unsigned how, int tag)
{
	for (unsigned o = 0; o < ARRAY_LENGTH(offsets); o++)
		for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++)
			expect(what, kinds[k], va + offsets[o], how, tag);
}

static void check_offsets(const struct paging_mode *mode)
{
	struct space space;

	space_init(&space, mode, 0);
	for (unsigned tag = 1; tag <= 6; tag++) {
		frame_new(tag);
		arena_alloc(MIB);
	}
	space_start(&space);
	for_each_upper_level(level, mode)
	{
		uint64_t user = window(mode, WINDOW + level);
		uint64_t kernel = window(mode, HIGH_WINDOW + level);

		for (unsigned tag = 1; tag <= 6; tag++) {
			uint64_t pa = frame_pa(tag);

			space_map(&space, user, level, leaf_pa(level, pa), PTE_USER);
			space_map(&space, kernel, level, leaf_pa(level, pa), PTE_KERNEL);
			fence_all();
			expect_offsets("user leaf", leaf_va(user, level, pa), USER,
				       (int)tag);
			expect("user leaf", LD, leaf_va(user, level, pa), SUM, (int)tag);
			expect_offsets("kernel leaf", leaf_va(kernel, level, pa),
				       SUPERVISOR, (int)tag);
		}
	}
}

static void expect_block(const char *what, uint64_t va, unsigned step, int first,
			 int sign)
{
	for (unsigned i = 0; i < PAGES; i += step)
		expect(what, LD, va + i * PAGE_SIZE + i % PAGES * 8, USER,
		       first + sign * (int)i);
}

static void check_whole_block(const struct paging_mode *mode)
{
	struct space space;
	uint64_t pa = frames_new(BLOCK_A, PAGES, 2 * MIB);
	uint64_t va = window(mode, WINDOW);

	space_init(&space, mode, 0);
	space_map(&space, va, 1, pa, PTE_USER);
	space_start(&space);
	expect_block("page of a 2 MiB leaf", va, 1, BLOCK_A, 1);
	expect("first byte", LB, va + 3, USER, BLOCK_A);
	expect("last page", SD, va + 2 * MIB - 8, USER, BLOCK_A + PAGES - 1);
	expect("beyond the leaf", LD, va + 2 * MIB, USER, PAGE_FAULT);
	expect("before the leaf", LD, va - 8, USER, PAGE_FAULT);
}

/* A table of 4 KiB leaves that maps a block backwards. */
static uint64_t backwards_table(uint64_t pa)
{
	uint64_t *table = arena_alloc(PAGE_SIZE);

	for (unsigned i = 0; i < PAGES; i++)
		table[i] = pte_make(pa + (PAGES - 1 - i) * PAGE_SIZE, PTE_USER);
	return pte_make((uintptr_t)table, PTE_V);
}

static void check_split_and_merge(const struct paging_mode *mode)
{
	struct space space;
	uint64_t pa = frames_new(BLOCK_A, PAGES, 2 * MIB);
	uint64_t va = window(mode, WINDOW);
	uint64_t leaf = pte_make(pa, PTE_USER), table = backwards_table(pa);
	uint64_t *slot;

	space_init(&space, mode, nth_asid(mode, 1));
	slot = space_slot(&space, va, 1);
	*slot = leaf;
	space_start(&space);
	for (unsigned i = 0; i < 4; i++) {
		expect_block("2 MiB leaf", va, 37, BLOCK_A, 1);
		*slot = table;
		for (unsigned page = 0; page < PAGES; page += 37)
			expect("between split and fence", LD, va + page * PAGE_SIZE, USER,
			       (int)(BLOCK_A + page), (int)(BLOCK_A + PAGES - 1 - page));
		fence(i % 2 ? FENCE_ALL : FENCE_ASID, 0, space.asid);
		expect_block("split", va, 37, BLOCK_A + PAGES - 1, -1);
		*slot = leaf;
		for (unsigned page = 0; page < PAGES; page += 37)
			expect("between merge and fence", LD, va + page * PAGE_SIZE, USER,
			       (int)(BLOCK_A + page), (int)(BLOCK_A + PAGES - 1 - page));
		fence(i % 2 ? FENCE_ASID : FENCE_ALL, 0, space.asid);
	}
	expect_block("merged", va, 1, BLOCK_A, 1);
}

/* Split a leaf of any level, down to a 2 MiB leaf for another block. */
static void check_split_large(const struct paging_mode *mode)
{
	uint64_t a = frames_new(BLOCK_A, PAGES, 2 * MIB);
	uint64_t b = frames_new(BLOCK_B, PAGES, 2 * MIB);
	struct space space;

	space_init(&space, mode, nth_asid(mode, 1));
	space_start(&space);
	for (unsigned level = 2; level < mode->levels; level++) {
		uint64_t base = window(mode, WINDOW + level);
		uint64_t va = leaf_va(base, level, a), page = 100 * PAGE_SIZE;
		uint64_t *slot = space_slot(&space, base, level);
		uint64_t leaf = pte_make(leaf_pa(level, a), PTE_USER);
		uint64_t *table = arena_alloc(PAGE_SIZE);

		*table_slot(table, level - 1, va, 1) = pte_make(b, PTE_USER);
		*slot = leaf;
		fence_all();
		expect("large leaf", LD, va + page, USER, BLOCK_A + 100);
		*slot = pte_make((uintptr_t)table, PTE_V);
		expect("not fenced", LD, va + page, USER, BLOCK_A + 100, BLOCK_B + 100);
		fence_asid(space.asid);
		expect("split", LD, va + page, USER, BLOCK_B + 100);
		expect("split", FETCH, va, USER, BLOCK_B);
		expect("what the split left out", LD, va - 2 * MIB, USER, PAGE_FAULT);
		*slot = leaf;
		fence_all();
		expect("merged", LD, va + page, USER, BLOCK_A + 100);
		expect("merged", SD, va, USER, BLOCK_A);
	}
}

/* One fenced address covers all of the leaf. */
static void check_one_fence_remap(const struct paging_mode *mode)
{
	uint64_t a = frames_new(BLOCK_A, PAGES, 2 * MIB);
	uint64_t b = frames_new(BLOCK_B, PAGES, 2 * MIB);
	uint64_t va = window(mode, WINDOW);
	struct space space;
	uint64_t *slot;

	space_init(&space, mode, nth_asid(mode, 1));
	slot = space_slot(&space, va, 1);
	for (unsigned i = 0; i < 4; i++) {
		*slot = pte_make(a, PTE_USER);
		space_start(&space);
		expect_block("before", va, 29, BLOCK_A, 1);
		*slot = pte_make(b, PTE_USER);
		fence(i % 2 ? FENCE_VA : FENCE_VA_ASID, va + i * 100 * PAGE_SIZE + 24,
		      space.asid);
		expect_block("after one fence inside", va, 29, BLOCK_B, 1);
	}
}

static void check_one_fence_protect(const struct paging_mode *mode)
{
	struct space space;

	space_init(&space, mode, nth_asid(mode, 1));
	for (unsigned tag = 1; tag <= 4; tag++) {
		frame_new(tag);
		arena_alloc(MIB);
	}
	space_start(&space);
	for_each_upper_level(level, mode)
	{
		uint64_t base = window(mode, WINDOW + level);
		uint64_t pa = leaf_pa(level, frame_pa(1));
		uint64_t *slot = space_map(&space, base, level, pa, PTE_USER);

		fence_all();
		for (unsigned tag = 1; tag <= 4; tag++)
			if (leaf_pa(level, frame_pa(tag)) == pa)
				expect("before", SD, leaf_va(base, level, frame_pa(tag)),
				       USER, (int)tag);
		*slot &= ~PTE_W;
		fence_va_asid(base + level_size(level) / 2, space.asid);
		for (unsigned tag = 1; tag <= 4; tag++)
			if (leaf_pa(level, frame_pa(tag)) == pa)
				expect("after", SD, leaf_va(base, level, frame_pa(tag)),
				       USER, PAGE_FAULT);
	}
}

/* A fence of one page under a split leaf must not leave the old leaf behind. */
static void check_split_one_fence(const struct paging_mode *mode)
{
	struct space space;
	uint64_t pa = frames_new(BLOCK_A, PAGES, 2 * MIB);
	uint64_t va = window(mode, WINDOW);
	uint64_t page = va + 5 * PAGE_SIZE;
	uint64_t *slot;

	space_init(&space, mode, nth_asid(mode, 1));
	slot = space_slot(&space, va, 1);
	for (unsigned i = 0; i < 2; i++) {
		*slot = pte_make(pa, PTE_USER);
		space_start(&space);
		expect_block("leaf", va, 41, BLOCK_A, 1);
		*slot = backwards_table(pa);
		fence(i ? FENCE_VA : FENCE_VA_ASID, page, space.asid);
		expect("the fenced page", LD, page, USER, BLOCK_A + PAGES - 1 - 5);
		expect_block("its whole former leaf", va, 41, BLOCK_A + PAGES - 1, -1);
	}
}

static const struct check checks[] = {
	{"offsets within leaves of every level", check_offsets},
	{"all 512 pages of a 2 MiB leaf", check_whole_block},
	{"split into 4 KiB pages and merged", check_split_and_merge},
	{"large leaves split and merged", check_split_large},
	{"one fence inside covers a remapped leaf", check_one_fence_remap},
	{"one fence inside covers a protected leaf", check_one_fence_protect},
	{"one fence inside covers a split leaf", check_split_one_fence},
};

const struct group superpages_group = {"superpages", checks, ARRAY_LENGTH(checks), true};
