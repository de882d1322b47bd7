/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sfence.vma and leaves: what each form promises after a leaf was changed.
 *
 * Before a covering fence an access may see the old leaf or the new one; after
 * it only the new one. Forms that do not cover the address, the ASID or a global
 * mapping promise nothing, but may fence more than they must. Every change is
 * tried with the old translation in use and every kind of access.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"
#include "guests/lib/platform.h"

#define OLD 21 /* frames before and after a remap */
#define NEW 22

struct change {
	const char *name;
	uint64_t before; /* flags */
	uint64_t after;
	bool remap;
};

static const struct change changes[] = {
	{"remapped", PTE_USER, PTE_USER, true},
	{"unmapped", PTE_USER, 0, false},
	{"mapped", 0, PTE_USER, false},
	{"write-protected", PTE_USER, PTE_USER & ~PTE_W, false},
	{"made writable", PTE_USER & ~PTE_W, PTE_USER, false},
	{"made execute-only", PTE_USER, PTE_USER & ~(PTE_R | PTE_W), false},
	{"made not executable", PTE_USER, PTE_USER & ~PTE_X, false},
	{"taken from U-mode", PTE_USER, PTE_KERNEL, false},
	{"given to U-mode", PTE_KERNEL, PTE_USER, false},
	{"remapped read-only", PTE_USER, PTE_USER & ~PTE_W, true},
	{"made reserved", PTE_USER, (PTE_USER & ~PTE_R), true},
};

static const enum access kinds[] = {LD, SD, FETCH, AMOSWAP_D};
static const unsigned privileges[] = {USER, SUPERVISOR, SUM};

struct scene {
	struct space space;
	uint64_t va;
	unsigned level;
	uint64_t *slot;
	uint64_t pa[2]; /* what the leaf maps before and after a remap */
};

static void scene_init(struct scene *scene, const struct paging_mode *mode,
		       unsigned level)
{
	scene->level = level;
	space_init(&scene->space, mode, nth_asid(mode, 5));
	scene->pa[0] = frames_new(OLD, 1, level_size(level));
	scene->pa[1] = frames_new(NEW, 1, level_size(level));
	scene->va = window(mode, WINDOW);
	scene->slot = space_slot(&scene->space, scene->va, level);
	space_start(&scene->space);
}

static uint64_t changed_leaf(const struct scene *scene, const struct change *change)
{
	return pte_make(scene->pa[change->remap], change->after);
}

static int result(const struct scene *scene, uint64_t pte, enum access access,
		  unsigned how)
{
	return leaf_result(pte, scene->level, scene->va, access, how);
}

/* One change under one form of fence, seen by one kind of access. */
static void try_change(const struct scene *scene, const struct change *change,
		       enum fence_form form, enum access access, unsigned how,
		       bool touch_between)
{
	uint64_t before = pte_make(scene->pa[0], change->before);
	uint64_t after = changed_leaf(scene, change);

	*scene->slot = before;
	fence_all();
	expect(change->name, access, scene->va, how, result(scene, before, access, how));
	*scene->slot = after;
	if (touch_between)
		expect(change->name, access, scene->va, how,
		       result(scene, before, access, how),
		       result(scene, after, access, how));
	fence(form, scene->va + 0x123, scene->space.asid);
	expect(change->name, access, scene->va, how, result(scene, after, access, how));
	expect(change->name, access, scene->va, how, result(scene, after, access, how));
}

static void check_form(const struct paging_mode *mode, enum fence_form form)
{
	for (unsigned level = 0; level < 2; level++) {
		struct scene scene;

		scene_init(&scene, mode, level);
		for (unsigned c = 0; c < ARRAY_LENGTH(changes); c++)
			for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++)
				for (unsigned p = 0; p < ARRAY_LENGTH(privileges); p++)
					try_change(&scene, &changes[c], form, kinds[k],
						   privileges[p], (c + k + p) % 2);
	}
}

static void check_all(const struct paging_mode *mode)
{
	check_form(mode, FENCE_ALL);
}

static void check_va(const struct paging_mode *mode)
{
	check_form(mode, FENCE_VA);
}

static void check_asid(const struct paging_mode *mode)
{
	check_form(mode, FENCE_ASID);
}

static void check_va_asid(const struct paging_mode *mode)
{
	check_form(mode, FENCE_VA_ASID);
}

/* A fence that covers something else: nothing promised, and nothing broken. */
static void check_not_covering(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t elsewhere, invalid, other_asid = nth_asid(mode, 6);

	scene_init(&scene, mode, 0);
	elsewhere = scene.va + 64 * PAGE_SIZE;
	invalid = scene.va | UINT64_C(1) << 63;
	for (unsigned c = 0; c < ARRAY_LENGTH(changes); c++) {
		for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++) {
			uint64_t before = pte_make(scene.pa[0], changes[c].before);
			uint64_t after = changed_leaf(&scene, &changes[c]);
			int old, new;

			old = result(&scene, before, kinds[k], USER);
			new = result(&scene, after, kinds[k], USER);
			*scene.slot = before;
			fence_all();
			expect(changes[c].name, kinds[k], scene.va, USER, old);
			*scene.slot = after;
			fence_va(elsewhere);
			fence_va_asid(elsewhere, scene.space.asid);
			fence_va(invalid);
			fence_va_asid(invalid, scene.space.asid);
			if (other_asid != scene.space.asid) {
				fence_asid(other_asid);
				fence_va_asid(scene.va, other_asid);
			}
			expect(changes[c].name, kinds[k], scene.va, USER, old, new);
			fence_va(scene.va);
			expect(changes[c].name, kinds[k], scene.va, USER, new);
		}
	}
}

