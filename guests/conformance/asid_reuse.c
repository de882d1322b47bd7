/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ASIDs and tables that change hands, as when processes end and begin.
 *
 * "When software recycles an ASID it should first change satp to point to the
 * new page table using the recycled ASID, then execute SFENCE.VMA with rs1=x0
 * and rs2 set to the recycled ASID", or fence before while another ASID is in
 * force. Before the fence, either space's mappings may be seen. An ASID that
 * was never used since the last fence has nothing stale, even when its tables
 * are another's old pages.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"

#define SHARED_ASID 7
#define GENERATIONS 24

static const enum access kinds[] = {LD, SD, FETCH, AMOSWAP_D};

static void expect_each(const char *what, uint64_t va, int result)
{
	for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++)
		expect(what, kinds[k], va, USER, result);
}

static void make_space(struct space *space, const struct paging_mode *mode, uint64_t asid,
		       uint64_t va, unsigned tag)
{
	space_init(space, mode, asid);
	space_map(space, va, 0, frame_new(tag), PTE_USER);
}

/* Two roots under one ASID, switched with and without fences. */
static void check_one_asid_two_roots(const struct paging_mode *mode)
{
	struct space spaces[2];
	uint64_t va = window(mode, WINDOW), only = va + PAGE_SIZE;

	for (unsigned i = 0; i < 2; i++)
		make_space(&spaces[i], mode, nth_asid(mode, SHARED_ASID), va, 1 + i);
	space_map(&spaces[0], only, 0, frame_pa(1), PTE_USER);
	space_start(&spaces[1]);
	for (unsigned i = 0; i < 16; i++) {
		const struct space *space = &spaces[i % 2];

		expect_each("before", va, 2 - (int)(i % 2));
		space_enter(space);
		expect("switched, not fenced", kinds[i % 4], va, USER, 1, 2);
		expect("switched, not fenced", kinds[i % 4], only, USER, 1, PAGE_FAULT);
		if (i % 4 < 2)
			fence_asid(space->asid);
		else
			fence_all();
		expect_each("switched and fenced", va, 1 + (int)(i % 2));
		expect("switched and fenced", LD, only, USER, i % 2 ? PAGE_FAULT : 1);
	}
}

/* A fence of one address leaves the old root's pointers, and other addresses. */
static void check_one_asid_one_address(const struct paging_mode *mode)
{
	struct space spaces[2];
	uint64_t va = window(mode, WINDOW);

	for (unsigned i = 0; i < 2; i++) {
		make_space(&spaces[i], mode, nth_asid(mode, SHARED_ASID), va, 1 + i);
		space_map(&spaces[i], va + PAGE_SIZE, 0, frame_pa(1 + i), PTE_USER);
	}
	space_start(&spaces[0]);
	expect_each("first root", va, 1);
	expect_each("first root", va + PAGE_SIZE, 1);
	space_enter(&spaces[1]);
	fence_va_asid(va, spaces[1].asid);
	expect("second root, pointers not fenced", LD, va, USER, 1, 2);
	expect("second root, not fenced", LD, va + PAGE_SIZE, USER, 1, 2);
	fence_asid(spaces[1].asid);
	expect_each("second root, fenced", va, 2);
	expect_each("second root, fenced", va + PAGE_SIZE, 2);
}

/* Fence first, while another ASID is in force, then load the new table. */
static void check_fence_before_switch(const struct paging_mode *mode)
{
	struct space idle, spaces[2];
	uint64_t va = window(mode, WINDOW);

	if (paging_asid_bits(mode) < 3) {
		skip("too few ASID bits");
		return;
	}
	space_init(&idle, mode, 0);
	for (unsigned i = 0; i < 2; i++)
		make_space(&spaces[i], mode, SHARED_ASID, va, 1 + i);
	fence_all();
	for (unsigned i = 0; i < 16; i++) {
		space_enter(&spaces[i % 2]);
		expect_each("recycled ASID", va, 1 + (int)(i % 2));
		space_enter(&idle);
		expect("idle space", LD, va, USER, PAGE_FAULT);
		fence_asid(SHARED_ASID);
		expect("idle space", LD, va, USER, PAGE_FAULT);
	}
}

/*
 * Generations of spaces made of the same pages, each under an ASID of its own
 * that has nothing cached. Fenced are only the new ASIDs.
 */
