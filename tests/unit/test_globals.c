/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/lsp.c mm/guest_memory.c */
/* sources: core/json.c core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c tests/unit/lsp_bench.c */
/*
 * What trees have in common and what is remembered of them: global mappings, shared
 * by all trees of a MODE until something in their slot is not global, and the paths
 * that stand for walks, with every way in which either may be out of date.
 */
#include "tests/unit/wide_bench.h"

#define KERNEL GVA(UINT64_C(0xffffffc000000000))
#define GLOBAL (GUEST_RWX | PTE_G)

static uint64_t one, two, deep; /* Sv39 twice, and Sv48 */

static void create_with(struct fake_profile profile)
{
	wide_create(profile, 0);
	one = bench_satp(&bench, SATP_SV39, 1);
	two = bench_satp(&bench, SATP_SV39, 2);
	deep = bench_satp(&bench, SATP_SV48, 1);
	bench_satp_write(vcpu, one);
}

/* Faults are counted on one that has no more than it must. */
static int setup(void **state)
{
	(void)state;
	create_with(fake_qemu);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wide_destroy();
	return 0;
}

static gpa_t at(uint64_t page)
{
	return GPA(GUEST_RAM_BASE.raw + GIB + page * PAGE_SIZE);
}

/* The same PTE in all three. */
static void map_all(gva_t gva, gpa_t gpa, uint64_t flags)
{
	set_entry(one, gva, 0, leaf_of(gpa, flags));
	set_entry(two, gva, 0, leaf_of(gpa, flags));
	set_entry(deep, gva, 0, leaf_of(gpa, flags));
}

static bool is_shared(uint64_t satp, gva_t gva)
{
	bench_satp_write(vcpu, satp);
	return slot_test(table_side(space()->active->root)->shared,
			 level_index(gva.raw, tree_top(space()->active)));
}

/* Of Sv39: an exit that it costs, if it does, is had. */
static void use_global(unsigned page)
{
	map_all(KERNEL, at(page), GLOBAL);
	bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(page));
	wide_check();
}

/* ---- sharing ---- */

static void one_tree_fills_for_all_of_its_mode(void **state)
{
	(void)state;
	use_global(0);
	bench_satp_write(vcpu, two);
	assert_int_equal(faults_at(KERNEL), 0);
	finds(KERNEL, at(0));
	assert_true(is_shared(one, KERNEL) && is_shared(two, KERNEL));
	/* another that is made later has it as well; one of another MODE has not */
	bench_satp_write(vcpu, two + 1);
	finds(KERNEL, at(0));
	bench_satp_write(vcpu, deep);
	finds_nothing(KERNEL);
	bench_satp_write(vcpu, 0);
	assert_false(bench_may_find_any(vcpu, KERNEL));
}

/* What one tree fills later, in a slot that another had linked, is there for both. */
static void a_shared_table_grows_for_all(void **state)
{
	(void)state;
	use_global(0);
	bench_satp_write(vcpu, two);
	map_all(GVA(KERNEL.raw + 5 * PAGE_SIZE), at(5), GLOBAL);
	map_all(GVA(KERNEL.raw + 4 * MIB), at(6), GLOBAL);
	assert_int_equal(faults_at(GVA(KERNEL.raw + 5 * PAGE_SIZE)), 1);
	assert_int_equal(faults_at(GVA(KERNEL.raw + 4 * MIB)), 1);
	bench_satp_write(vcpu, one);
	assert_int_equal(faults_at(GVA(KERNEL.raw + 5 * PAGE_SIZE)), 0);
	assert_int_equal(faults_at(GVA(KERNEL.raw + 4 * MIB)), 0);
}

static void a_leaf_that_is_not_global_ends_it(void **state)
{
	const gva_t own = GVA(KERNEL.raw + 8 * MIB);
	uint64_t pages;

	(void)state;
	use_global(0);
	bench_satp_write(vcpu, two);
	finds(KERNEL, at(0));
	pages = bench_pages_used(&bench);
	put(two, own, 0, at(2), GUEST_RWX);
	assert_int_equal(space()->statistics.unshared_slots, 1);
	assert_false(is_shared(two, KERNEL));
	/* its table and leaves went, and as many came */
	assert_int_equal(bench_pages_used(&bench), pages);
	finds_nothing(KERNEL);
	bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(0));
	/* for good, in all of them */
	bench_satp_write(vcpu, one);
	finds_nothing(KERNEL);
	finds_nothing(own);
	bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(0));
	assert_false(is_shared(one, KERNEL));
	wide_check();
}

