/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random changes, fences, switches and accesses against a model of the rules.
 *
 * Three address spaces share a pool of tables under two 2 MiB regions each. The
 * model keeps, for each space, every entry its address-translation cache may
 * hold: what was reachable while the space was in force, since the last fence
 * that covers it. An access may use any such pointer with any such leaf, and
 * nothing else. The sequence is the same in every run.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"
#include "guests/lib/console.h"
#include "guests/lib/string.h"

#define SPACES	  3
#define REGIONS	  2
#define TABLES	  3
#define PAGES	  3 /* entries used of each table */
#define FRAMES	  6
#define BLOCKS	  2   /* 2 MiB, with PAGES frames at their start */
#define BLOCK_TAG 100 /* of the first frame of the first block */
#define STEPS	  3000
#define SET_SIZE  24

/* Values an entry may be seen with. */
struct set {
	unsigned count;
	uint64_t values[SET_SIZE];
};

struct view {
	struct set pointers[REGIONS];		   /* level 1 */
	struct set leaves[REGIONS][TABLES][PAGES]; /* level 0 */
};

struct model {
	struct space spaces[SPACES];
	uint64_t *slots[SPACES][REGIONS]; /* level 1, in memory */
	uint64_t *tables[TABLES];	  /* level 0, in memory */
	uint64_t blocks[BLOCKS];
	struct view views[SPACES];
	unsigned active;
	bool overflow;
	uint64_t random;
};

static struct model model;

static unsigned choose(unsigned below)
{
	model.random ^= model.random << 13;
	model.random ^= model.random >> 7;
	model.random ^= model.random << 17;
	return (unsigned)(model.random >> 16) % below;
}

static bool is_pointer(uint64_t pte)
{
	return pte & PTE_V && !(pte & PTE_RWX);
}

static bool is_leaf(uint64_t pte)
{
	return pte & PTE_V && pte & PTE_RWX;
}

static void set_add(struct set *set, uint64_t value)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->values[i] == value)
			return;
	if (set->count == SET_SIZE)
		model.overflow = true;
	else
		set->values[set->count++] = value;
}

static unsigned table_number(uint64_t pointer)
{
	unsigned table = 0;

	while (table < TABLES - 1 && (uintptr_t)model.tables[table] != pte_pa(pointer))
		table++;
	return table;
}

/* The space in force may read, at any time, all it can reach. */
static void absorb(void)
{
	struct view *view = &model.views[model.active];

	for (unsigned r = 0; r < REGIONS; r++) {
		set_add(&view->pointers[r], *model.slots[model.active][r]);
		for (unsigned i = 0; i < view->pointers[r].count; i++) {
			uint64_t pointer = view->pointers[r].values[i];
			unsigned t = table_number(pointer);

			for (unsigned p = 0; is_pointer(pointer) && p < PAGES; p++)
				set_add(&view->leaves[r][t][p], model.tables[t][p]);
		}
	}
}

/* Drop what a fence with rs1!=x0 covers: leaves, of any level. */
static void drop_leaves(struct view *view, uint64_t current, unsigned region,
			unsigned page)
{
	struct set *set = &view->pointers[region];
	unsigned kept = 0;

	for (unsigned t = 0; t < TABLES; t++)
		view->leaves[region][t][page].count = 0;
	for (unsigned i = 0; i < set->count; i++) {
		uint64_t value = set->values[i];

		/* An invalid entry that became a leaf is fenced like one. */
		if (is_pointer(value) || (!is_leaf(value) && !is_leaf(current)))
			set->values[kept++] = value;
	}
	set->count = kept;
}

static uint64_t address_of(unsigned region, unsigned page)
{
	return window(check_mode(), WINDOW) + region * 2 * MIB + page * PAGE_SIZE;
}

static void do_fence(enum fence_form form, unsigned space, unsigned region, unsigned page)
{
	fence(form, address_of(region, page) + choose(512) * 8, model.spaces[space].asid);
	for (unsigned s = 0; s < SPACES; s++) {
		bool all_asids = form == FENCE_ALL || form == FENCE_VA;

		if (s != space && !all_asids)
			continue;
		if (form == FENCE_ALL || form == FENCE_ASID)
			memset(&model.views[s], 0, sizeof(model.views[s]));
		else
			drop_leaves(&model.views[s], *model.slots[s][region], region,
				    page);
	}
	absorb();
}

static uint64_t random_leaf(uint64_t pa)
{
	static const uint64_t flags[] = {
		PTE_USER,
		PTE_USER,
		PTE_USER,
		PTE_KERNEL,
		PTE_USER & ~PTE_W,
		PTE_USER & ~PTE_X,
		PTE_USER & ~(PTE_R | PTE_W),
		0,
	};
	uint64_t chosen = flags[choose(ARRAY_LENGTH(flags))];

	return chosen ? pte_make(pa, chosen) : 0;
}

