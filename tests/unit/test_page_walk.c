/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: scripts/plugin/page_walk.c tests/unit/walked_tables.c */
/*
 * PTE loads of walks whose number is known by hand: n levels take n loads; nested,
 * each of the n is translated by m more, and so is what they lead to: n (m + 1) + m.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/walked_tables.h"

#define VA   UINT64_C(0x12345678)
#define PAGE (WALKED_BASE + 0x80000)

static struct walker walker;

/* A new memory and a walker for it, with so many entries in each walk cache. */
static void create(unsigned pointers, unsigned gstage_pointers, unsigned gstage_leaves)
{
	walker_destroy(&walker);
	walker = (struct walker){0};
	assert_true(walker_create(&walker, pointers, gstage_pointers, gstage_leaves));
	walker.memory = walked_memory();
}

static struct regime native(unsigned mode, unsigned asid)
{
	return (struct regime){.satp = walked_satp(mode, asid, walked_table())};
}

/* A guest whose G-stage maps all memory at identity, in leaves of one level. */
static struct regime nested(unsigned mode, unsigned gstage_mode, unsigned gstage_level)
{
	uint64_t root = walked_gstage_root();
	struct regime regime = native(mode, 1);

	regime.is_virtual = true;
	regime.hgatp = walked_hgatp(gstage_mode, 1, root);
	walked_map_gstage(root, mode_levels(gstage_mode), gstage_level);
	return regime;
}

static uint64_t *map(const struct regime *regime, uint64_t va, unsigned level,
		     uint64_t pa, uint64_t flags)
{
	return walked_map(satp_root(regime->satp), mode_levels(satp_mode(regime->satp)),
			  va, level, pa, flags);
}

static struct walk walk_to(const struct regime *regime, uint64_t va)
{
	return walker_walk(&walker, regime, GVA(va));
}

/* The walk is sound, and took so many loads of the two kinds. */
static struct walk expect(const struct regime *regime, uint64_t va, unsigned loads,
			  unsigned g_loads)
{
	struct walk walk = walk_to(regime, va);

	assert_int_equal(walk.outcome, WALK_FOUND);
	assert_int_equal(walk.loads, loads);
	assert_int_equal(walk.g_loads, g_loads);
	return walk;
}

static void a_native_walk_takes_a_load_for_each_level(void **state)
{
	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		for (unsigned level = 0; level < mode_levels(mode); level++) {
			struct regime regime;
			struct walk walk;

			create(0, 0, 0);
			regime = native(mode, 3);
			map(&regime, VA, level, 0, WALKED_LEAF);
			walk = expect(&regime, VA, mode_levels(mode) - level, 0);
			assert_int_equal(walk.level, level);
			assert_int_equal(walk.page.raw, 0);
			assert_true(walk.is_writable);
			assert_false(walk.is_global);
		}
	}
}

static void a_nested_walk_takes_15_24_or_35(void **state)
{
	static const unsigned loads[] = {15, 24, 35};

	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		unsigned levels = mode_levels(mode);
		struct regime regime;

		create(0, 0, 0);
		regime = nested(mode, mode, 0);
		map(&regime, VA, 0, PAGE, WALKED_LEAF);
		assert_int_equal(
			loads[mode - SATP_SV39],
			levels + expect(&regime, VA, levels, levels * levels + levels)
					 .g_loads);
	}
}

/* Sv48 over Sv39x4: 4 * (3 + 1) + 3. */
static void the_two_stages_have_levels_of_their_own(void **state)
{
	struct regime regime;

	(void)state;
	create(0, 0, 0);
	regime = nested(SATP_SV48, SATP_SV39, 0);
	map(&regime, VA, 0, PAGE, WALKED_LEAF);
	expect(&regime, VA, 4, 15);
}

/* 3 * (2 + 1) + 2 = 11, and 3 * (1 + 1) + 1 = 7. */
static void larger_leaves_take_fewer(void **state)
{
	struct regime regime;
	struct walk walk;

	(void)state;
	for (unsigned level = 1; level <= 2; level++) {
		create(0, 0, 0);
		regime = nested(SATP_SV39, SATP_SV39, level);
		map(&regime, VA, 0, PAGE, WALKED_LEAF);
		walk = expect(&regime, VA, 3, level == 1 ? 8 : 4);
		assert_int_equal(walk.level, 0);
		assert_int_equal(walk.page.raw, PAGE);
	}
}

