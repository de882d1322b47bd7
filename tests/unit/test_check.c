/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/check_debug.c lsp/lsp.c */
/* sources: mm/guest_memory.c mm/nested.c */
/* sources: mm/page_table.c mm/page_table_check.c core/json.c core/log.c */
/* sources: tests/unit/fake_arch.c tests/unit/fake_pages.c tests/unit/guest_tables.c */
/* sources: tests/unit/host_ram.c tests/unit/lsp_bench.c */
/* libs: -Wl,--wrap=arch_power_off */
/*
 * The checks of the debug build: tables that Gnomon made pass, and each thing
 * that can be wrong with them, made by hand, is found and named.
 */
#include <string.h>

#include "core/check.h"
#include "lsp/check.h"
#include "tests/unit/lsp_bench.h"

#define PAGE_GVA GVA(0x1000)
#define HUGE_GVA GVA(GIB)     /* 2 MiB out of a guest leaf of 1 GiB */
#define WIDE_GVA GVA(2 * GIB) /* 2 MiB out of one of 2 MiB */

static struct bench bench;
static struct vcpu *vcpu;
static struct lsp_vcpu *space;
static struct shadow_tree *active, *other, *bare, *bare_user;

static struct shadow_tree *tree_of(uint64_t satp, bool user)
{
	for (unsigned i = 0; i < TREE_LIMIT; i++) {
		struct shadow_tree *tree = &space->trees[i];

		if (tree->root && tree->satp == satp && tree->user == user)
			return tree;
	}
	fail_msg("no tree for satp 0x%lx", satp);
	return NULL;
}

static const char *checked(void)
{
	return paging_lsp.check(vcpu, CHECK_ALL);
}

static void is_healthy(void)
{
	const char *wrong = checked();

	if (wrong)
		fail_msg("%s", wrong);
}

static void is_wrong(const char *expected)
{
	const char *wrong = checked();

	if (!wrong || !strstr(wrong, expected))
		fail_msg("'%s', not '%s'", wrong ? wrong : "all is well", expected);
}

/* A VM whose vCPU has a tree of each kind, and runs on one with leaves of all kinds. */
static void create(unsigned mode)
{
	const struct access user = {GVA(GUEST_RAM_BASE.raw), ACCESS_LOAD, .user = true};
	uint64_t first, second;

	fake_pages_create();
	fake_arch_create(fake_default());
	bench_create(&bench, 1);
	vcpu = &bench.vm.vcpus[0];
	space = bench_space(vcpu);
	bench_load(vcpu, 0);
	bench_reaches(vcpu, GVA(bench_ram(0).raw), ACCESS_LOAD, bench_ram(0));
	assert_int_equal(bench_access(vcpu, &user).outcome, OUTCOME_FILLED);
	second = bench_satp(&bench, mode, 0);
	guest_map(&bench.tables, second, PAGE_GVA, bench_ram(PAGE_SIZE), GUEST_RWX, 0);
	bench_satp_write(vcpu, second);
	bench_reaches(vcpu, PAGE_GVA, ACCESS_STORE, bench_ram(PAGE_SIZE));
	first = bench_satp(&bench, mode, 1);
	guest_map(&bench.tables, first, PAGE_GVA, bench_ram(0), GUEST_RWX, 0);
	guest_map(&bench.tables, first, HUGE_GVA, GUEST_RAM_BASE, GUEST_RWX, 2);
	guest_map(&bench.tables, first, WIDE_GVA, bench_ram(0), GUEST_RWX, 1);
	bench_satp_write(vcpu, first);
	bench_reaches(vcpu, PAGE_GVA, ACCESS_STORE, bench_ram(0));
	bench_reaches(vcpu, HUGE_GVA, ACCESS_STORE, GUEST_RAM_BASE);
	bench_reaches(vcpu, WIDE_GVA, ACCESS_STORE, bench_ram(0));
	active = tree_of(first, false);
	other = tree_of(second, false);
	bare = tree_of(0, false);
	bare_user = tree_of(0, true);
}