/* What is found there is found in tables that are shared, and not by a walk. */
static void forget_in_two(gva_t gva)
{
	set_entry(two, gva, 0, 0);
}

/* Private first, and then a leaf with G: it has no part in it. */
static void a_slot_that_was_private_stays_so(void **state)
{
	const gva_t own = GVA(KERNEL.raw + 8 * MIB);

	(void)state;
	put(one, own, 0, at(2), GUEST_RWX);
	use_global(0);
	assert_false(is_shared(one, KERNEL));
	forget_in_two(KERNEL);
	bench_satp_write(vcpu, two);
	finds_nothing(KERNEL);
	map_all(KERNEL, at(0), GLOBAL);
	bench_fence_all(vcpu);
	bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(0));
	assert_false(is_shared(two, KERNEL));
}

/* Of a table of both kinds, only the global leaves are shared; the first other ends it.
 */
static void tables_of_both_kinds(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 32; i++)
		map_all(GVA(KERNEL.raw + i * PAGE_SIZE), at(i),
			i & 1 ? GUEST_RWX : GLOBAL);
	assert_int_equal(faults_at(KERNEL), 1);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(
			bench_may_find_any(vcpu, GVA(KERNEL.raw + i * PAGE_SIZE)),
			!(i & 1));
	/* beside one that is filled later, too */
	map_all(GVA(KERNEL.raw + 40 * PAGE_SIZE), at(40), GLOBAL);
	map_all(GVA(KERNEL.raw + 41 * PAGE_SIZE), at(41), GUEST_RWX);
	assert_int_equal(faults_at(GVA(KERNEL.raw + 40 * PAGE_SIZE)), 1);
	finds_nothing(GVA(KERNEL.raw + 41 * PAGE_SIZE));
	assert_true(is_shared(one, KERNEL));
	bench_reaches(vcpu, GVA(KERNEL.raw + PAGE_SIZE), ACCESS_LOAD, at(1));
	assert_false(is_shared(one, KERNEL));
	for (unsigned i = 0; i < 32; i++)
		bench_reaches(vcpu, GVA(KERNEL.raw + i * PAGE_SIZE), ACCESS_LOAD, at(i));
}

/* A leaf that was global and is not any more. */
static void a_leaf_loses_its_g(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 3; way++) {
		teardown(state);
		create_with(fake_qemu);
		use_global(0);
		map_all(KERNEL, at(1), GUEST_RWX);
		if (way == 0)
			bench_fence_address(vcpu, KERNEL);
		else if (way == 1)
			bench_fence_fast(vcpu, KERNEL, -1);
		else
			bench_fence_all(vcpu);
		bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(1));
		assert_false(is_shared(one, KERNEL));
		forget_in_two(KERNEL);
		bench_satp_write(vcpu, two);
		finds_nothing(KERNEL);
	}
}

/* ---- fences ---- */

/* Who runs while the other's mapping is fenced, and how. */
static void check_fence(uint64_t running, const struct fence *fence, bool goes)
{
	use_global(0);
	bench_satp_write(vcpu, two);
	finds(KERNEL, at(0));
	bench_satp_write(vcpu, one);
	map_all(KERNEL, GPA(0), 0);
	bench_satp_write(vcpu, running);
	paging_lsp.fence(vcpu, fence);
	fake_guest_left();
	bench_satp_write(vcpu, two);
	assert_int_equal(bench_may_find_any(vcpu, KERNEL), !goes);
	bench_satp_write(vcpu, one);
	assert_int_equal(bench_may_find_any(vcpu, KERNEL), !goes);
	wide_check();
	bench_fence_all(vcpu);
	finds_nothing(KERNEL);
}

