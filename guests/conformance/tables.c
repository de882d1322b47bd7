/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables that are themselves mapped: edited through aliases, by every kind
 * of store, and tables that map themselves.
 *
 * An entry is memory like any other; what matters is its value when it is read,
 * not how it came there. An entry means at each level what that level makes of
 * it: a 2 MiB leaf reached one level lower is a 4 KiB leaf.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"

#define OLD 1 /* two frames whose addresses differ in bit 12 alone */
#define NEW 2

static const enum access kinds[] = {LD, SD, FETCH, AMOSWAP_D};

extern const uint64_t image_start[];

struct scene {
	struct space space;
	uint64_t va;
	uint64_t *slot; /* of va, at level 0 */
	uint64_t alias; /* where the slot can be stored to, in U- and S-mode */
};

static void expect_each(const char *what, uint64_t va, int result)
{
	for (unsigned k = 0; k < ARRAY_LENGTH(kinds); k++)
		expect(what, kinds[k], va, USER, result);
}

static void scene_init(struct scene *scene, const struct paging_mode *mode)
{
	uint64_t window_base = window(mode, WINDOW);

	space_init(&scene->space, mode, nth_asid(mode, 1));
	frames_new(OLD, 2, 2 * PAGE_SIZE);
	scene->va = window_base + 5 * PAGE_SIZE;
	scene->slot = space_map(&scene->space, scene->va, 0, frame_pa(OLD), PTE_USER);
	scene->alias = window_base + GIB / 2 + (uintptr_t)scene->slot % PAGE_SIZE;
	space_map(&scene->space, scene->alias, 0, (uintptr_t)scene->slot, PTE_USER);
	space_start(&scene->space);
}

/* The byte that differs between the two leaves, and all above it. */
static uint64_t first_changed_byte(enum access access)
{
	return access_info[access].width == 1 ? 1 : 0;
}

static void try_store(const struct scene *scene, enum access access, unsigned how,
		      bool read)
{
	uint64_t new = pte_make(frame_pa(NEW), PTE_USER);
	uint64_t byte = first_changed_byte(access);
	unsigned tries = 0;
	struct outcome outcome;

	*scene->slot = pte_make(frame_pa(OLD), PTE_USER);
	fence_va(scene->va);
	expect(access_info[access].name, LD, scene->va, USER, OLD);
	if (read)
		expect_equal("entry read through its alias",
			     probe(LD, scene->alias, 0, how).value, *scene->slot);
	do
		outcome = probe(access, scene->alias + byte, new >> 8 * byte, how);
	while (*scene->slot != new && ++tries < 100);
	expect_equal("cause of a store to an entry", outcome.cause, OUTCOME_DONE);
	expect_equal("entry stored through its alias", *scene->slot, new);
	expect("stored, not fenced", LD, scene->va, USER, OLD, NEW);
	fence_va_asid(scene->va, scene->space.asid);
	expect(access_info[access].name, LD, scene->va, USER, NEW);
}

static bool can_store(enum access access)
{
	enum access_kind kind = access_info[access].kind;

	return kind == KIND_STORE || kind == KIND_AMO || access == LRSC_D;
}

/* Narrow stores change only bits of one byte or halfword here, so all are safe. */
static void check_every_store(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for (enum access access = 0; access < FETCH; access++) {
		if (!can_store(access))
			continue;
		try_store(&scene, access, USER, false);
		try_store(&scene, access, USER, true);
		try_store(&scene, access, SUM, false);
	}
}

/* Tables of every level behind aliases. */
static void check_every_level(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for_each_upper_level(level, mode)
	{
		uint64_t *slot = space_slot(&scene.space, scene.va, level), old = *slot;
		uint64_t *table = arena_alloc(PAGE_SIZE);
		uint64_t alias = window(mode, WINDOW + 1) + (uintptr_t)slot % PAGE_SIZE;
		uint64_t new = pte_make((uintptr_t)table, PTE_V);

		*table_slot(table, level - 1, scene.va, 0) =
			pte_make(frame_pa(NEW), PTE_USER);
		space_map(&scene.space, alias, 0, (uintptr_t)slot, PTE_USER);
		fence_all();
		for (unsigned i = 0; i < 4; i++) {
			expect_each("before", scene.va, i % 2 ? NEW : OLD);
			probe(i / 2 ? SD : AMOSWAP_D, alias, i % 2 ? old : new,
			      i / 2 ? SUM : USER);
			expect_equal("pointer stored", *slot, i % 2 ? old : new);
			fence(i % 2 ? FENCE_ALL : FENCE_ASID, 0, scene.space.asid);
			expect_each("pointer stored and fenced", scene.va,
				    i % 2 ? OLD : NEW);
		}
	}
}

