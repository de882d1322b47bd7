/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The A and D bits, by the scheme the device tree announces.
 *
 * Svade: an access through a leaf with A=0, or a store with D=0, is a page fault
 * and the hart never writes the leaf. Svadu alone: the hart sets the bits in
 * memory, D exactly and A no later than the access. Both listed: Svade, until
 * the firmware is asked otherwise, which is not done here. None listed: either
 * may happen, each time anew.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"
#include "guests/lib/platform.h"

#define PAGE  3
#define OTHER 4

enum scheme { EITHER, SVADE, SVADU };

static const enum access kinds[] = {LD, FETCH, SD, AMOSWAP_D, LR_D, LRSC_D, C_LDSP, SB};
static const unsigned privileges[] = {USER, SUM};

static enum scheme scheme(void)
{
	if (platform_has_extension("svade"))
		return SVADE;
	return platform_has_extension("svadu") ? SVADU : EITHER;
}

static bool stores(enum access access)
{
	enum access_kind kind = access_info[access].kind;

	return kind == KIND_STORE || kind == KIND_AMO || kind == KIND_SC;
}

static uint64_t needed_bits(enum access access)
{
	return stores(access) ? PTE_AD : PTE_A;
}

/*
 * One access that needs bits the leaf lacks. Either it succeeds and the leaf has
 * them, or it faults and the leaf is as before; then set them as a page-fault
 * handler does, fence, and see it succeed.
 */
static void expect_bits_set(const char *what, enum access access, uint64_t va,
			    unsigned how, uint64_t *slot)
{
	static const int outcomes[] = {PAGE, PAGE_FAULT};
	uint64_t before = *slot, after = before | needed_bits(access);
	int seen = touch_matches(access, va, how, outcomes, 2);

	if (seen == 0 && scheme() != SVADE) {
		expect_equal(what, *slot, after);
		return;
	}
	if (seen != 1 || scheme() == SVADU) {
		fail("%s: %s with A and D too few: expected %s", what,
		     access_info[access].name,
		     scheme() == SVADE ? "a page fault" : "success");
		return;
	}
	expect_equal(what, *slot, before);
	*slot = after;
	fence_va(va);
	expect(what, access, va, how, PAGE);
	expect_equal(what, *slot, after);
}

/* An LR before an SC needs the A bit alone, and would fault at another place. */
static bool is_pair_without_a(enum access access, uint64_t flags)
{
	return access == LRSC_D && !(flags & PTE_A);
}

static void check_bits(const struct paging_mode *mode, uint64_t flags, uint64_t missing)
{
	struct space space;
	uint64_t pa = frame_new(PAGE);

	space_init(&space, mode, 0);
	space_start(&space);
	for_each_level(level, mode)
	{
		uint64_t va = leaf_va(window(mode, WINDOW + level), level, pa);
		uint64_t *slot = space_slot(&space, va, level);

		for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++) {
			if (is_pair_without_a(kinds[i], flags & ~missing) ||
			    !(needed_bits(kinds[i]) & missing))
				continue;
			for (unsigned p = 0; p < ARRAY_LENGTH(privileges); p++) {
				if (kinds[i] == FETCH && privileges[p] != USER)
					continue; /* user pages are not S-mode's */
				*slot = pte_make(leaf_pa(level, pa), flags & ~missing);
				fence_va(va);
				expect_bits_set("first access", kinds[i], va,
						privileges[p], slot);
			}
		}
	}
}

static void check_both_missing(const struct paging_mode *mode)
{
	check_bits(mode, PTE_USER, PTE_AD);
}

static void check_accessed_missing(const struct paging_mode *mode)
{
	check_bits(mode, PTE_USER, PTE_A);
}

static void check_dirty_missing(const struct paging_mode *mode)
{
	check_bits(mode, PTE_USER, PTE_D);
}

static void check_global(const struct paging_mode *mode)
{
	check_bits(mode, PTE_USER | PTE_G, PTE_AD);
	check_bits(mode, PTE_USER | PTE_G, PTE_D);
}

