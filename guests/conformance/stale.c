/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may be stale, and for how long.
 *
 * A translation may be one that was valid at any time since the last fence that
 * covers it, an invalid entry included; "it is unpredictable which translation
 * will be chosen from that set ... but the behavior of such accesses is
 * otherwise well defined". So nothing outside that set may ever be seen. With
 * Svvptc, an entry made valid is seen in bounded time without a fence.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"
#include "guests/lib/platform.h"

#define OLD	 1
#define NEW	 2
#define BOUND_US 1000000 /* far more than "a bounded timeframe" can mean */

static const enum access kinds[] = {LD, SD, FETCH, AMOSWAP_D};

/* Wait for an entry made valid; without Svvptc one fence has to be enough. */
static void expect_seen_in_time(enum access access, uint64_t va, int tag)
{
	uint64_t end = time_now() + platform_ticks(BOUND_US);

	if (platform_has_extension("svvptc"))
		while (touch_matches(access, va, USER, &tag, 1) < 0 && time_now() < end)
			;
	else
		fence_all();
	expect("made valid", access, va, USER, tag);
}

static void check_leaf_made_valid(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);

	space_init(&space, mode, nth_asid(mode, 1));
	frame_new(NEW);
	for (unsigned i = 0; i < 64; i++)
		space_map(&space, va + i * PAGE_SIZE, 0, 0, 0);
	space_start(&space);
	for (unsigned i = 0; i < 64; i++) {
		uint64_t page = va + i * PAGE_SIZE;
		enum access access = kinds[i % ARRAY_LENGTH(kinds)];

		expect("invalid", access, page, USER, PAGE_FAULT);
		space_map(&space, page, 0, frame_pa(NEW), PTE_USER);
		expect("just made valid", access, page, USER, PAGE_FAULT, NEW);
		expect_seen_in_time(access, page, NEW);
	}
}

static void check_pointer_made_valid(const struct paging_mode *mode)
{
	struct space space;

	space_init(&space, mode, nth_asid(mode, 1));
	frame_new(NEW);
	space_start(&space);
	for_each_upper_level(level, mode)
	{
		for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++) {
			uint64_t va = window(mode, WINDOW + 8 * level + k);
			uint64_t *slot = space_slot(&space, va, level);
			uint64_t *table = arena_alloc(PAGE_SIZE);

			*table_slot(table, level - 1, va, 0) =
				pte_make(frame_pa(NEW), PTE_USER);
			fence_all();
			expect("no table", kinds[k], va, USER, PAGE_FAULT);
			*slot = pte_make((uintptr_t)table, PTE_V);
			expect("just linked", kinds[k], va, USER, PAGE_FAULT, NEW);
			expect_seen_in_time(kinds[k], va, NEW);
		}
	}
}

static void check_superpage_made_valid(const struct paging_mode *mode)
{
	struct space space;

	space_init(&space, mode, nth_asid(mode, 1));
	frame_new(NEW);
	space_start(&space);
	for_each_upper_level(level, mode)
	{
		uint64_t base = window(mode, WINDOW + level);
		uint64_t va = leaf_va(base, level, frame_pa(NEW));

		space_slot(&space, base, level);
		fence_all();
		expect("invalid", LD, va, USER, PAGE_FAULT);
		space_map(&space, base, level, leaf_pa(level, frame_pa(NEW)), PTE_USER);
		expect("just made valid", LD, va, USER, PAGE_FAULT, NEW);
		expect_seen_in_time(LD, va, NEW);
	}
}

/* More permission without a fence: old or new; after the fault and a fence, new. */
static void check_more_permission(const struct paging_mode *mode)
{
	static const struct {
		enum access access;
		uint64_t missing;
	} cases[] = {{SD, PTE_W}, {AMOSWAP_D, PTE_W}, {FETCH, PTE_X}, {LD, PTE_U}};
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	space_init(&space, mode, nth_asid(mode, 1));
	slot = space_map(&space, va, 0, frame_new(OLD), PTE_USER);
	space_start(&space);
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		*slot = pte_make(frame_pa(OLD), PTE_USER & ~cases[i].missing);
		fence_va(va);
		expect("refused", cases[i].access, va, USER, PAGE_FAULT);
		*slot = pte_make(frame_pa(OLD), PTE_USER);
		expect("just allowed", cases[i].access, va, USER, PAGE_FAULT, OLD);
		fence_va_asid(va, space.asid);
		expect("allowed and fenced", cases[i].access, va, USER, OLD);
	}
}