static void every_fence_from_everywhere(void **state)
{
	const struct fence page = {
		.has_address = true, .start = KERNEL, .size = PAGE_SIZE};
	const struct fence range = {.has_address = true,
				    .start = GVA(KERNEL.raw - 3 * PAGE_SIZE),
				    .size = 9 * PAGE_SIZE};
	const struct fence wide = {.has_address = true, .size = UINT64_MAX};
	const struct fence everything = {.has_address = false};
	const struct fence of_asid = {.has_asid = true, .asid = 1};
	const struct fence of_none = {.has_asid = true, .asid = 9};
	const uint64_t satps[] = {one, two, deep, 0};

	(void)state;
	for (unsigned profile = 0; profile < 2; profile++) {
		for (unsigned i = 0; i < ARRAY_LENGTH(satps); i++) {
			check_fence(satps[i], &page, true);
			check_fence(satps[i], &range, true);
			check_fence(satps[i], &wide, true);
			check_fence(satps[i], &everything, true);
			/* global mappings are not an ASID's */
			check_fence(satps[i], &of_asid, false);
			check_fence(satps[i], &of_none, false);
		}
		teardown(state);
		create_with(fake_worst);
	}
}

/* What the fence leaves of an ASID's own and of what it shares. */
static void a_fence_of_an_asid_keeps_what_is_global(void **state)
{
	(void)state;
	use_global(0);
	put(one, GVA(0x1000), 0, at(1), GUEST_RWX);
	bench_fence(vcpu, false, GVA(0), true, 1);
	assert_int_equal(faults_at(KERNEL), 0);
	finds_nothing(GVA(0x1000));
}

/* A global table comes back true after a fence of everything, from whoever asks. */
static void a_stale_global_table(void **state)
{
	(void)state;
	use_global(0);
	map_all(GVA(KERNEL.raw + PAGE_SIZE), at(1), GLOBAL);
	bench_reaches(vcpu, GVA(KERNEL.raw + PAGE_SIZE), ACCESS_LOAD, at(1));
	map_all(KERNEL, at(2), GLOBAL);
	map_all(GVA(KERNEL.raw + PAGE_SIZE), GPA(0), 0);
	bench_fence_all(vcpu);
	bench_satp_write(vcpu, two);
	finds_nothing(KERNEL);
	assert_int_equal(faults_at(KERNEL), 1);
	finds(KERNEL, at(2));
	finds_nothing(GVA(KERNEL.raw + PAGE_SIZE));
	bench_satp_write(vcpu, one);
	/* the vector switches to it with nothing linked: the fault that does is the last
	 */
	assert_in_range(faults_at(KERNEL), 0, 1);
	assert_int_equal(faults_at(KERNEL), 0);
}

/* ---- leaves in the root itself ---- */

/* 1 GiB, in a slot of its own, which trees have copies of. */
static void leaves_of_the_widest_level(void **state)
{
	const gva_t gva = GVA(8 * GIB);
	const gpa_t first = GPA(GUEST_RAM_BASE.raw),
		    second = GPA(GUEST_RAM_BASE.raw + GIB);

	(void)state;
	set_entry(two, gva, 2, leaf_of(first, PTE_V | PTE_R | PTE_A | PTE_G));
	put(one, gva, 2, first, PTE_V | PTE_R | PTE_A | PTE_G);
	bench_satp_write(vcpu, two);
	finds(gva, first);
	/* more rights, with no fence: nobody goes on with the old one */
	set_entry(two, gva, 2, leaf_of(first, GLOBAL));
	bench_reaches(vcpu, gva, ACCESS_STORE, first);
	wide_check();
	bench_satp_write(vcpu, one);
	wide_check();
	/* a fence reaches it everywhere */
	set_entry(one, gva, 2, leaf_of(second, GLOBAL));
	set_entry(two, gva, 2, leaf_of(second, GLOBAL));
	bench_fence_address(vcpu, GVA(gva.raw + 5 * PAGE_SIZE));
	finds(gva, second);
	assert_false(bench_may_find(vcpu, gva, first));
	bench_satp_write(vcpu, two);
	assert_false(bench_may_find(vcpu, gva, first));
	bench_reaches(vcpu, gva, ACCESS_LOAD, second);
	/* and a table takes its place */
	set_entry(two, gva, 2, 0);
	set_entry(one, gva, 2, 0);
	put(two, GVA(gva.raw + GIB), 0, at(0), GLOBAL);
	set_entry(two, gva, 0, leaf_of(at(7), GLOBAL));
	bench_fence_address(vcpu, gva);
	bench_reaches(vcpu, gva, ACCESS_LOAD, at(7));
	wide_check();
	bench_satp_write(vcpu, one);
	finds(gva, at(7));
	wide_check();
}