static int setup(void **state)
{
	(void)state;
	create(SATP_SV39);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bench_put(vcpu);
	bench_destroy(&bench);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
	return 0;
}

static pte_t *entry_of(const struct shadow_tree *tree, gva_t gva, unsigned level)
{
	pte_t *table = tree->root;

	for (unsigned above = mode_levels(tree->mode) - 1; above > level; above--)
		table = hpa_pointer(HPA(pte_address(table[level_index(gva.raw, above)])));
	return &table[level_index(gva.raw, level)];
}

/* ---- tables ---- */

static void healthy_trees(void **state)
{
	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		if (!(arch_translation_modes() & 1u << mode))
			continue;
		teardown(state);
		create(mode);
		is_healthy();
		bench_fence_address(vcpu, HUGE_GVA);
		is_healthy();
		bench_fence_all(vcpu);
		is_healthy();
		bench_satp_write(vcpu, other->satp);
		is_healthy();
	}
}

/* Look at what an entry with some bits flipped, or of another value, is called. */
static void flipped(pte_t *entry, uint64_t bits, const char *expected)
{
	entry->raw ^= bits;
	is_wrong(expected);
	entry->raw ^= bits;
	is_healthy();
}

static void replaced(pte_t *entry, pte_t value, const char *expected)
{
	flipped(entry, entry->raw ^ value.raw, expected);
}

#define SPOILED(field, value, expected)                                                  \
	do {                                                                             \
		const __typeof__(field) whole = field;                                   \
		field = value;                                                           \
		is_wrong(expected);                                                      \
		field = whole;                                                           \
		is_healthy();                                                            \
	} while (0)

static void leaves_of_the_wrong_form(void **state)
{
	pte_t *leaf = entry_of(active, PAGE_GVA, 0);
	struct table_side *side;
	const uint64_t rsw = UINT64_C(1) << PTE_RSW_SHIFT;

	(void)state;
	flipped(leaf, PTE_A, "A is clear");
	flipped(leaf, PTE_G, "G or a high bit");
	for (unsigned bit = 54; bit < 64; bit++)
		flipped(leaf, UINT64_C(1) << bit, "G or a high bit");
	flipped(leaf, PTE_D, "W and D differ");
	flipped(leaf, PTE_W, "W and D differ");
	flipped(leaf, PTE_R, "W without R");
	flipped(leaf, PTE_V, "V is clear, but not all of it");
	replaced(leaf + 1, PTE(UINT64_C(1) << 63), "V is clear, but not all of it");
	/* from a guest leaf of level 1, 2 and wider, of which no pointer tells */
	flipped(leaf, rsw, "no slot above it is marked");
	flipped(leaf, 2 * rsw, "no slot above it is marked");
	flipped(leaf, 3 * rsw, "no slot above it is marked");
	/* and that of the large one does, until it is not marked any more */
	side = table_side(active->root);
	SPOILED(side->split[0], 0, "no slot above it is marked");
	/* a smaller guest leaf than its own */
	flipped(entry_of(active, WIDE_GVA, 1), rsw, "no slot above it is marked");
}

static pte_t leaf_to(pte_t leaf, hpa_t hpa)
{
	return PTE((leaf.raw & ~PTE_PPN) | pte_make(hpa.raw, 0).raw);
}

