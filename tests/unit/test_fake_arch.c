/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: mm/guest_memory.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/host_ram.c */
/*
 * The fake machine itself: that each profile keeps of translation tables what it
 * is said to keep, until the fence that covers it and no longer, so that a test
 * which passes on it has met what it was written for.
 */
#include "core/vm.h"
#include "mm/page_alloc.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/host_ram.h"

#define AT   GVA(0x1000)
#define RAM  (UINT64_C(1) << 40) /* no vCPU is loaded: any address passes as RAM */
#define ASID 3

static pte_t *root, *middle, *leaves;

static void create(const struct fake_profile *profile)
{
	fake_pages_create();
	fake_arch_create(profile);
	root = page_alloc_zeroed(0);
	middle = page_alloc_zeroed(0);
	leaves = page_alloc_zeroed(0);
	root[0] = pte_make((uintptr_t)middle, PTE_V);
	middle[0] = pte_make((uintptr_t)leaves, PTE_V);
	arch_shadow_root_set(SATP_SV39, pointer_hpa(root), ASID);
}

static int setup(void **state)
{
	(void)state;
	create(fake_default());
	return 0;
}

/* No hart may walk what is given back. */
static int teardown(void **state)
{
	(void)state;
	fake_arch_create(fake_default());
	page_free(root, 0);
	page_free(middle, 0);
	page_free(leaves, 0);
	fake_pages_destroy();
	return 0;
}

static pte_t leaf(uint64_t page)
{
	return pte_make(RAM + page * PAGE_SIZE, PTE_V | PTE_R | PTE_A);
}

static struct fake_results look(void)
{
	return fake_access(&(struct access){.gva = AT, .kind = ACCESS_LOAD});
}

static bool finds(const struct fake_results *results, uint64_t page)
{
	for (unsigned i = 0; i < results->count; i++)
		if (results->permitted[i].hpa.raw == RAM + page * PAGE_SIZE)
			return true;
	return false;
}

/* Only this page, and no fault. */
static void finds_only(uint64_t page)
{
	struct fake_results results = look();

	assert_false(results.may_fault);
	assert_int_equal(results.count, 1);
	assert_true(finds(&results, page));
}

/* ---- what is kept ---- */

static void leaves_are_kept_until_a_fence_of_theirs(void **state)
{
	struct fake_results results;

	(void)state;
	leaves[1] = leaf(0);
	finds_only(0);
	leaves[1] = leaf(1);
	arch_shadow_fence_leaf(GVA(0x2000), ASID);
	arch_shadow_fence_leaf(AT, ASID + 1);
	arch_shadow_fence_asid(ASID + 1);
	results = look();
	assert_true(finds(&results, 0) && finds(&results, 1));
	arch_shadow_fence_leaf(AT, ASID);
	finds_only(1);
	leaves[1] = leaf(2);
	arch_shadow_fence_asid(ASID);
	finds_only(2);
	leaves[1] = leaf(3);
	arch_shadow_fence_all();
	finds_only(3);
}

static void a_leaf_fence_leaves_pointers_be(void **state)
{
	pte_t *other = page_alloc_zeroed(0);
	struct fake_results results;

	(void)state;
	leaves[1] = leaf(0);
	other[1] = leaf(1);
	finds_only(0);
	middle[0] = pte_make((uintptr_t)other, PTE_V);
	arch_shadow_fence_leaf(AT, ASID);
	results = look();
	assert_true(finds(&results, 1));
	assert_int_equal(finds(&results, 0), fake_profile()->keeps_pointers);
	arch_shadow_fence_asid(ASID);
	finds_only(1);
	middle[0] = pte_make((uintptr_t)leaves, PTE_V);
	arch_shadow_fence_all();
	page_free(other, 0);
}

static void invalid_entries_are_kept_where_they_are(void **state)
{
	(void)state;
	assert_true(look().may_fault);
	leaves[1] = leaf(0);
	assert_int_equal(look().may_fault, fake_profile()->keeps_invalid);
	arch_shadow_fence_leaf(AT, ASID);
	finds_only(0);
}

