/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: scripts/plugin/tlb_model.c scripts/plugin/page_walk.c */
/* sources: scripts/plugin/fences.c tests/unit/walked_tables.c */
/*
 * The TLB model: what it keeps and what it replaces, set by set; what each fence takes
 * out of it; what it counts. And the encodings that the plugins tell apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "scripts/plugin/fences.h"
#include "scripts/plugin/tlb_model.h"
#include "tests/unit/walked_tables.h"

#define PAGES 16 /* mapped by each regime, from 0 on */

static struct tlb_model model;
static struct regime regime; /* the one in force */

static uint64_t page_hpa(unsigned page)
{
	return WALKED_BASE + 0x80000 + page * PAGE_SIZE;
}

/* Another address space: the same pages by a table of its own. */
static struct regime new_regime(unsigned asid, uint64_t flags)
{
	uint64_t root = walked_table();

	for (unsigned page = 0; page < PAGES; page++)
		walked_map(root, 3, page * PAGE_SIZE, 0, page_hpa(page), flags);
	return (struct regime){.satp = walked_satp(SATP_SV39, asid, root)};
}

static void create(unsigned entries, unsigned ways, bool split)
{
	struct tlb_configuration configuration = {
		.entries = entries,
		.ways = ways,
		.split = split,
	};

	tlb_model_destroy(&model);
	assert_null(tlb_configuration_mistake(&configuration));
	assert_true(tlb_model_create(&model, &configuration, walked_memory()));
	regime = new_regime(1, WALKED_LEAF);
}

static enum tlb_event access_to(uint64_t va, enum tlb_access kind)
{
	hpa_t hpa;

	return tlb_model_access(&model, &regime, GVA(va), kind, &hpa);
}

static enum tlb_event load(unsigned page)
{
	hpa_t hpa;
	enum tlb_event event = tlb_model_access(
		&model, &regime, GVA(page * PAGE_SIZE + 0x123), TLB_LOAD, &hpa);

	assert_int_equal(hpa.raw, page_hpa(page) + 0x123);
	return event;
}

static void expect_hit(unsigned page)
{
	assert_int_equal(load(page), TLB_HIT);
}

static void expect_miss(unsigned page)
{
	assert_int_equal(load(page), TLB_MISS);
}

/* 4 sets of 2 ways: pages 0, 4, 8 and 12 share the first set, 1 has another. */
static void a_set_replaces_what_was_not_used_for_longest(void **state)
{
	(void)state;
	create(8, 2, false);
	expect_miss(0);
	expect_miss(4);
	expect_miss(1);
	expect_hit(0);
	expect_miss(8); /* for 4 */
	expect_hit(0);
	expect_hit(8);
	expect_hit(1);
	expect_miss(4); /* for 0 */
	expect_hit(8);
	expect_miss(0);
	assert_int_equal(model.counts[0].accesses[TLB_LOAD], 11);
	assert_int_equal(model.counts[0].misses[TLB_LOAD], 6);
	assert_int_equal(model.counts[0].loads, 18);
	assert_int_equal(model.counts[0].by_loads[3], 6);
	assert_int_equal(model.counts[0].by_level[0], 6);
}

/* Fully associative: four pages round and round, and a fifth that spoils all. */
static void one_set_is_fully_associative(void **state)
{
	(void)state;
	create(4, 4, false);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned page = 0; page < 4; page++)
			assert_int_equal(load(page * 4), round ? TLB_HIT : TLB_MISS);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned page = 0; page < 5; page++)
			assert_int_equal(load(page),
					 page == 0 && round == 0 ? TLB_HIT : TLB_MISS);
}

static void fetches_have_a_tlb_of_their_own_if_split(void **state)
{
	(void)state;
	create(8, 2, false);
	assert_int_equal(access_to(0, TLB_FETCH), TLB_MISS);
	expect_hit(0);
	create(8, 2, true);
	assert_int_equal(access_to(0, TLB_FETCH), TLB_MISS);
	expect_miss(0);
	expect_hit(0);
	assert_int_equal(access_to(0, TLB_FETCH), TLB_HIT);
	tlb_model_fence(&model, &(struct tlb_fence){.kind = FENCE_HOST});
	assert_int_equal(access_to(0, TLB_FETCH), TLB_MISS);
	expect_miss(0);
}

static void a_large_page_is_one_entry(void **state)
{
	uint64_t root;

	(void)state;
	create(8, 2, false);
	root = satp_root(regime.satp);
	walked_map(root, 3, 0x40000000, 1, WALKED_BASE, WALKED_LEAF);
	assert_int_equal(access_to(0x40000000, TLB_LOAD), TLB_MISS);
	assert_int_equal(access_to(0x401fffff, TLB_LOAD), TLB_HIT);
	expect_miss(0);
	expect_hit(0);
	assert_int_equal(access_to(0x40012345, TLB_STORE), TLB_HIT);
	assert_int_equal(model.counts[0].by_loads[2], 1);
	assert_int_equal(model.counts[0].by_level[1], 1);
	/* Whatever address in it is fenced. */
	tlb_model_fence(&model, &(struct tlb_fence){.kind = FENCE_HOST,
						    .has_address = true,
						    .address = GVA(0x40100000)});
	assert_int_equal(access_to(0x40000000, TLB_LOAD), TLB_MISS);
	expect_hit(0);
}