/* One page before and one behind the VM's memory; a shadow page; nowhere. */
static void leaves_to_memory_of_others(void **state)
{
	const struct guest_run *run = &bench.vm.memory.runs[0];
	pte_t *page = entry_of(active, PAGE_GVA, 0);
	pte_t *huge = entry_of(active, HUGE_GVA, 1);
	const hpa_t places[] = {
		HPA(run->hpa.raw - PAGE_SIZE),
		HPA(run->hpa.raw + run->size),
		pointer_hpa(active->root),
		HPA(0),
		HPA(((UINT64_C(1) << PTE_PPN_BITS) - 1) << PAGE_SHIFT),
	};

	(void)state;
	assert_int_equal(bench.vm.memory.run_count, 1);
	for (unsigned i = 0; i < ARRAY_LENGTH(places); i++)
		replaced(page, leaf_to(*page, places[i]), "not the VM's memory");
	replaced(huge, leaf_to(*huge, HPA(run->hpa.raw + run->size - MIB)),
		 "not the VM's memory");
	replaced(huge, leaf_to(*huge, HPA(run->hpa.raw + MIB)), "not aligned");
}

/* Where no hart can come to now, leaf tables are not looked into: only later. */
static void leaves_of_trees_that_are_not_in_use(void **state)
{
	pte_t *leaf = entry_of(other, PAGE_GVA, 0);

	(void)state;
	leaf->raw ^= PTE_G;
	is_healthy();
	bench_satp_write(vcpu, other->satp);
	is_wrong("G or a high bit");
	leaf->raw ^= PTE_G;
	is_healthy();
}

static void leaves_of_bare(void **state)
{
	pte_t *leaf = entry_of(bare, GVA(bench_ram(0).raw), 1);
	const struct access user = {GVA(GUEST_RAM_BASE.raw), ACCESS_LOAD, .user = true};

	(void)state;
	bench_satp_write(vcpu, 0);
	flipped(leaf, PTE_U, "U is not that of its tree");
	replaced(leaf, leaf_to(*leaf, HPA(pte_address(*leaf) + 2 * MIB)),
		 "maps another address");
	bench_access(vcpu, &user);
	flipped(entry_of(bare_user, user.gva, 1), PTE_U, "U is not that of its tree");
}

static void pointers_of_the_wrong_form(void **state)
{
	pte_t *pointer = entry_of(active, PAGE_GVA, 1);
	const uint64_t never[] = {
		PTE_A, PTE_D, PTE_U, PTE_G, PTE_V << 63, UINT64_C(1) << PTE_RSW_SHIFT,
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(never); i++)
		flipped(pointer, never[i], "a bit is set that no pointer has");
	flipped(entry_of(active, PAGE_GVA, 0), PTE_R | PTE_W | PTE_X,
		"a pointer at level 0");
}

/* A slot as it would be with another table below it, linked or stale. */
static void hung(pte_t *entry, const void *table, bool linked, const char *expected)
{
	pte_t *pointers = (pte_t *)align_down((uintptr_t)entry, PAGE_SIZE);
	unsigned index = (unsigned)(entry - pointers);
	struct table_side *side = table_side(pointers);
	const struct table_side before = *side;
	pte_t old = *entry;

	table_child_set(pointers, index, table);
	if (linked)
		table_set(pointers, index, pte_make((uintptr_t)table, PTE_V));
	is_wrong(expected);
	*side = before;
	*entry = old;
	is_healthy();
}

static void pointers_to_what_is_no_table(void **state)
{
	pte_t *pointer = entry_of(active, PAGE_GVA, 1);
	void *page = page_alloc(0), *pair = page_alloc(1);

	(void)state;
	page_free(page, 0);
	hung(pointer, page, true, "no shadow page");
	hung(pointer, page, false, "no shadow page");
	/* for a table without a side to it, one of two pages; or the side itself */
	hung(pointer, pair, true, "no shadow page");
	hung(pointer, (pte_t *)pair + PTE_PER_TABLE, true, "no shadow page");
	page_free(pair, 1);
	/* the guest's own memory, which it could write its own leaves to */
	hung(pointer, hpa_pointer(bench.vm.memory.runs[0].hpa), true, "no shadow page");
	/* what the hart walks, and software does not know of */
	replaced(pointer, pte_make(0, PTE_V), "no pointer to the table below");
	replaced(pointer, pte_make(bench.vm.memory.runs[0].hpa.raw, PTE_V),
		 "no pointer to the table below");
	table_child_set((pte_t *)align_down((uintptr_t)pointer, PAGE_SIZE), 0, NULL);
	is_wrong("no pointer to the table below");
	table_child_set((pte_t *)align_down((uintptr_t)pointer, PAGE_SIZE), 0,
			table_of(*pointer));
	is_healthy();
}