/* Global leaves need rs2=x0; a G on the way down makes the leaf global too. */
static void check_global(const struct paging_mode *mode)
{
	for (unsigned g_level = 0; g_level < mode->levels; g_level++) {
		for (enum fence_form form = 0; form < FENCE_FORMS; form++) {
			struct scene scene;
			uint64_t g;

			scene_init(&scene, mode, 0);
			*space_slot(&scene.space, scene.va, g_level) |= PTE_G;
			g = *scene.slot & PTE_G;
			*scene.slot = pte_make(scene.pa[0], PTE_USER | g);
			fence_all();
			expect("global leaf", LD, scene.va, USER, OLD);
			*scene.slot = pte_make(scene.pa[1], PTE_USER | g);
			fence(form, scene.va, scene.space.asid);
			if (form == FENCE_ALL || form == FENCE_VA)
				expect(fence_name(form), LD, scene.va, USER, NEW);
			else
				expect(fence_name(form), LD, scene.va, USER, OLD, NEW);
			fence_va(scene.va);
			expect("after a fence of all ASIDs", LD, scene.va, USER, NEW);
			fence_all();
		}
	}
}

/* rs2's bits above the ASID are reserved and "ignored by current implementations". */
static void check_asid_high_bits(const struct paging_mode *mode)
{
	unsigned bits = paging_asid_bits(mode);
	struct scene scene;

	scene_init(&scene, mode, 0);
	for (unsigned bit = bits; bit < 64; bit++) {
		uint64_t asid = scene.space.asid | UINT64_C(1) << bit;

		*scene.slot = pte_make(scene.pa[bit % 2], PTE_USER);
		fence_asid(asid);
		expect("x0,asid", LD, scene.va, USER, bit % 2 ? NEW : OLD);
		*scene.slot = pte_make(scene.pa[!(bit % 2)], PTE_USER);
		fence_va_asid(scene.va, asid);
		expect("va,asid", LD, scene.va, USER, bit % 2 ? OLD : NEW);
	}
}

/* A register that holds 0 is not x0: address 0 alone, ASID 0 alone. */
static void check_zero_registers(const struct paging_mode *mode)
{
	struct space space;
	uint64_t pa[2] = {frame_new(OLD), frame_new(NEW)};
	uint64_t *slot;

	space_init(&space, mode, 0);
	slot = space_slot(&space, 0, 0);
	space_start(&space);
	for (unsigned i = 0; i < 8; i++) {
		*slot = pte_make(pa[i / 4], PTE_USER);
		fence(i % 4, 0, 0);
		expect(fence_name(i % 4), LD, 0, USER, i / 4 ? NEW : OLD);
		*slot = pte_make(pa[!(i / 4)], PTE_USER);
		fence(i % 4, 0, 0);
		expect(fence_name(i % 4), LD, 0, USER, i / 4 ? OLD : NEW);
	}
	*slot = 0; /* in tables all spaces share */
}

#define SFENCE_W_INVAL	".insn r 0x73, 0, 0x0c, x0, x0, x0\n"
#define SFENCE_INVAL_IR ".insn r 0x73, 0, 0x0c, x0, x0, x1\n"
#define SINVAL_VMA(rs1, rs2)                                                             \
	SFENCE_W_INVAL ".insn r 0x73, 0, 0x0b, x0, " rs1 ", " rs2 "\n" SFENCE_INVAL_IR

static void sinval(enum fence_form form, uint64_t va, uint64_t asid)
{
	switch (form) {
	case FENCE_ALL:
		__asm__ volatile(SINVAL_VMA("x0", "x0")::: "memory");
		break;
	case FENCE_VA:
		__asm__ volatile(SINVAL_VMA("%0", "x0")::"r"(va) : "memory");
		break;
	case FENCE_ASID:
		__asm__ volatile(SINVAL_VMA("x0", "%0")::"r"(asid) : "memory");
		break;
	default:
		__asm__ volatile(SINVAL_VMA("%0", "%1")::"r"(va), "r"(asid) : "memory");
	}
}

/* Svinval, where offered: the same in three instructions (and two that fence). */
static void check_svinval(const struct paging_mode *mode)
{
	struct scene scene;

	if (!platform_has_extension("svinval")) {
		skip("no Svinval");
		return;
	}
	scene_init(&scene, mode, 0);
	for (unsigned i = 0; i < 8; i++) {
		*scene.slot = pte_make(scene.pa[i % 2], PTE_USER);
		sinval(i / 2, scene.va, scene.space.asid);
		expect("sinval.vma", LD, scene.va, USER, i % 2 ? NEW : OLD);
	}
}

static const struct check checks[] = {
	{"changed leaves, sfence.vma x0,x0", check_all},
	{"changed leaves, sfence.vma va,x0", check_va},
	{"changed leaves, sfence.vma x0,asid", check_asid},
	{"changed leaves, sfence.vma va,asid", check_va_asid},
	{"fences that do not cover a change", check_not_covering},
	{"global leaves and pointers", check_global},
	{"reserved bits of rs2 are ignored", check_asid_high_bits},
	{"registers that hold 0", check_zero_registers},
	{"sinval.vma", check_svinval},
};

const struct group fence_group = {"fences", checks, ARRAY_LENGTH(checks), true};
