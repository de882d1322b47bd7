/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * satp Bare, and changes of mode.
 *
 * Without translation U-mode and S-mode reach the same memory and SUM and MXR
 * mean nothing. "Changing satp.MODE from Bare to other modes and vice versa also
 * takes effect immediately"; between paged modes the ASID keeps translations
 * apart, or a fence does.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"
#include "guests/lib/platform.h"
#include "guests/lib/string.h"

/* Canonical in every mode, and in a root slot of its own. */
#define COMMON_VA (-(UINT64_C(1) << 36))

static const enum access kinds[] = {LD, SD, FETCH, AMOSWAP_D};

static void expect_each(const char *what, uint64_t va, unsigned how, int result)
{
	for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++)
		expect(what, kinds[k], va, how, result);
}

/* "mmu-type" is the largest mode; each needs the smaller ones as well. */
static void check_mmu_type(const struct paging_mode *mode)
{
	static const char *const types[PAGING_MODES] = {"riscv,sv39", "riscv,sv48",
							"riscv,sv57"};
	bool expected = false;

	(void)mode;
	if (!platform.mmu_type[0]) {
		skip("the device tree has no mmu-type");
		return;
	}
	for (unsigned i = PAGING_MODES; i-- > 0;) {
		expected |= strcmp(platform.mmu_type, types[i]) == 0;
		if (paging_supported(&paging_modes[i]) != expected)
			fail("%s named as mmu-type: expected satp to %s %s",
			     platform.mmu_type, expected ? "take" : "refuse", types[i]);
	}
}

static void check_bare(const struct paging_mode *mode)
{
	uint64_t pa = frame_new(1);

	(void)mode;
	for (unsigned how = 0; how <= (USER | SUM | MXR); how++) {
		for (enum access access = 0; access < ACCESS_COUNT; access++)
			if (access != SC_W && access != SC_D)
				expect("Bare", access,
				       pa + 0x200 + telling_offset(access), how, 1);
		expect_each("Bare", pa + 0xff8, how, 1);
	}
}

static void check_bare_vacant(const struct paging_mode *mode)
{
	const uint64_t vacant[] = {align_up(platform.memory_end, 2 * MIB),
				   align_up(platform.memory_end, GIB) + 0x123450,
				   UINT64_C(1) << 45};

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(vacant); i++) {
		expect_each("vacant address", vacant[i], USER, ACCESS_FAULT);
		expect_each("vacant address", vacant[i], SUPERVISOR, ACCESS_FAULT);
	}
	expect("behind memory", SB, platform.memory_end, USER, ACCESS_FAULT);
}

static void check_bare_fences(const struct paging_mode *mode)
{
	uint64_t pa = frame_new(1);

	(void)mode;
	for (enum fence_form form = 0; form < FENCE_FORMS; form++) {
		fence(form, pa, 1);
		expect_each("Bare, after a fence", pa, USER, 1);
		expect_each("Bare, after a fence", pa, SUPERVISOR, 1);
	}
}

/* Privileges alternate on one page, as after each system call. */
static void check_bare_alternating(const struct paging_mode *mode)
{
	uint64_t pa = frame_new(1);

	(void)mode;
	for (unsigned i = 0; i < 64; i++) {
		expect("Bare", kinds[i % 4], pa + i * 8, i % 2 ? USER : SUPERVISOR, 1);
		expect("Bare", kinds[i / 4 % 4], pa + i * 8, i % 2 ? SUPERVISOR : USER,
		       1);
	}
}

static void for_each_supported(void (*run)(const struct paging_mode *mode))
{
	for (unsigned i = 0; i < PAGING_MODES; i++)
		if (paging_supported(&paging_modes[i]))
			run(&paging_modes[i]);
}

static void toggle(const struct paging_mode *mode)
{
	struct space space;
	uint64_t pa = frame_new(1), va = window(mode, WINDOW);

	frame_new(2);
	space_init(&space, mode, nth_asid(mode, 1));
	space_map(&space, va, 0, frame_pa(2), PTE_USER);
	fence_all();
	for (unsigned i = 0; i < 24; i++) {
		space_enter(&space);
		if (i % 3 == 2)
			fence(i % FENCE_FORMS, va, space.asid);
		expect_each("paged, user page", va, USER, 2);
		expect_each("paged, kernel page", pa, USER, PAGE_FAULT);
		expect_each("paged, kernel page", pa, SUPERVISOR, 1);
		space_leave();
		if (i % 3 == 1)
			fence(i % FENCE_FORMS, va, space.asid);
		expect_each("Bare, no memory there", va, USER, ACCESS_FAULT);
		expect_each("Bare", pa, USER, 1);
		expect_each("Bare", pa, SUPERVISOR, 1);
	}
}

static void check_toggle(const struct paging_mode *mode)
{
	(void)mode;
	for_each_supported(toggle);
}