static void a_guest_superpage_is_cut_by_a_smaller_leaf_below(void **state)
{
	struct regime regime;
	struct walk walk;

	(void)state;
	create(0, 0, 0);
	regime = nested(SATP_SV39, SATP_SV39, 0);
	map(&regime, 0x40000000, 1, WALKED_BASE, WALKED_LEAF);
	walk = expect(&regime, 0x40003456, 2, 9);
	assert_int_equal(walk.level, 0);
	assert_int_equal(walk.page.raw, WALKED_BASE + 0x3000);
	create(0, 0, 0);
	regime = nested(SATP_SV39, SATP_SV39, 2);
	map(&regime, 0x40000000, 1, WALKED_BASE, WALKED_LEAF);
	walk = expect(&regime, 0x40003456, 2, 3);
	assert_int_equal(walk.level, 1);
	assert_int_equal(walk.page.raw, WALKED_BASE);
}

static void modelled_4_kib_leaves_take_what_real_ones_would(void **state)
{
	struct regime regime;

	(void)state;
	create(0, 0, 0);
	walker.gstage_pages = true;
	regime = nested(SATP_SV39, SATP_SV39, 2);
	map(&regime, VA, 0, PAGE, WALKED_LEAF);
	expect(&regime, VA, 3, 12);
	map(&regime, 0x40000000, 1, WALKED_BASE, WALKED_LEAF);
	assert_int_equal(expect(&regime, 0x40003456, 2, 9).level, 0);
}

static void a_stage_that_is_bare_takes_none(void **state)
{
	struct regime regime;

	(void)state;
	create(0, 0, 0);
	regime = nested(SATP_SV39, SATP_SV39, 0);
	map(&regime, VA, 0, PAGE, WALKED_LEAF);
	regime.satp = 0;
	assert_int_equal(expect(&regime, PAGE + 0x123, 0, 3).page.raw, PAGE);
	regime.hgatp = 0;
	assert_int_equal(walk_to(&regime, PAGE).outcome, WALK_BARE);
	regime.is_virtual = false;
	assert_int_equal(walk_to(&regime, PAGE).outcome, WALK_BARE);
	/* A shadow table: V = 1, and one stage. */
	create(0, 0, 0);
	regime = native(SATP_SV39, 1);
	regime.is_virtual = true;
	map(&regime, VA, 0, PAGE, WALKED_LEAF);
	expect(&regime, VA, 3, 0);
}

static void expect_invalid(const struct regime *regime, uint64_t va)
{
	assert_int_equal(walk_to(regime, va).outcome, WALK_INVALID);
}

static void a_walk_that_faults_is_not_found(void **state)
{
	static const uint64_t bad[] = {
		0, /* V clear */
		WALKED_LEAF & ~PTE_A,
		WALKED_LEAF & ~PTE_R, /* W without R */
		WALKED_LEAF | UINT64_C(1) << 63,
		PTE_V, /* a pointer, below which there is no level */
	};
	struct regime regime;
	uint64_t *leaf;

	(void)state;
	create(0, 0, 0);
	regime = native(SATP_SV39, 1);
	leaf = map(&regime, VA, 0, PAGE, WALKED_LEAF);
	expect(&regime, VA, 3, 0);
	for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++) {
		*leaf = pte_make(PAGE, bad[i]).raw;
		expect_invalid(&regime, VA);
	}
	expect_invalid(&regime, UINT64_C(1) << 38);	     /* not canonical */
	map(&regime, 0x40000000, 1, PAGE_SIZE, WALKED_LEAF); /* misaligned */
	expect_invalid(&regime, 0x40000000);
	regime.satp = walked_satp(11, 1, satp_root(regime.satp)); /* a reserved MODE */
	expect_invalid(&regime, VA);
	regime.satp = walked_satp(SATP_SV39, 1, 0x1000); /* no RAM */
	expect_invalid(&regime, VA);
}