/* The hardware's and software's side of a slot must say the same. */
static void sides_that_differ(void **state)
{
	pte_t *root = active->root;
	struct table_side *side = table_side(root);
	unsigned index = level_index(PAGE_GVA.raw, 2);
	struct table_side *table;

	(void)state;
	SPOILED(root[index], PTE(0), "it is live, but nothing is there");
	SPOILED(side->live[0], 0, "something is there, but not live");
	table = table_side(table_child(root, index));
	SPOILED(table->live[7], UINT64_C(1) << 63, "it is live, but nothing is there");
	SPOILED(root[5], PTE(PTE_V << 1), "something is there, but not live");
	SPOILED(side->split[0], side->split[0] | 1u << 9, "split, but is no table");
	SPOILED(side->below[0], 0, "the bit that says what hangs below it");
	SPOILED(side->below[7], UINT64_C(1) << 63, "the bit that says what hangs below");
	replaced(entry_of(active, PAGE_GVA, 1), *entry_of(active, WIDE_GVA, 1),
		 "a table hangs below a leaf");
	table_unlink(root, index);
	is_healthy();
	bench_fence_all(vcpu);
	is_healthy();
}

/* A page that was taken but not for this vCPU stands for one of another's. */
static void pages_that_are_not_in_the_sum(void **state)
{
	pte_t *free_entry = entry_of(active, WIDE_GVA, 1) + 1;
	void *page = page_alloc_zeroed(0);

	(void)state;
	hung(free_entry, page, true, "but more are in trees");
	hung(free_entry, page, false, "but more are in trees");
	page_free(page, 0);
	SPOILED(space->pool.used, space->pool.used + 1, "of them in trees");
	SPOILED(space->pool.used, space->pool.used - 1, "but more are in trees");
	SPOILED(space->pool.limit, space->pool.used - 1, "are the limit");
}

static void pages_that_are_reached_twice(void **state)
{
	pte_t *free_entry = entry_of(active, WIDE_GVA, 1) + 1;
	pte_t *free_wide = entry_of(active, WIDE_GVA, 2) + 1;

	(void)state;
	hung(free_entry, table_of(*entry_of(active, PAGE_GVA, 1)), true, "reached twice");
	hung(free_entry, table_of(*entry_of(active, PAGE_GVA, 1)), false,
	     "reached twice");
	hung(free_entry, table_of(*entry_of(other, PAGE_GVA, 1)), true, "reached twice");
	/* in a slot that is its tree's own */
	slot_set(space->globals[0].private, level_index(WIDE_GVA.raw, 2) + 1);
	hung(free_wide, other->root, true, "reached twice");
	hung(free_wide, table_of(*entry_of(active, WIDE_GVA, 2)), true, "reached twice");
}

/* However far from each other the pages lie that the tables are made of. */
static void pages_of_several_windows(void **state)
{
	void *gap;
	pte_t *entry;

	(void)state;
	/* pages are given out in turn: those that follow lie behind it */
	gap = page_alloc(12);
	assert_non_null(gap);
	guest_map(&bench.tables, active->satp, GVA(3 * GIB), bench_ram(0), GUEST_RWX, 0);
	guest_map(&bench.tables, active->satp, GVA(4 * GIB), bench_ram(0), GUEST_RWX, 0);
	bench_reaches(vcpu, GVA(3 * GIB), ACCESS_LOAD, bench_ram(0));
	bench_reaches(vcpu, GVA(4 * GIB), ACCESS_LOAD, bench_ram(0));
	page_free(gap, 12);
	entry = entry_of(active, GVA(3 * GIB), 1);
	assert_int_not_equal(align_down(pte_address(*entry), 32 * MIB),
			     align_down((uintptr_t)active->root, 32 * MIB));
	is_healthy();
	/* of two pages, one is lost and one reached twice: the sum is right */
	hung(entry, table_of(*entry_of(active, GVA(4 * GIB), 1)), true, "reached twice");
	bench_satp_write(vcpu, other->satp);
	is_healthy();
}