/* A clean page that was read is in the TLB; storing must still see D=0. */
static void check_load_then_store(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	space_init(&space, mode, 0);
	slot = space_map(&space, va, 0, frame_new(PAGE), PTE_USER);
	space_start(&space);
	for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++) {
		if (!stores(kinds[i]))
			continue;
		*slot &= ~PTE_D;
		fence_va(va);
		expect("load with D=0", LD, va, USER, PAGE);
		expect("fetch with D=0", FETCH, va, USER, PAGE);
		expect_equal("the leaf after reading", *slot & PTE_D, 0);
		expect_bits_set("store after load", kinds[i], va, USER, slot);
		expect("second store", kinds[i], va, USER, PAGE);
	}
}

/* As when an operating system ages and cleans pages. */
static void check_cleared_again(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	space_init(&space, mode, nth_asid(mode, 1));
	slot = space_map(&space, va, 0, frame_new(PAGE), PTE_USER);
	space_start(&space);
	for (enum fence_form form = 0; form < FENCE_FORMS; form++) {
		*slot |= PTE_AD;
		fence_va(va);
		expect("store", SD, va, USER, PAGE);
		*slot &= ~PTE_D;
		fence(form, va, space.asid);
		expect_bits_set("store after D was cleared", SD, va, USER, slot);
		*slot &= ~PTE_A;
		fence(form, va, space.asid);
		expect_bits_set("load after A was cleared", LD, va, USER, slot);
		*slot &= ~PTE_AD;
		fence(form, va, space.asid);
		expect_bits_set("fetch after both were cleared", FETCH, va, USER, slot);
	}
}

/* Without a fence the cached leaf may still have the bits, or not. */
static void check_cleared_without_fence(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	space_init(&space, mode, 0);
	slot = space_map(&space, va, 0, frame_new(PAGE), PTE_USER);
	space_start(&space);
	expect("store", SD, va, USER, PAGE);
	*slot &= ~PTE_AD;
	if (scheme() == SVADU)
		expect("store without fence", SD, va, USER, PAGE);
	else
		expect("store without fence", SD, va, USER, PAGE, PAGE_FAULT);
	if (scheme() == SVADE)
		expect_equal("the leaf under Svade", *slot & PTE_AD, 0);
	else
		expect_true("A and D set together or not at all",
			    (*slot & PTE_AD) == 0 || (*slot & PTE_AD) == PTE_AD ||
				    (*slot & PTE_AD) == PTE_A);
	fence_va(va);
	if (!(*slot & PTE_D))
		expect_bits_set("store after the fence", SD, va, USER, slot);
}

/* Bits set by the page-fault handler without a fence may be seen late. */
static void check_set_without_fence(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	space_init(&space, mode, 0);
	slot = space_map(&space, va, 0, frame_new(PAGE), PTE_USER & ~PTE_AD);
	space_start(&space);
	if (scheme() == SVADU)
		expect("store with A=0, D=0", SD, va, USER, PAGE);
	else
		expect("store with A=0, D=0", SD, va, USER, PAGE, PAGE_FAULT);
	*slot |= PTE_AD;
	if (scheme() == SVADU)
		expect("store before the fence", SD, va, USER, PAGE);
	else
		expect("store before the fence", SD, va, USER, PAGE, PAGE_FAULT);
	fence_va(va);
	expect("store after the fence", SD, va, USER, PAGE);
}

/* "Updates to the D bit must be exact": nothing that does not store sets it. */
static void check_refused_stores(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	space_init(&space, mode, 0);
	slot = space_map(&space, va, 0, frame_new(PAGE), (PTE_USER & ~PTE_W) & ~PTE_D);
	space_start(&space);
	expect("store to a read-only page", SD, va, USER, PAGE_FAULT);
	expect("AMO to a read-only page", AMOSWAP_D, va, USER, PAGE_FAULT);
	expect_equal("D after a refused store", *slot & PTE_D, 0);
	*slot |= PTE_W;
	fence_va(va);
	expect("S-mode store without SUM", SD, va, SUPERVISOR, PAGE_FAULT);
	expect("load", LD, va, USER, PAGE);
	expect_equal("D after a refused store and a load", *slot & PTE_D, 0);
}

struct denial {
	enum access access;
	unsigned how;
	uint64_t flags;
};

/*
 * What is not permitted sets nothing. But for D a hart may be ahead of itself: "updates
 * of the A bit may be performed as a result of speculation".
 */
