/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encodings that are reserved, invalid or not canonical: always a page fault of
 * the access's own kind, whatever else the entry says.
 *
 * After each bad entry the good one is put back and must work, so a fault for
 * another reason does not pass. Bits that belong to an extension are only
 * reserved where the device tree does not list it.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"
#include "guests/lib/platform.h"

#define PAGE 9

static const enum access kinds[] = {LD, SD, FETCH, AMOSWAP_D, LR_D};

struct scene {
	struct space space;
	uint64_t va;
	uint64_t pa;
};

static void scene_init(struct scene *scene, const struct paging_mode *mode)
{
	space_init(&scene->space, mode, 0);
	scene->pa = frame_new(PAGE);
	scene->va = leaf_va(window(mode, WINDOW), mode->levels - 1, scene->pa);
	space_map(&scene->space, scene->va, 0, scene->pa, PTE_USER);
	space_start(&scene->space);
}

static void expect_each(const char *what, uint64_t va, int result)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++)
		expect(what, kinds[i], va, USER, result);
	expect(what, LD, va, SUM | MXR, result);
	expect(what, SD, va, SUM, result);
}

/* Put `bad` into the slot, see it fault, and the former entry work again. */
static void expect_bad(const char *what, const struct scene *scene, uint64_t *slot,
		       uint64_t bad)
{
	uint64_t good = *slot;

	*slot = bad;
	fence_all();
	expect_each(what, scene->va, PAGE_FAULT);
	*slot = good;
	fence_all();
	expect("the good entry again", LD, scene->va, USER, PAGE);
}

/* Make the leaf on the way to va one of this level; its slot. */
static uint64_t *use_leaf(const struct scene *scene, unsigned level)
{
	uint64_t *slot = space_slot(&scene->space, scene->va, level);

	*slot = pte_make(leaf_pa(level, scene->pa), PTE_USER);
	fence_all();
	return slot;
}

static void check_writable_unreadable(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for_each_level(level, mode)
	{
		uint64_t base = level ? leaf_pa(level, scene.pa) : scene.pa;
		uint64_t *slot = space_slot(&scene.space, scene.va, level);

		expect_bad("W", &scene, slot,
			   pte_make(base, PTE_V | PTE_W | PTE_U | PTE_AD));
		expect_bad("W and X", &scene, slot,
			   pte_make(base, PTE_V | PTE_W | PTE_X | PTE_U | PTE_AD));
	}
}

static void check_misaligned_superpages(const struct paging_mode *mode)
{
	for_each_upper_level(level, mode)
	{
		struct scene scene;
		uint64_t *slot;

		scene_init(&scene, mode);
		slot = use_leaf(&scene, level);
		for (unsigned bit = 0; bit < 9 * level; bit++)
			expect_bad("misaligned superpage", &scene, slot,
				   *slot | UINT64_C(1) << (10 + bit));
	}
}

static void check_pointer_bits(const struct paging_mode *mode)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} cases[] = {
		{"pointer with U", PTE_U},
		{"pointer with A", PTE_A},
		{"pointer with D", PTE_D},
		{"pointer with A and D", PTE_AD},
		{"pointer with N", PTE_N},
		{"pointer with PBMT 1", PTE_PBMT & -PTE_PBMT},
		{"pointer with PBMT 3", PTE_PBMT},
	};
	struct scene scene;

	scene_init(&scene, mode);
	for_each_upper_level(level, mode)
	{
		uint64_t *slot = space_slot(&scene.space, scene.va, level);

		for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++)
			expect_bad(cases[i].name, &scene, slot, *slot | cases[i].bits);
	}
}

/* Bits 60 to 54, less those that some extension defined since. */
static bool is_reserved(unsigned bit)
{
	return bit < 59 || !platform_has_extension("svrsw60t59b");
}

static void check_high_bits(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for_each_level(level, mode)
	{
		uint64_t *slot = space_slot(&scene.space, scene.va, level);

		for (unsigned bit = 54; bit <= 60; bit++)
			if (is_reserved(bit))
				expect_bad("reserved high bit", &scene, slot,
					   *slot | UINT64_C(1) << bit);
	}
}

static void check_superpage_high_bits(const struct paging_mode *mode)
{
	for_each_upper_level(level, mode)
	{
		struct scene scene;
		uint64_t *slot;

		scene_init(&scene, mode);
		slot = use_leaf(&scene, level);
		for (unsigned bit = 54; bit <= 60; bit++)
			if (is_reserved(bit))
				expect_bad("reserved high bit", &scene, slot,
					   *slot | UINT64_C(1) << bit);
	}
}

/* QEMU 10.0.2 with Svpbmt takes PBMT 3, which is reserved, for a memory type. */
static bool pbmt_3_is_taken(const struct scene *scene, uint64_t *slot)
{
	static const int page[] = {PAGE};
	uint64_t good = *slot;
	bool taken;

	*slot |= PTE_PBMT;
	fence_all();
	taken = touch_matches(LD, scene->va, USER, page, 1) == 0;
	*slot = good;
	fence_all();
	return taken;
}