/* ---- what is known of trees ---- */

static void trees_that_do_not_fit_together(void **state)
{
	(void)state;
	SPOILED(other->satp, active->satp, "there is another tree for it");
	SPOILED(bare->user, true, "there is another tree for it");
	SPOILED(other->tag, active->tag, "shares its ASID");
	SPOILED(other->tag.asid, UINT32_C(1) << arch_asid_bits(), "too many bits");
	SPOILED(other->log_position, space->fences.log_head + 1,
		"ahead of the fence log");
	SPOILED(other->last_use, vcpu->arch.fast.switches + 1, "in the future");
	SPOILED(other->mode, SATP_SV48, "its mode is not satp's");
	SPOILED(other->bare, true, "Bare, or satp is, but not both");
	SPOILED(bare->bare, false, "Bare, or satp is, but not both");
	SPOILED(bare->mode, SATP_SV57 + 1, "none of this machine's");
	SPOILED(bare->mode, SATP_BARE, "none of this machine's");
	SPOILED(other->root, (pte_t *)bench.vm.memory.runs[0].hpa.raw,
		"its root is no shadow page");
	SPOILED(other->root, NULL, "of them in trees");
}

static void an_active_tree_that_is_not(void **state)
{
	struct shadow_tree outside = *active;

	(void)state;
	SPOILED(space->active, &outside, "none of the vCPU's");
	SPOILED(space->active, NULL, "none of the vCPU's");
	SPOILED(space->active, &space->trees[TREE_LIMIT - 1], "it has no root");
	SPOILED(space->active, other, "satp is not what it is for");
	SPOILED(space->satp, 0, "satp is not what it is for");
	SPOILED(active->tag.generation, 0, "its ASID belongs to another");
	SPOILED(active->tag.hart, 1, "its ASID belongs to another");
	SPOILED(active->tag.asid, 0xfff, "not what the hart walks");
	arch_shadow_root_set(other->mode, pointer_hpa(other->root), other->tag.asid);
	is_wrong("not what the hart walks");
	arch_shadow_root_set(active->mode, pointer_hpa(active->root), active->tag.asid);
	is_healthy();
}

/* ---- what is looked at when ---- */

/* Found in every turn. */
static void is_wrong_at_once(const char *expected)
{
	for (unsigned turn = 0; turn < CHECK_TURNS; turn++) {
		const char *wrong = paging_lsp.check(vcpu, turn);

		if (!wrong || !strstr(wrong, expected))
			fail_msg("turn %u: '%s', not '%s'", turn,
				 wrong ? wrong : "all is well", expected);
	}
}

/* Found in some turn. */
static void is_wrong_in_turn(const char *expected)
{
	unsigned found = 0;

	for (unsigned turn = 0; turn < CHECK_TURNS; turn++) {
		const char *wrong = paging_lsp.check(vcpu, turn);

		if (wrong && !strstr(wrong, expected))
			fail_msg("turn %u: '%s', not '%s'", turn, wrong, expected);
		found += wrong != NULL;
	}
	assert_in_range(found, 1, CHECK_TURNS - 1);
}

#define SPOILED_FOR(field, value, finds, expected)                                       \
	do {                                                                             \
		const __typeof__(field) whole = field;                                   \
		field = value;                                                           \
		finds(expected);                                                         \
		field = whole;                                                           \
		is_healthy();                                                            \
	} while (0)

