/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sfence.vma and pointers: tables exchanged, unlinked and reused.
 *
 * Only forms with rs1=x0 cover an entry that is not a leaf; after the others an
 * access may still go through the old tables. A page that stopped being a table
 * and was fenced must never again be read as one, whatever is written to it.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"

#define OLD  31
#define NEW  32
#define MARK UINT64_C(0x0123456789abcde0) /* V=0 */

static const enum access kinds[] = {LD, SD, FETCH, AMOSWAP_D};

/* A chain of tables below `level` that maps va to a frame; the pointer to it. */
static uint64_t chain_new(unsigned level, uint64_t va, unsigned tag)
{
	uint64_t *table = arena_alloc(PAGE_SIZE);

	*table_slot(table, level - 1, va, 0) = pte_make(frame_pa(tag), PTE_USER);
	return pte_make((uintptr_t)table, PTE_V);
}

static void expect_each(const char *what, uint64_t va, int result)
{
	for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++)
		expect(what, kinds[k], va, USER, result);
}

static void expect_either(const char *what, uint64_t va, int one, int other)
{
	for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++)
		expect(what, kinds[k], va, USER, one, other);
}

static void try_exchange(const struct space *space, unsigned level, enum fence_form form)
{
	uint64_t va = window(space->mode, WINDOW + level) + 3 * PAGE_SIZE;
	uint64_t *slot = space_slot(space, va, level);
	uint64_t old = chain_new(level, va, OLD), new = chain_new(level, va, NEW);
	bool covers = form == FENCE_ALL || form == FENCE_ASID;

	*slot = old;
	fence_all();
	expect_each("old tables", va, OLD);
	*slot = new;
	expect_either("exchanged, not fenced", va, OLD, NEW);
	fence(form, va, space->asid);
	if (covers)
		expect_each(fence_name(form), va, NEW);
	else
		expect_either(fence_name(form), va, OLD, NEW);
	*slot = 0;
	fence(form, va, space->asid);
	if (covers)
		expect_each("unlinked", va, PAGE_FAULT);
	*slot = old;
	fence(form, va, space->asid);
	if (covers)
		expect_each("linked again", va, OLD);
	fence_all();
	expect_each("linked again, all fenced", va, OLD);
}

static void check_exchange(const struct paging_mode *mode)
{
	struct space space;

	space_init(&space, mode, nth_asid(mode, 9));
	frame_new(OLD);
	frame_new(NEW);
	space_start(&space);
	for_each_upper_level(level, mode) for (enum fence_form form = 0;
					       form < FENCE_FORMS; form++)
		try_exchange(&space, level, form);
}

/* A pointer replaced by a leaf and back, at every level that has both. */
static void check_pointer_to_leaf(const struct paging_mode *mode)
{
	struct space space;

	space_init(&space, mode, nth_asid(mode, 9));
	frame_new(OLD);
	frame_new(NEW);
	space_start(&space);
	for_each_upper_level(level, mode)
	{
		uint64_t base = window(mode, WINDOW + level);
		uint64_t va = leaf_va(base, level, frame_pa(NEW));
		uint64_t *slot = space_slot(&space, va, level);
		uint64_t pointer = chain_new(level, va, OLD);
		uint64_t leaf = pte_make(leaf_pa(level, frame_pa(NEW)), PTE_USER);

		for (unsigned i = 0; i < 4; i++) {
			*slot = pointer;
			fence(i % 2 ? FENCE_ALL : FENCE_ASID, 0, space.asid);
			expect_each("pointer", va, OLD);
			*slot = leaf;
			expect_either("leaf, not fenced", va, OLD, NEW);
			fence(i % 2 ? FENCE_ASID : FENCE_ALL, 0, space.asid);
			expect_each("leaf", va, NEW);
		}
	}
}

