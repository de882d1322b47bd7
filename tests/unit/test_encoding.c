/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/lsp.c mm/guest_memory.c */
/* sources: core/json.c core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c tests/unit/lsp_bench.c */
/*
 * Lazy shadow paging where page faults are the guest's own: what costs no exit, what
 * must reach the hypervisor all the same, and which entries are never believed to be
 * invalid for longer than they are.
 */
#include "lsp/encoding.h"
#include "tests/unit/wide_bench.h"

#define LOW	  GVA(0x1000)
#define HIGH	  GVA(UINT64_C(0xffffffc000001000))
#define NEXT(gva) GVA((gva).raw + PAGE_SIZE)

static uint64_t satp;

static int setup(void **state)
{
	(void)state;
	assert_int_equal(encoding_choose("poison"), STATUS_OK);
	wide_create(*fake_default(), PAGE_SIZE);
	satp = bench_satp(&bench, SATP_SV39, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wide_destroy();
	assert_int_equal(encoding_choose("reflect"), STATUS_OK);
	return 0;
}

static void map(gva_t gva, uint64_t page, uint64_t flags)
{
	guest_map(&bench.tables, satp, gva, bench_ram(page * PAGE_SIZE), flags, 0);
}

static struct bench_access access_by(bool user, gva_t gva, enum access_kind kind)
{
	const struct access access = {.gva = gva, .kind = kind, .user = user};

	return bench_access(vcpu, &access);
}

/* Its table is in the shadow from here on. */
static void begin(gva_t gva, uint64_t flags)
{
	map(gva, 0, flags);
	bench_satp_write(vcpu, satp);
	assert_int_equal(access_by(flags & PTE_U, gva, ACCESS_LOAD).outcome,
			 OUTCOME_FILLED);
}

static void is_the_guests_own(bool user, gva_t gva, enum access_kind kind)
{
	struct bench_access result = access_by(user, gva, kind);

	assert_true(result.is_own);
	assert_int_equal(result.faults, 0);
}

static void is_through_at_once(bool user, gva_t gva, enum access_kind kind)
{
	struct bench_access result = access_by(user, gva, kind);

	assert_int_equal(result.outcome, OUTCOME_FILLED);
	assert_int_equal(result.faults, 0);
}

static void a_demand_page_costs_its_fence_alone(void **state)
{
	(void)state;
	begin(LOW, GUEST_RWX | PTE_U);
	is_the_guests_own(true, NEXT(LOW), ACCESS_STORE);
	map(NEXT(LOW), 1, GUEST_RWX | PTE_U);
	bench_fence(vcpu, true, NEXT(LOW), false, 0);
	is_through_at_once(true, NEXT(LOW), ACCESS_STORE);
}

/* By the vector, but for the first fence behind a switch. */
static void so_do_the_pages_behind_it(void **state)
{
	(void)state;
	begin(LOW, GUEST_RWX | PTE_U);
	for (unsigned page = 1; page < 5; page++) {
		const gva_t gva = GVA(LOW.raw + page * PAGE_SIZE);

		is_the_guests_own(true, gva, ACCESS_LOAD);
		map(gva, page, GUEST_RWX | PTE_U);
		assert_int_equal(bench_fence_fast(vcpu, gva, 1), page > 1);
		is_through_at_once(true, gva, ACCESS_STORE);
	}
}

/* By the short way as by the long one, which the first fence behind a switch takes. */
static void so_does_one_that_is_copied_on_write(void **state)
{
	const uint64_t before = GUEST_RWX & ~(PTE_W | PTE_D);

	(void)state;
	begin(LOW, before | PTE_U);
	for (unsigned page = 1; page < 4; page++) {
		is_the_guests_own(true, LOW, ACCESS_STORE);
		map(LOW, page, GUEST_RWX | PTE_U);
		bench_fence(vcpu, true, LOW, true, 1);
		is_through_at_once(true, LOW, ACCESS_STORE);
		map(LOW, page, before | PTE_U);
		bench_fence(vcpu, true, LOW, true, 1);
	}
}

static void an_old_page_is_the_guests_to_touch(void **state)
{
	(void)state;
	begin(LOW, GUEST_RWX | PTE_U);
	map(NEXT(LOW), 1, (GUEST_RWX | PTE_U) & ~(PTE_A | PTE_D));
	bench_fence_address(vcpu, NEXT(LOW));
	is_the_guests_own(true, NEXT(LOW), ACCESS_LOAD);
}

/* Where an operating system is, a new entry is seen with no fence. */
static void nothing_invalid_is_kept_of_the_upper_half(void **state)
{
	for (unsigned global = 0; global < 2; global++) {
		const uint64_t flags = GUEST_RWX | (global ? PTE_G : 0);

		if (global) {
			teardown(state);
			setup(state);
		}
		begin(HIGH, flags);
		assert_false(access_by(false, NEXT(HIGH), ACCESS_LOAD).is_own);
		bench_faults(vcpu, NEXT(HIGH), ACCESS_LOAD);
		map(NEXT(HIGH), 1, flags);
		bench_reaches(vcpu, NEXT(HIGH), ACCESS_LOAD, bench_ram(PAGE_SIZE));
	}
}

/* The guest's fence drops a leaf of another tree, whose table is then read anew. */
static void a_fence_is_in_time_for_other_trees(void **state)
{
	const uint64_t other = bench_satp(&bench, SATP_SV39, 2);

	(void)state;
	begin(LOW, GUEST_RWX | PTE_U);
	is_the_guests_own(true, NEXT(LOW), ACCESS_LOAD);
	bench_satp_write(vcpu, other);
	map(NEXT(LOW), 1, GUEST_RWX);
	bench_fence(vcpu, true, NEXT(LOW), true, 1);
	bench_satp_write(vcpu, satp);
	bench_reaches(vcpu, NEXT(LOW), ACCESS_LOAD, bench_ram(PAGE_SIZE));
}

/* It has none: what faults there is a leaf of ours with the wrong U. */
static void faults_of_satp_bare_are_ours(void **state)
{
	const gva_t gva = GVA(bench_ram(0).raw);

	(void)state;
	begin(LOW, GUEST_RWX | PTE_U);
	assert_true(fake_delegates());
	for (unsigned i = 0; i < 3; i++) {
		bench_satp_write(vcpu, 0);
		assert_false(fake_delegates());
		assert_int_equal(access_by(i & 1, gva, ACCESS_LOAD).outcome,
				 OUTCOME_FILLED);
		assert_int_equal(access_by(!(i & 1), gva, ACCESS_LOAD).outcome,
				 OUTCOME_FILLED);
		bench_satp_write(vcpu, satp);
		assert_true(fake_delegates());
	}
}

static void a_device_is_reached_by_who_may(void **state)
{
	(void)state;
	begin(LOW, GUEST_RWX | PTE_U);
	guest_map(&bench.tables, satp, NEXT(LOW), GPA(0x10000000), GUEST_RWX | PTE_U, 0);
	bench_fence_address(vcpu, NEXT(LOW));
	assert_int_equal(access_by(true, NEXT(LOW), ACCESS_LOAD).outcome, OUTCOME_DEVICE);
	is_the_guests_own(false, NEXT(LOW), ACCESS_LOAD);
}

/* RAM is not aligned for it: the shadow has a table, and an entry only where asked. */
static void pieces_of_a_large_leaf_are_for_whom_it_is(void **state)
{
	(void)state;
	guest_map(&bench.tables, satp, GVA(GIB), GPA(GUEST_RAM_BASE.raw + GIB),
		  GUEST_RWX | PTE_U, 1);
	begin(LOW, GUEST_RWX | PTE_U);
	for (unsigned page = 0; page < 40; page += 20) {
		const gva_t gva = GVA(GIB + page * PAGE_SIZE);

		assert_int_equal(access_by(true, gva, ACCESS_STORE).outcome,
				 OUTCOME_FILLED);
		is_the_guests_own(false, gva, ACCESS_STORE);
	}
}

/* A fence of one piece is of all of them, and says for whom none of them is. */
static void pieces_are_dropped_for_everyone(void **state)
{
	const gva_t first = GVA(GIB), other = GVA(GIB + 4 * MIB);

	(void)state;
	guest_map(&bench.tables, satp, first, GPA(GUEST_RAM_BASE.raw + GIB),
		  GUEST_RWX | PTE_U, 2);
	begin(LOW, GUEST_RWX | PTE_U);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(access_by(true, first, ACCESS_LOAD).outcome,
				 OUTCOME_FILLED);
		assert_int_equal(access_by(true, other, ACCESS_LOAD).outcome,
				 OUTCOME_FILLED);
		bench_fence_address(vcpu, first);
	}
}

