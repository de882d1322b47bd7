/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address-space identifiers: many spaces that never see each other.
 *
 * Changes of satp.ASID take effect at once, so switching between spaces with
 * different ASIDs needs no fence, whatever addresses they share. A fence of an
 * ASID that is not in force holds when that space comes back. Where satp keeps
 * no ASID bits there is nothing to check.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"

#define MANY_SPACES 300
#define MANY_ROUNDS 3
#define STORM	    2000
#define LONG_AGO    1200

static const enum access kinds[] = {LD, SD, FETCH, AMOSWAP_D};

static bool have_asids(const struct paging_mode *mode, unsigned bits)
{
	if (paging_asid_bits(mode) >= bits)
		return true;
	skip("too few ASID bits");
	return false;
}

static void expect_each(const char *what, uint64_t va, int result)
{
	for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++)
		expect(what, kinds[k], va, USER, result);
}

/* A space with this ASID that maps va to a new frame. */
static void make_space(struct space *space, const struct paging_mode *mode, uint64_t asid,
		       uint64_t va, unsigned tag)
{
	space_init(space, mode, asid);
	space_map(space, va, 0, frame_new(tag), PTE_USER);
}

static void check_same_address(const struct paging_mode *mode)
{
	struct space spaces[2];
	uint64_t va = window(mode, WINDOW);

	if (!have_asids(mode, 1))
		return;
	for (unsigned i = 0; i < 2; i++)
		make_space(&spaces[i], mode, i, va, 1 + i);
	space_map(&spaces[0], va + PAGE_SIZE, 0, frame_pa(1), PTE_USER);
	fence_all();
	for (unsigned i = 0; i < 40; i++) {
		space_enter(&spaces[i % 2]);
		expect_each("own mapping", va, 1 + (int)(i % 2));
		expect("mapped in one space only", LD, va + PAGE_SIZE, USER,
		       i % 2 ? PAGE_FAULT : 1);
	}
}

/* The same address with other permissions and sizes in each space. */
static void check_different_leaves(const struct paging_mode *mode)
{
	struct space spaces[4];
	uint64_t va = window(mode, WINDOW);
	uint64_t block = frames_new(1, 1, 2 * MIB);

	if (!have_asids(mode, 2))
		return;
	for (unsigned i = 0; i < 4; i++)
		space_init(&spaces[i], mode, i);
	space_map(&spaces[0], va, 0, block, PTE_USER & ~PTE_W);
	space_map(&spaces[1], va, 0, block, PTE_KERNEL);
	space_map(&spaces[2], va, 1, block, PTE_USER & ~PTE_X);
	fence_all();
	for (unsigned i = 0; i < 24; i++) {
		space_enter(&spaces[i * 3 % 4]);
		for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++) {
			unsigned n = i * 3 % 4;
			uint64_t pte = n == 3 ? 0 : *space_slot(&spaces[n], va, n == 2);

			expect("user", kinds[k], va, USER,
			       leaf_result(pte, n == 2, va, kinds[k], USER));
			expect("supervisor", kinds[k], va, SUPERVISOR,
			       leaf_result(pte, n == 2, va, kinds[k], SUPERVISOR));
		}
	}
}

/* Change an inactive space, fence it from another, switch: only the new. */
static void check_inactive_fence(const struct paging_mode *mode)
{
	struct space spaces[2];
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	if (!have_asids(mode, 1))
		return;
	for (unsigned i = 0; i < 2; i++)
		make_space(&spaces[i], mode, i, va, 1 + i);
	frame_new(3);
	slot = space_slot(&spaces[1], va, 0);
	fence_all();
	for (enum fence_form form = 0; form < FENCE_FORMS; form++) {
		for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++) {
			*slot = pte_make(frame_pa(2), PTE_USER);
			fence_all();
			space_enter(&spaces[1]);
			expect("before", kinds[k], va, USER, 2);
			space_enter(&spaces[0]);
			expect("the other space", kinds[k], va, USER, 1);
			*slot = k % 2 ? pte_make(frame_pa(3), PTE_USER) : 0;
			fence(form, va, spaces[1].asid);
			expect("the other space", kinds[k], va, USER, 1);
			space_enter(&spaces[1]);
			expect(fence_name(form), kinds[k], va, USER,
			       k % 2 ? 3 : PAGE_FAULT);
		}
	}
}

