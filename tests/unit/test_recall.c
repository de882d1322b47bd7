/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/lsp.c mm/guest_memory.c */
/* sources: core/json.c core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c tests/unit/lsp_bench.c */
/* libs: -Wl,--wrap=table_drop */
/*
 * What a switch of address spaces costs beside what must be: real fences behind the
 * log's replay, tables that are dropped and brought back, in the same tree or in one
 * that is a copy of it, and faults that are the guest's own from the second one on.
 */
#include "lsp/encoding.h"
#include "tests/unit/wide_bench.h"

#define LOW	  GVA(0x1000)
#define HIGH	  GVA(UINT64_C(0xffffffc000001000))
#define NEXT(gva) GVA((gva).raw + PAGE_SIZE)

static uint64_t satp, other;
static unsigned drops;

enum drop __real_table_drop(pte_t *table, unsigned level, gva_t gva);
enum drop __wrap_table_drop(pte_t *table, unsigned level, gva_t gva);

enum drop __wrap_table_drop(pte_t *table, unsigned level, gva_t gva)
{
	drops++;
	return __real_table_drop(table, level, gva);
}

/* On a hart that faults no more often than it must, for counting. */
static int setup(void **state)
{
	(void)state;
	wide_create(fake_qemu, 0);
	satp = bench_satp(&bench, SATP_SV39, 1);
	other = bench_satp(&bench, SATP_SV39, 2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wide_destroy();
	assert_int_equal(encoding_choose("reflect"), STATUS_OK);
	return 0;
}

static int setup_own_faults(void **state)
{
	assert_int_equal(encoding_choose("poison"), STATUS_OK);
	return setup(state);
}

/* Addresses with leaf tables, and paths, of their own. */
static gva_t stretch(unsigned i)
{
	return GVA(LOW.raw + i * 2 * MIB);
}

static void map_in(uint64_t root, gva_t gva, uint64_t flags)
{
	guest_map(&bench.tables, root, gva, bench_ram(0), flags, 0);
}

static struct bench_access load(gva_t gva)
{
	const struct access access = {.gva = gva, .kind = ACCESS_LOAD};

	return bench_access(vcpu, &access);
}

static void is_filled(gva_t gva, unsigned faults)
{
	struct bench_access result = load(gva);

	assert_int_equal(result.outcome, OUTCOME_FILLED);
	assert_int_equal(result.faults, faults);
}

static void is_a_fault(gva_t gva, bool own)
{
	struct bench_access result = load(gva);

	assert_int_equal(result.outcome, OUTCOME_PAGE_FAULT);
	assert_int_equal(result.is_own, own);
	assert_int_equal(result.faults, !own);
}

/* So many stretches have a page each that the tree in force has filled. */
static void use(uint64_t root, unsigned stretches)
{
	bench_satp_write(vcpu, root);
	for (unsigned i = 0; i < stretches; i++) {
		map_in(root, stretch(i), GUEST_RWX);
		assert_int_equal(load(stretch(i)).outcome, OUTCOME_FILLED);
	}
}

/* A write of satp, but for what it brings back. */
static void switch_to(uint64_t root)
{
	assert_int_equal(space_activate(space(), root, false), STATUS_OK);
	space()->satp = root;
}

/* A leaf table of the guest's with nothing in it. */
static void map_nothing(uint64_t root, gva_t gva)
{
	map_in(root, gva, GUEST_RWX);
	map_in(root, gva, 0);
}

static uint64_t recalls(void)
{
	return space()->statistics.recalls;
}

static unsigned fences(void)
{
	return fake_machine.counts.asid_fences + fake_machine.counts.leaf_fences +
	       fake_machine.counts.all_fences;
}

static bool path_is_known(gva_t gva)
{
	return path_find(space(), gva) != NULL;
}

/* ---- the log ---- */

static void the_replay_of_many_fences_ends_with_one(void **state)
{
	unsigned before;

	(void)state;
	use(satp, 4);
	use(other, 1);
	for (unsigned i = 0; i < 4; i++)
		bench_fence(vcpu, true, stretch(i), true, 1);
	before = fences();
	switch_to(satp);
	assert_int_equal(fences(), before + 1);
	assert_int_equal(space()->statistics.log_replays, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_false(bench_may_find_any(vcpu, stretch(i)));
}

static void a_replay_of_others_fences_has_none(void **state)
{
	unsigned before;

	(void)state;
	use(satp, 1);
	use(other, 1);
	for (unsigned i = 0; i < 4; i++)
		bench_fence(vcpu, true, stretch(i), true, 3);
	before = fences();
	bench_satp_write(vcpu, satp);
	assert_int_equal(fences(), before);
	is_filled(LOW, 0);
}

/* All of its pages are unsynced with the first, where faults are the guest's own. */
static void a_leaf_table_is_dropped_once(void **state)
{
	(void)state;
	use(satp, 2);
	use(other, 0);
	for (unsigned i = 0; i < 16; i++)
		bench_fence(vcpu, true, GVA(stretch(i / 8).raw + i * PAGE_SIZE), true, 1);
	drops = 0;
	switch_to(satp);
	assert_int_equal(drops, 2);
	assert_false(bench_may_find_any(vcpu, stretch(0)));
	assert_false(bench_may_find_any(vcpu, stretch(1)));
}

/* At the write of satp that finds it, as the guest has it by then. */
static void what_the_log_drops_is_brought_back(void **state)
{
	(void)state;
	use(satp, 3);
	use(other, 0);
	for (unsigned i = 0; i < 2; i++)
		bench_fence(vcpu, true, stretch(i), true, 1);
	guest_map(&bench.tables, satp, stretch(1), bench_ram(PAGE_SIZE), GUEST_RWX, 0);
	bench_satp_write(vcpu, satp);
	assert_int_equal(recalls(), 2);
	is_filled(stretch(0), 0);
	bench_reaches(vcpu, stretch(1), ACCESS_LOAD, bench_ram(PAGE_SIZE));
	is_filled(stretch(1), 0);
	is_filled(stretch(2), 0);
}

/* Not a second time, while nothing was unlinked. */
static void what_was_brought_back_is_not_again(void **state)
{
	(void)state;
	use(satp, 3);
	use(other, 0);
	bench_fence(vcpu, true, stretch(0), true, 1);
	for (unsigned i = 0; i < 4; i++) {
		bench_satp_write(vcpu, i % 2 ? other : satp);
		map_in(i % 2 ? other : satp, stretch(3 + i), GUEST_RWX);
		is_filled(stretch(3 + i), 1);
	}
	assert_int_equal(recalls(), 1);
}

/* ---- a new tree ---- */

static void its_first_miss_finds_what_its_parent_had(void **state)
{
	(void)state;
	use(satp, 4);
	for (unsigned i = 0; i < 3; i++)
		map_in(other, stretch(i), GUEST_RWX);
	switch_to(other);
	is_filled(stretch(1), 1);
	is_filled(stretch(0), 0);
	is_filled(stretch(2), 0);
	assert_int_equal(recalls(), 2);
	bench_faults(vcpu, stretch(3), ACCESS_LOAD);
}

/* Where it is made by a write of satp, that is in time for them. */
static void or_the_write_of_satp_does(void **state)
{
	(void)state;
	use(satp, 4);
	for (unsigned i = 0; i < 3; i++)
		map_in(other, stretch(i), GUEST_RWX);
	bench_satp_write(vcpu, other);
	for (unsigned i = 0; i < 3; i++)
		is_filled(stretch(i), 0);
	assert_int_equal(recalls(), 3);
}

static void so_does_its_first_fault_of_the_guests_own(void **state)
{
	(void)state;
	use(satp, 3);
	for (unsigned i = 0; i < 2; i++)
		map_in(other, stretch(i), GUEST_RWX);
	map_nothing(other, stretch(2));
	switch_to(other);
	is_a_fault(stretch(2), false);
	assert_int_equal(recalls(), 3);
	is_filled(stretch(0), 0);
	is_filled(stretch(1), 0);
	is_a_fault(stretch(2), true);
}

/* What was taken for want of pages is not taken again for what is not asked for. */
static void nothing_is_recalled_behind_a_reclaim(void **state)
{
	(void)state;
	use(satp, 1);
	space()->pool.limit = space()->pool.used + 3;
	use(satp, 40);
	assert_true(space()->statistics.reclaims > 2);
	assert_int_equal(recalls(), 0);
}

/* ---- faults of the guest's own ---- */

static void the_next_fault_in_its_table_is_no_exit(void **state)
{
	(void)state;
	use(satp, 1);
	map_nothing(satp, stretch(1));
	is_a_fault(stretch(1), false);
	is_a_fault(stretch(1), true);
	is_a_fault(NEXT(stretch(1)), true);
	/* There is no leaf table of the guest's: nothing can be kept. */
	is_a_fault(stretch(2), false);
	is_a_fault(stretch(2), false);
}

/* An operating system puts a new entry there with no fence. */
static void nor_is_a_fault_of_the_upper_half_kept(void **state)
{
	(void)state;
	use(satp, 1);
	map_nothing(satp, HIGH);
	is_a_fault(HIGH, false);
	is_a_fault(HIGH, false);
	map_in(satp, HIGH, GUEST_RWX);
	is_filled(HIGH, 1);
}

static void a_table_of_faults_comes_back_with_the_others(void **state)
{
	(void)state;
	use(satp, 1);
	map_nothing(satp, stretch(1));
	is_a_fault(stretch(1), false);
	bench_fence(vcpu, false, GVA(0), true, 1);
	is_filled(LOW, 1);
	is_a_fault(stretch(1), true);
	bench_fence(vcpu, false, GVA(0), true, 1);
	is_a_fault(stretch(1), false);
	is_filled(LOW, 0);
}

/* ---- paths ---- */

/* The guest has its table back with no fence: that it is the same says nothing. */
static void a_dropped_table_takes_its_path_along(void **state)
{
	gpa_t pointer, elsewhere;
	uint64_t was;

	(void)state;
	use(satp, 3);
	assert_true(path_is_known(LOW) && path_is_known(stretch(1)));
	pointer = guest_entry(&bench.tables, satp, LOW, 1);
	elsewhere = guest_table(&bench.tables);
	was = guest_load(&bench.vm.memory, pointer);
	guest_store(&bench.vm.memory, pointer, pte_make(elsewhere.raw, PTE_V).raw);
	bench_fence_address(vcpu, LOW);
	guest_store(&bench.vm.memory, pointer, was);
	assert_false(path_is_known(LOW));
	assert_true(path_is_known(stretch(1)) && path_is_known(stretch(2)));
}

static void so_does_one_that_the_log_drops(void **state)
{
	(void)state;
	use(satp, 3);
	use(other, 0);
	bench_fence(vcpu, true, LOW, true, 1);
	switch_to(satp);
	assert_false(path_is_known(LOW));
	assert_true(path_is_known(stretch(1)) && path_is_known(stretch(2)));
}

static void but_not_anothers_of_the_same_place(void **state)
{
	const gva_t same = stretch(PATH_LIMIT);

	(void)state;
	use(satp, 1);
	map_in(satp, same, GUEST_RWX);
	is_filled(same, 1);
	assert_true(path_is_known(same) && !path_is_known(LOW));
	map_in(satp, LOW, 0);
	bench_fence_address(vcpu, LOW);
	assert_true(path_is_known(same));
}

/* Where the vector knows roots it looks for a stamp of 0, and there is a path of 0. */
static void a_new_vcpu_knows_no_path(void **state)
{
	(void)state;
	bench_satp_write(vcpu, satp);
	bench_satp_write(vcpu, other);
	assert_int_equal(space()->fences.stamp, 0);
	for (unsigned i = 0; i < PATH_LIMIT; i++) {
		const struct fast_path *path = &space()->fences.paths[i];

		assert_false(path->prefix == path_prefix(stretch(i)) && path->stamp == 0);
		assert_false(fake_vector_fences(vcpu, stretch(i), false, 0));
	}
}

/* Nor has a path that was dropped a stamp that the vector looks for. */
static void a_dropped_path_is_not_the_vectors(void **state)
{
	(void)state;
	use(satp, 2);
	use(other, 0);
	bench_fence(vcpu, true, LOW, true, 1);
	switch_to(satp);
	assert_int_equal(space()->fences.stamp, 0);
	assert_false(fake_vector_fences(vcpu, LOW, true, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define OWN(name)  cmocka_unit_test_setup_teardown(name, setup_own_faults, teardown)
		TEST(the_replay_of_many_fences_ends_with_one),
		OWN(the_replay_of_many_fences_ends_with_one),
		TEST(a_replay_of_others_fences_has_none),
		OWN(a_leaf_table_is_dropped_once),
		OWN(what_the_log_drops_is_brought_back),
		OWN(what_was_brought_back_is_not_again),
		TEST(its_first_miss_finds_what_its_parent_had),
		OWN(its_first_miss_finds_what_its_parent_had),
		TEST(or_the_write_of_satp_does),
		OWN(or_the_write_of_satp_does),
		OWN(so_does_its_first_fault_of_the_guests_own),
		TEST(nothing_is_recalled_behind_a_reclaim),
		OWN(the_next_fault_in_its_table_is_no_exit),
		OWN(nor_is_a_fault_of_the_upper_half_kept),
		OWN(a_table_of_faults_comes_back_with_the_others),
		OWN(a_dropped_table_takes_its_path_along),
		OWN(so_does_one_that_the_log_drops),
		OWN(but_not_anothers_of_the_same_place),
		TEST(a_new_vcpu_knows_no_path),
		OWN(a_dropped_path_is_not_the_vectors),
#undef OWN
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