static void fence(bool has_address, unsigned page, int asid)
{
	tlb_model_fence(&model, &(struct tlb_fence){
					.kind = FENCE_HOST,
					.has_address = has_address,
					.address = GVA(page * PAGE_SIZE),
					.has_space = asid >= 0,
					.space = (uint16_t)asid,
				});
}

static void a_fence_takes_what_it_names(void **state)
{
	struct regime first, second;

	(void)state;
	create(64, 4, false);
	first = regime;
	second = new_regime(2, WALKED_LEAF);
	for (unsigned round = 0; round < 2; round++) {
		regime = round ? second : first;
		expect_miss(0);
		expect_miss(1);
	}
	fence(true, 0, 1);
	regime = second;
	expect_hit(0);
	regime = first;
	expect_hit(1);
	expect_miss(0);
	fence(true, 0, -1);
	expect_miss(0);
	expect_hit(1);
	regime = second;
	expect_miss(0);
	fence(false, 0, 2);
	expect_miss(0);
	expect_miss(1);
	regime = first;
	expect_hit(0);
	expect_hit(1);
	fence(false, 0, -1);
	expect_miss(0);
	regime = second;
	expect_miss(1);
}

static void a_global_page_is_in_every_asid(void **state)
{
	struct regime first;

	(void)state;
	create(64, 4, false);
	regime = first = new_regime(1, WALKED_LEAF | PTE_G);
	expect_miss(0);
	regime = new_regime(2, WALKED_LEAF);
	expect_hit(0);
	fence(false, 0, 1); /* an ASID's fence leaves it alone */
	fence(true, 0, 1);
	expect_hit(0);
	fence(true, 0, -1);
	expect_miss(0);
	/* The one that was not global is this ASID's alone. */
	regime = first;
	expect_miss(0);
}

static struct regime guest_regime(unsigned vmid)
{
	struct regime guest = new_regime(1, WALKED_LEAF);
	uint64_t root = walked_gstage_root();

	guest.is_virtual = true;
	guest.hgatp = walked_hgatp(SATP_SV39, vmid, root);
	walked_map_gstage(root, 3, 0);
	return guest;
}

static void a_guest_has_tags_of_its_own(void **state)
{
	struct tlb_fence guest_fence = {.kind = FENCE_GUEST, .vmid = 2};
	struct regime host, guest, other;

	(void)state;
	create(64, 4, false);
	host = regime;
	guest = guest_regime(1);
	other = guest_regime(2);
	expect_miss(0);
	regime = guest;
	expect_miss(0);
	regime = other;
	expect_miss(0);
	expect_hit(0);
	fence(false, 0, -1); /* V = 0's alone */
	expect_hit(0);
	tlb_model_fence(&model, &guest_fence);
	expect_miss(0);
	regime = guest;
	expect_hit(0);
	tlb_model_fence(&model, &(struct tlb_fence){.kind = FENCE_GSTAGE,
						    .has_address = true,
						    .has_space = true,
						    .space = 1});
	expect_miss(0);
	regime = other;
	expect_hit(0);
	regime = host;
	expect_miss(0);
	assert_int_equal(model.counts[0].loads, 6);
	assert_int_equal(model.counts[1].loads, 4 * 15);
	assert_int_equal(model.counts[1].g_loads, 4 * 12);
}

static void bare_shares_no_entry_with_a_table(void **state)
{
	hpa_t hpa;

	(void)state;
	create(64, 4, false);
	regime = guest_regime(1);
	expect_miss(0);
	walked_map(satp_root(regime.hgatp), 3, 0, 0, page_hpa(9), WALKED_G_LEAF);
	regime.satp = 0;
	assert_int_equal(tlb_model_access(&model, &regime, GVA(8), TLB_LOAD, &hpa),
			 TLB_MISS);
	assert_int_equal(hpa.raw, page_hpa(9) + 8);
	assert_int_equal(access_to(0, TLB_LOAD), TLB_HIT);
	regime.hgatp = 0;
	assert_int_equal(tlb_model_access(&model, &regime, GVA(8), TLB_LOAD, &hpa),
			 TLB_UNTRANSLATED);
	assert_int_equal(hpa.raw, 8);
	assert_int_equal(model.counts[1].untranslated, 1);
	assert_int_equal(model.counts[1].accesses[TLB_LOAD], 3);
}

