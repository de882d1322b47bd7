/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/lsp.c mm/guest_memory.c */
/* sources: core/json.c core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c tests/unit/lsp_bench.c */
/*
 * The trees of one vCPU: which satp finds which, which one has to go, and what
 * every fence does to the active one, to others of its ASID and mode or not,
 * and to those of Bare, at once or when they are next used.
 */
#include "lsp/fence.h"
#include "tests/unit/lsp_bench.h"

#define AT GVA(0x1000)

static struct bench bench;
static struct vcpu *vcpu;
static struct lsp_vcpu *space;

/* Trees of all modes, whatever the chip would take. */
static int setup(void **state)
{
	struct fake_profile profile = *fake_default();

	(void)state;
	profile.modes = FAKE_ALL_MODES;
	fake_pages_create();
	fake_arch_create(&profile);
	bench_create(&bench, 1);
	vcpu = &bench.vm.vcpus[0];
	space = bench_space(vcpu);
	bench_load(vcpu, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(bench_count_pages(&bench), bench_pages_used(&bench));
	bench_put(vcpu);
	bench_destroy(&bench);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
	return 0;
}

static uint64_t make(unsigned mode, unsigned asid, unsigned page)
{
	uint64_t satp = bench_satp(&bench, mode, asid);

	guest_map(&bench.tables, satp, AT, bench_ram(page * PAGE_SIZE), GUEST_RWX, 0);
	return satp;
}

static struct shadow_tree *use(uint64_t satp)
{
	assert_int_equal(space_activate(space, satp, false), STATUS_OK);
	space->satp = satp;
	return space->active;
}

static bool has_leaf(const struct shadow_tree *tree, gva_t gva)
{
	unsigned level;

	return pte_valid(tree_find(tree, gva, &level));
}

static void fill(uint64_t satp)
{
	use(satp);
	bench_reaches(vcpu, AT, ACCESS_LOAD,
		      reference_leaf(&bench.vm.memory, satp, AT).gpa);
}

/* ---- finding ---- */

static void a_tree_is_found_by_all_of_satp(void **state)
{
	const uint64_t satps[] = {
		guest_satp(SATP_SV39, 1, GPA(0x80000000)),
		guest_satp(SATP_SV48, 1, GPA(0x80000000)),
		guest_satp(SATP_SV39, 2, GPA(0x80000000)),
		guest_satp(SATP_SV39, 1, GPA(0x80001000)),
		guest_satp(SATP_SV39, 0x8001, GPA(0x80000000)),
		guest_satp(SATP_SV39, 1, GPA(UINT64_C(1) << 55)),
	};
	struct shadow_tree *trees[ARRAY_LENGTH(satps)];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(satps); i++) {
		trees[i] = use(satps[i]);
		assert_int_equal(trees[i]->satp, satps[i]);
		for (unsigned j = 0; j < i; j++)
			assert_ptr_not_equal(trees[i], trees[j]);
	}
	for (unsigned i = 0; i < ARRAY_LENGTH(satps); i++) {
		assert_ptr_equal(use(satps[i]), trees[i]);
		assert_int_equal(fake_root().raw, pointer_hpa(trees[i]->root).raw);
		assert_int_equal(fake_root_asid(), trees[i]->tag.asid);
	}
}

static void bare_is_two_trees(void **state)
{
	struct shadow_tree *supervisor = use(0);

	(void)state;
	assert_int_equal(space_activate(space, 0, true), STATUS_OK);
	assert_ptr_not_equal(space->active, supervisor);
	assert_true(space->active->bare && space->active->user);
	/* the other fields of a Bare satp say nothing */
	assert_ptr_equal(use(0x1234), supervisor);
}

static void bare_runs_on_the_shortest_tables_there_are(void **state)
{
	struct fake_profile profile = *fake_default();

	(void)state;
	assert_int_equal(space->active->mode, SATP_SV39);
	teardown(state);
	profile.modes = 1u << SATP_SV57;
	fake_pages_create();
	fake_arch_create(&profile);
	bench_create(&bench, 1);
	bench_load(vcpu, 0);
	assert_int_equal(space->active->mode, SATP_SV57);
	bench_reaches(vcpu, GVA(bench_ram(0).raw), ACCESS_FETCH, bench_ram(0));
}

/* ---- eviction ---- */

