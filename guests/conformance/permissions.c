/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what to a page: R, W, X, U against privilege, SUM, MXR and the kind
 * of access, exhaustively, in leaves of every level.
 *
 * The expected result of each combination is computed by leaf_result() from the
 * specification's algorithm. A and D are set throughout. SUM and MXR change
 * without a fence, as they take effect at once.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"

#define PAGE 7 /* the tag of the one frame */

/* Any SC ends a reservation, wherever it stores. */
static void drop_reservation(void)
{
	uint64_t nowhere;

	__asm__ volatile("sc.d zero, zero, (%0)" ::"r"(&nowhere) : "memory");
}

/*
 * "No sc.w instruction shall retire unless it passes memory permission checks"
 * (Zalrsc). QEMU up to at least 10.0.2 looks at the reservation first.
 */
static void expect_lone_sc(const char *what, uint64_t va, unsigned how, int result)
{
	static const int retired[] = {RETIRED};

	drop_reservation();
	if (result != PAGE_FAULT) {
		expect(what, SC_D, va, how, RETIRED);
		return;
	}
	if (touch_matches(SC_D, va, how, retired, 1) == 0)
		deviation("an sc without reservation skips the permission check");
	else
		expect(what, SC_D, va, how, PAGE_FAULT);
}

static void expect_all_privileges(uint64_t pte, unsigned level, uint64_t va,
				  enum access access)
{
	static const char *const names[] = {
		"V", "VR", "VW", "VRW", "VX", "VRX", "VWX", "VRWX",
	};
	const char *what = names[(pte & PTE_RWX) >> 1];

	for (unsigned how = 0; how <= (USER | SUM | MXR); how++) {
		int result = leaf_result(pte, level, va, access, how);

		if (access == SC_D)
			expect_lone_sc(what, va, how, result);
		else
			expect(pte & PTE_U ? "user page" : what, access, va, how, result);
	}
}

static void check_access(const struct paging_mode *mode, enum access access)
{
	struct space space;
	uint64_t pa = frame_new(PAGE);

	space_init(&space, mode, 0);
	space_start(&space);
	for_each_level(level, mode)
	{
		uint64_t va = leaf_va(window(mode, WINDOW + level), level, pa);
		uint64_t *slot = space_slot(&space, va, level);

		/* In upper levels R=W=X=0 is a pointer; level 0 has none. */
		for (uint64_t rwx = level ? PTE_R : 0; rwx <= PTE_RWX; rwx += PTE_R) {
			for (unsigned user = 0; user < 2; user++) {
				*slot = pte_make(leaf_pa(level, pa),
						 PTE_V | PTE_AD | rwx |
							 (user ? PTE_U : 0));
				fence_all(); /* it may have been no leaf before */
				expect_all_privileges(*slot, level, va, access);
			}
		}
	}
}

static void check_load(const struct paging_mode *mode)
{
	check_access(mode, LD);
}

static void check_store(const struct paging_mode *mode)
{
	check_access(mode, SD);
}

static void check_fetch(const struct paging_mode *mode)
{
	check_access(mode, FETCH);
}

static void check_amo(const struct paging_mode *mode)
{
	check_access(mode, AMOSWAP_D);
}

static void check_lr(const struct paging_mode *mode)
{
	check_access(mode, LR_D);
}

static void check_sc(const struct paging_mode *mode)
{
	check_access(mode, SC_D);
}

/* A pair on one page: succeeds where it may, and its SC faults on a read-only one. */
static void check_lr_sc_pair(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	space_init(&space, mode, 0);
	slot = space_map(&space, va, 0, frame_new(PAGE), PTE_USER);
	space_start(&space);
	expect("read-write page", LRSC_D, va, USER, PAGE);
	expect("read-write page", LRSC_D, va, SUM, PAGE);
	*slot &= ~PTE_W;
	fence_va(va);
	expect("read-only page", LRSC_D, va, USER, PAGE_FAULT);
	expect("read-only page", LRSC_D, va, SUM, PAGE_FAULT);
}

/* What an access gives that has no reservation to rely on. */
static int form_result(uint64_t pte, uint64_t va, enum access access, unsigned how)
{
	int result = leaf_result(pte, 0, va, access, how);
	bool lone_sc = access == SC_W || access == SC_D;

	return lone_sc && result > 0 ? RETIRED : result;
}

/* Every instruction form, on pages that allow all, reading only, and nothing. */
static void check_forms(const struct paging_mode *mode)
{
	static const uint64_t flags[] = {PTE_USER, PTE_USER & ~PTE_W, PTE_KERNEL, 0};
	struct space space;
	uint64_t page = window(mode, WINDOW);
	uint64_t *slot;
	uint64_t pa = frame_new(0x111);

	space_init(&space, mode, 0);
	slot = space_slot(&space, page, 0);
	space_start(&space);
	for (unsigned i = 0; i < ARRAY_LENGTH(flags); i++) {
		*slot = pte_make(pa, flags[i]);
		fence_va(page);
		for (enum access access = 0; access < FETCH; access++) {
			uint64_t va = page + 0x7f8 + telling_offset(access);

			for (unsigned how = 0; how <= (USER | SUM); how++) {
				int result = form_result(*slot, va, access, how);

				if (access_info[access].kind == KIND_SC &&
				    result == PAGE_FAULT)
					continue; /* as checked with sc and the pair */
				drop_reservation();
				expect("form", access, va, how, result);
			}
		}
	}
}

static const struct check checks[] = {
	{"loads", check_load},
	{"stores", check_store},
	{"fetches", check_fetch},
	{"AMOs", check_amo},
	{"LR", check_lr},
	{"SC without reservation", check_sc},
	{"LR/SC pairs", check_lr_sc_pair},
	{"every form and width of access", check_forms},
};

const struct group permissions_group = {"permissions", checks, ARRAY_LENGTH(checks),
					true};