static void check_svpbmt(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t *slot;

	scene_init(&scene, mode);
	slot = space_slot(&scene.space, scene.va, 0);
	if (platform_has_extension("svpbmt") && pbmt_3_is_taken(&scene, slot))
		deviation("QEMU: PBMT 3 is taken for a memory type");
	else
		expect_bad("PBMT 3", &scene, slot, *slot | PTE_PBMT);
	if (platform_has_extension("svpbmt")) {
		*slot |= PTE_PBMT & -PTE_PBMT;
		fence_all();
		expect_each("PBMT NC", scene.va, PAGE);
	} else {
		expect_bad("PBMT 1", &scene, slot, *slot | (PTE_PBMT & -PTE_PBMT));
		expect_bad("PBMT 2", &scene, slot, *slot | (PTE_PBMT & PTE_PBMT << 1));
	}
}

static void check_svnapot(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t pa = frames_new(100, 16, 16 * PAGE_SIZE);
	uint64_t va = window(mode, WINDOW + 1);

	scene_init(&scene, mode);
	if (!platform_has_extension("svnapot")) {
		uint64_t *slot = space_slot(&scene.space, scene.va, 0);

		expect_bad("N", &scene, slot, *slot | PTE_N);
		return;
	}
	for (unsigned i = 0; i < 16; i++)
		space_map(&scene.space, va + i * PAGE_SIZE, 0, pa + 8 * PAGE_SIZE,
			  PTE_USER | PTE_N);
	fence_all();
	for (unsigned i = 0; i < 16; i++)
		expect("64 KiB page", LD, va + i * PAGE_SIZE, USER, (int)(100 + i));
}

static void check_pointer_at_level_0(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t *slot, table;

	scene_init(&scene, mode);
	table = (uintptr_t)arena_alloc(PAGE_SIZE);
	*(uint64_t *)table = pte_make(scene.pa, PTE_USER);
	slot = space_slot(&scene.space, scene.va, 0);
	expect_bad("pointer at level 0", &scene, slot, pte_make(table, PTE_V));
	expect_bad("pointer at level 0, G", &scene, slot, pte_make(table, PTE_V | PTE_G));
}

/* V=0: the other bits belong to software. */
static void check_invalid(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for_each_level(level, mode)
	{
		uint64_t *slot = space_slot(&scene.space, scene.va, level);

		expect_bad("all zero", &scene, slot, 0);
		expect_bad("only V clear", &scene, slot, *slot & ~PTE_V);
		expect_bad("all set but V", &scene, slot, ~PTE_V);
	}
}

static void check_software_bits(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for_each_level(level, mode)
	{
		*space_slot(&scene.space, scene.va, level) |= PTE_RSW;
		fence_all();
		expect_each("RSW set", scene.va, PAGE);
	}
	for_each_upper_level(level, mode)
	{
		*space_slot(&scene.space, scene.va, level) |= PTE_G;
		fence_all();
		expect_each("G in pointers", scene.va, PAGE);
	}
}

/* Bits above the mode's width must equal its highest bit. */
static void check_canonical(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t high;

	scene_init(&scene, mode);
	high = window(mode, HIGH_WINDOW);
	space_map(&scene.space, high, 0, scene.pa, PTE_USER);
	fence_all();
	expect_each("upper half", high, PAGE);
	for (unsigned bit = mode->va_bits; bit < 64; bit++) {
		expect_each("lower half, one bit set", scene.va | UINT64_C(1) << bit,
			    PAGE_FAULT);
		expect_each("upper half, one bit clear", high & ~(UINT64_C(1) << bit),
			    PAGE_FAULT);
	}
}

/* The pages at both sides of the gap, and the last one. */
static void check_edges(const struct paging_mode *mode)
{
	uint64_t gap = UINT64_C(1) << (mode->va_bits - 1);
	const uint64_t edges[] = {gap - PAGE_SIZE, -gap, -PAGE_SIZE, 0};
	struct space space;

	space_init(&space, mode, 0);
	for (unsigned i = 0; i < ARRAY_LENGTH(edges); i++)
		space_map(&space, edges[i], 0, frame_new(i + 1), PTE_USER);
	space_start(&space);
	for (unsigned i = 0; i < ARRAY_LENGTH(edges); i++)
		expect_each("page at an edge", edges[i], (int)i + 1);
	expect_each("just above the lower half", gap, PAGE_FAULT);
	expect_each("just below the upper half", -gap - 8, PAGE_FAULT);
	*space_slot(&space, 0, 0) = 0; /* in tables all spaces share */
}

static const struct check checks[] = {
	{"W without R, at every level", check_writable_unreadable},
	{"misaligned superpages", check_misaligned_superpages},
	{"A, D, U, N and PBMT in pointers", check_pointer_bits},
	{"bits 60 to 54", check_high_bits},
	{"bits 60 to 54 of superpages", check_superpage_high_bits},
	{"PBMT", check_svpbmt},
	{"N", check_svnapot},
	{"pointer at level 0", check_pointer_at_level_0},
	{"V clear, at every level", check_invalid},
	{"RSW and G in pointers are allowed", check_software_bits},
	{"addresses that are not canonical", check_canonical},
	{"first and last pages of both halves", check_edges},
};

const struct group reserved_group = {"reserved encodings", checks, ARRAY_LENGTH(checks),
				     true};