/* A slot beside it has an owner of its own, and is none of a miss's neighbours. */
static void slots_beside_each_other(void **state)
{
	const gpa_t gpa = GPA(GUEST_RAM_BASE.raw);

	(void)state;
	for (unsigned way = 0; way < 2; way++) {
		const uint64_t mine = way ? GLOBAL : GUEST_RWX;
		const uint64_t theirs = way ? GUEST_RWX : GLOBAL;
		const gva_t gva = GVA((8 + 2 * way) * GIB);
		const gva_t beside = GVA(gva.raw + GIB);

		set_entry(one, gva, 2, leaf_of(gpa, mine));
		put(one, beside, 2, gpa, theirs);
		set_entry(two, beside, 2, leaf_of(gpa, theirs));
		bench_satp_write(vcpu, two);
		put(two, gva, 2, gpa, mine);
		wide_check();
		assert_int_equal(is_shared(two, gva), way);
		assert_int_equal(is_shared(one, beside), !way);
		wide_check();
		bench_reaches(vcpu, gva, ACCESS_LOAD, gpa);
		wide_check();
	}
}

/* After a fence of everything a slot may turn private while a tree has a copy yet. */
static void a_tree_behind_the_log_has_a_leaf_that_was_shared(void **state)
{
	const gva_t gva = GVA(8 * GIB);
	const gpa_t gpa = GPA(GUEST_RAM_BASE.raw);

	(void)state;
	put(one, gva, 2, gpa, GLOBAL);
	bench_satp_write(vcpu, two);
	bench_fence_all(vcpu);
	put(two, gva, 2, gpa, GUEST_RWX);
	wide_check();
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		if (space()->trees[i].root)
			assert_int_equal(table_side(space()->trees[i].root)->shared[0],
					 0);
	set_entry(one, gva, 2, 0);
	bench_satp_write(vcpu, one);
	finds_nothing(gva);
	wide_check();
}

/* ---- harts and pages ---- */

static void global_tables_and_several_harts(void **state)
{
	(void)state;
	teardown(state);
	create_with(fake_worst);
	for (unsigned i = 0; i < 12; i++) {
		use_global(i);
		bench_satp_write(vcpu, two);
		bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(i));
		bench_put(vcpu);
		bench_load(vcpu, i % 3);
		finds(KERNEL, at(i));
		map_all(KERNEL, at(i + 1), GLOBAL);
		/* here, or while it is nowhere and by another's hart */
		if (i & 1) {
			bench_fence_address(vcpu, KERNEL);
		} else {
			bench_put(vcpu);
			fake_hart_switch(3);
			paging_lsp.fence(vcpu, &(struct fence){.has_address = true,
							       .start = KERNEL,
							       .size = PAGE_SIZE});
			bench_load(vcpu, i % 3);
		}
		bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(i + 1));
		bench_satp_write(vcpu, one);
		bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(i + 1));
	}
}

/* A hart that is left knows of tables that are given back meanwhile, by another tree. */
static void a_slot_is_unshared_on_another_hart(void **state)
{
	(void)state;
	teardown(state);
	create_with(fake_worst);
	use_global(0);
	bench_satp_write(vcpu, two);
	bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(0));
	bench_satp_write(vcpu, one);
	bench_put(vcpu);
	bench_load(vcpu, 1);
	put(one, GVA(KERNEL.raw + 8 * MIB), 0, at(2), GUEST_RWX);
	assert_int_equal(space()->statistics.unshared_slots, 1);
	bench_put(vcpu);
	bench_load(vcpu, 0);
	bench_satp_write(vcpu, two);
	bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(0));
}