static void what_the_hart_can_come_to_is_looked_at_in_every_turn(void **state)
{
	pte_t *leaf = entry_of(active, PAGE_GVA, 0);
	struct table_side *side = table_side(active->root);

	(void)state;
	for (unsigned turn = 0; turn < CHECK_TURNS; turn++)
		assert_null(paging_lsp.check(vcpu, turn));
	SPOILED_FOR(leaf->raw, leaf->raw ^ PTE_G, is_wrong_at_once, "G or a high bit");
	SPOILED_FOR(*leaf, leaf_to(*leaf, HPA(0)), is_wrong_at_once, "not the VM's");
	SPOILED_FOR(side->live[0], 0, is_wrong_at_once, "something is there");
	SPOILED_FOR(space->satp, 0, is_wrong_at_once, "satp is not what it is for");
	SPOILED_FOR(other->tag, active->tag, is_wrong_at_once, "shares its ASID");
	SPOILED_FOR(other->satp, active->satp, is_wrong_at_once, "another tree for it");
	SPOILED_FOR(other->root, (pte_t *)bench.vm.memory.runs[0].hpa.raw,
		    is_wrong_at_once, "its root is no shadow page");
}

static void the_rest_is_looked_at_in_turn(void **state)
{
	struct table_side *side = table_side(other->root);
	unsigned index = level_index(PAGE_GVA.raw, 2);

	(void)state;
	SPOILED_FOR(side->child[index], 1, is_wrong_in_turn, "no shadow page");
	SPOILED_FOR(side->below[0], 0, is_wrong_in_turn, "what hangs below it is wrong");
	SPOILED_FOR(side->below[7], 1, is_wrong_in_turn, "what hangs below it is wrong");
	SPOILED_FOR(other->root, NULL, is_wrong_in_turn, "of them in trees");
	SPOILED_FOR(space->pool.used, space->pool.used + 1, is_wrong_in_turn,
		    "of them in trees");
	SPOILED_FOR(space->pool.marks, space->pool.marks + 1, is_wrong_in_turn,
		    "other pages are in trees");
	SPOILED_FOR(bare->tag, other->tag, is_wrong_in_turn, "shares its ASID");
	SPOILED_FOR(bare->user, true, is_wrong_in_turn, "another tree for it");
}

/* ---- global tables, paths and what the vector knows ---- */

#define SHARED_GVA GVA(7 * GIB)

/* A page that is global, in both trees. */
static void share(void)
{
	struct shadow_tree *first = active;

	guest_map(&bench.tables, active->satp, SHARED_GVA, bench_ram(0),
		  GUEST_RWX | PTE_G, 0);
	bench_reaches(vcpu, SHARED_GVA, ACCESS_LOAD, bench_ram(0));
	bench_satp_write(vcpu, other->satp);
	bench_satp_write(vcpu, first->satp);
	assert_int_equal(bench_space(vcpu)->active->satp, first->satp);
	is_healthy();
}

static void global_tables_and_copies_of_them(void **state)
{
	unsigned slot = level_index(SHARED_GVA.raw, 2);
	struct globals *globals = &space->globals[0];
	struct table_side *side;
	pte_t *table;

	(void)state;
	share();
	side = table_side(active->root);
	assert_true(slot_test(side->shared, slot));
	assert_true(slot_test(table_side(other->root)->shared, slot));
	SPOILED(side->shared[0], 0, "it is its tree's own, but may be shared");
	SPOILED(globals->private[0], globals -> private[0] | 1u << slot,
		"it is shared, and its tree's own");
	SPOILED(side->live[0], side->live[0] & ~(1u << slot), "shared, but not live");
	SPOILED(active->root[slot], active->root[0], "not as it was linked");
	SPOILED(side->shared[1], 1, "it is shared, but not live");
	side = table_side(globals->root);
	SPOILED(side->shared[0], 1u << slot, "it is shared, where nothing is");
	table = table_of(globals->root[slot]);
	side = table_side(table);
	SPOILED(side->shared[0], 1, "it is shared, where nothing is");
	table = table_of(table[0]);
	flipped(&table[0], PTE_G, "G or a high bit");
	replaced(&table[0], leaf_to(table[0], HPA(0)), "not the VM's memory");
	SPOILED(globals->root, NULL, "it is shared, where nothing is");
	bench_satp_write(vcpu, 0);
	side = table_side(bare->root);
	SPOILED(side->shared[0], 1u << 2, "it is shared, where nothing is");
}