/* Several changes since the last fence: any of them, and nothing else. */
static void check_several_changes(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	space_init(&space, mode, nth_asid(mode, 1));
	slot = space_map(&space, va, 0, frame_new(1), PTE_USER);
	for (unsigned tag = 2; tag <= 8; tag++)
		frame_new(tag);
	space_start(&space);
	for (unsigned round = 0; round < 8; round++) {
		int allowed[9];

		for (int change = 0; change < 8; change++) {
			allowed[change] = 1 + (int)(round + (unsigned)change) % 8;
			*slot = pte_make(frame_pa((unsigned)allowed[change]), PTE_USER);
			if (change == 0)
				fence_va(va);
			expect_touch("changed without a fence", kinds[change % 3], va,
				     USER, allowed, (unsigned)change + 1);
		}
		*slot = 0;
		allowed[8] = PAGE_FAULT;
		expect_touch("unmapped without a fence", LD, va, USER, allowed, 9);
		fence_va(va);
		expect("unmapped and fenced", LD, va, USER, PAGE_FAULT);
	}
}

/* A fence of one page says nothing of its neighbours, which changed as well. */
static void check_neighbours(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW) + 16 * PAGE_SIZE;

	space_init(&space, mode, nth_asid(mode, 1));
	for (unsigned i = 0; i < 32; i++) {
		frame_new(1 + i);
		frame_new(33 + i);
	}
	for (unsigned middle = 1; middle < 31; middle += 7) {
		for (unsigned i = 0; i < 32; i++)
			space_map(&space, va + i * PAGE_SIZE, 0, frame_pa(1 + i),
				  PTE_USER);
		space_start(&space);
		for (unsigned i = 0; i < 32; i += 2)
			expect("before", LD, va + i * PAGE_SIZE, USER, 1 + (int)i);
		for (unsigned i = 0; i < 32; i++)
			space_map(&space, va + i * PAGE_SIZE, 0, frame_pa(33 + i),
				  PTE_USER);
		fence_va(va + middle * PAGE_SIZE);
		expect("fenced", LD, va + middle * PAGE_SIZE, USER, 33 + (int)middle);
		for (unsigned i = 0; i < 32; i++)
			expect("neighbour", i % 4 ? LD : SD, va + i * PAGE_SIZE, USER,
			       1 + (int)i, 33 + (int)i);
		expect("fenced", LD, va + middle * PAGE_SIZE, USER, 33 + (int)middle);
	}
}

/* A frame given to another page: after the fence the old address is cut off. */
static void check_frame_moves(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);

	space_init(&space, mode, nth_asid(mode, 1));
	frame_new(OLD);
	space_slot(&space, va, 0);
	space_start(&space);
	for (unsigned i = 0; i < 40; i++) {
		uint64_t here = va + (i * 7 % 40) * PAGE_SIZE;
		uint64_t next = va + ((i + 1) * 7 % 40) * PAGE_SIZE;

		*space_slot(&space, here, 0) = pte_make(frame_pa(OLD), PTE_USER);
		fence_va(here);
		expect("where the frame is", SD, here, USER, OLD);
		*space_slot(&space, here, 0) = 0;
		*space_slot(&space, next, 0) = pte_make(frame_pa(OLD), PTE_USER);
		fence_va_asid(here, space.asid);
		expect("where the frame was", LD, here, USER, PAGE_FAULT);
		expect("where it went, not fenced", LD, next, USER, PAGE_FAULT, OLD);
		fence_va_asid(next, space.asid);
		expect("where it went", LD, next, USER, OLD);
	}
}

static const struct check checks[] = {
	{"leaves made valid", check_leaf_made_valid},
	{"tables linked at every level", check_pointer_made_valid},
	{"superpages made valid", check_superpage_made_valid},
	{"more permission", check_more_permission},
	{"several changes without a fence", check_several_changes},
	{"neighbours of a fenced page", check_neighbours},
	{"one frame moved through many pages", check_frame_moves},
};

const struct group stale_group = {"stale entries", checks, ARRAY_LENGTH(checks), true};
