/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields of satp: MODE, ASID and PPN, as WARL fields read and write.
 *
 * "If satp is written with an unsupported MODE, the entire write has no effect;
 * no fields in satp are modified." ASIDLEN is found by writing ones; its bits
 * are the low ones. Tables for every PPN written here are real, because the
 * write takes effect at once.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"

#define MODES	   16
#define ASID_WIDTH 16

static bool mode_is_supported(unsigned satp_mode)
{
	for (unsigned i = 0; i < PAGING_MODES; i++)
		if (paging_modes[i].satp_mode == satp_mode)
			return paging_supported(&paging_modes[i]);
	return satp_mode == 0;
}

/* 14 and 15 are for custom use: what they do is nobody's promise. */
static bool mode_is_custom(unsigned satp_mode)
{
	return satp_mode >= 14;
}

static void try_unsupported(const struct space *space, uint64_t other_root)
{
	uint64_t current = csr_read(satp);

	for (unsigned satp_mode = 1; satp_mode < MODES; satp_mode++) {
		uint64_t value = (uint64_t)satp_mode << SATP_MODE_SHIFT |
				 (space->asid ^ 3) << SATP_ASID_SHIFT | other_root >> 12;
		unsigned combined;

		if (mode_is_supported(satp_mode) || mode_is_custom(satp_mode))
			continue;
		csr_write(satp, value);
		expect_equal("satp after csrw", csr_read(satp), current);
		expect_equal("what csrrw returned", csr_swap(satp, value), current);
		expect_equal("satp after csrrw", csr_read(satp), current);
		combined = (unsigned)(current >> SATP_MODE_SHIFT) | satp_mode;
		if (mode_is_supported(combined) || mode_is_custom(combined))
			continue;
		csr_set(satp, (uint64_t)satp_mode << SATP_MODE_SHIFT);
		expect_equal("satp after csrs", csr_read(satp), current);
	}
}

/* From a paged mode with an ASID, and (below) from Bare. */
static void check_unsupported(const struct paging_mode *mode)
{
	struct space space, other;

	space_init(&space, mode, nth_asid(mode, 5));
	space_init(&other, mode, nth_asid(mode, 6));
	space_map(&space, window(mode, WINDOW), 0, frame_new(1), PTE_USER);
	space_map(&other, window(mode, WINDOW), 0, frame_new(2), PTE_USER);
	space_start(&space);
	try_unsupported(&space, (uintptr_t)other.root);
	expect("the same space still", LD, window(mode, WINDOW), USER, 1);
	fence_all();
	expect("the same space still", LD, window(mode, WINDOW), USER, 1);
}

static void check_unsupported_from_bare(const struct paging_mode *mode)
{
	struct space space;
	uint64_t pa = frame_new(1);

	space_init(&space, mode, nth_asid(mode, 5));
	fence_all();
	try_unsupported(&space, (uintptr_t)space.root);
	expect_equal("satp", csr_read(satp), 0);
	expect("Bare still", LD, pa, USER, 1);
}

static void check_read_back(const struct paging_mode *mode)
{
	struct space space;

	for (unsigned i = 0; i < 8; i++) {
		space_init(&space, mode, nth_asid(mode, 0x1111 * i + i));
		space_start(&space);
		expect_equal("satp read back", csr_read(satp), space_satp(&space));
		expect_equal("satp read again", csr_read(satp), space_satp(&space));
	}
	csr_write(satp, 0);
	expect_equal("satp Bare", csr_read(satp), 0);
}

static void check_asid_length(const struct paging_mode *mode)
{
	struct space space;
	uint64_t kept, satp;

	space_init(&space, mode, 0);
	satp = space_satp(&space);
	fence_all();
	csr_write(satp, satp | SATP_ASID);
	kept = (csr_read(satp) & SATP_ASID) >> SATP_ASID_SHIFT;
	expect_equal("ASID bits are the lowest", kept & (kept + 1), 0);
	for (unsigned bit = 0; bit < ASID_WIDTH; bit++) {
		uint64_t asid = UINT64_C(1) << bit;

		csr_write(satp, satp | asid << SATP_ASID_SHIFT);
		expect_equal("satp with one ASID bit", csr_read(satp),
			     satp | (asid & kept) << SATP_ASID_SHIFT);
	}
	csr_write(satp, satp);
	expect_equal("satp without ASID", csr_read(satp), satp);
}

/* Roots at many places, so that most PPN bits in use vary. */
static void check_ppn(const struct paging_mode *mode)
{
	uint64_t va = window(mode, WINDOW);

	frame_new(1);
	frame_new(2);
	for (unsigned i = 0; i < 12; i++) {
		struct space space;

		arena_alloc(PAGE_SIZE << (i % 9));
		space_init(&space, mode, nth_asid(mode, i));
		space_map(&space, va, 0, frame_pa(1 + i % 2), PTE_USER);
		space_start(&space);
		expect_equal("PPN", csr_read(satp) & SATP_PPN,
			     (uintptr_t)space.root >> 12);
		expect("what the root maps", LD, va, USER, 1 + (int)(i % 2));
	}
}

/* The same value again changes nothing. */
static void check_rewrite(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	space_init(&space, mode, nth_asid(mode, 2));
	slot = space_map(&space, va, 0, frame_new(1), PTE_USER);
	frame_new(2);
	space_start(&space);
	for (unsigned i = 0; i < 8; i++) {
		expect("rewritten", LD, va, USER, 1);
		space_enter(&space);
	}
	*slot = pte_make(frame_pa(2), PTE_USER);
	space_enter(&space);
	expect("changed, satp rewritten, not fenced", LD, va, USER, 1, 2);
	fence_va(va);
	space_enter(&space);
	expect("fenced, satp rewritten", LD, va, USER, 2);
}

static const struct check checks[] = {
	{"unsupported MODE, from a paged mode", check_unsupported},
	{"unsupported MODE, from Bare", check_unsupported_from_bare},
	{"what is written reads back", check_read_back},
	{"ASIDLEN", check_asid_length},
	{"PPN", check_ppn},
	{"the same value again", check_rewrite},
};

const struct group satp_group = {"satp", checks, ARRAY_LENGTH(checks), true};
