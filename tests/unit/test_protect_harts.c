/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/protect*.c lsp/asid.c lsp/walker.c mm/guest_memory.c mm/guest_store.c */
/* sources: core/json.c core/log.c tests/unit/protect_bench.c */
/* sources: tests/unit/fake_arch.c tests/unit/fake_pages.c tests/unit/guest_tables.c */
/* sources: tests/unit/host_ram.c */
/*
 * Shadow tables that several vCPUs share, on harts of their own: no frame is read as
 * a table before every one of them has lost its leave to write it; and budgets.
 */
#include "tests/unit/protect_bench.h"

static struct bench bench;

static void create(const struct paging_mode *mode, unsigned vcpus)
{
	fake_pages_create();
	fake_arch_create(fake_default());
	bench_create(&bench, mode, vcpus, 0);
}

static void destroy(void)
{
	bench_check(&bench);
	bench_destroy(&bench);
	fake_pages_destroy();
}

static gpa_t entry_of(gva_t gva)
{
	return guest_entry(&bench.tables, bench.satp, gva, 0);
}

/* A page that the other hart could write becomes a table: it is fenced from afar. */
static void protecting_waits_for_the_other_hart(void **state)
{
	gpa_t above, table = bench_page(3), place;

	(void)state;
	create(&paging_shadow, 2);
	place = GPA(table.raw + (entry_of(FREE_GVA).raw & 0xfff));
	above = guest_entry(&bench.tables, bench.satp, FREE_GVA, 1);
	bench_on(&bench, 1);
	bench_store(&bench, bench_window(place), place,
		    bench_page(4).raw >> 12 << 10 | GUEST_RWX);
	bench_on(&bench, 0);
	bench_store_pte(&bench, above, table, PTE_V);
	bench_fence_all(&bench);
	bench_load(&bench, FREE_GVA, bench_page(4));
	assert_int_equal(fake_machine.counts.remote_fences > 0, true);
	assert_true(bench_is_protected(&bench, table));
	bench_on(&bench, 1);
	assert_true(bench_store(&bench, bench_window(place), place,
				bench_page(5).raw >> 12 << 10 | GUEST_RWX)
			    .emulated);
	/* The other one's stores are seen here, after a fence of one's own. */
	bench_on(&bench, 0);
	bench_fence_address(&bench, FREE_GVA);
	bench_load(&bench, FREE_GVA, bench_page(5));
	destroy();
}

static void one_fills_for_both(void **state)
{
	gva_t gva = bench_window(bench_page(0));

	(void)state;
	create(&paging_shadow, 2);
	bench_load(&bench, gva, bench_page(0));
	bench_on(&bench, 1);
	/* A hart that keeps that there was nothing takes one miss to learn better. */
	assert_in_range(bench_load(&bench, gva, bench_page(0)).exits, 0, 1);
	destroy();
}

/* What another vCPU filled and unmapped since is none of ours, if we were away. */
static void a_root_that_is_away_on_one_hart(void **state)
{
	uint64_t other;
	gpa_t entry;

	(void)state;
	create(&paging_shadow_unsync, 2);
	other = bench_space(&bench, 2, 0);
	entry = entry_of(FREE_GVA);
	guest_store(&bench.vm.memory, entry, 0);
	bench_on(&bench, 1);
	bench_satp(&bench, other);
	bench_on(&bench, 0);
	bench_store_pte(&bench, entry, bench_page(1), GUEST_RWX);
	bench_load(&bench, FREE_GVA, bench_page(1));
	bench_store_pte(&bench, entry, GPA(0), 0);
	bench_on(&bench, 1);
	bench_satp(&bench, bench.satp);
	bench_faults(&bench, FREE_GVA);
	destroy();
}

