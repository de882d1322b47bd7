/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/protect*.c lsp/asid.c lsp/walker.c mm/guest_memory.c mm/guest_store.c */
/* sources: core/json.c core/log.c tests/unit/protect_bench.c */
/* sources: tests/unit/fake_arch.c tests/unit/fake_pages.c tests/unit/guest_tables.c */
/* sources: tests/unit/host_ram.c */
/*
 * Strict write protection: what is protected when, what a store to a page table does,
 * and how a frame stops being one.
 */
#include <string.h>

#include "tests/unit/protect_bench.h"

static struct bench bench;

static int setup(void **state)
{
	(void)state;
	fake_pages_create();
	fake_arch_create(fake_default());
	bench_create(&bench, &paging_shadow, 1, 0);
	return 0;
}

static int setup_large(void **state)
{
	(void)state;
	fake_pages_create();
	fake_arch_create(fake_default());
	bench_create(&bench, &paging_shadow, 1, 1);
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

/* The leaf table for an address, and the entry in it, made where there is none. */
static gpa_t entry_of(gva_t gva)
{
	return guest_entry(&bench.tables, bench.satp, gva, 0);
}

static gpa_t table_of(gva_t gva)
{
	return GPA(align_down(entry_of(gva).raw, PAGE_SIZE));
}

static const struct protect_statistics *statistics(void)
{
	return &bench_state(&bench)->statistics;
}

static void every_table_on_the_way_is_protected(void **state)
{
	gva_t gva = bench_window(bench_page(0));
	gpa_t root = GPA(satp_root(bench.satp));

	(void)state;
	assert_true(bench_is_protected(&bench, root));
	assert_false(bench_is_protected(&bench, table_of(gva)));
	bench_load(&bench, gva, bench_page(0));
	for (unsigned level = 0; level < 3; level++)
		assert_true(bench_is_protected(
			&bench,
			GPA(align_down(
				guest_entry(&bench.tables, bench.satp, gva, level).raw,
				PAGE_SIZE))));
	assert_false(bench_is_protected(&bench, bench_page(0)));
}

static void a_table_can_be_read_but_not_written(void **state)
{
	gpa_t root = GPA(satp_root(bench.satp));

	(void)state;
	bench_load(&bench, bench_window(root), root);
	assert_true(bench_store(&bench, bench_window(root), root, 0).emulated);
	assert_int_equal(statistics()->stores, 1);
}

/* Which it was before: its leaf loses W, and no hart may keep it. */
static void a_writable_page_that_becomes_a_table_loses_its_leaves(void **state)
{
	gpa_t table = bench_page(3), entry = entry_of(FREE_GVA);
	gpa_t above = guest_entry(&bench.tables, bench.satp, FREE_GVA, 1);

	(void)state;
	guest_store(&bench.vm.memory, entry, 0);
	assert_false(bench_store(&bench, bench_window(table), table, 0).emulated);
	assert_true(fake_tlb_may_write(
		HPA(protect_find_leaf(bench_vcpu(&bench, 0)->paging, bench_window(table),
				      &(unsigned){0})
			    .raw >>
		    10 << 12)));
	bench_store_pte(&bench, GPA(table.raw + (entry.raw & 0xfff)), bench_page(4),
			GUEST_RWX);
	bench_store_pte(&bench, above, table, PTE_V);
	bench_fence_all(&bench);
	bench_load(&bench, FREE_GVA, bench_page(4));
	assert_true(bench_is_protected(&bench, table));
	assert_true(bench_store(&bench, bench_window(table), table, 0).emulated);
}

/* The published accounting: fault, PTE write, fence, miss. */
static void a_demand_paged_page_costs_four_exits(void **state)
{
	gpa_t entry = entry_of(FREE_GVA);
	struct bench_access write;

	(void)state;
	guest_map(&bench.tables, bench.satp, GVA(FREE_GVA.raw + PAGE_SIZE), bench_page(6),
		  GUEST_RWX, 0);
	bench_load(&bench, GVA(FREE_GVA.raw + PAGE_SIZE), bench_page(6));
	bench_faults(&bench, FREE_GVA);
	write = bench_store_pte(&bench, entry, bench_page(5), GUEST_RWX);
	assert_true(write.emulated && write.exits == 1);
	bench_fence_address(&bench, FREE_GVA);
	assert_true(bench_load(&bench, FREE_GVA, bench_page(5)).exits >= 1);
	assert_int_equal(bench_load(&bench, FREE_GVA, bench_page(5)).exits, 0);
}

/* What was there is refreshed: a change of it costs the write and the fence. */
static void a_changed_leaf_needs_no_miss(void **state)
{
	gva_t gva = bench_window(bench_page(1));

	(void)state;
	bench_load(&bench, gva, bench_page(1));
	assert_true(bench_store_pte(&bench, entry_of(gva), bench_page(2), GUEST_RWX)
			    .emulated);
	bench_check(&bench);
	bench_fence_address(&bench, gva);
	assert_int_equal(bench_load(&bench, gva, bench_page(2)).exits, 0);
	assert_true(bench_store_pte(&bench, entry_of(gva), bench_page(2), 0).emulated);
	bench_fence_address(&bench, gva);
	bench_faults(&bench, gva);
}

static void a_clean_page_is_the_guests_to_dirty(void **state)
{
	const struct access store = {.gva = FREE_GVA, .kind = ACCESS_STORE};
	const struct vm_exit exit = {.cause = CAUSE_TRANSLATION, .access = store};
	gpa_t entry = entry_of(FREE_GVA);

	(void)state;
	guest_map(&bench.tables, bench.satp, FREE_GVA, bench_page(7), GUEST_RWX & ~PTE_D,
		  0);
	bench_load(&bench, FREE_GVA, bench_page(7));
	assert_int_equal(fake_access(&store).count, 0);
	assert_int_equal(paging_shadow.fault(bench_vcpu(&bench, 0), &exit).outcome,
			 OUTCOME_PAGE_FAULT);
	bench_store_pte(&bench, entry, bench_page(7), GUEST_RWX);
	bench_fence_address(&bench, FREE_GVA);
	assert_int_equal(bench_store(&bench, FREE_GVA, bench_page(7), 1).exits, 0);
}

static void two_roots_share_a_table(void **state)
{
	uint64_t other = bench_space(&bench, 2, 0);
	gpa_t shared = guest_entry(&bench.tables, bench.satp, GVA(WINDOW), 2);
	gpa_t place = guest_entry(&bench.tables, other, GVA(WINDOW), 2);
	gva_t gva = bench_window(bench_page(1));
	uint64_t tables;

	(void)state;
	guest_store(&bench.vm.memory, place, guest_load(&bench.vm.memory, shared));
	bench_load(&bench, gva, bench_page(1));
	tables = statistics()->creations;
	bench_satp(&bench, other);
	/* The root, and nothing below it: one miss links what is there. */
	assert_in_range(bench_load(&bench, gva, bench_page(1)).exits, 1, 2);
	assert_int_equal(statistics()->creations, tables + 1);
	/* Back, and forth: both are known. */
	bench_satp(&bench, bench.satp);
	assert_int_equal(bench_load(&bench, gva, bench_page(1)).exits, 0);
	bench_store_pte(&bench, entry_of(gva), bench_page(2), GUEST_RWX);
	bench_fence_all(&bench);
	bench_satp(&bench, other);
	assert_int_equal(bench_load(&bench, gva, bench_page(2)).exits, 0);
}

static void a_table_that_nothing_leads_to_is_free(void **state)
{
	gpa_t above = guest_entry(&bench.tables, bench.satp, FREE_GVA, 1);
	gpa_t table = table_of(FREE_GVA);

	(void)state;
	guest_map(&bench.tables, bench.satp, FREE_GVA, bench_page(7), GUEST_RWX, 0);
	bench_load(&bench, FREE_GVA, bench_page(7));
	assert_true(bench_is_protected(&bench, table));
	assert_true(bench_store_pte(&bench, above, GPA(0), 0).emulated);
	assert_false(bench_is_protected(&bench, table));
	assert_int_equal(statistics()->orphans, 1);
	assert_false(bench_store(&bench, bench_window(table), table, 1).emulated);
	bench_fence_all(&bench);
	bench_faults(&bench, FREE_GVA);
}

static void three_writes_and_no_use_make_it_data(void **state)
{
	gpa_t table = table_of(FREE_GVA), next = GPA(table.raw + 8 * 200);

	(void)state;
	guest_map(&bench.tables, bench.satp, FREE_GVA, bench_page(7), GUEST_RWX, 0);
	bench_load(&bench, FREE_GVA, bench_page(7));
	bench_load(&bench, bench_window(table), table);
	for (unsigned i = 0; i < 3; i++) {
		gpa_t at = GPA(table.raw + 8 * (i + 100));

		assert_true(bench_is_protected(&bench, table));
		assert_true(bench_store(&bench, bench_window(at), at, i).emulated);
	}
	assert_int_equal(statistics()->floods, 1);
	assert_false(bench_is_protected(&bench, table));
	/* Nor does the next store exit: the third one saw to that. */
	assert_int_equal(bench_store(&bench, bench_window(next), next, 9).exits, 0);
	bench_load(&bench, FREE_GVA, bench_page(7));
	assert_true(bench_is_protected(&bench, table));
}

/* A walk by it, or a fence of what it translates, says that it is a table. */
static void use_between_writes_keeps_it_a_table(void **state)
{
	gpa_t table = table_of(FREE_GVA);

	(void)state;
	guest_map(&bench.tables, bench.satp, FREE_GVA, bench_page(7), GUEST_RWX, 0);
	bench_load(&bench, FREE_GVA, bench_page(7));
	for (unsigned i = 0; i < 12; i++) {
		gpa_t at = GPA(table.raw + 8 * (i + 100));

		assert_true(bench_store(&bench, bench_window(at), at, i).emulated);
		bench_fence_address(&bench, GVA(FREE_GVA.raw + i * PAGE_SIZE));
	}
	assert_int_equal(statistics()->floods, 0);
	assert_true(bench_is_protected(&bench, table));
}

static void a_store_that_is_no_ptes_makes_it_data(void **state)
{
	const struct guest_store byte = {.width = 1, .value = 7};
	gpa_t table = table_of(FREE_GVA);
	const struct access access = {.gva = bench_window(table), .kind = ACCESS_STORE};

	(void)state;
	guest_map(&bench.tables, bench.satp, FREE_GVA, bench_page(7), GUEST_RWX, 0);
	bench_load(&bench, FREE_GVA, bench_page(7));
	paging_shadow.store(bench_vcpu(&bench, 0), &access, GPA(table.raw + 2403), &byte);
	assert_false(bench_is_protected(&bench, table));
	assert_int_equal(guest_load(&bench.vm.memory, GPA(table.raw + 2400)) >> 24, 7);
	bench_load(&bench, FREE_GVA, bench_page(7));
	assert_true(paging_shadow.unprotect(bench_vcpu(&bench, 0), &access, table));
	assert_false(bench_is_protected(&bench, table));
	assert_int_equal(bench_store(&bench, access.gva, table, 0).exits, 0);
}

static void a_root_in_use_stays_protected(void **state)
{
	gpa_t root = GPA(satp_root(bench.satp));
	const struct access access = {.gva = bench_window(root), .kind = ACCESS_STORE};

	(void)state;
	bench_load(&bench, bench_window(root), root);
	for (unsigned i = 0; i < 20; i++) {
		gpa_t at = GPA(root.raw + 8 * (i + 100));

		assert_true(bench_store(&bench, bench_window(at), at, 0).emulated);
	}
	assert_false(paging_shadow.unprotect(bench_vcpu(&bench, 0), &access, root));
	assert_true(bench_is_protected(&bench, root));
}

/* Where what its lr read is there no longer, nothing changes. */
static void an_sc_to_a_root_in_use_compares(void **state)
{
	struct guest_store sc = {.operation = STORE_CONDITIONAL, .width = 8};
	struct vcpu *vcpu = bench_vcpu(&bench, 0);
	gva_t gva = bench_window(bench_page(0));
	gpa_t at = guest_entry(&bench.tables, bench.satp, gva, 2);
	const struct access access = {.gva = bench_window(at), .kind = ACCESS_STORE};
	uint64_t pointer = guest_load(&bench.vm.memory, at);

	(void)state;
	bench_load(&bench, gva, bench_page(0));
	sc.expected = pointer + 1;
	assert_int_equal(paging_shadow.store(vcpu, &access, at, &sc), 1);
	assert_int_equal(guest_load(&bench.vm.memory, at), pointer);
	assert_int_equal(bench_load(&bench, gva, bench_page(0)).exits, 0);
	sc.expected = pointer;
	assert_int_equal(paging_shadow.store(vcpu, &access, at, &sc), 0);
	assert_int_equal(guest_load(&bench.vm.memory, at), 0);
	bench_faults(&bench, gva);
	assert_int_equal(paging_shadow.store(vcpu, &access, at, &sc), 1);
}

static void a_large_leaf_over_a_table_is_broken_up(void **state)
{
	gpa_t root = GPA(satp_root(bench.satp));
	unsigned level;

	(void)state;
	/* Pages: the tables' 2 MiB in small leaves, the others in one. */
	bench_store(&bench, bench_window(GPA(root.raw + 100 * PAGE_SIZE)),
		    GPA(root.raw + 100 * PAGE_SIZE), 1);
	bench_store(&bench, bench_window(bench_page(0)), bench_page(0), 1);
	protect_find_leaf(bench_vcpu(&bench, 0)->paging, bench_window(root), &level);
	assert_int_equal(level, 0);
	protect_find_leaf(bench_vcpu(&bench, 0)->paging, bench_window(bench_page(0)),
			  &level);
	assert_int_equal(level, 1);
	/* All of it came with the first miss. */
	assert_int_equal(bench_load(&bench, bench_window(root), root).exits, 0);
	assert_true(bench_store(&bench, bench_window(root), root, 0).emulated);
}

static void a_large_leaf_is_broken_up_when_a_table_appears_in_it(void **state)
{
	gpa_t above = guest_entry(&bench.tables, bench.satp, FREE_GVA, 1);
	gpa_t table = bench_page(9), entry = entry_of(FREE_GVA);

	(void)state;
	bench_store(&bench, bench_window(bench_page(0)), bench_page(0), 1);
	bench_store_pte(&bench, GPA(table.raw + (entry.raw & 0xfff)), bench_page(10),
			GUEST_RWX);
	bench_store_pte(&bench, above, table, PTE_V);
	bench_fence_all(&bench);
	bench_load(&bench, FREE_GVA, bench_page(10));
	assert_true(bench_is_protected(&bench, table));
	bench_check(&bench);
	/* The frames beside it are as they were, but for one miss. */
	bench_store(&bench, bench_window(bench_page(0)), bench_page(0), 2);
	assert_int_equal(
		bench_store(&bench, bench_window(bench_page(1)), bench_page(1), 2).exits,
		0);
	assert_true(bench_store(&bench, bench_window(table), table, 0).emulated);
	/* When the table is one no longer, the region can be mapped whole again. */
	assert_int_equal(protect_region(bench_state(&bench), table, 1)->tables, 1);
	bench_store_pte(&bench, above, GPA(0), 0);
	assert_int_equal(protect_region(bench_state(&bench), table, 1)->tables, 0);
}

/* The table maps itself, as some kernels have it: it stays one, and can be written. */
static void a_table_that_maps_itself(void **state)
{
	gpa_t table = table_of(FREE_GVA), entry = entry_of(FREE_GVA);
	const struct access access = {.gva = FREE_GVA, .kind = ACCESS_STORE};

	(void)state;
	guest_map(&bench.tables, bench.satp, FREE_GVA, table, GUEST_RWX, 0);
	bench_load(&bench, FREE_GVA, table);
	for (unsigned i = 1; i < 10; i++) {
		gpa_t at = GPA(table.raw + 8 * i);

		assert_true(bench_store(&bench, GVA(FREE_GVA.raw + 8 * i), at,
					(bench_page(i).raw >> 12 << 10) | GUEST_RWX)
				    .emulated);
	}
	bench_fence_all(&bench);
	for (unsigned i = 1; i < 10; i++)
		bench_load(&bench, GVA(FREE_GVA.raw + i * PAGE_SIZE), bench_page(i));
	assert_false(paging_shadow.unprotect(bench_vcpu(&bench, 0), &access, table));
	bench_check(&bench);
	/* And away with itself. */
	assert_true(bench_store(&bench, GVA(FREE_GVA.raw + (entry.raw & 0xfff)), entry, 0)
			    .emulated);
	bench_fence_all(&bench);
	bench_faults(&bench, FREE_GVA);
}

/* A root that is its own first table, at every level. */
static void a_root_that_is_all_of_its_tables(void **state)
{
	gpa_t root = bench_page(20);
	gva_t itself = GVA(0);

	(void)state;
	guest_store(&bench.vm.memory, root, root.raw >> 12 << 10 | PTE_V);
	guest_store(&bench.vm.memory, GPA(root.raw + 8 * 511), 0);
	bench_satp(&bench, guest_satp(SATP_SV39, 3, root));
	/* At level 0 it is a pointer, which faults. */
	bench_faults(&bench, itself);
	bench_satp(&bench, bench.satp);
	bench_store_pte(&bench, GPA(root.raw + 8), root, GUEST_RWX);
	bench_satp(&bench, guest_satp(SATP_SV39, 3, root));
	bench_load(&bench, GVA(PAGE_SIZE), root);
	assert_true(bench_is_protected(&bench, root));
	bench_check(&bench);
	assert_true(bench_store(&bench, GVA(PAGE_SIZE + 16), GPA(root.raw + 16),
				bench_page(1).raw >> 12 << 10 | GUEST_RWX)
			    .emulated);
	bench_load(&bench, GVA(2 * PAGE_SIZE), bench_page(1));
}

/* By another address than the first, mapped when it was a table already. */
static void a_table_is_protected_under_every_alias(void **state)
{
	gva_t gva = bench_window(bench_page(1));
	gpa_t table = table_of(gva), entry = entry_of(FREE_GVA);

	(void)state;
	bench_load(&bench, gva, bench_page(1));
	guest_store(&bench.vm.memory, entry, table.raw >> 12 << 10 | GUEST_RWX);
	bench_load(&bench, FREE_GVA, table);
	assert_true(bench_store(&bench, GVA(FREE_GVA.raw + (entry_of(gva).raw & 0xfff)),
				entry_of(gva), bench_page(2).raw >> 12 << 10 | GUEST_RWX)
			    .emulated);
	bench_fence_address(&bench, gva);
	bench_load(&bench, gva, bench_page(2));
}

/* What Gnomon itself writes there is seen as well. */
static void a_write_of_gnomons_own_is_seen(void **state)
{
	gva_t gva = bench_window(bench_page(1));
	uint64_t pte = bench_page(2).raw >> 12 << 10 | GUEST_RWX;

	(void)state;
	bench_load(&bench, gva, bench_page(1));
	assert_int_equal(vm_write(&bench.vm, entry_of(gva), &pte, sizeof(pte)),
			 STATUS_OK);
	bench_check(&bench);
	bench_fence_all(&bench);
	bench_load(&bench, gva, bench_page(2));
	assert_int_equal(vm_write(&bench.vm, GPA(0), &pte, sizeof(pte)), STATUS_INVALID);
}

static void assert_written(gpa_t to, const uint8_t *bytes, uint64_t size)
{
	static uint8_t got[3 * PAGE_SIZE];

	assert_int_equal(vm_write(&bench.vm, to, bytes, size), STATUS_OK);
	assert_int_equal(guest_memory_read(&bench.vm.memory, got, to, size), STATUS_OK);
	assert_memory_equal(got, bytes, size);
	bench_check(&bench);
}

/* As a device does: the tables in its way are tables no more, but for a root in use. */
static void much_is_written_over_tables(void **state)
{
	static uint8_t bytes[2 * PAGE_SIZE];
	gva_t gva = bench_window(bench_page(1));
	gpa_t table = table_of(gva), root = GPA(satp_root(bench.satp));

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	bench_load(&bench, gva, bench_page(1));
	assert_true(bench_is_protected(&bench, table));
	assert_written(GPA(table.raw + 2), bytes, 2);
	assert_false(bench_is_protected(&bench, table));
	bench_load(&bench, bench_window(bench_page(2)), bench_page(2));
	assert_written(GPA(table.raw + 100), bytes, 1000);
	assert_false(bench_is_protected(&bench, table));
	assert_written(bench_page(3), bytes, sizeof(bytes));
	memset(bytes, 0, sizeof(bytes)); /* no entry is valid; the window is not there */
	assert_written(GPA(root.raw + PAGE_SIZE / 4), bytes, 100);
	assert_true(bench_is_protected(&bench, root));
	assert_written(bench_page(3), bytes, 1);
}

static void bare_and_its_two_roots(void **state)
{
	const struct access user = {
		.gva = GVA(bench_page(0).raw), .kind = ACCESS_STORE, .user = true};
	const struct vm_exit exit = {.cause = CAUSE_TRANSLATION, .access = user};
	gpa_t root = GPA(satp_root(bench.satp));

	(void)state;
	bench_satp(&bench, 0);
	bench_store(&bench, GVA(bench_page(0).raw), bench_page(0), 1);
	assert_int_equal(paging_shadow.fault(bench_vcpu(&bench, 0), &exit).outcome,
			 OUTCOME_FILLED);
	assert_int_equal(fake_access(&user).count, 1);
	/* The table of another address space is protected here too. */
	assert_true(bench_store(&bench, GVA(root.raw), root, 0).emulated);
}

/* Turns of the debug build's check that find something wrong. */
static unsigned turns_that_complain(void)
{
	unsigned complaints = 0;

	for (unsigned turn = 0; turn < CHECK_TURNS; turn++)
		complaints += paging_shadow.check(bench_vcpu(&bench, 0), turn) != NULL;
	return complaints;
}

static void each_table_is_checked_in_its_turn(void **state)
{
	const struct protect_vm *vm = bench_state(&bench);
	unsigned tables = 0;

	(void)state;
	bench_store(&bench, bench_window(bench_page(0)), bench_page(0), 1);
	assert_int_equal(turns_that_complain(), 0);
	for (uint32_t number = vm->newest; number; number = vm->tables[number].older) {
		pte_t *entry = &vm->tables[number].entries[0];

		while (!pte_valid(*entry))
			entry++;
		entry->raw ^= PTE_HIGH & -PTE_HIGH;
		assert_int_equal(turns_that_complain(), 1);
		assert_non_null(paging_shadow.check(bench_vcpu(&bench, 0), CHECK_ALL));
		entry->raw ^= PTE_HIGH & -PTE_HIGH;
		tables++;
	}
	assert_true(tables >= 3);
}

#define TEST(name)	 cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_LARGE(name) cmocka_unit_test_setup_teardown(name, setup_large, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_table_on_the_way_is_protected),
		TEST(a_table_can_be_read_but_not_written),
		TEST(a_writable_page_that_becomes_a_table_loses_its_leaves),
		TEST(a_demand_paged_page_costs_four_exits),
		TEST(a_changed_leaf_needs_no_miss),
		TEST(a_clean_page_is_the_guests_to_dirty),
		TEST(two_roots_share_a_table),
		TEST(a_table_that_nothing_leads_to_is_free),
		TEST(three_writes_and_no_use_make_it_data),
		TEST(use_between_writes_keeps_it_a_table),
		TEST(a_store_that_is_no_ptes_makes_it_data),
		TEST(a_root_in_use_stays_protected),
		TEST(an_sc_to_a_root_in_use_compares),
		TEST(a_table_that_maps_itself),
		TEST(a_root_that_is_all_of_its_tables),
		TEST(a_table_is_protected_under_every_alias),
		TEST(a_write_of_gnomons_own_is_seen),
		TEST(much_is_written_over_tables),
		TEST(bare_and_its_two_roots),
		TEST(each_table_is_checked_in_its_turn),
		TEST_LARGE(a_large_leaf_over_a_table_is_broken_up),
		TEST_LARGE(a_large_leaf_is_broken_up_when_a_table_appears_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