static void a_gstage_leaf_must_be_a_users(void **state)
{
	struct regime regime;

	(void)state;
	create(0, 0, 0);
	regime = nested(SATP_SV39, SATP_SV39, 0);
	map(&regime, VA, 0, PAGE, WALKED_LEAF);
	expect(&regime, VA, 3, 12);
	walked_map(satp_root(regime.hgatp), 3, PAGE, 0, PAGE, WALKED_G_LEAF & ~PTE_D);
	assert_false(expect(&regime, VA, 3, 12).is_writable);
	walked_map(satp_root(regime.hgatp), 3, PAGE, 0, PAGE, WALKED_LEAF);
	expect_invalid(&regime, VA);
	map(&regime, VA, 0, UINT64_C(1) << 41, WALKED_LEAF); /* past Sv39x4 */
	expect_invalid(&regime, VA);
}

/* The root of an x4 mode has 2,048 entries: bits 40 and 39 count. */
static void a_gstage_root_is_four_pages(void **state)
{
	struct regime regime;
	uint64_t root, high = UINT64_C(3) << 39;

	(void)state;
	create(0, 0, 0);
	regime = nested(SATP_SV39, SATP_SV39, 0);
	root = satp_root(regime.hgatp);
	*walked_word(root + (high >> 30) * 8) = pte_make(0, WALKED_G_LEAF).raw;
	map(&regime, VA, 0, high + 0x7000, WALKED_LEAF);
	assert_int_equal(expect(&regime, VA, 3, 10).page.raw, 0x7000);
}

static void global_is_inherited_and_writable_needs_d(void **state)
{
	struct regime regime;
	uint64_t *leaf;

	(void)state;
	create(0, 0, 0);
	regime = native(SATP_SV39, 1);
	leaf = map(&regime, VA, 0, PAGE, WALKED_LEAF & ~PTE_D);
	assert_false(expect(&regime, VA, 3, 0).is_writable);
	*leaf = pte_make(PAGE, WALKED_LEAF & ~PTE_W).raw;
	assert_false(expect(&regime, VA, 3, 0).is_writable);
	*walked_word(satp_root(regime.satp)) |= PTE_G;
	assert_true(expect(&regime, VA, 3, 0).is_global);
}

/* ---- walk caches ---- */

static void map_some(const struct regime *regime)
{
	map(regime, 0x0000, 0, PAGE, WALKED_LEAF);
	map(regime, 0x1000, 0, PAGE + PAGE_SIZE, WALKED_LEAF);
	map(regime, 0x200000, 0, PAGE, WALKED_LEAF);
	map(regime, 0x40000000, 0, PAGE, WALKED_LEAF);
}

static void a_known_table_is_where_the_walk_begins(void **state)
{
	struct regime regime;

	(void)state;
	create(8, 0, 0);
	regime = native(SATP_SV39, 1);
	map_some(&regime);
	expect(&regime, 0x0000, 3, 0);
	expect(&regime, 0x1000, 1, 0);	   /* the same leaf table */
	expect(&regime, 0x200000, 2, 0);   /* the same one above it */
	expect(&regime, 0x40000000, 3, 0); /* the root alone */
	expect(&regime, 0x40000000, 1, 0);
	regime.satp |= UINT64_C(2) << 44; /* another ASID */
	expect(&regime, 0x0000, 3, 0);
}

/* Room for two tables: those of 0x40000000 drive out those of 0. */
static void the_least_recently_used_table_is_forgotten(void **state)
{
	struct regime regime;

	(void)state;
	create(2, 0, 0);
	regime = native(SATP_SV39, 1);
	map_some(&regime);
	expect(&regime, 0x0000, 3, 0);
	expect(&regime, 0x1000, 1, 0);
	expect(&regime, 0x40000000, 3, 0);
	expect(&regime, 0x0000, 3, 0);
	/* Now level 1 and level 0 of 0; a walk of 0x200000 drives out the older. */
	expect(&regime, 0x200000, 2, 0);
	expect(&regime, 0x200000, 1, 0);
	expect(&regime, 0x0000, 2, 0);
}

