/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/protect*.c lsp/asid.c lsp/walker.c mm/guest_memory.c mm/guest_store.c */
/* sources: core/json.c core/log.c tests/unit/protect_bench.c */
/* sources: tests/unit/fake_arch.c tests/unit/fake_pages.c tests/unit/guest_tables.c */
/* sources: tests/unit/host_ram.c */
/*
 * Leaf tables that are left writable: when, until when, and what an old entry of
 * theirs may still be used for.
 */
#include "tests/unit/protect_bench.h"

static struct bench bench;

static int setup(void **state)
{
	(void)state;
	fake_pages_create();
	fake_arch_create(fake_default());
	bench_create(&bench, &paging_shadow_unsync, 1, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bench_check(&bench);
	bench_destroy(&bench);
	fake_pages_destroy();
	return 0;
}

static gpa_t entry_of(uint64_t satp, gva_t gva)
{
	return guest_entry(&bench.tables, satp, gva, 0);
}

static const struct protect_statistics *statistics(void)
{
	return &bench_state(&bench)->statistics;
}

static struct protect_table *table_for(gva_t gva)
{
	return protect_find(bench_state(&bench),
			    GPA(align_down(entry_of(bench.satp, gva).raw, PAGE_SIZE)), 0);
}

/* FREE_GVA leads to a page, the one behind it to another; both were used. */
static void map_two(uint64_t satp)
{
	for (unsigned i = 0; i < 2; i++)
		guest_map(&bench.tables, satp, GVA(FREE_GVA.raw + i * PAGE_SIZE),
			  bench_page(i), GUEST_RWX, 0);
	for (unsigned i = 0; i < 2; i++)
		bench_load(&bench, GVA(FREE_GVA.raw + i * PAGE_SIZE), bench_page(i));
}

static void the_first_store_exits_and_others_do_not(void **state)
{
	gpa_t entry = entry_of(bench.satp, FREE_GVA);
	struct bench_access first;

	(void)state;
	map_two(bench.satp);
	bench_load(&bench, bench_window(entry), entry);
	first = bench_store_pte(&bench, entry, bench_page(5), GUEST_RWX);
	assert_true(first.exits == 1 && !first.emulated);
	assert_true(table_for(FREE_GVA)->unsync);
	for (unsigned i = 50; i < 100; i++)
		assert_int_equal(bench_store_pte(&bench, GPA(entry.raw + 8 * i),
						 bench_page(i), GUEST_RWX)
					 .exits,
				 0);
	assert_int_equal(statistics()->unsyncs, 1);
	assert_int_equal(statistics()->stores, 0);
}

static void a_table_above_is_never_left_writable(void **state)
{
	gpa_t above = guest_entry(&bench.tables, bench.satp, FREE_GVA, 1);

	(void)state;
	map_two(bench.satp);
	assert_true(bench_store_pte(&bench, GPA(above.raw + 8), GPA(0), 0).emulated);
	assert_int_equal(statistics()->unsyncs, 0);
}

/* The old entry serves until the fence of its address, and that one alone goes. */
static void an_address_is_synced_by_its_fence(void **state)
{
	gpa_t entry = entry_of(bench.satp, FREE_GVA);
	gva_t next = GVA(FREE_GVA.raw + PAGE_SIZE);

	(void)state;
	map_two(bench.satp);
	bench_store_pte(&bench, entry, bench_page(5), GUEST_RWX);
	bench_store_pte(&bench, GPA(entry.raw + 8), bench_page(6), GUEST_RWX);
	assert_int_equal(bench_load(&bench, FREE_GVA, bench_page(0)).exits, 0);
	bench_fence_address(&bench, FREE_GVA);
	assert_int_equal(bench_load(&bench, FREE_GVA, bench_page(5)).exits, 0);
	assert_int_equal(bench_load(&bench, next, bench_page(1)).exits, 0);
	assert_true(table_for(FREE_GVA)->unsync);
	bench_fence_address(&bench, next);
	assert_int_equal(bench_load(&bench, next, bench_page(6)).exits, 0);
}

static void a_whole_fence_syncs_and_protects(void **state)
{
	gpa_t entry = entry_of(bench.satp, FREE_GVA);

	(void)state;
	map_two(bench.satp);
	bench_store_pte(&bench, entry, bench_page(5), GUEST_RWX);
	bench_store_pte(&bench, GPA(entry.raw + 8), GPA(0), 0);
	bench_fence_all(&bench);
	assert_false(table_for(FREE_GVA)->unsync);
	assert_true(bench_is_protected(&bench, entry));
	assert_int_equal(bench_load(&bench, FREE_GVA, bench_page(5)).exits, 0);
	bench_faults(&bench, GVA(FREE_GVA.raw + PAGE_SIZE));
	assert_true(bench_store_pte(&bench, entry, bench_page(7), GUEST_RWX).exits > 0);
}

/* Fault, the first PTE write, and the fence, which fills it: no miss. */
static void a_fence_installs_what_is_valid(void **state)
{
	gva_t gva = GVA(FREE_GVA.raw + 100 * PAGE_SIZE);
	gpa_t entry = entry_of(bench.satp, gva);

	(void)state;
	map_two(bench.satp);
	bench_faults(&bench, gva);
	bench_store_pte(&bench, entry, bench_page(5), GUEST_RWX);
	bench_fence_address(&bench, gva);
	assert_int_equal(statistics()->fence_installs, 1);
	assert_true(pte_valid(
		protect_find_leaf(bench_vcpu(&bench, 0)->paging, gva, &(unsigned){0})));
	/* One that has not been accessed is left to its first access. */
	bench_store_pte(&bench, GPA(entry.raw + 8), bench_page(6), GUEST_RWX & ~PTE_A);
	bench_fence_address(&bench, GVA(gva.raw + PAGE_SIZE));
	assert_int_equal(statistics()->fence_installs, 1);
	bench_faults(&bench, GVA(gva.raw + PAGE_SIZE));
}

static void a_miss_fills_its_neighbours(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16; i++)
		guest_map(&bench.tables, bench.satp, GVA(FREE_GVA.raw + i * PAGE_SIZE),
			  bench_page(i), i == 3 ? GUEST_RWX & ~PTE_A : GUEST_RWX, 0);
	bench_load(&bench, GVA(FREE_GVA.raw + 5 * PAGE_SIZE), bench_page(5));
	assert_int_equal(statistics()->neighbours, 6);
	for (unsigned i = 0; i < 16; i++) {
		pte_t leaf = protect_find_leaf(bench_vcpu(&bench, 0)->paging,
					       GVA(FREE_GVA.raw + i * PAGE_SIZE),
					       &(unsigned){0});

		assert_int_equal(pte_valid(leaf), i < 8 && i != 3);
	}
}