/* Global tables are the last to go, and all of them come back. */
static void global_tables_for_want_of_pages(void **state)
{
	(void)state;
	teardown(state);
	create_with(fake_worst);
	bench_pool(&bench)->limit = 16;
	for (unsigned i = 0; i < 40; i++) {
		const gva_t gva = GVA(KERNEL.raw + i % 5 * GIB);
		uint64_t satp = i % 3 ? one : two;

		bench_satp_write(vcpu, satp);
		put(satp, gva, 0, at(i % 5), GLOBAL);
		put(satp, GVA(i % 4 * GIB), 0, at(i % 4), GUEST_RWX);
		bench_reaches(vcpu, gva, ACCESS_LOAD, at(i % 5));
		wide_check();
	}
	assert_true(space()->statistics.reclaims > 10);
	assert_int_equal(bench.vm.end, VM_RUNNING);
}

/* ---- what was in use before a fence ---- */

static gva_t place(unsigned i)
{
	return GVA(KERNEL.raw + i * 64 * MIB);
}

/* Places 0 to 4 are pages, those up to 7 large; before or behind a fence of everything.
 */
static void set_place(unsigned i, uint64_t flags)
{
	unsigned level = i > 4;

	set_entry(one, place(i), level,
		  leaf_of(at((i * 2 + (level && !(flags & PTE_A))) * 512), flags));
}

static void use_places(void)
{
	for (unsigned i = 0; i < 8; i++) {
		set_place(i, GLOBAL);
		bench_reaches(vcpu, place(i), ACCESS_LOAD, at(i * 1024));
	}
}

/*
 * What all trees had comes back at the first miss after a fence, as it is by then: not
 * what is not global any more, which would end all sharing, nor what has no A, nor what
 * is of another size.
 */
static void what_was_shared_comes_back_together(void **state)
{
	(void)state;
	use_places();
	bench_fence_all(vcpu);
	for (unsigned i = 0; i < 8; i++)
		finds_nothing(place(i));
	set_place(1, GUEST_RWX);
	set_place(2, GLOBAL & ~PTE_A);
	set_place(6, GLOBAL & ~PTE_A);
	set_entry(one, place(7), 1, 0);
	map_all(place(7), at(7), GLOBAL);
	assert_int_equal(faults_at(place(0)), 1);
	assert_int_equal(space()->statistics.recalls, 3);
	assert_int_equal(space()->statistics.unshared_slots, 0);
	finds(place(3), at(3 * 1024));
	finds(place(4), at(4 * 1024));
	finds(place(5), at(5 * 1024));
	finds_nothing(place(1));
	finds_nothing(place(2));
	finds_nothing(place(6));
	finds_nothing(place(7));
	assert_false(get_entry(one, place(2), 0) & PTE_A);
	assert_false(get_entry(one, place(6), 1) & PTE_A);
	assert_true(is_shared(one, KERNEL));
	wide_check();
}

/* Once for each fence, and at none of one ASID, which leaves what is global. */
static void what_was_shared_is_recalled_once(void **state)
{
	(void)state;
	use_places();
	bench_fence(vcpu, false, GVA(0), true, 1);
	set_place(0, GLOBAL);
	finds(place(0), at(0));
	assert_int_equal(space()->statistics.recalls, 0);
	bench_fence_all(vcpu);
	set_place(2, 0);
	assert_int_equal(faults_at(place(5)), 1);
	assert_int_equal(space()->statistics.recalls, 6);
	set_place(2, GLOBAL);
	map_all(GVA(KERNEL.raw + GIB), at(3), GLOBAL);
	assert_int_equal(faults_at(GVA(KERNEL.raw + GIB)), 1);
	assert_int_equal(space()->statistics.recalls, 6);
	finds_nothing(place(2));
	wide_check();
}

/* A tree's own, by leaves of each size, of which some are not what they were. */
static void large_leaves_of_a_tree_come_back(void **state)
{
	const gva_t large = GVA(GIB), old = GVA(GIB + 64 * MIB), page = GVA(0x1000);

	(void)state;
	put(one, large, 1, at(0), GUEST_RWX);
	put(one, old, 1, at(512), GUEST_RWX);
	put(one, page, 0, at(1), GUEST_RWX);
	bench_fence_all(vcpu);
	set_entry(one, old, 1, leaf_of(at(512), GUEST_RWX & ~PTE_A));
	assert_int_equal(faults_at(page), 1);
	assert_int_equal(space()->statistics.recalls, 1);
	finds(large, at(0));
	finds_nothing(old);
	wide_check();
}