static void the_tree_unused_for_longest_goes(void **state)
{
	uint64_t first = guest_satp(SATP_SV39, 1, GPA(0x80000000));

	(void)state;
	for (unsigned i = 0; i < TREE_LIMIT - 1; i++)
		use(first + i);
	assert_int_equal(space->statistics.tree_evictions, 0);
	/* Bare is the oldest; then the first, unless it was used again */
	use(first);
	use(first + 1000);
	use(first + 1001);
	assert_int_equal(space->statistics.tree_evictions, 2);
	for (unsigned i = 0; i < TREE_LIMIT; i++) {
		assert_false(space->trees[i].bare);
		assert_int_not_equal(space->trees[i].satp, first + 1);
	}
	assert_ptr_not_equal(use(first), NULL);
	assert_int_equal(space->statistics.tree_creations, TREE_LIMIT + 2);
}

static bool has_tree(uint64_t satp)
{
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		if (space->trees[i].root && space->trees[i].satp == satp)
			return true;
	return false;
}

/* Of processes that got one ASID after another, and as many pages each. */
static uint64_t satp_of_process(unsigned n)
{
	return guest_satp(SATP_SV39, (uint16_t)(1 + n),
			  GPA(0x80000000 + n * UINT64_C(19) * PAGE_SIZE));
}

/* Uses that only the trap vector knew of count as well. */
static void a_tree_that_the_vector_used_stays(void **state)
{
	(void)state;
	bench_pool(&bench)->limit = 1000;
	for (unsigned i = 0; i < TREE_LIMIT - 1; i++)
		use(satp_of_process(i));
	for (unsigned i = 0; i < 2; i++) {
		assert_true(fake_vector_switches(vcpu, satp_of_process(i)));
		assert_int_equal(paging_lsp.satp_read(vcpu), satp_of_process(i));
	}
	/* Bare goes first, and then the oldest */
	use(satp_of_process(1000));
	use(satp_of_process(1001));
	assert_int_equal(space->statistics.tree_evictions, 2);
	assert_true(has_tree(satp_of_process(0)) && has_tree(satp_of_process(1)));
	assert_false(has_tree(satp_of_process(2)));
}

static void the_vector_knows_as_many_processes_as_there_are_trees(void **state)
{
	(void)state;
	bench_pool(&bench)->limit = 1000;
	for (unsigned i = 0; i < TREE_LIMIT - 1; i++)
		use(satp_of_process(i));
	for (unsigned i = 0; i < TREE_LIMIT - 1; i++)
		assert_true(fake_vector_switches(vcpu, satp_of_process(i)));
}

/* The path of the one tree says nothing of the other, that the hart runs on by now. */
static void a_fast_fill_is_not_behind_the_vector(void **state)
{
	const gva_t missing = GVA(AT.raw + 8 * PAGE_SIZE);
	/* ASIDs whose roots the vector keeps in different places */
	uint64_t satp = make(SATP_SV39, 1, 0), other = make(SATP_SV39, 8, 1);

	(void)state;
	fill(other);
	fill(satp);
	guest_map(&bench.tables, satp, missing, bench_ram(PAGE_SIZE), GUEST_RWX, 0);
	assert_int_equal(paging_lsp.fill(vcpu, missing, PTE_W), OUTCOME_FILLED);
	assert_true(has_leaf(space->active, missing));
	assert_int_equal(paging_lsp.fill(vcpu, missing, PTE_W), OUTCOME_DEVICE);
	assert_int_equal(paging_lsp.fill(vcpu, GVA(missing.raw + PAGE_SIZE), 0),
			 OUTCOME_PAGE_FAULT);
	use(other);
	use(satp);
	assert_true(fake_vector_switches(vcpu, other));
	assert_int_equal(paging_lsp.fill(vcpu, GVA(missing.raw + PAGE_SIZE), 0),
			 OUTCOME_DEVICE);
	assert_int_equal(paging_lsp.satp_read(vcpu), other);
}

/* What was evicted is not known again, whatever the hart kept of it. */
static void an_evicted_tree_comes_back_empty(void **state)
{
	uint64_t satp = make(SATP_SV39, 1, 0);

	(void)state;
	fill(satp);
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		use(guest_satp(SATP_SV39, 2, GPA(i * PAGE_SIZE)));
	guest_map(&bench.tables, satp, AT, bench_ram(PAGE_SIZE), GUEST_RWX, 0);
	use(satp);
	assert_false(bench_may_find_any(vcpu, AT));
	bench_reaches(vcpu, AT, ACCESS_LOAD, bench_ram(PAGE_SIZE));
}

/* ---- fences against each kind of tree ---- */

static const struct {
	unsigned mode;
	unsigned asid;
} kinds[] = {
	{SATP_SV39, 1}, {SATP_SV39, 1}, {SATP_SV39, 2},
	{SATP_SV48, 1}, {SATP_SV48, 2}, {SATP_SV57, 0},
};