/* What a table page holds as data must not be taken for entries. */
static void check_table_becomes_data(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW), data = va + GIB / 2;

	space_init(&space, mode, nth_asid(mode, 9));
	frame_new(OLD);
	frame_new(NEW);
	space_start(&space);
	for_each_upper_level(level, mode)
	{
		uint64_t *slot = space_slot(&space, va, level);
		uint64_t *table;

		*slot = chain_new(level, va, OLD);
		table = (uint64_t *)pte_pa(*slot);
		fence_all();
		expect_each("before", va, OLD);
		*slot = 0;
		table[va_index(va, level - 1)] = 0x1234567;
		fence(level % 2 ? FENCE_ALL : FENCE_ASID, 0, space.asid);
		expect_each("unlinked table", va, PAGE_FAULT);
		space_map(&space, data, 0, (uintptr_t)table, PTE_USER);
		fence_all();
		table[va_index(va, level - 1)] = pte_make(frame_pa(NEW), PTE_USER);
		expect_each("data that looks like a leaf", va, PAGE_FAULT);
		probe(SD, data + 8 * va_index(va, level - 1),
		      pte_make(frame_pa(NEW), PTE_USER), USER);
		expect_each("data that a user made look like a leaf", va, PAGE_FAULT);
		*space_slot(&space, data, 0) = 0;
	}
}

/* One page: table for va, data, then table for another address. */
static void check_data_becomes_table(const struct paging_mode *mode)
{
	struct space space;
	uint64_t first = window(mode, WINDOW), second = first + 2 * MIB;
	uint64_t *table, *slots[2];

	space_init(&space, mode, nth_asid(mode, 9));
	table = arena_alloc(PAGE_SIZE);
	table[1] = MARK;
	frame_new(OLD);
	frame_new(NEW);
	slots[0] = space_slot(&space, first, 1);
	slots[1] = space_slot(&space, second, 1);
	space_map(&space, first + GIB / 2, 0, (uintptr_t)table, PTE_USER);
	space_start(&space);
	for (unsigned i = 0; i < 6; i++) {
		uint64_t va = i % 2 ? second : first, gone = i % 2 ? first : second;

		expect_equal("as data", probe(LD, first + GIB / 2 + 8, 0, USER).value,
			     MARK);
		table[0] = pte_make(frame_pa(i % 3 ? OLD : NEW), PTE_USER);
		*slots[!(i % 2)] = 0;
		*slots[i % 2] = pte_make((uintptr_t)table, PTE_V);
		fence(i % 2 ? FENCE_ALL : FENCE_ASID, 0, space.asid);
		expect_each("as a table", va, i % 3 ? OLD : NEW);
		expect_each("where it was a table before", gone, PAGE_FAULT);
	}
}

/* The same table in two places: a fence of one address covers that one. */
static void check_shared_table(const struct paging_mode *mode)
{
	struct space space;
	uint64_t first = window(mode, WINDOW), second = first + 2 * MIB;
	uint64_t *slot;

	space_init(&space, mode, nth_asid(mode, 9));
	slot = space_map(&space, first, 0, frame_new(OLD), PTE_USER);
	frame_new(NEW);
	*space_slot(&space, second, 1) = *space_slot(&space, first, 1);
	space_start(&space);
	expect_each("first place", first, OLD);
	expect_each("second place", second, OLD);
	*slot = pte_make(frame_pa(NEW), PTE_USER);
	fence_va(first);
	expect_each("fenced place", first, NEW);
	expect_either("other place", second, OLD, NEW);
	fence_va(second);
	expect_each("other place, fenced", second, NEW);
}

/* A table that ran out of entries and is dropped while neighbours stay. */
static void check_neighbours_stay(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);

	space_init(&space, mode, nth_asid(mode, 9));
	for (unsigned i = 0; i < 8; i++)
		space_map(&space, va + i * 2 * MIB, 0, frame_new(1 + i), PTE_USER);
	space_start(&space);
	for (unsigned gone = 0; gone < 8; gone++) {
		for (unsigned i = gone; i < 8; i++)
			expect("mapped", LD, va + i * 2 * MIB, USER, (int)i + 1);
		*space_slot(&space, va + gone * 2 * MIB, 1) = 0;
		fence_asid(space.asid);
		for (unsigned i = 0; i <= gone; i++)
			expect("dropped", LD, va + i * 2 * MIB, USER, PAGE_FAULT);
	}
}

static const struct check checks[] = {
	{"tables exchanged at every level", check_exchange},
	{"pointers and leaves in turn at every level", check_pointer_to_leaf},
	{"a table page reused as data", check_table_becomes_data},
	{"a page as table here, then there", check_data_becomes_table},
	{"one table in two places", check_shared_table},
	{"tables dropped one by one", check_neighbours_stay},
};

const struct group fence_levels_group = {"fences of pointers", checks,
					 ARRAY_LENGTH(checks), true};