static void a_store_walks_again_until_the_page_is_dirty(void **state)
{
	uint64_t *leaf;

	(void)state;
	create(64, 4, false);
	leaf = walked_map(satp_root(regime.satp), 3, 0, 0, page_hpa(0),
			  WALKED_LEAF & ~PTE_D);
	expect_miss(0);
	assert_int_equal(access_to(0, TLB_STORE), TLB_INCOMPLETE);
	*leaf |= PTE_D;
	expect_hit(0);
	assert_int_equal(access_to(0, TLB_STORE), TLB_REWALK);
	assert_int_equal(access_to(0, TLB_STORE), TLB_HIT);
	assert_int_equal(model.counts[0].rewalks, 1);
	assert_int_equal(model.counts[0].incomplete, 1);
	assert_int_equal(model.counts[0].loads, 3);
	*leaf = 0;
	expect_hit(0); /* as a TLB may */
	fence(false, 0, -1);
	assert_int_equal(access_to(0, TLB_LOAD), TLB_INCOMPLETE);
	assert_int_equal(model.counts[0].incomplete, 2);
}

static void what_can_be_no_tlb_is_refused(void **state)
{
	static const struct {
		unsigned entries, ways;
	} bad[] = {{64, 0}, {64, 5}, {24, 2}, {0, 4}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_non_null(tlb_configuration_mistake(&(struct tlb_configuration){
			.entries = bad[i].entries, .ways = bad[i].ways}));
	assert_null(tlb_configuration_mistake(
		&(struct tlb_configuration){.entries = 12, .ways = 3}));
}

static void expect_fence(uint32_t code, bool is_virtual, enum fence_kind expected)
{
	enum fence_kind kind;

	assert_true(code_is_fence(code, is_virtual, &kind));
	assert_int_equal(kind, expected);
}

/* As the assembler writes them. */
static void encodings(void **state)
{
	enum fence_kind kind;
	struct tlb_fence made;

	(void)state;
	expect_fence(0x12000073, false, FENCE_HOST);   /* sfence.vma */
	expect_fence(0x12b50073, true, FENCE_GUEST);   /* sfence.vma a0, a1 */
	expect_fence(0x16b50073, false, FENCE_HOST);   /* sinval.vma a0, a1 */
	expect_fence(0x22b50073, false, FENCE_GUEST);  /* hfence.vvma a0, a1 */
	expect_fence(0x62b50073, false, FENCE_GSTAGE); /* hfence.gvma a0, a1 */
	assert_false(code_is_fence(0x22b50073, true, &kind));
	assert_false(code_is_fence(0x62b50073, true, &kind));
	assert_false(code_is_fence(0x10200073, false, &kind)); /* sret */
	assert_false(code_is_fence(0x10500073, false, &kind)); /* wfi */
	assert_int_equal(code_rs1(0x12b50073), 10);
	assert_int_equal(code_rs2(0x12b50073), 11);
	made = fence_from(0x12050073, FENCE_GUEST, 0x5000, 7, walked_hgatp(8, 9, 0));
	assert_true(made.has_address && !made.has_space && made.vmid == 9);
	assert_int_equal(made.address.raw, 0x5000);
	made = fence_from(0x12b00073, FENCE_HOST, 0x5000, 0x10007, 0);
	assert_true(!made.has_address && made.has_space && made.space == 7);

	assert_true(code_is_translation_csr(0x18051073));  /* csrw satp, a0 */
	assert_true(code_is_translation_csr(0x28051573));  /* csrrw a0, vsatp, a0 */
	assert_true(code_is_translation_csr(0x68005073));  /* csrwi hgatp, 0 */
	assert_false(code_is_translation_csr(0x10051073)); /* csrw sstatus, a0 */
	assert_false(code_is_translation_csr(0x12b50073));
	assert_true(code_is_guest_access(0x6c05c573));	/* hlv.d a0, (a1) */
	assert_false(code_is_guest_access(0x0005b503)); /* ld a0, 0(a1) */
	assert_true(code_is_mark(MARK_BEGIN) && code_is_mark(MARK_END) &&
		    code_is_mark(MARK_PAUSE));
	assert_false(code_is_mark(0x00000013)); /* nop */
}

static int done(void **state)
{
	(void)state;
	tlb_model_destroy(&model);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_replaces_what_was_not_used_for_longest),
		cmocka_unit_test(one_set_is_fully_associative),
		cmocka_unit_test(fetches_have_a_tlb_of_their_own_if_split),
		cmocka_unit_test(a_large_page_is_one_entry),
		cmocka_unit_test(a_fence_takes_what_it_names),
		cmocka_unit_test(a_global_page_is_in_every_asid),
		cmocka_unit_test(a_guest_has_tags_of_its_own),
		cmocka_unit_test(bare_shares_no_entry_with_a_table),
		cmocka_unit_test(a_store_walks_again_until_the_page_is_dirty),
		cmocka_unit_test(what_can_be_no_tlb_is_refused),
		cmocka_unit_test(encodings),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