/* A vCPU that is loaded nowhere leaves something behind too. */
static void a_hart_that_was_left_is_fenced_as_well(void **state)
{
	gpa_t above, table = bench_page(3);
	struct vcpu *second;

	(void)state;
	create(&paging_shadow, 2);
	above = guest_entry(&bench.tables, bench.satp, FREE_GVA, 1);
	entry_of(FREE_GVA);
	second = bench_vcpu(&bench, 1);
	bench_on(&bench, 1);
	bench_store(&bench, bench_window(table), table, 0);
	paging_shadow.put(second);
	arch_vcpu_put(second);
	bench_on(&bench, 0);
	bench_store_pte(&bench, above, table, PTE_V);
	bench_fence_all(&bench);
	bench_faults(&bench, FREE_GVA);
	bench_load(&bench, bench_window(bench_page(0)), bench_page(0));
	guest_store(&bench.vm.memory, GPA(table.raw + 8),
		    bench_page(6).raw >> 12 << 10 | GUEST_RWX);
	bench_load(&bench, GVA(FREE_GVA.raw + PAGE_SIZE), bench_page(6));
	assert_true(bench_is_protected(&bench, table));
	fake_hart_switch(1);
	arch_vcpu_load(second);
	paging_shadow.load(second);
	bench_on(&bench, 1);
	assert_true(bench_store(&bench, bench_window(table), table, 0).emulated);
	destroy();
}

/* Its fences are of another VMID there: what it kept before stays, and is not used. */
static void a_hart_that_was_left_for_nested_paging(void **state)
{
	static struct vcpu other;
	const gpa_t table = bench_page(3);
	const struct access store = {.gva = bench_window(table), .kind = ACCESS_STORE};
	struct vcpu *second;
	void *root;
	gpa_t above;

	(void)state;
	create(&paging_shadow, 2);
	root = page_alloc_zeroed(2);
	above = guest_entry(&bench.tables, bench.satp, FREE_GVA, 1);
	entry_of(FREE_GVA);
	second = bench_vcpu(&bench, 1);
	bench_on(&bench, 1);
	bench_store(&bench, bench_window(table), table, 0);
	paging_shadow.put(second);
	arch_vcpu_put(second);
	arch_vcpu_load(&other);
	arch_translate_nested(&other, SATP_SV39, pointer_hpa(root), 1);
	bench_on(&bench, 0);
	bench_store_pte(&bench, above, table, PTE_V);
	bench_fence_all(&bench);
	guest_store(&bench.vm.memory, GPA(table.raw + 8),
		    bench_page(6).raw >> 12 << 10 | GUEST_RWX);
	bench_load(&bench, GVA(FREE_GVA.raw + PAGE_SIZE), bench_page(6));
	assert_true(protect_frame_is_protected(
		protect_frame(bench_state(&bench), table)));
	fake_hart_switch(1);
	arch_vcpu_put(&other);
	page_free(root, 2);
	arch_vcpu_load(second);
	paging_shadow.load(second);
	bench_on(&bench, 1);
	assert_int_equal(fake_access(&store).count, 0);
	assert_true(bench_store(&bench, bench_window(table), table, 0).emulated);
	destroy();
}

static void move(unsigned hart)
{
	struct vcpu *vcpu = bench_vcpu(&bench, 0);

	paging_shadow.put(vcpu);
	arch_vcpu_put(vcpu);
	fake_hart_switch(hart);
	arch_vcpu_load(vcpu);
	paging_shadow.load(vcpu);
}

/* A fence on one hart is one for a root that is away, and was last on another. */
static void a_fence_reaches_what_was_left_on_another_hart(void **state)
{
	static const bool all_asids[] = {true, false};
	gva_t gva = bench_window(bench_page(0));

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(all_asids); i++) {
		const struct fence fence = {
			.has_address = true,
			.start = gva,
			.size = PAGE_SIZE,
			.has_asid = !all_asids[i],
			.asid = 1,
		};

		create(&paging_shadow, 1);
		bench_load(&bench, gva, bench_page(0));
		bench_satp(&bench, bench_space(&bench, 2, 0));
		move(1);
		bench_store_pte(&bench, entry_of(gva), bench_page(1), GUEST_RWX);
		paging_shadow.fence(bench_vcpu(&bench, 0), &fence);
		move(0);
		bench_satp(&bench, bench.satp);
		bench_load(&bench, gva, bench_page(1));
		destroy();
	}
}