static void check_fence(const struct fence *fence, unsigned active, bool covers_at)
{
	uint64_t satps[ARRAY_LENGTH(kinds)];

	for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++) {
		satps[i] = make(kinds[i].mode, kinds[i].asid, i);
		fill(satps[i]);
	}
	/* Gone from the guest's tables too: no fence installs it again. */
	for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++)
		guest_store(&bench.vm.memory, guest_entry(&bench.tables, satps[i], AT, 0),
			    0);
	use(satps[active]);
	space_fence(space, fence);
	for (unsigned n = 0; n < ARRAY_LENGTH(kinds); n++) {
		unsigned i = (active + n) % ARRAY_LENGTH(kinds);
		bool gone =
			covers_at && (!fence->has_asid || fence->asid == kinds[i].asid);

		assert_int_equal(has_leaf(use(satps[i]), AT), !gone);
		assert_int_equal(bench_may_find_any(vcpu, AT), !gone);
	}
}

static void every_fence_against_every_tree(void **state)
{
	static const struct {
		struct fence fence;
		bool covers_at;
	} fences[] = {
		{{.has_address = false}, true},
		{{.has_asid = true, .asid = 1}, true},
		{{.has_asid = true, .asid = 9}, true},
		{{.has_address = true, .start = {0x1000}, .size = PAGE_SIZE}, true},
		{{.has_address = true, .start = {0x1ff8}, .size = PAGE_SIZE}, true},
		{{.has_address = true, .start = {0x2000}, .size = PAGE_SIZE}, false},
		{{.has_address = true, .start = {0}, .size = PAGE_SIZE}, false},
		{{.has_address = true, .start = {0}, .size = PAGE_SIZE + 1}, true},
		{{.has_address = true,
		  .start = {0x1000},
		  .size = 1,
		  .has_asid = true,
		  .asid = 2},
		 true},
		{{.has_address = true, .start = {0}, .size = 64 * PAGE_SIZE}, true},
		{{.has_address = true, .start = {0}, .size = 65 * PAGE_SIZE}, true},
		{{.has_address = true, .start = {0}, .size = UINT64_MAX}, true},
	};

	(void)state;
	for (unsigned f = 0; f < ARRAY_LENGTH(fences); f++)
		for (unsigned active = 0; active < ARRAY_LENGTH(kinds); active++) {
			check_fence(&fences[f].fence, active, fences[f].covers_at);
			bench.tables.next = GUEST_RAM_BASE;
			space_fence(space, &(struct fence){0});
		}
}

static void bare_trees_keep_what_they_have(void **state)
{
	gva_t gva = GVA(bench_ram(0).raw);

	(void)state;
	bench_reaches(vcpu, gva, ACCESS_LOAD, bench_ram(0));
	space_fence(space, &(struct fence){0});
	assert_true(has_leaf(space->active, gva));
	use(make(SATP_SV39, 1, 0));
	for (unsigned i = 0; i < 2 * FENCE_LOG_LIMIT; i++)
		space_fence(space, &(struct fence){.has_address = true,
						   .start = gva,
						   .size = PAGE_SIZE});
	space_fence(space, &(struct fence){0});
	assert_true(has_leaf(use(0), gva));
}

/* ---- the log ---- */

static void fence_pages(uint64_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		space_fence(space, &(struct fence){.has_address = true,
						   .start = GVA(first + i * PAGE_SIZE),
						   .size = PAGE_SIZE});
}

/* As many fences as the log holds are applied one by one; one more, and all goes. */
static void the_log_is_exact_until_it_overflows(void **state)
{
	uint64_t satp = make(SATP_SV39, 1, 0), other = make(SATP_SV39, 2, 1);

	(void)state;
	fill(satp);
	use(other);
	fence_pages(0x100000, FENCE_LOG_LIMIT);
	assert_true(has_leaf(use(satp), AT));
	assert_int_equal(space->statistics.log_replays, FENCE_LOG_LIMIT);
	assert_int_equal(space->statistics.tree_unlinks, 0);
	use(other);
	fence_pages(0x100000, FENCE_LOG_LIMIT + 1);
	assert_false(has_leaf(use(satp), AT));
	assert_int_equal(space->statistics.tree_unlinks, 1);
}

/* Fences of all addresses push out what came before them, whatever ASID they are of. */
static void the_log_knows_what_it_has_lost(void **state)
{
	uint64_t satp = make(SATP_SV39, 1, 0), other = make(SATP_SV39, 2, 1);

	(void)state;
	fill(satp);
	use(other);
	fence_pages(AT.raw, 1);
	for (unsigned i = 0; i < FENCE_LOG_LIMIT; i++)
		space_fence(space, &(struct fence){.has_asid = true, .asid = 9});
	assert_false(has_leaf(use(satp), AT));
}