/* ---- paths ---- */

static bool has_path(gva_t gva)
{
	return path_find(space(), gva) != NULL;
}

/* The entry at each level on the way leads elsewhere from now on. */
static void every_pointer_that_changes_is_noticed(void **state)
{
	const gva_t gva = GVA(0x1000),
		    other = GVA(512 * GIB + 4 * GIB + 4 * MIB + 0x1000);

	(void)state;
	for (unsigned level = 1; level < 4; level++) {
		bench_satp_write(vcpu, deep);
		bench_fence_all(vcpu);
		put(deep, other, 0, at(10 + level), GUEST_RWX);
		put(deep, gva, 0, at(0), GUEST_RWX);
		bench_fence_address(vcpu, gva);
		assert_true(has_path(gva));
		set_entry(deep, gva, level, get_entry(deep, other, level));
		assert_false(has_path(gva));
		bench_fence_address(vcpu, gva);
		set_entry(deep, gva, level, 0);
		assert_false(has_path(gva));
		bench_fence_address(vcpu, gva);
		finds_nothing(gva);
		wide_check();
	}
}

/* With a path as without: rights are those of now, and so is what is there. */
static void a_path_saves_no_read(void **state)
{
	const gva_t gva = GVA(0x1000), beside = GVA(0x40000);
	const struct access store = {.gva = beside, .kind = ACCESS_STORE};

	(void)state;
	put(one, gva, 0, at(0), GUEST_RWX);
	assert_true(has_path(beside));
	set_entry(one, beside, 0, leaf_of(at(1), PTE_V | PTE_R | PTE_A));
	assert_int_equal(bench_access(vcpu, &store).outcome, OUTCOME_PAGE_FAULT);
	bench_reaches(vcpu, beside, ACCESS_LOAD, at(1));
	set_entry(one, beside, 0, leaf_of(at(1), GUEST_RWX & ~PTE_D));
	bench_reaches(vcpu, beside, ACCESS_STORE, at(1));
	assert_int_equal(get_entry(one, beside, 0), leaf_of(at(1), GUEST_RWX));
	set_entry(one, beside, 0, leaf_of(at(2), GUEST_RWX));
	bench_fence_address(vcpu, beside);
	bench_reaches(vcpu, beside, ACCESS_STORE, at(2));
	/* no RAM, no leaf, a pointer, a reserved bit */
	set_entry(one, beside, 0, leaf_of(GPA(0x10000000), GUEST_RWX));
	bench_fence_address(vcpu, beside);
	assert_int_equal(bench_access(vcpu, &store).outcome, OUTCOME_DEVICE);
	set_entry(one, beside, 0, leaf_of(at(2), PTE_V));
	assert_int_equal(bench_access(vcpu, &store).outcome, OUTCOME_PAGE_FAULT);
	set_entry(one, beside, 0, leaf_of(at(2), GUEST_RWX) | UINT64_C(1) << 63);
	assert_int_equal(bench_access(vcpu, &store).outcome, OUTCOME_PAGE_FAULT);
	assert_true(has_path(beside));
}

static void what_ends_a_path(void **state)
{
	const gva_t gva = GVA(0x1000);

	(void)state;
	put(one, gva, 0, at(0), GUEST_RWX);
	assert_true(has_path(gva));
	bench_satp_write(vcpu, two);
	assert_false(has_path(gva));
	bench_satp_write(vcpu, one);
	assert_true(has_path(gva));
	bench_fence(vcpu, false, GVA(0), true, 1);
	assert_false(has_path(gva));
	bench_reaches(vcpu, gva, ACCESS_LOAD, at(0));
	assert_true(has_path(gva));
	/* the tables are taken away and come back as others */
	bench_pool(&bench)->limit = bench_pages_used(&bench);
	put(one, GVA(GIB), 0, at(1), GUEST_RWX);
	assert_false(has_path(gva));
	wide_check();
}