/* Few pages: tables go and come, and nothing is wrong but the number of misses. */
static void a_small_budget_is_kept(void **state)
{
	static const struct paging_mode *const modes[] = {&paging_shadow,
							  &paging_shadow_unsync};

	(void)state;
	for (unsigned m = 0; m < ARRAY_LENGTH(modes); m++) {
		struct protect_vm *vm;

		create(modes[m], 1);
		vm = bench_state(&bench);
		for (unsigned i = 0; i < 40; i++)
			guest_map(&bench.tables, bench.satp,
				  GVA(FREE_GVA.raw + i * 2 * MIB), bench_page(i),
				  GUEST_RWX, 0);
		vm->limit = 2 * (1 + 4 * 2);
		for (unsigned i = 0; i < 400; i++) {
			unsigned page = i * 7 % 40;
			gva_t gva = GVA(FREE_GVA.raw + page * 2 * MIB);

			bench_load(&bench, gva, bench_page(page));
			bench_store(&bench, gva, bench_page(page), i);
			bench_check(&bench);
			assert_in_range(vm->used, 1, vm->limit);
		}
		assert_true(vm->statistics.reclaims > 100);
		destroy();
	}
}

/* With no page left at all, what is not in use makes room; or it is said. */
static void pages_of_others_run_out(void **state)
{
	const struct access access = {.gva = bench_window(bench_page(0)),
				      .kind = ACCESS_LOAD};
	const struct vm_exit exit = {.cause = CAUSE_TRANSLATION, .access = access};

	(void)state;
	create(&paging_shadow, 1);
	fake_pages_allow(1);
	assert_int_equal(paging_shadow.fault(bench_vcpu(&bench, 0), &exit).outcome,
			 OUTCOME_NO_MEMORY);
	bench_check(&bench);
	fake_pages_allow(UINT64_MAX);
	bench_load(&bench, access.gva, bench_page(0));
	destroy();
}

static void budgets(void **state)
{
	struct vm vm = {.vcpu_count = 3};
	struct paging_budget budget;

	(void)state;
	fake_pages_create();
	fake_arch_create(&fake_worst);
	budget = paging_shadow.budget(BENCH_RAM_SIZE, 3);
	assert_int_equal(
		guest_memory_allocate(&vm.memory, GUEST_RAM_BASE, BENCH_RAM_SIZE),
		STATUS_OK);
	vm.shadow_memory = budget.least;
	vm.mode = &paging_shadow;
	assert_int_equal(paging_shadow.vm_create(&vm), STATUS_OK);
	assert_int_equal(((struct protect_vm *)vm.paging)->table_limit, 3 * 17);
	paging_shadow.vm_destroy(&vm);
	vm.shadow_memory = budget.usual;
	assert_int_equal(paging_shadow.vm_create(&vm), STATUS_OK);
	assert_true(((struct protect_vm *)vm.paging)->table_limit >=
		    BENCH_RAM_SIZE / PAGE_SIZE / 64 + 256);
	paging_shadow.vm_destroy(&vm);
	/* Where not even that is free, nothing is kept of it. */
	for (unsigned calls = 0; calls < 8; calls++) {
		uint64_t taken = fake_pages_taken();

		fake_pages_allow(calls);
		if (paging_shadow.vm_create(&vm) == STATUS_OK)
			paging_shadow.vm_destroy(&vm);
		assert_int_equal(fake_pages_taken(), taken);
	}
	fake_pages_allow(UINT64_MAX);
	guest_memory_free(&vm.memory);
	fake_pages_destroy();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protecting_waits_for_the_other_hart),
		cmocka_unit_test(one_fills_for_both),
		cmocka_unit_test(a_root_that_is_away_on_one_hart),
		cmocka_unit_test(a_hart_that_was_left_is_fenced_as_well),
		cmocka_unit_test(a_hart_that_was_left_for_nested_paging),
		cmocka_unit_test(a_fence_reaches_what_was_left_on_another_hart),
		cmocka_unit_test(a_small_budget_is_kept),
		cmocka_unit_test(pages_of_others_run_out),
		cmocka_unit_test(budgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