/*
 * Nested, with each cache by itself. A known leaf table of the first stage leaves one
 * PTE and the page, both translated: 1 and 2 * 3.
 */
static void each_stage_has_caches_of_its_own(void **state)
{
	struct regime regime;

	(void)state;
	create(8, 0, 0);
	regime = nested(SATP_SV39, SATP_SV39, 0);
	map_some(&regime);
	expect(&regime, 0x0000, 3, 12);
	expect(&regime, 0x1000, 1, 6);

	/* All within one 2 MiB piece: 3, then the G-stage's leaf table is known. */
	create(0, 8, 0);
	regime = nested(SATP_SV39, SATP_SV39, 0);
	map_some(&regime);
	expect(&regime, 0x0000, 3, 3 + 1 + 1 + 1);
	expect(&regime, 0x1000, 3, 4);

	/* The pages of the three tables and the page itself; then a new page alone. */
	create(0, 0, 8);
	regime = nested(SATP_SV39, SATP_SV39, 0);
	map_some(&regime);
	expect(&regime, 0x0000, 3, 12);
	expect(&regime, 0x0000, 3, 0);
	expect(&regime, 0x1000, 3, 3);

	create(8, 8, 8);
	regime = nested(SATP_SV39, SATP_SV39, 0);
	map_some(&regime);
	expect(&regime, 0x0000, 3, 6);
	expect(&regime, 0x1000, 1, 1);
	expect(&regime, 0x1000, 1, 0);
}

static void fence(enum fence_kind kind, bool has_address, int space)
{
	walker_fence(&walker, &(struct tlb_fence){
				      .kind = kind,
				      .has_address = has_address,
				      .has_space = space >= 0,
				      .space = (uint16_t)space,
				      .vmid = 1,
			      });
}

static void fences_of_all_addresses_forget_tables(void **state)
{
	struct regime regime;

	(void)state;
	create(8, 8, 8);
	regime = nested(SATP_SV39, SATP_SV39, 0);
	map_some(&regime);
	expect(&regime, 0x0000, 3, 6);
	expect(&regime, 0x0000, 1, 0);
	fence(FENCE_HOST, false, -1);  /* V = 0's */
	fence(FENCE_GUEST, true, -1);  /* leaves only */
	fence(FENCE_GUEST, false, 2);  /* another ASID's */
	fence(FENCE_GSTAGE, false, 2); /* another VMID's */
	expect(&regime, 0x0000, 1, 0);
	fence(FENCE_GUEST, false, 1);
	expect(&regime, 0x0000, 3, 0); /* the G-stage's are still known */
	fence(FENCE_GUEST, false, -1);
	expect(&regime, 0x0000, 3, 0);
	fence(FENCE_GSTAGE, false, 1);
	expect(&regime, 0x0000, 3, 6);
	walker_flush(&walker);
	expect(&regime, 0x0000, 3, 6);
}

static int done(void **state)
{
	(void)state;
	walker_destroy(&walker);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_native_walk_takes_a_load_for_each_level),
		cmocka_unit_test(a_nested_walk_takes_15_24_or_35),
		cmocka_unit_test(the_two_stages_have_levels_of_their_own),
		cmocka_unit_test(larger_leaves_take_fewer),
		cmocka_unit_test(a_guest_superpage_is_cut_by_a_smaller_leaf_below),
		cmocka_unit_test(modelled_4_kib_leaves_take_what_real_ones_would),
		cmocka_unit_test(a_stage_that_is_bare_takes_none),
		cmocka_unit_test(a_walk_that_faults_is_not_found),
		cmocka_unit_test(a_gstage_leaf_must_be_a_users),
		cmocka_unit_test(a_gstage_root_is_four_pages),
		cmocka_unit_test(global_is_inherited_and_writable_needs_d),
		cmocka_unit_test(a_known_table_is_where_the_walk_begins),
		cmocka_unit_test(the_least_recently_used_table_is_forgotten),
		cmocka_unit_test(each_stage_has_caches_of_its_own),
		cmocka_unit_test(fences_of_all_addresses_forget_tables),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