/*
 * A leaf is put where pointers were, used elsewhere, and the pointers are put back to
 * the bit: a fence by the path must not miss what is left of the leaf.
 */
static void pieces_of_a_leaf_beside_a_path(void **state)
{
	const gva_t gva = GVA(0x1000), piece = GVA(64 * MIB);
	uint64_t pointer;

	(void)state;
	teardown(state);
	wide_create(fake_worst, 2 * MIB);
	one = bench_satp(&bench, SATP_SV39, 1);
	bench_satp_write(vcpu, one);
	put(one, gva, 0, at(0), GUEST_RWX);
	assert_true(has_path(gva));
	pointer = get_entry(one, gva, 2);
	set_entry(one, gva, 2, leaf_of(GPA(GUEST_RAM_BASE.raw), GUEST_RWX));
	bench_reaches(vcpu, piece, ACCESS_LOAD, GPA(GUEST_RAM_BASE.raw + 64 * MIB));
	set_entry(one, gva, 2, pointer);
	bench_fence_address(vcpu, gva);
	finds_nothing(piece);
	bench_reaches(vcpu, gva, ACCESS_LOAD, at(0));
}

/* With tables of another MODE, a fence has more to do than the path says. */
static void no_paths_beside_global_tables_of_another_mode(void **state)
{
	(void)state;
	use_global(0);
	bench_satp_write(vcpu, deep);
	put(deep, GVA(KERNEL.raw + PAGE_SIZE), 0, at(2), GUEST_RWX);
	put(deep, GVA(KERNEL.raw + 3 * PAGE_SIZE), 0, at(2), GUEST_RWX);
	map_all(KERNEL, GPA(0), 0);
	/* one before it, for what only the first has to do */
	bench_fence_address(vcpu, GVA(0x5000));
	bench_fence_fast(vcpu, KERNEL, -1);
	bench_satp_write(vcpu, one);
	finds_nothing(KERNEL);
}

/* Of a boot that tries one MODE after another nothing is left behind a fence of all. */
static void paths_again_when_those_tables_are_empty(void **state)
{
	(void)state;
	use_global(0);
	bench_satp_write(vcpu, deep);
	bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(0));
	bench_satp_write(vcpu, one);
	bench_fence_address(vcpu, GVA(0x5000));
	assert_false(bench_fence_fast(vcpu, KERNEL, -1));
	bench_fence_all(vcpu);
	bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(0));
	assert_true(bench_fence_fast(vcpu, KERNEL, -1));
	/* until there is something again */
	bench_satp_write(vcpu, deep);
	bench_reaches(vcpu, KERNEL, ACCESS_LOAD, at(0));
	bench_satp_write(vcpu, one);
	bench_fence_address(vcpu, GVA(0x5000));
	assert_false(bench_fence_fast(vcpu, KERNEL, -1));
	wide_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(one_tree_fills_for_all_of_its_mode),
		TEST(a_shared_table_grows_for_all),
		TEST(a_leaf_that_is_not_global_ends_it),
		TEST(a_slot_that_was_private_stays_so),
		TEST(tables_of_both_kinds),
		TEST(a_leaf_loses_its_g),
		TEST(every_fence_from_everywhere),
		TEST(a_fence_of_an_asid_keeps_what_is_global),
		TEST(a_stale_global_table),
		TEST(leaves_of_the_widest_level),
		TEST(slots_beside_each_other),
		TEST(a_tree_behind_the_log_has_a_leaf_that_was_shared),
		TEST(global_tables_and_several_harts),
		TEST(a_slot_is_unshared_on_another_hart),
		TEST(global_tables_for_want_of_pages),
		TEST(what_was_shared_comes_back_together),
		TEST(what_was_shared_is_recalled_once),
		TEST(large_leaves_of_a_tree_come_back),
		TEST(every_pointer_that_changes_is_noticed),
		TEST(a_path_saves_no_read),
		TEST(what_ends_a_path),
		TEST(pieces_of_a_leaf_beside_a_path),
		TEST(no_paths_beside_global_tables_of_another_mode),
		TEST(paths_again_when_those_tables_are_empty),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