/* Changes made under Bare are subject to the same fences. */
static void change_under_bare(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	frame_new(1);
	frame_new(2);
	space_init(&space, mode, nth_asid(mode, 1));
	slot = space_map(&space, va, 0, frame_pa(1), PTE_USER);
	fence_all();
	for (unsigned i = 0; i < 16; i++) {
		int old = 1 + (int)(i % 2), new = 2 - (int)(i % 2);

		space_enter(&space);
		expect_each("before", va, USER, old);
		space_leave();
		*slot = pte_make(frame_pa((unsigned)new), PTE_USER);
		if (i % 4 >= 2)
			fence(i / 4, va, space.asid);
		space_enter(&space);
		if (i % 4 >= 2) {
			expect_each("changed and fenced under Bare", va, USER, new);
			continue;
		}
		expect("changed under Bare", LD, va, USER, old, new);
		fence(i / 4, va, space.asid);
		expect_each("fenced afterwards", va, USER, new);
	}
	space_leave();
}

static void check_change_under_bare(const struct paging_mode *mode)
{
	(void)mode;
	for_each_supported(change_under_bare);
}

/* One address in all modes, each under an ASID of its own, never fenced. */
static void check_modes_by_asid(const struct paging_mode *mode)
{
	struct space spaces[PAGING_MODES];
	unsigned count = 0;

	(void)mode;
	for (unsigned i = 0; i < PAGING_MODES; i++) {
		const struct paging_mode *paged = &paging_modes[i];

		if (!paging_supported(paged) || paging_asid_bits(paged) < 2)
			continue;
		space_init(&spaces[count], paged, 1 + i);
		space_map(&spaces[count], COMMON_VA, 0, frame_new(1 + count), PTE_USER);
		count++;
	}
	fence_all();
	if (count < 2)
		skip("fewer than two paged modes with ASIDs");
	for (unsigned i = 0; count > 1 && i < 30; i++) {
		unsigned n = (i + i / 7) % count;

		space_enter(&spaces[n]);
		expect_each("own mode's page", COMMON_VA, USER, 1 + (int)n);
	}
}

/*
 * One ASID for all modes: translations of another width may be used until a
 * fence, and not after it.
 */
static void check_modes_by_fence(const struct paging_mode *mode)
{
	struct space spaces[PAGING_MODES];
	int tags[PAGING_MODES];
	unsigned count = 0;

	(void)mode;
	for (unsigned i = 0; i < PAGING_MODES; i++) {
		const struct paging_mode *paged = &paging_modes[i];

		if (!paging_supported(paged))
			continue;
		space_init(&spaces[count], paged, nth_asid(paged, 4));
		space_map(&spaces[count], COMMON_VA, 0, frame_new(1 + count), PTE_USER);
		tags[count] = 1 + (int)count;
		count++;
	}
	fence_all();
	for (unsigned i = 0; i < 18 && count; i++) {
		unsigned n = i % count;

		space_enter(&spaces[n]);
		expect_touch("switched, not fenced", kinds[i % 4], COMMON_VA, USER, tags,
			     count);
		fence(i % 2 ? FENCE_ALL : FENCE_ASID, 0, spaces[n].asid);
		expect_each("switched and fenced", COMMON_VA, USER, tags[n]);
	}
}

/* An address that is canonical in the wider mode only. */
static void check_width(const struct paging_mode *mode)
{
	struct space narrow, wide;

	(void)mode;
	for (unsigned i = 1; i < PAGING_MODES; i++) {
		uint64_t va = UINT64_C(3) << (paging_modes[i].va_bits - 3);

		if (!paging_supported(&paging_modes[i])) {
			skip("satp takes only narrower modes");
			return;
		}
		space_init(&narrow, &paging_modes[i - 1],
			   nth_asid(&paging_modes[i - 1], 1));
		space_init(&wide, &paging_modes[i], nth_asid(&paging_modes[i], 2));
		space_map(&narrow, va_canonical(&paging_modes[i - 1], va), 0,
			  frame_new(1), PTE_USER);
		space_map(&wide, va, 0, frame_new(2), PTE_USER);
		for (unsigned n = 0; n < 4; n++) {
			space_start(&wide);
			expect_each("in the wider mode", va, USER, 2);
			space_start(&narrow);
			expect_each("in the narrower mode", va, USER, PAGE_FAULT);
		}
		space_leave();
	}
}

static const struct check checks[] = {
	{"the modes that the device tree names", check_mmu_type},
	{"S- and U-mode under Bare", check_bare},
	{"vacant addresses under Bare", check_bare_vacant},
	{"fences under Bare", check_bare_fences},
	{"S- and U-mode in turn under Bare", check_bare_alternating},
	{"between Bare and paged, with and without fences", check_toggle},
	{"changes made under Bare", check_change_under_bare},
	{"between paged modes, by ASID", check_modes_by_asid},
	{"between paged modes, by fence", check_modes_by_fence},
	{"addresses of a wider mode", check_width},
};

const struct group modes_group = {"modes", checks, ARRAY_LENGTH(checks), false};