static void check_denied(const struct paging_mode *mode)
{
	static const struct denial denials[] = {
		{SD, USER, PTE_V | PTE_R | PTE_X | PTE_U},
		{AMOSWAP_D, USER, PTE_V | PTE_R | PTE_U},
		{LD, USER, PTE_V | PTE_X | PTE_U},
		{FETCH, USER, PTE_V | PTE_R | PTE_W | PTE_U},
		{SD, USER, PTE_V | PTE_RWX},
		{LD, USER, PTE_V | PTE_RWX},
		{SD, SUPERVISOR, PTE_V | PTE_RWX | PTE_U},
		{LD, SUPERVISOR, PTE_V | PTE_RWX | PTE_U},
		{LR_D, USER, PTE_V | PTE_X | PTE_U},
	};
	struct space space;
	uint64_t pa = frame_new(PAGE);

	space_init(&space, mode, 0);
	space_start(&space);
	for_each_level(level, mode)
	{
		uint64_t va = leaf_va(window(mode, WINDOW + level), level, pa);
		uint64_t *slot = space_slot(&space, va, level);

		for (unsigned i = 0; i < ARRAY_LENGTH(denials); i++) {
			uint64_t pte = pte_make(leaf_pa(level, pa), denials[i].flags);

			*slot = pte;
			fence_va(va);
			expect("what is not permitted", denials[i].access, va,
			       denials[i].how, PAGE_FAULT);
			expect_equal("the leaf", *slot & ~PTE_A, pte);
			expect_true("A unchanged under Svade",
				    scheme() != SVADE || *slot == pte);
		}
	}
}

/* Two mappings of one frame keep their own bits. */
static void check_aliases(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW), other = va + 2 * MIB;
	uint64_t pa = frame_new(PAGE);
	uint64_t *slot, *other_slot;

	space_init(&space, mode, 0);
	slot = space_map(&space, va, 0, pa, PTE_USER & ~PTE_AD);
	other_slot = space_map(&space, other, 0, pa, PTE_USER & ~PTE_AD);
	space_start(&space);
	expect_bits_set("store through one mapping", SD, va, USER, slot);
	expect_equal("D of the other mapping", *other_slot & PTE_D, 0);
	expect_bits_set("load through the other", LD, other, USER, other_slot);
	expect_equal("D of the other mapping", *other_slot & PTE_D, 0);
}

/*
 * A store across two clean pages: each needs its own D. It may also be refused
 * as misaligned, and under Svade name either page first.
 */
static void check_crossing_store(const struct paging_mode *mode)
{
	struct space space;
	uint64_t second = window(mode, WINDOW) + PAGE_SIZE, va = second - 4;
	uint64_t *slots[2];

	space_init(&space, mode, 0);
	slots[0] = space_map(&space, va, 0, frame_new(PAGE), PTE_USER & ~PTE_D);
	slots[1] = space_map(&space, second, 0, frame_new(OTHER), PTE_USER & ~PTE_D);
	space_start(&space);
	for (unsigned tries = 0; tries < 3; tries++) {
		struct outcome outcome =
			probe(SD, va, UINT64_C(0x1122334455667788), USER);

		if (outcome.cause == CAUSE_STORE_MISALIGNED)
			return;
		if (outcome.cause == OUTCOME_DONE) {
			expect_true("D set in both pages", *slots[0] & *slots[1] & PTE_D);
			return;
		}
		expect_equal("cause", outcome.cause, CAUSE_STORE_PAGE_FAULT);
		expect_true("no fault under Svadu alone", scheme() != SVADU);
		expect_true("the fault in one of the pages",
			    outcome.stval == va || outcome.stval == second);
		*slots[outcome.stval == second] |= PTE_D;
		fence_va(outcome.stval);
	}
	fail("a store across two pages still faults after D was set in both");
}

static const struct check checks[] = {
	{"A=0 and D=0, every kind and level", check_both_missing},
	{"A=0 and D=1, every kind and level", check_accessed_missing},
	{"A=1 and D=0, every kind and level", check_dirty_missing},
	{"global leaves", check_global},
	{"a store after a load of a clean page", check_load_then_store},
	{"bits cleared and fenced, by every form", check_cleared_again},
	{"bits cleared without a fence", check_cleared_without_fence},
	{"bits set without a fence", check_set_without_fence},
	{"refused stores do not set D", check_refused_stores},
	{"accesses that are not permitted", check_denied},
	{"two mappings of one frame", check_aliases},
	{"a store across two clean pages", check_crossing_store},
};

const struct group accessed_dirty_group = {"A and D", checks, ARRAY_LENGTH(checks), true};