/* A root that comes back may only have what it could have kept. */
static void a_root_that_was_away_does_not_find_what_others_filled(void **state)
{
	uint64_t other = bench_space(&bench, 2, 0);
	gpa_t place = guest_entry(&bench.tables, other, FREE_GVA, 1);
	gpa_t shared, entry;

	(void)state;
	entry = entry_of(bench.satp, FREE_GVA);
	shared = guest_entry(&bench.tables, bench.satp, FREE_GVA, 1);
	guest_store(&bench.vm.memory, place, guest_load(&bench.vm.memory, shared));
	bench_satp(&bench, other);
	map_two(other);
	bench_satp(&bench, bench.satp);
	/* In a window of its own, so that nothing has filled it before. */
	bench_store_pte(&bench, GPA(entry.raw + 8 * 64), bench_page(9), GUEST_RWX);
	bench_load(&bench, GVA(FREE_GVA.raw + 64 * PAGE_SIZE), bench_page(9));
	bench_store_pte(&bench, GPA(entry.raw + 8 * 64), GPA(0), 0);
	bench_satp(&bench, other);
	bench_faults(&bench, GVA(FREE_GVA.raw + 64 * PAGE_SIZE));
}

/* With nothing filled in between, it comes back as it was, old entries and all. */
static void a_root_that_comes_back_is_not_resynced_for_nothing(void **state)
{
	uint64_t other = bench_space(&bench, 2, 0);
	gpa_t entry = entry_of(bench.satp, FREE_GVA);

	(void)state;
	map_two(bench.satp);
	bench_store_pte(&bench, entry, bench_page(5), GUEST_RWX);
	bench_satp(&bench, other);
	bench_load(&bench, bench_window(bench_page(0)), bench_page(0));
	bench_satp(&bench, bench.satp);
	assert_true(table_for(FREE_GVA)->unsync);
	assert_int_equal(statistics()->resyncs, 0);
	bench_load(&bench, FREE_GVA, bench_page(0));
	/* A fence of everything while it is away is another thing. */
	bench_satp(&bench, other);
	bench_fence_all(&bench);
	bench_satp(&bench, bench.satp);
	bench_load(&bench, FREE_GVA, bench_page(5));
	assert_int_equal(statistics()->resyncs, 1);
}