/* User pages of one tree beside global ones of another, in one slot of the root. */
static void the_lower_half_is_each_trees_own(void **state)
{
	(void)state;
	begin(LOW, GUEST_RWX | PTE_G);
	satp = bench_satp(&bench, SATP_SV39, 2);
	map(NEXT(LOW), 1, GUEST_RWX | PTE_U);
	bench_satp_write(vcpu, satp);
	assert_int_equal(access_by(true, NEXT(LOW), ACCESS_LOAD).outcome, OUTCOME_FILLED);
}

/* What one tree has for its user, and not as global, is another's supervisor's. */
static void a_shared_table_does_not_say_for_whom_the_rest_is(void **state)
{
	(void)state;
	map(NEXT(HIGH), 1, GUEST_RWX | PTE_U);
	begin(HIGH, GUEST_RWX | PTE_G);
	satp = bench_satp(&bench, SATP_SV39, 2);
	map(HIGH, 0, GUEST_RWX | PTE_G);
	map(NEXT(HIGH), 2, GUEST_RWX);
	bench_satp_write(vcpu, satp);
	bench_reaches(vcpu, HIGH, ACCESS_LOAD, bench_ram(0));
	bench_reaches(vcpu, NEXT(HIGH), ACCESS_LOAD, bench_ram(2 * PAGE_SIZE));
}