/* The same with a table exchanged while its space is not in force. */
static void check_inactive_tables(const struct paging_mode *mode)
{
	struct space spaces[2];
	uint64_t va = window(mode, WINDOW);

	if (!have_asids(mode, 1))
		return;
	for (unsigned i = 0; i < 2; i++)
		make_space(&spaces[i], mode, i, va, 1 + i);
	frame_new(3);
	fence_all();
	for_each_upper_level(level, mode)
	{
		uint64_t *slot = space_slot(&spaces[1], va, level), old = *slot;
		uint64_t *table = arena_alloc(PAGE_SIZE);

		*table_slot(table, level - 1, va, 0) = pte_make(frame_pa(3), PTE_USER);
		for (unsigned i = 0; i < 4; i++) {
			space_enter(&spaces[1]);
			expect_each("before", va, i % 2 ? 3 : 2);
			space_enter(&spaces[0]);
			*slot = i % 2 ? old : pte_make((uintptr_t)table, PTE_V);
			fence(i / 2 ? FENCE_ALL : FENCE_ASID, 0, spaces[1].asid);
			expect_each("the other space", va, 1);
			space_enter(&spaces[1]);
			expect_each("tables exchanged while inactive", va, i % 2 ? 2 : 3);
		}
		*slot = old;
		fence_all();
	}
}

/* Not fenced: old or new in the changed space; a later fence settles it. */
static void check_inactive_unfenced(const struct paging_mode *mode)
{
	struct space spaces[2];
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	if (!have_asids(mode, 1))
		return;
	for (unsigned i = 0; i < 2; i++)
		make_space(&spaces[i], mode, i, va, 1 + i);
	frame_new(3);
	slot = space_slot(&spaces[1], va, 0);
	fence_all();
	for (unsigned i = 0; i < 8; i++) {
		int old = i % 2 ? 3 : 2, new = i % 2 ? 2 : 3;

		space_enter(&spaces[1]);
		fence_asid(spaces[1].asid);
		expect_each("before", va, old);
		space_enter(&spaces[0]);
		*slot = pte_make(frame_pa((unsigned)new), PTE_USER);
		fence_va_asid(va, spaces[0].asid);
		space_enter(&spaces[1]);
		for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++)
			expect("after a fence of the other ASID", kinds[k], va, USER, old,
			       new);
		fence_va_asid(va, spaces[1].asid);
		expect_each("after its own fence", va, new);
	}
}

/* One root under two ASIDs: each has its own stale entries. */
static void check_two_asids_one_root(const struct paging_mode *mode)
{
	struct space spaces[2];
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	if (!have_asids(mode, 1))
		return;
	make_space(&spaces[0], mode, 0, va, 1);
	frame_new(2);
	spaces[1] = spaces[0];
	spaces[1].asid = 1;
	slot = space_slot(&spaces[0], va, 0);
	fence_all();
	for (unsigned i = 0; i < 8; i++) {
		int old = 1 + (int)(i % 2), new = 2 - (int)(i % 2);

		for (unsigned s = 0; s < 2; s++) {
			space_enter(&spaces[s]);
			expect_each("before", va, old);
		}
		*slot = pte_make(frame_pa((unsigned)new), PTE_USER);
		fence(i % 4 < 2 ? FENCE_VA_ASID : FENCE_ASID, va, 0);
		expect("the ASID not fenced", LD, va, USER, old, new);
		space_enter(&spaces[0]);
		expect_each("the ASID fenced", va, new);
		space_enter(&spaces[1]);
		expect("the ASID not fenced", LD, va, USER, old, new);
		fence(i % 4 < 2 ? FENCE_VA_ASID : FENCE_ASID, va, 1);
		expect_each("the other ASID, fenced", va, new);
	}
}

/* Global leaves of tables that both spaces share. */
static void check_global(const struct paging_mode *mode)
{
	struct space spaces[2];
	uint64_t va = window(mode, WINDOW), own = window(mode, WINDOW + 1);
	uint64_t *slot;

	if (!have_asids(mode, 1))
		return;
	for (unsigned i = 0; i < 2; i++)
		make_space(&spaces[i], mode, i, own, 1 + i);
	frame_new(3);
	frame_new(4);
	slot = space_map(&spaces[0], va, 0, frame_pa(3), PTE_USER | PTE_G);
	*space_slot(&spaces[1], va, mode->levels - 1) =
		*space_slot(&spaces[0], va, mode->levels - 1);
	fence_all();
	for (unsigned i = 0; i < 8; i++) {
		int old = 3 + (int)(i % 2), new = 4 - (int)(i % 2);

		for (unsigned s = 0; s < 2; s++) {
			space_enter(&spaces[s]);
			expect_each("global page", va, old);
			expect_each("own page", own, 1 + (int)s);
		}
		*slot = pte_make(frame_pa((unsigned)new), PTE_USER | PTE_G);
		fence_asid(0);
		fence_va_asid(va, 1);
		expect("after fences with an ASID", LD, va, USER, old, new);
		fence(i % 4 < 2 ? FENCE_VA : FENCE_ALL, va, 0);
		expect_each("after a fence of all", va, new);
		space_enter(&spaces[0]);
		expect_each("after a fence of all, other space", va, new);
	}
}