static void a_fence_of_one_address_reaches_roots_that_are_away(void **state)
{
	uint64_t other = bench_space(&bench, 2, 0);
	gpa_t entry = entry_of(bench.satp, FREE_GVA);

	(void)state;
	map_two(bench.satp);
	bench_store_pte(&bench, entry, bench_page(5), GUEST_RWX);
	bench_satp(&bench, other);
	bench_fence_address(&bench, FREE_GVA);
	bench_satp(&bench, bench.satp);
	bench_load(&bench, FREE_GVA, bench_page(5));
}

/* Only the last few are looked after one by one: others are read anew. */
static void a_root_that_was_away_for_long_is_resynced(void **state)
{
	gpa_t entry = entry_of(bench.satp, FREE_GVA);

	(void)state;
	map_two(bench.satp);
	bench_store_pte(&bench, entry, bench_page(5), GUEST_RWX);
	for (unsigned i = 0; i < PROTECT_RECENT; i++)
		bench_satp(&bench, bench_space(&bench, 2 + i, 1));
	bench_fence_address(&bench, FREE_GVA);
	bench_satp(&bench, bench.satp);
	bench_load(&bench, FREE_GVA, bench_page(5));
}

/* A table that was left writable and is linked anew is read anew. */
static void a_new_pointer_finds_nothing_old(void **state)
{
	gva_t elsewhere = GVA(FREE_GVA.raw + 8 * MIB);
	gpa_t entry = entry_of(bench.satp, FREE_GVA);
	gpa_t above = guest_entry(&bench.tables, bench.satp, elsewhere, 1);
	gpa_t shared = guest_entry(&bench.tables, bench.satp, FREE_GVA, 1);

	(void)state;
	map_two(bench.satp);
	bench_store_pte(&bench, entry, bench_page(5), GUEST_RWX);
	bench_store(&bench, bench_window(above), above,
		    guest_load(&bench.vm.memory, shared));
	bench_load(&bench, elsewhere, bench_page(5));
	assert_false(table_for(FREE_GVA)->unsync);
}

/* Used as a table above as well, it cannot stay writable. */
static void a_frame_that_becomes_more_than_a_leaf_table_is_protected(void **state)
{
	gpa_t entry = entry_of(bench.satp, FREE_GVA);
	gpa_t table = GPA(align_down(entry.raw, PAGE_SIZE));
	gpa_t root = GPA(satp_root(bench.satp));

	(void)state;
	map_two(bench.satp);
	bench_store_pte(&bench, entry, bench_page(5), GUEST_RWX);
	bench_store_pte(&bench, GPA(entry.raw + 8 * 3), table, PTE_V);
	bench_store_pte(&bench, GPA(root.raw + 8 * 10), table, PTE_V);
	bench_fence_all(&bench);
	/* Entry 3 as a pointer to itself, there a pointer of level 0. */
	bench_faults(&bench, GVA((UINT64_C(10) << 30) + (3 << 21) + (3 << 12)));
	bench_load(&bench, GVA((UINT64_C(10) << 30) + (3 << 21) + (1 << 12)),
		   bench_page(1));
	assert_true(bench_is_protected(&bench, table));
	assert_true(bench_store_pte(&bench, entry, bench_page(6), GUEST_RWX).emulated);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_store_exits_and_others_do_not),
		TEST(a_table_above_is_never_left_writable),
		TEST(an_address_is_synced_by_its_fence),
		TEST(a_whole_fence_syncs_and_protects),
		TEST(a_fence_installs_what_is_valid),
		TEST(a_miss_fills_its_neighbours),
		TEST(a_root_that_was_away_does_not_find_what_others_filled),
		TEST(a_root_that_comes_back_is_not_resynced_for_nothing),
		TEST(a_fence_of_one_address_reaches_roots_that_are_away),
		TEST(a_root_that_was_away_for_long_is_resynced),
		TEST(a_new_pointer_finds_nothing_old),
		TEST(a_frame_that_becomes_more_than_a_leaf_table_is_protected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