static struct fast_path *path_for(gva_t gva)
{
	return &space->fences.paths[(gva.raw >> 21) % PATH_LIMIT];
}

static void paths_that_lead_elsewhere(void **state)
{
	struct fast_path *path;

	(void)state;
	share();
	path = path_for(SHARED_GVA);
	if (path->stamp != space->stamp) {
		bench_fence_address(vcpu, SHARED_GVA);
		is_healthy();
	}
	assert_int_equal(path->stamp, space->stamp);
	SPOILED(path->shadow, active->root, "not what the hart comes to");
	SPOILED(path->shared, false, "but not both");
	SPOILED(path->prefix, UINT64_C(1) << 18, "no tree can have it");
	/* of another epoch or tree, it may say anything */
	path->shadow = NULL;
	path->stamp--;
	is_healthy();
}

static void roots_that_the_vector_must_not_take(void **state)
{
	struct fast_root *root = NULL;

	(void)state;
	bench_satp_write(vcpu, other->satp);
	bench_satp_write(vcpu, active->satp);
	is_healthy();
	for (unsigned i = 0; i < FAST_ROOT_COUNT; i++)
		if (vcpu->arch.fast.roots[i].vsatp &&
		    vcpu->arch.fast.roots[i].satp == other->satp)
			root = &vcpu->arch.fast.roots[i];
	assert_non_null(root);
	SPOILED(root->satp, 0, "its tree is not satp's");
	SPOILED(root->tree, bare, "its tree is not satp's");
	SPOILED(root->tree, NULL, "its tree is not satp's");
	SPOILED(root->vsatp, root->vsatp + 1, "its vsatp is not its tree's");
	SPOILED(other->tag.generation, 0, "its vsatp is not its tree's");
	SPOILED(space->fences.log_head, space->fences.log_head + 1,
		"behind the fence log");
}

/* ---- nested paging ---- */

static struct vm nested;

static void is_wrong_nested(const char *expected)
{
	const char *wrong = paging_nested.check(&nested.vcpus[0], CHECK_ALL);

	if (!wrong != !expected || (wrong && !strstr(wrong, expected)))
		fail_msg("'%s', not '%s'", wrong, expected);
}

static void flipped_nested(pte_t *entry, uint64_t bits, const char *expected)
{
	entry->raw ^= bits;
	is_wrong_nested(expected);
	entry->raw ^= bits;
	is_wrong_nested(NULL);
}