/* By its own ASID, and of its own hart. */
static void others_find_nothing_of_it(void **state)
{
	(void)state;
	leaves[1] = leaf(0);
	finds_only(0);
	leaves[1] = leaf(1);
	arch_shadow_root_set(SATP_SV39, pointer_hpa(root), ASID + 1);
	finds_only(1);
	fake_hart_switch(1);
	arch_shadow_root_set(SATP_SV39, pointer_hpa(root), ASID);
	finds_only(1);
	fake_hart_switch(0);
	assert_true(fake_tlb_count(ASID) > 0);
	arch_shadow_fence_all();
	assert_int_equal(fake_tlb_count(ASID), 0);
}

static void an_exit_is_the_end_of_it_for_some(void **state)
{
	struct fake_results results;

	(void)state;
	leaves[1] = leaf(0);
	finds_only(0);
	leaves[1] = leaf(1);
	fake_guest_left();
	results = look();
	assert_int_equal(finds(&results, 0), !fake_profile()->flushed_by_exits);
	assert_true(finds(&results, 1));
}

/* ---- walking ahead ---- */

/* What was there for a moment, between two calls of Gnomon's, is found later. */
static void a_hart_that_walks_ahead_has_seen_it(void **state)
{
	struct fake_results results;

	(void)state;
	fake_speculate_on(AT);
	leaves[1] = leaf(0);
	arch_shadow_fence_leaf(GVA(0x5000), ASID);
	leaves[1] = leaf(1);
	results = look();
	assert_int_equal(finds(&results, 0), fake_profile()->speculates);
}

static void create_walking_ahead(void)
{
	struct fake_profile profile = *fake_default();

	teardown(NULL);
	profile.speculates = true;
	profile.keeps_pointers = true;
	create(&profile);
	fake_speculate_on(AT);
}

/* A call that concerns no address of these tests. */
static void call_for_nothing(void)
{
	arch_shadow_fence_leaf(GVA(0x5000), ASID);
}

/* Whether this page was seen, though the leaf is gone by now. */
static bool has_seen(uint64_t page)
{
	struct fake_results results;

	leaves[1] = PTE(0);
	results = look();
	return finds(&results, page);
}

/* Whatever makes the same address worth another walk; a hart skips those that are not. */
static void it_walks_again_when_memory_changed(void **state)
{
	(void)state;
	create_walking_ahead();
	for (uint64_t page = 0; page < 3; page++) {
		leaves[1] = leaf(page);
		call_for_nothing();
	}
	assert_true(has_seen(0) && has_seen(1) && has_seen(2));
}

static void it_walks_again_behind_a_fence(void **state)
{
	(void)state;
	create_walking_ahead();
	leaves[1] = leaf(0);
	call_for_nothing();
	arch_shadow_fence_leaf(AT, ASID);
	assert_true(has_seen(0));
	leaves[1] = leaf(1);
	call_for_nothing();
	arch_shadow_fence_asid(ASID);
	assert_true(has_seen(1));
	leaves[1] = leaf(2);
	call_for_nothing();
	arch_shadow_fence_all();
	assert_true(has_seen(2));
	assert_false(has_seen(0) || has_seen(1));
}

static void it_walks_again_from_another_root(void **state)
{
	struct fake_results results;
	pte_t *other;

	(void)state;
	create_walking_ahead();
	other = page_alloc_zeroed(0);
	leaves[1] = leaf(0);
	arch_shadow_fence_all();
	other[0] = pte_make(RAM, PTE_V | PTE_R | PTE_A);
	arch_shadow_root_set(SATP_SV39, pointer_hpa(other), ASID);
	other[0] = PTE(0);
	results = look();
	assert_true(finds(&results, 1));
	arch_shadow_root_set(SATP_SV39, pointer_hpa(root), ASID);
	arch_shadow_fence_all();
	page_free(other, 0);
}