/* A fence is applied once: what was filled after it stays. */
static void a_tree_that_has_caught_up_stays_so(void **state)
{
	uint64_t satp = make(SATP_SV39, 1, 0), other = make(SATP_SV39, 2, 1);

	(void)state;
	for (unsigned i = 0; i < 3 * FENCE_LOG_LIMIT; i++) {
		fill(satp);
		use(other);
		fence_pages(AT.raw, 1);
		assert_false(has_leaf(use(satp), AT));
		fill(satp);
		use(other);
		assert_true(has_leaf(use(satp), AT));
	}
	assert_int_equal(space->statistics.tree_unlinks, 0);
}

/* Fences while a tree is active are applied then, and not again afterwards. */
static void the_active_tree_does_not_replay(void **state)
{
	uint64_t satp = make(SATP_SV39, 1, 0), other = make(SATP_SV39, 2, 1);

	(void)state;
	use(satp);
	fence_pages(AT.raw, 10);
	fill(satp);
	use(other);
	assert_true(has_leaf(use(satp), AT));
	assert_int_equal(space->statistics.log_replays, 0);
}

static void the_log_knows_asids(void **state)
{
	uint64_t satp = make(SATP_SV39, 1, 0), other = make(SATP_SV39, 2, 1);
	struct fence fence = {.has_address = true,
			      .start = AT,
			      .size = PAGE_SIZE,
			      .has_asid = true,
			      .asid = 3};

	(void)state;
	fill(satp);
	use(other);
	space_fence(space, &fence);
	assert_true(has_leaf(use(satp), AT));
	use(other);
	fence.asid = 1;
	space_fence(space, &fence);
	assert_false(has_leaf(use(satp), AT));
}

static void a_stale_tree_is_emptied_once(void **state)
{
	uint64_t satp = make(SATP_SV39, 1, 0), other = make(SATP_SV39, 2, 1);

	(void)state;
	fill(satp);
	use(other);
	space_fence(space, &(struct fence){.has_asid = true, .asid = 1});
	assert_false(has_leaf(use(satp), AT));
	fill(satp);
	use(other);
	assert_true(has_leaf(use(satp), AT));
	assert_int_equal(space->statistics.tree_unlinks, 1);
}

static void every_slot_is_fenced(void **state)
{
	const struct fence everything = {.has_address = false};
	uint64_t satps[TREE_LIMIT];

	(void)state;
	bench_pool(&bench)->limit = 1000;
	for (unsigned asid = 0; asid < TREE_LIMIT; asid++)
		fill(make(SATP_SV39, asid, 0));
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		satps[i] = space->trees[i].satp;
	space_fence(space, &everything);
	assert_false(has_leaf(space->active, AT));
	/* All of them, with no other one made in between. */
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		assert_false(has_leaf(use(satps[i]), AT));
	assert_int_equal(space->statistics.tree_creations, TREE_LIMIT + 1);
}

/* Where RAM ends beyond the lower half of Sv39, Bare needs a larger tree. */
static void bare_reaches_all_of_ram(void **state)
{
	static const struct {
		uint64_t end;
		unsigned mode;
	} cases[] = {
		{UINT64_C(1) << 38, SATP_SV39},
		{(UINT64_C(1) << 38) + PAGE_SIZE, SATP_SV48},
		{(UINT64_C(1) << 47) + PAGE_SIZE, SATP_SV57},
	};
	uint64_t size = bench.vm.memory.size;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		bench.vm.memory.size = cases[i].end - GUEST_RAM_BASE.raw;
		bench_put(vcpu);
		space_destroy(space);
		assert_int_equal(space_create(space), STATUS_OK);
		bench_load(vcpu, 0);
		assert_int_equal(space->active->mode, cases[i].mode);
	}
	bench.vm.memory.size = size;
	assert_int_equal(paging_lsp.reach(), UINT64_C(1) << 56);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(a_tree_is_found_by_all_of_satp),
		TEST(bare_is_two_trees),
		TEST(bare_runs_on_the_shortest_tables_there_are),
		TEST(the_tree_unused_for_longest_goes),
		TEST(a_tree_that_the_vector_used_stays),
		TEST(the_vector_knows_as_many_processes_as_there_are_trees),
		TEST(a_fast_fill_is_not_behind_the_vector),
		TEST(an_evicted_tree_comes_back_empty),
		TEST(every_fence_against_every_tree),
		TEST(bare_trees_keep_what_they_have),
		TEST(the_log_is_exact_until_it_overflows),
		TEST(the_log_knows_what_it_has_lost),
		TEST(a_tree_that_has_caught_up_stays_so),
		TEST(the_active_tree_does_not_replay),
		TEST(the_log_knows_asids),
		TEST(a_stale_tree_is_emptied_once),
		TEST(every_slot_is_fenced),
		TEST(bare_reaches_all_of_ram),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