static void tables_of_the_gstage(void **state)
{
	const uint64_t flags = PTE_V | PTE_R | PTE_W | PTE_X | PTE_U | PTE_A | PTE_D;
	pte_t *root, *entry, *leaf;

	(void)state;
	memset(&nested, 0, sizeof(nested));
	assert_int_equal(guest_memory_allocate(&nested.memory, GUEST_RAM_BASE, 8 * MIB),
			 STATUS_OK);
	nested.vcpus[0].vm = &nested;
	assert_int_equal(paging_nested.vm_create(&nested), STATUS_OK);
	paging_nested.load(&nested.vcpus[0]);
	is_wrong_nested(NULL);
	root = hpa_pointer(fake_machine.gstage_root);
	entry = &root[level_index(GUEST_RAM_BASE.raw, 2)];
	leaf = hpa_pointer(HPA(pte_address(*entry)));

	for (uint64_t bit = PTE_R; bit <= PTE_D; bit <<= 1)
		flipped_nested(leaf, bit, "its flags are not those of all leaves");
	flipped_nested(leaf, UINT64_C(1) << 63, "its flags are not those of all leaves");
	flipped_nested(leaf, PTE_V, "V is clear, but not all of it");
	flipped_nested(leaf, leaf[0].raw, "bytes are mapped");
	flipped_nested(leaf, leaf[0].raw ^ leaf[1].raw, "another address");
	flipped_nested(&leaf[4], leaf[3].raw, "another address");
	flipped_nested(leaf, leaf->raw ^ pte_make(pte_address(*entry), flags).raw,
		       "not the VM's memory");
	flipped_nested(entry, UINT64_C(1) << PTE_RSW_SHIFT, "no pointer has");
	flipped_nested(entry, PTE_U, "no pointer has");
	flipped_nested(entry, entry->raw ^ pte_make(bench_ram(0).raw, PTE_V).raw,
		       "no table page");
	flipped_nested(entry + 1, entry->raw, "a table where there is no RAM");
	flipped_nested(leaf, PTE_R | PTE_W | PTE_X | PTE_U | PTE_A | PTE_D,
		       "no table page");
	arch_translate_nested(&nested.vcpus[0], SATP_SV39, HPA((uintptr_t)root + 16384),
			      fake_machine.gstage_vmid);
	is_wrong_nested("not what the hart walks");
	paging_nested.load(&nested.vcpus[0]);
	is_wrong_nested(NULL);
	paging_nested.vm_destroy(&nested);
	guest_memory_free(&nested.memory);
	paging_lsp.load(vcpu);
}

/* ---- what the debug build does with it ---- */

static jmp_buf powered_off;

_Noreturn void __wrap_arch_power_off(bool failure);
_Noreturn void __wrap_arch_power_off(bool failure)
{
	longjmp(powered_off, failure ? 1 : 2);
}

static void the_debug_build_checks_and_stops(void **state)
{
	uint64_t before = check_count();
	pte_t *leaf = entry_of(active, PAGE_GVA, 0);

	(void)state;
	check_exit(vcpu);
	check_exit(vcpu);
	assert_int_equal(check_count(), before + 2);
	leaf->raw ^= PTE_A;
	switch (setjmp(powered_off)) {
	case 0:
		check_exit(vcpu);
		fail_msg("it went on");
		break;
	case 1:
		break;
	default:
		fail_msg("it called that a success");
	}
	leaf->raw ^= PTE_A;
	assert_int_equal(check_count(), before + 2);
	check_begin(3);
	for (unsigned i = 0; i < 6; i++)
		check_exit(vcpu);
	assert_int_equal(check_count(), before + 4);
	check_begin(1);
	assert_non_null(strstr(bench_printed(),
			       "gnomon: internal error: paging mode lsp, "
			       "vCPU 0: tree of satp 0x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(healthy_trees),
		TEST(leaves_of_the_wrong_form),
		TEST(leaves_to_memory_of_others),
		TEST(leaves_of_trees_that_are_not_in_use),
		TEST(leaves_of_bare),
		TEST(pointers_of_the_wrong_form),
		TEST(pointers_to_what_is_no_table),
		TEST(sides_that_differ),
		TEST(global_tables_and_copies_of_them),
		TEST(paths_that_lead_elsewhere),
		TEST(roots_that_the_vector_must_not_take),
		TEST(pages_that_are_not_in_the_sum),
		TEST(pages_that_are_reached_twice),
		TEST(pages_of_several_windows),
		TEST(trees_that_do_not_fit_together),
		TEST(an_active_tree_that_is_not),
		TEST(what_the_hart_can_come_to_is_looked_at_in_every_turn),
		TEST(the_rest_is_looked_at_in_turn),
		TEST(tables_of_the_gstage),
		TEST(the_debug_build_checks_and_stops),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