/* The other table was there for the neighbour's walk alone. */
static void it_walks_again_where_a_neighbour_brought_a_pointer(void **state)
{
	const struct access neighbour = {.gva = GVA(0x3000), .kind = ACCESS_LOAD};
	struct fake_results results;
	pte_t *other;

	(void)state;
	create_walking_ahead();
	other = page_alloc_zeroed(0);
	call_for_nothing();
	other[1] = leaf(7);
	middle[0] = pte_make((uintptr_t)other, PTE_V);
	fake_access(&neighbour);
	middle[0] = pte_make((uintptr_t)leaves, PTE_V);
	call_for_nothing();
	other[1] = PTE(0);
	results = look();
	assert_true(finds(&results, 7));
	arch_shadow_fence_all();
	page_free(other, 0);
}

/* ---- where nothing is ---- */

static void an_access_to_where_nothing_is(void **state)
{
	const uint64_t nowhere = FAKE_VACANT.raw;
	struct fake_results results;

	(void)state;
	leaves[1] = pte_make(nowhere, PTE_V | PTE_R | PTE_A);
	results = look();
	assert_false(results.may_fault);
	assert_int_equal(results.may_access_fault, fake_profile()->vacant_faults);
	assert_int_equal(results.count, fake_profile()->vacant_faults ? 0 : 1);
	middle[0] = pte_make(nowhere, PTE_V);
	arch_shadow_fence_all();
	results = look();
	assert_int_equal(results.count, 0);
	assert_int_equal(results.may_access_fault, fake_profile()->vacant_faults);
	assert_int_equal(results.may_fault, !fake_profile()->vacant_faults);
}

/* ---- the G-stage ---- */

static void the_gstage_is_kept_by_vmid(void **state)
{
	static struct vcpu vcpu;
	const gpa_t gpa = GPA(0x40000000);
	pte_t *table = page_alloc_zeroed(2);
	uint64_t flags = PTE_V | PTE_R | PTE_W | PTE_X | PTE_U | PTE_A | PTE_D;
	struct fake_results results;

	(void)state;
	table[1] = pte_make(RAM, flags);
	/* the index of a root has two more bits */
	table[2047] = pte_make(RAM + GIB, flags);
	arch_translate_nested(&vcpu, SATP_SV39, pointer_hpa(table), 5);
	assert_int_equal(fake_gstage_access(gpa, ACCESS_STORE).permitted[0].hpa.raw, RAM);
	results = fake_gstage_access(GPA(2047 * GIB + 8), ACCESS_FETCH);
	assert_int_equal(results.permitted[0].hpa.raw, RAM + GIB + 8);
	assert_true(fake_gstage_access(GPA(2048 * GIB), ACCESS_LOAD).may_fault);
	table[1] = PTE(0);
	arch_gstage_fence(4);
	assert_int_equal(fake_gstage_access(gpa, ACCESS_LOAD).count, 1);
	assert_true(fake_gstage_count(5) > 0);
	arch_gstage_fence(5);
	assert_int_equal(fake_gstage_access(gpa, ACCESS_LOAD).count, 0);
	fake_guest_left();
	table[1] = pte_make(RAM, flags & ~(PTE_A | PTE_D));
	arch_gstage_fence(5);
	results = fake_gstage_access(gpa, ACCESS_STORE);
	assert_int_equal(results.may_fault, !fake_profile()->gstage_sets_ad);
	assert_int_equal((table[1].raw & PTE_D) != 0, fake_profile()->gstage_sets_ad);
	arch_translate_shadow(&vcpu, DETOUR_NONE);
	page_free(table, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(leaves_are_kept_until_a_fence_of_theirs),
		TEST(a_leaf_fence_leaves_pointers_be),
		TEST(invalid_entries_are_kept_where_they_are),
		TEST(others_find_nothing_of_it),
		TEST(an_exit_is_the_end_of_it_for_some),
		TEST(a_hart_that_walks_ahead_has_seen_it),
		TEST(it_walks_again_when_memory_changed),
		TEST(it_walks_again_behind_a_fence),
		TEST(it_walks_again_from_another_root),
		TEST(it_walks_again_where_a_neighbour_brought_a_pointer),
		TEST(an_access_to_where_nothing_is),
		TEST(the_gstage_is_kept_by_vmid),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