static void change_leaf(void)
{
	uint64_t pa = frame_pa(1 + choose(FRAMES));
	unsigned table = choose(TABLES);

	model.tables[table][choose(PAGES)] = random_leaf(pa);
	absorb();
}

static void change_slot(void)
{
	uint64_t *slot = model.slots[choose(SPACES)][choose(REGIONS)];
	unsigned what = choose(8);

	if (what == 0)
		*slot = 0;
	else if (what < 3)
		*slot = random_leaf(model.blocks[choose(BLOCKS)]);
	else
		*slot = pte_make((uintptr_t)model.tables[choose(TABLES)], PTE_V);
	absorb();
}

static void switch_space(void)
{
	model.active = choose(SPACES);
	space_enter(&model.spaces[model.active]);
	absorb();
}

/* All results the model allows for one access. */
static unsigned allowed_results(int *allowed, unsigned region, unsigned page,
				enum access access, unsigned how)
{
	const struct view *view = &model.views[model.active];
	const struct set *pointers = &view->pointers[region];
	uint64_t va = address_of(region, page);
	unsigned count = 0;

	for (unsigned i = 0; i < pointers->count; i++) {
		uint64_t pte = pointers->values[i];
		const struct set *leaves = &view->leaves[region][table_number(pte)][page];

		if (!is_pointer(pte))
			allowed[count++] = leaf_result(pte, 1, va, access, how);
		for (unsigned k = 0; is_pointer(pte) && k < leaves->count; k++)
			allowed[count++] =
				leaf_result(leaves->values[k], 0, va, access, how);
	}
	return count;
}

static void do_access(unsigned step)
{
	static const enum access kinds[] = {LD, SD, FETCH, AMOSWAP_D, LW, C_SDSP};
	static const unsigned privileges[] = {USER,	  USER, USER,
					      SUPERVISOR, SUM,	SUM | MXR};
	int allowed[SET_SIZE * (SET_SIZE + 1)];
	unsigned region = choose(REGIONS), page = choose(PAGES);
	enum access access = kinds[choose(ARRAY_LENGTH(kinds))];
	unsigned how = privileges[choose(ARRAY_LENGTH(privileges))];
	unsigned count = allowed_results(allowed, region, page, access, how);
	char what[40];

	format_text(what, sizeof(what), "step %u, space %u, %u results allowed", step,
		    model.active, count);
	expect_touch(what, access, address_of(region, page) + 8 * choose(512), how,
		     allowed, count);
}

static void build(const struct paging_mode *mode)
{
	memset(&model, 0, sizeof(model));
	model.random = UINT64_C(0x9e3779b97f4a7c15);
	for (unsigned tag = 1; tag <= FRAMES; tag++)
		frame_new(tag);
	for (unsigned b = 0; b < BLOCKS; b++)
		model.blocks[b] = frames_new(BLOCK_TAG + b * PAGES, PAGES, 2 * MIB);
	for (unsigned t = 0; t < TABLES; t++)
		model.tables[t] = arena_alloc(PAGE_SIZE);
	for (unsigned s = 0; s < SPACES; s++) {
		space_init(&model.spaces[s], mode, nth_asid(mode, 1 + s));
		for (unsigned r = 0; r < REGIONS; r++)
			model.slots[s][r] =
				space_slot(&model.spaces[s], address_of(r, 0), 1);
	}
	space_start(&model.spaces[0]);
	absorb();
}

static void take_step(unsigned step)
{
	unsigned kind = choose(100);

	if (kind < 45)
		do_access(step);
	else if (kind < 68)
		change_leaf();
	else if (kind < 75)
		change_slot();
	else if (kind < 83)
		switch_space();
	else
		do_fence(kind < 84 ? FENCE_ALL : 1 + kind % 3, choose(SPACES),
			 choose(REGIONS), choose(PAGES));
}

static void check_random(const struct paging_mode *mode)
{
	if (paging_asid_bits(mode) < 2) {
		skip("fewer than two ASID bits");
		return;
	}
	build(mode);
	for (unsigned step = 0; step < STEPS; step++) {
		take_step(step);
		if (model.overflow)
			do_fence(FENCE_ALL, 0, 0, 0);
		model.overflow = false;
	}
}

static const struct check checks[] = {
	{"3000 steps in three address spaces", check_random},
};

const struct group random_group = {"random walk", checks, ARRAY_LENGTH(checks), true};