/* ---- access faults ---- */

static enum outcome access_fault(gva_t gva)
{
	const struct vm_exit exit = {
		.cause = CAUSE_TRANSLATION,
		.access_fault = true,
		.access = {.gva = gva, .kind = ACCESS_STORE},
	};
	enum outcome outcome = paging_lsp.fault(vcpu, &exit).outcome;

	fake_guest_left();
	return outcome;
}

/* The first may be of an entry from before; the second, with nothing between, not. */
static void one_where_nothing_is_wrong_is_the_harts_own(void **state)
{
	(void)state;
	begin(LOW, GUEST_RWX);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(access_fault(LOW), OUTCOME_FILLED);
		bench_fence_address(vcpu, NEXT(LOW));
	}
	assert_int_equal(access_fault(LOW), OUTCOME_FILLED);
	assert_int_equal(access_fault(LOW), OUTCOME_ACCESS_FAULT);
}

static void so_is_one_while_satp_is_bare(void **state)
{
	const gva_t gva = GVA(bench_ram(0).raw);

	(void)state;
	assert_int_equal(access_by(false, gva, ACCESS_STORE).outcome, OUTCOME_FILLED);
	assert_int_equal(access_fault(gva), OUTCOME_FILLED);
	assert_int_equal(access_fault(gva), OUTCOME_ACCESS_FAULT);
}

static void page_faults_are_taken_only_where_asked(void **state)
{
	(void)state;
	assert_false(paging_lsp.isa().svvptc);
	assert_true(paging_lsp.isa().svade && !paging_lsp.isa().svadu);
	assert_int_equal(encoding_choose("reflect"), STATUS_OK);
	assert_true(paging_lsp.isa().svvptc);
	assert_true(paging_lsp.isa().svadu && !paging_lsp.isa().svade);
	assert_int_equal(encoding_choose("none"), STATUS_INVALID);
	assert_string_equal(encoding.name, "reflect");
	assert_int_equal(encoding_choose("hole"), STATUS_OK);
	assert_true(encoding.delegates);
	assert_int_equal(encoding_choose("poison"), STATUS_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_demand_page_costs_its_fence_alone),
		TEST(so_do_the_pages_behind_it),
		TEST(so_does_one_that_is_copied_on_write),
		TEST(an_old_page_is_the_guests_to_touch),
		TEST(nothing_invalid_is_kept_of_the_upper_half),
		TEST(a_fence_is_in_time_for_other_trees),
		TEST(faults_of_satp_bare_are_ours),
		TEST(a_device_is_reached_by_who_may),
		TEST(pieces_of_a_large_leaf_are_for_whom_it_is),
		TEST(pieces_are_dropped_for_everyone),
		TEST(the_lower_half_is_each_trees_own),
		TEST(a_shared_table_does_not_say_for_whom_the_rest_is),
		TEST(one_where_nothing_is_wrong_is_the_harts_own),
		TEST(so_is_one_while_satp_is_bare),
		TEST(page_faults_are_taken_only_where_asked),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