/* Every bit of the ASID counts. */
static void check_asid_bits(const struct paging_mode *mode)
{
	struct space spaces[17];
	uint64_t va = window(mode, WINDOW);
	unsigned bits = paging_asid_bits(mode);

	make_space(&spaces[bits], mode, 0, va, 1 + bits);
	for (unsigned bit = 0; bit < bits; bit++)
		make_space(&spaces[bit], mode, UINT64_C(1) << bit, va, 1 + bit);
	fence_all();
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i <= bits; i++) {
			space_enter(&spaces[i]);
			expect("an ASID of one bit", LD, va, USER, 1 + (int)i);
		}
	}
	for (unsigned bit = 0; bit < bits; bit++) {
		space_enter(&spaces[bit % 3 ? bit : bits]);
		*space_slot(&spaces[bit], va, 0) = 0;
		fence(bit % 2 ? FENCE_ASID : FENCE_VA_ASID, va, spaces[bit].asid);
		for (unsigned i = 0; i <= bits; i++) {
			space_enter(&spaces[i]);
			expect("after a fence of one ASID", LD, va, USER,
			       i <= bit ? (i == bits ? 1 + (int)bits : PAGE_FAULT)
					: 1 + (int)i);
		}
	}
}

/* A fence of an inactive space holds, however many others follow it. */
static void check_fences_long_ago(const struct paging_mode *mode)
{
	struct space spaces[2];
	uint64_t va = window(mode, WINDOW), elsewhere = va + GIB / 2;

	if (!have_asids(mode, 1))
		return;
	for (unsigned i = 0; i < 2; i++)
		make_space(&spaces[i], mode, i, va, 1 + i);
	for (unsigned i = 0; i < 8; i++)
		space_map(&spaces[1], va + i * PAGE_SIZE, 0, frame_pa(2), PTE_USER);
	frame_new(3);
	fence_all();
	for (unsigned form = FENCE_VA; form <= FENCE_VA_ASID; form += 2) {
		space_enter(&spaces[1]);
		for (unsigned i = 0; i < 8; i++)
			expect("before", LD, va + i * PAGE_SIZE, USER, 2);
		space_enter(&spaces[0]);
		for (unsigned i = 0; i < LONG_AGO; i++) {
			uint64_t fenced =
				i < 8 ? va + i * PAGE_SIZE : elsewhere + i * PAGE_SIZE;

			if (i < 8)
				space_map(&spaces[1], fenced, 0, frame_pa(3), PTE_USER);
			fence(form, fenced, 1);
		}
		space_enter(&spaces[1]);
		for (unsigned i = 0; i < 8; i++) {
			expect("fenced long ago", LD, va + i * PAGE_SIZE, USER, 3);
			space_map(&spaces[1], va + i * PAGE_SIZE, 0, frame_pa(2),
				  PTE_USER);
		}
		fence_all();
	}
}

static void check_many(const struct paging_mode *mode)
{
	static struct space spaces[MANY_SPACES];
	uint64_t va = window(mode, WINDOW);

	if (!have_asids(mode, 9))
		return;
	for (unsigned i = 0; i < MANY_SPACES; i++)
		make_space(&spaces[i], mode, 1 + i, va, 1 + i);
	fence_all();
	for (unsigned i = 0; i < MANY_SPACES * MANY_ROUNDS; i++) {
		unsigned n = i * 7 % MANY_SPACES;

		space_enter(&spaces[n]);
		expect("one of many", kinds[i % ARRAY_LENGTH(kinds)], va, USER,
		       1 + (int)n);
	}
}

static void check_storm(const struct paging_mode *mode)
{
	struct space spaces[4];
	uint64_t va = window(mode, WINDOW);

	if (!have_asids(mode, 2))
		return;
	for (unsigned i = 0; i < 4; i++)
		make_space(&spaces[i], mode, i, va, 1 + i);
	fence_all();
	for (unsigned i = 0; i < STORM; i++) {
		unsigned n = (i ^ i >> 2) % 4;

		for (unsigned more = 0; more < i % 3; more++)
			space_enter(&spaces[(n + 1 + more) % 4]);
		space_enter(&spaces[n]);
		expect("in a storm of switches", i % 5 ? LD : SD, va, USER, 1 + (int)n);
	}
}

static const struct check checks[] = {
	{"one address in two spaces", check_same_address},
	{"one address, other permissions and sizes", check_different_leaves},
	{"leaves fenced while inactive", check_inactive_fence},
	{"tables exchanged while inactive", check_inactive_tables},
	{"changes while inactive, not fenced", check_inactive_unfenced},
	{"one root under two ASIDs", check_two_asids_one_root},
	{"global pages", check_global},
	{"every bit of the ASID", check_asid_bits},
	{"many fences while inactive", check_fences_long_ago},
	{"300 spaces in turn", check_many},
	{"a storm of switches", check_storm},
};

const struct group asids_group = {"ASIDs", checks, ARRAY_LENGTH(checks), true};