/* A table mapped by one of its own entries. */
static void check_maps_itself(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t *table;
	uint64_t self;

	scene_init(&scene, mode);
	table = scene.slot - va_index(scene.va, 0);
	self = scene.va + 7 * PAGE_SIZE;
	table[va_index(self, 0)] = pte_make((uintptr_t)table, PTE_USER);
	fence_va(self);
	for (unsigned i = 0; i < PTES_PER_TABLE; i += 5)
		expect_equal("entry read through itself",
			     probe(LD, self + 8 * i, 0, USER).value, table[i]);
	for (unsigned i = 0; i < 8; i++) {
		int old = i % 2 ? NEW : OLD, new = i % 2 ? OLD : NEW;

		expect_each("before", scene.va, old);
		probe(SD, self + 8 * va_index(scene.va, 0),
		      pte_make(frame_pa((unsigned)new), PTE_USER), i & 2 ? USER : SUM);
		expect("stored, not fenced", LD, scene.va, USER, old, new);
		fence_va(scene.va);
		expect_each("stored and fenced", scene.va, new);
	}
	/* Cut off the branch it sits on. */
	probe(SD, self + 8 * va_index(self, 0), pte_make(frame_pa(OLD), PTE_USER), USER);
	fence_va(self);
	expect_each("the table's own entry changed", self, OLD);
	expect_each("another entry of it", scene.va, OLD);
}

/* A level 1 table that is also its own level 0 table. */
static void check_recursive(const struct paging_mode *mode)
{
	const unsigned self = 40, data = 9;
	uint64_t blocks[2] = {frames_new(10, 2, 2 * MIB), frames_new(20, 2, 2 * MIB)};
	uint64_t base = window(mode, WINDOW);
	uint64_t large = base + data * 2 * MIB;
	uint64_t small = base + self * 2 * MIB + data * PAGE_SIZE;
	struct space space;
	uint64_t *table;

	space_init(&space, mode, nth_asid(mode, 1));
	table = space_slot(&space, base, 1);
	table[self] = pte_make((uintptr_t)table, PTE_V);
	space_start(&space);
	for (unsigned i = 0; i < 6; i++) {
		int tag = i % 2 ? 20 : 10;

		table[data] = pte_make(blocks[i % 2], PTE_USER);
		if (i < 4) {
			fence(i % 2 ? FENCE_ALL : FENCE_ASID, 0, space.asid);
		} else {
			fence_va(large);
			fence_va(small);
		}
		expect_each("entry as a 2 MiB leaf", large, tag);
		expect_each("entry as a 2 MiB leaf", large + PAGE_SIZE, tag + 1);
		expect_each("entry as a 4 KiB leaf", small, tag);
		expect_each("beyond the 4 KiB leaf", small + PAGE_SIZE, PAGE_FAULT);
		expect_each("pointer at level 0",
			    base + self * 2 * MIB + self * PAGE_SIZE, PAGE_FAULT);
	}
}

/* The root as a table of the level below it: everything one level lower. */
static void check_root_in_root(const struct paging_mode *mode)
{
	uint64_t image = (uintptr_t)image_start;
	uint64_t va = window(mode, WINDOW);
	struct space space;
	struct outcome outcome;

	space_init(&space, mode, nth_asid(mode, 1));
	space.root[WINDOW] = pte_make((uintptr_t)space.root, PTE_V);
	for (unsigned level = 1; level < mode->levels; level++)
		va |= (uint64_t)va_index(image, level) << (12 + 9 * (level - 1));
	space_start(&space);
	outcome = probe(LD, va + 16, 0, SUPERVISOR);
	expect_equal("cause", outcome.cause, OUTCOME_DONE);
	expect_equal("the image, one level lower", outcome.value, image_start[2]);
	expect("the same for U-mode", LD, va + 16, USER, PAGE_FAULT);
}

/* Tables behind read-only aliases stay readable, and stores there fault. */
static void check_read_only_alias(const struct paging_mode *mode)
{
	struct scene scene;
	struct outcome outcome;
	uint64_t before;

	scene_init(&scene, mode);
	space_map(&scene.space, scene.alias, 0, (uintptr_t)scene.slot, PTE_USER & ~PTE_W);
	fence_va(scene.alias);
	before = *scene.slot;
	expect_equal("entry", probe(LD, scene.alias, 0, USER).value, before);
	outcome = probe(SD, scene.alias, 0, USER);
	expect_equal("cause of a store", outcome.cause, CAUSE_STORE_PAGE_FAULT);
	expect_equal("stval of a store", outcome.stval, scene.alias);
	expect_equal("entry after a refused store", *scene.slot, before);
	expect_each("what it maps", scene.va, OLD);
}

static const struct check checks[] = {
	{"entries edited by every kind of store", check_every_store},
	{"tables of every level edited through aliases", check_every_level},
	{"a table that maps itself", check_maps_itself},
	{"a table at two levels", check_recursive},
	{"the root below itself", check_root_in_root},
	{"tables behind read-only aliases", check_read_only_alias},
};

const struct group tables_group = {"mapped tables", checks, ARRAY_LENGTH(checks), true};