static void check_recycled_tables(const struct paging_mode *mode)
{
	uint64_t first = window(mode, WINDOW), second = window(mode, HIGH_WINDOW);
	uint64_t *pages[2 * LEVELS_MAX];

	if (paging_asid_bits(mode) < 6) {
		skip("too few ASID bits");
		return;
	}
	for (unsigned i = 0; i < ARRAY_LENGTH(pages); i++)
		pages[i] = arena_alloc(PAGE_SIZE);
	for (unsigned tag = 1; tag <= GENERATIONS; tag++)
		frame_new(tag);
	fence_all();
	for (unsigned g = 0; g < GENERATIONS; g++) {
		struct space space = {mode, pages[g % ARRAY_LENGTH(pages)], 1 + g};
		uint64_t va = g % 3 ? first : second, other = g % 3 ? second : first;
		uint64_t *table = space.root;

		space_copy_kernel(space.root, mode);
		for (unsigned level = mode->levels - 1; level > 0; level--) {
			uint64_t *next = pages[(g + level) % ARRAY_LENGTH(pages)];

			for (unsigned i = 0; i < PTES_PER_TABLE; i++)
				next[i] = 0;
			table[va_index(va, level)] = pte_make((uintptr_t)next, PTE_V);
			table = next;
		}
		table[va_index(va, 0)] = pte_make(frame_pa(1 + g), PTE_USER);
		fence_asid(space.asid);
		space_enter(&space);
		expect_each("this generation's page", va, 1 + (int)g);
		expect_each("an earlier generation's address", other, PAGE_FAULT);
		space_leave();
	}
}

/*
 * The same without any fence, for a root that was clean when last fenced: its
 * new entries may be seen late, but never anything of the pages' former owner.
 */
static void check_recycled_unfenced(const struct paging_mode *mode)
{
	struct space spaces[2];
	uint64_t va = window(mode, WINDOW);
	uint64_t *root_slots[2], pointer;

	if (paging_asid_bits(mode) < 1) {
		skip("no ASID bits");
		return;
	}
	make_space(&spaces[0], mode, 0, va, 1);
	space_init(&spaces[1], mode, 1);
	frame_new(2);
	for (unsigned i = 0; i < 2; i++)
		root_slots[i] = space_slot(&spaces[i], va, mode->levels - 1);
	pointer = *root_slots[0];
	fence_all();
	for (unsigned i = 0; i < 8; i++) {
		unsigned owner = i % 2, next = !owner;

		*root_slots[next] = 0;
		*root_slots[owner] = pointer;
		fence_all();
		space_enter(&spaces[owner]);
		expect_each("owner", va, 1 + (int)owner);
		space_enter(&spaces[next]);
		expect_each("next owner, before", va, PAGE_FAULT);
		*space_slot(&spaces[owner], va, 0) =
			pte_make(frame_pa(1 + next), PTE_USER);
		*root_slots[next] = pointer;
		expect("next owner, not fenced", kinds[i % 4], va, USER, PAGE_FAULT,
		       1 + (int)next);
		fence_asid(spaces[next].asid);
		expect_each("next owner, fenced", va, 1 + (int)next);
	}
}

/* A space's pages become the next one's data while it is not in force. */
static void check_tables_become_data(const struct paging_mode *mode)
{
	struct space spaces[2];
	uint64_t va = window(mode, WINDOW), data = va + 64 * PAGE_SIZE;
	uint64_t *table;

	make_space(&spaces[0], mode, nth_asid(mode, 1), va, 1);
	make_space(&spaces[1], mode, nth_asid(mode, 2), va, 2);
	table = (uint64_t *)pte_pa(*space_slot(&spaces[0], va, 1));
	space_start(&spaces[0]);
	expect_each("first space", va, 1);
	space_enter(&spaces[1]);
	fence_all();
	space_map(&spaces[1], data, 0, (uintptr_t)table, PTE_USER);
	fence_va(data);
	for (unsigned i = 0; i < 32; i++) {
		uint64_t pte = pte_make(frame_pa(2), PTE_USER);

		probe(SD, data + 8 * va_index(va, 0), i % 2 ? pte : 0, USER);
		expect_equal("data stored by the second space", table[va_index(va, 0)],
			     i % 2 ? pte : 0);
		expect_each("second space", va, 2);
	}
}

static const struct check checks[] = {
	{"one ASID under two roots", check_one_asid_two_roots},
	{"one ASID under two roots, one address fenced", check_one_asid_one_address},
	{"an ASID fenced before it is reused", check_fence_before_switch},
	{"new spaces made of old tables", check_recycled_tables},
	{"tables handed over without a fence", check_recycled_unfenced},
	{"tables that become another space's data", check_tables_become_data},
};

const struct group asid_reuse_group = {"ASID reuse", checks, ARRAY_LENGTH(checks), true};
