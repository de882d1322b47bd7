/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/lsp.c mm/guest_memory.c */
/* sources: core/json.c core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c tests/unit/lsp_bench.c */
/*
 * The tables of a shadow tree: what fills, fences of a page and fences of everything
 * leave in them at every level of every mode, the pages they take, and how stale ones
 * come back, as a hart sees it that keeps every entry it ever read.
 */
#include <string.h>

#include "lsp/sync.h"
#include "tests/unit/wide_bench.h"

static uint64_t satp;

static void use(unsigned mode)
{
	satp = bench_satp(&bench, mode, 1);
	bench_satp_write(vcpu, satp);
}

static void create(uint64_t shift)
{
	wide_create(*fake_default(), shift);
	use(SATP_SV39);
}

/* A hart that faults no more often than it must, for counting. */
static void create_exact(uint64_t shift)
{
	wide_create(fake_qemu, shift);
	use(SATP_SV39);
}

static gpa_t at(uint64_t offset)
{
	return GPA(GUEST_RAM_BASE.raw + GIB + offset);
}

/* ---- fills ---- */

static void leaves_at_every_level(void **state)
{
	(void)state;
	wide_create(*fake_default(), 0);
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		use(mode);
		for (unsigned level = 0; level < 3; level++) {
			gva_t gva = GVA((level + 1) * 64 * GIB);
			unsigned found;

			put(satp, gva, level, at(level * GIB), GUEST_RWX);
			bench_reaches(vcpu, GVA(gva.raw + level_size(level) - 8),
				      ACCESS_LOAD,
				      at(level * GIB + level_size(level) - 8));
			finds_nothing(GVA(gva.raw + level_size(level)));
			finds_nothing(GVA(gva.raw - 8));
			assert_true(pte_valid(tree_find(space()->active, gva, &found)));
			assert_int_equal(found, level);
		}
		wide_check();
	}
	wide_destroy();
}

static void pieces_of_leaves_that_do_not_fit(void **state)
{
	static const uint64_t shifts[] = {PAGE_SIZE, 2 * MIB};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(shifts); i++) {
		create(shifts[i]);
		for (unsigned level = 0; level < 3; level++) {
			gva_t gva = GVA((level + 1) * 64 * GIB);
			unsigned found;

			put(satp, gva, level, at(level * GIB), GUEST_RWX);
			assert_true(pte_valid(tree_find(space()->active, gva, &found)));
			assert_int_equal(found, i < level ? i : level);
		}
		wide_destroy();
	}
}

static void the_upper_half_and_what_is_not_canonical(void **state)
{
	const gva_t upper = GVA(~UINT64_C(0) << 38);
	unsigned level;

	(void)state;
	create(0);
	put(satp, upper, 0, at(0), GUEST_RWX);
	assert_false(
		pte_valid(tree_find(space()->active, GVA(UINT64_C(1) << 38), &level)));
	set_entry(satp, upper, 0, 0);
	/* the same indices, were the high bits not looked at */
	bench_fence_address(vcpu, GVA(UINT64_C(1) << 38));
	finds(upper, at(0));
	bench_fence_address(vcpu, upper);
	finds_nothing(upper);
	wide_destroy();
}

/* A large leaf gives way to a small one in its place, and the other way round. */
static void leaf_to_table_and_back(void **state)
{
	const gva_t gva = GVA(0);

	(void)state;
	create(0);
	for (unsigned large = 1; large < 3; large++)
		for (unsigned small = 0; small < large; small++) {
			uint64_t before;

			set_entry(satp, gva, large, 0);
			bench_fence_address(vcpu, gva);
			put(satp, gva, large, at(0), GUEST_RWX);
			before = bench_pages_used(&bench);
			finds(GVA(level_size(small)), at(level_size(small)));
			set_entry(satp, gva, large, 0);
			set_entry(satp, gva, small, leaf_of(at(GIB), GUEST_RWX));
			bench_fence_address(vcpu, gva);
			bench_reaches(vcpu, gva, ACCESS_LOAD, at(GIB));
			assert_true(bench_pages_used(&bench) > before);
			/* the rest went with the large leaf */
			finds_nothing(GVA(level_size(small)));
			set_entry(satp, gva, large, leaf_of(at(0), GUEST_RWX));
			bench_fence_address(vcpu, gva);
			bench_reaches(vcpu, gva, ACCESS_LOAD, at(0));
			assert_int_equal(bench_pages_used(&bench), before);
			wide_check();
		}
	wide_destroy();
}

/* A hart may have kept that there was nothing: the second fault on it is the last. */
static void a_repeated_fault_fences(void **state)
{
	(void)state;
	for (unsigned level = 0; level < 3; level++) {
		create(0);
		bench_faults(vcpu, GVA(0), ACCESS_LOAD);
		set_entry(satp, GVA(0), level, leaf_of(at(0), GUEST_RWX));
		assert_in_range(faults_at(GVA(0)), 1, fake_profile()->keeps_invalid + 1);
		assert_int_equal(faults_at(GVA(0)), 0);
		wide_destroy();
	}
}

/* As far as A is set, and from where a TLB's line would begin. */
static void a_miss_fills_its_neighbours(void **state)
{
	const uint64_t first = 5 * SYNC_WINDOW;

	(void)state;
	create_exact(0);
	put(satp, GVA(0), 0, at(0), GUEST_RWX);
	for (uint64_t i = first - 1; i <= first + SYNC_WINDOW; i++)
		set_entry(satp, GVA(i * PAGE_SIZE), 0,
			  leaf_of(at(i * PAGE_SIZE),
				  GUEST_RWX & ~(i % 4 == 3 ? PTE_A : 0)));
	assert_int_equal(faults_at(GVA((first + 1) * PAGE_SIZE)), 1);
	for (uint64_t i = first; i < first + SYNC_WINDOW; i++)
		assert_int_equal(bench_may_find_any(vcpu, GVA(i * PAGE_SIZE)),
				 i % 4 != 3);
	finds_nothing(GVA((first - 1) * PAGE_SIZE));
	finds_nothing(GVA((first + SYNC_WINDOW) * PAGE_SIZE));
	/* nothing was written to the guest's */
	for (uint64_t i = first; i < first + SYNC_WINDOW; i++)
		assert_int_equal(!(get_entry(satp, GVA(i * PAGE_SIZE), 0) & PTE_A),
				 i % 4 == 3);
	wide_destroy();
}

/* A table that was not linked comes whole, at one exit. */
static void a_first_touch_brings_the_whole_table(void **state)
{
	(void)state;
	create_exact(0);
	for (uint64_t i = 0; i < PTE_PER_TABLE; i++)
		set_entry(satp, GVA(i * PAGE_SIZE), 0,
			  leaf_of(at(i * 3 % 512 * PAGE_SIZE), GUEST_RWX));
	assert_int_equal(faults_at(GVA(100 * PAGE_SIZE)), 1);
	for (uint64_t i = 0; i < PTE_PER_TABLE; i += 5) {
		assert_int_equal(faults_at(GVA(i * PAGE_SIZE)), 0);
		finds(GVA(i * PAGE_SIZE), at(i * 3 % 512 * PAGE_SIZE));
	}
	wide_destroy();
}

/* Svvptc: what becomes valid, at whatever level, is seen with no fence. */
static void what_turns_valid_needs_no_fence(void **state)
{
	(void)state;
	assert_true(paging_lsp.isa().svvptc);
	create(0);
	for (unsigned level = 0; level < 3; level++) {
		gva_t gva = GVA((level + 1) * GIB);

		bench_faults(vcpu, gva, ACCESS_LOAD);
		put(satp, gva, level, at(0), GUEST_RWX);
		if (level > 0)
			continue;
		/* beside one that is known, and whose way is */
		for (unsigned i = 1; i < 64; i++) {
			bench_faults(vcpu, GVA(gva.raw + i * PAGE_SIZE), ACCESS_LOAD);
			put(satp, GVA(gva.raw + i * PAGE_SIZE), 0, at(i * PAGE_SIZE),
			    GUEST_RWX);
		}
	}
	wide_destroy();
}

/* ---- fences of a page ---- */

static void a_fence_takes_the_leaf_and_no_more(void **state)
{
	(void)state;
	wide_create(*fake_default(), 0);
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++)
		for (unsigned level = 0; level < 3; level++) {
			uint64_t size = level_size(level);

			use(mode);
			for (unsigned i = 0; i < 3; i++)
				put(satp, GVA(i * size), level, at(i * size % GIB),
				    GUEST_RWX);
			for (unsigned i = 0; i < 3; i++)
				set_entry(satp, GVA(i * size), level, 0);
			bench_fence_address(vcpu,
					    GVA(size + align_down(size / 2, PAGE_SIZE)));
			finds(GVA(0), at(0));
			finds_nothing(GVA(size));
			finds_nothing(GVA(2 * size - 8));
			finds(GVA(2 * size), at(2 * size % GIB));
		}
	wide_destroy();
}

/* All that came from one leaf of the guest goes, wherever the fence points. */
static void a_fence_takes_all_pieces_of_a_split_leaf(void **state)
{
	(void)state;
	for (unsigned level = 1; level < 3; level++)
		for (unsigned shift = 0; shift < level; shift++) {
			uint64_t size = level_size(level), step = level_size(shift);
			const gva_t others[] = {GVA(size - PAGE_SIZE), GVA(2 * size)};

			create(shift ? 2 * MIB : PAGE_SIZE);
			put(satp, GVA(size), level, at(0), GUEST_RWX);
			for (unsigned i = 0; i < 5; i++)
				bench_reaches(vcpu, GVA(size + i * 7 * step), ACCESS_LOAD,
					      at(i * 7 * step));
			for (unsigned i = 0; i < 2; i++)
				put(satp, others[i], 0, at(0), GUEST_RWX);
			set_entry(satp, GVA(size), level, 0);
			/* at a place that was never filled */
			bench_fence_address(vcpu, GVA(size + size / 2 + 0x9000));
			for (unsigned i = 0; i < 5; i++)
				finds_nothing(GVA(size + i * 7 * step));
			for (unsigned i = 0; i < 2; i++)
				finds(others[i], at(0));
			wide_destroy();
		}
}

/* Pieces of a 1 GiB leaf, into which the guest later put a 2 MiB leaf, and so on. */
static void a_fence_takes_every_origin_that_covers(void **state)
{
	(void)state;
	create(PAGE_SIZE);
	put(satp, GVA(0), 2, at(0), GUEST_RWX);
	bench_reaches(vcpu, GVA(0x600000), ACCESS_LOAD, at(0x600000));
	set_entry(satp, GVA(0), 2, 0);
	put(satp, GVA(0x200000), 1, at(0x800000), GUEST_RWX);
	bench_reaches(vcpu, GVA(0x201000), ACCESS_LOAD, at(0x801000));
	set_entry(satp, GVA(0x200000), 1, 0);
	put(satp, GVA(0x202000), 0, at(0xa00000), GUEST_RWX);
	set_entry(satp, GVA(0x202000), 0, 0);
	finds(GVA(0), at(0));
	finds(GVA(0x600000), at(0x600000));
	finds(GVA(0x201000), at(0x801000));
	bench_fence_address(vcpu, GVA(0x202000));
	finds_nothing(GVA(0));
	finds_nothing(GVA(0x600000));
	finds_nothing(GVA(0x200000));
	finds_nothing(GVA(0x201000));
	finds_nothing(GVA(0x202000));
	wide_destroy();
}

static void the_fast_fence_of_a_page_does_the_same(void **state)
{
	static const int asids[] = {-1, 1, 7};

	(void)state;
	create(0);
	for (unsigned i = 0; i < 24; i++) {
		const gva_t gva = GVA((i & 4) ? 0x3000 : GIB);
		int asid = asids[i % 3];

		put(satp, gva, 0, at(0), GUEST_RWX);
		bench_fence_all(vcpu);
		bench_reaches(vcpu, gva, ACCESS_LOAD, at(0));
		set_entry(satp, gva, 0,
			  i & 8 ? leaf_of(at((i + 1) * PAGE_SIZE), GUEST_RWX) : 0);
		assert_int_equal(bench_fence_fast(vcpu, gva, asid), asid != 7);
		assert_int_equal(bench_may_find(vcpu, gva, at(0)), asid == 7);
		set_entry(satp, gva, 0, 0);
		bench_fence_address(vcpu, gva);
		wide_check();
	}
	wide_destroy();
}

/* A tree that is not loaded anywhere, fenced on another hart than it was on. */
static void a_fence_far_from_where_the_vcpu_was(void **state)
{
	(void)state;
	create(0);
	put(satp, GVA(0x1000), 0, at(0), GUEST_RWX);
	bench_put(vcpu);
	set_entry(satp, GVA(0x1000), 0, 0);
	fake_hart_switch(1);
	paging_lsp.fence(vcpu, &(struct fence){.has_address = true,
					       .start = GVA(0x1000),
					       .size = PAGE_SIZE});
	bench_load(vcpu, 0);
	finds_nothing(GVA(0x1000));
	wide_destroy();
}

/* ---- fences of everything ---- */

static void fill_many(void)
{
	for (unsigned i = 0; i < 40; i++)
		put(satp, GVA(i * 37 * MIB * 2), i % 2, at(i * 4 * MIB), GUEST_RWX);
	put(satp, GVA(~UINT64_C(0) << 38), 0, at(0), GUEST_RWX);
	put(satp, GVA(100 * GIB), 2, at(0), GUEST_RWX);
}

/* Whatever is below it: only the slots of the root are written. */
static void a_fence_of_everything_unlinks_the_root(void **state)
{
	static pte_t below[2][PTE_PER_TABLE];
	pte_t *root, *table, *leaves;
	uint64_t pages;

	(void)state;
	create(0);
	fill_many();
	pages = bench_pages_used(&bench);
	root = space()->active->root;
	table = table_child(root, 0);
	leaves = table_child(table, 0);
	leaves = leaves ? leaves : table_child(table, 37 * 2);
	assert_non_null(leaves);
	memcpy(below[0], table, PAGE_SIZE);
	memcpy(below[1], leaves, PAGE_SIZE);
	bench_fence_all(vcpu);
	for (unsigned i = 0; i < PTE_PER_TABLE; i++)
		assert_int_equal(root[i].raw, encoding.pointer.raw);
	assert_memory_equal(below[0], table, PAGE_SIZE);
	assert_memory_equal(below[1], leaves, PAGE_SIZE);
	assert_ptr_equal(table_child(root, 0), table);
	assert_int_equal(bench_pages_used(&bench), pages);
	for (unsigned i = 0; i < 40; i++)
		finds_nothing(GVA(i * 37 * MIB * 2));
	finds_nothing(GVA(100 * GIB));
	wide_check();
	/* and what is used again is the same pages */
	for (unsigned i = 0; i < 40; i++)
		bench_reaches(vcpu, GVA(i * 37 * MIB * 2), ACCESS_LOAD, at(i * 4 * MIB));
	assert_ptr_equal(table_child(root, 0), table);
	assert_int_equal(bench_pages_used(&bench), pages);
	wide_destroy();
}

/* One fault, and every entry is as the guest has it now; other tables stay stale. */
/* The slots of one table: each by itself, and with some others. */
static void every_slot_is_unlinked(void **state)
{
	struct shadow_pool pool = {.limit = 2, .pointers.order = 1};
	pte_t *table;

	(void)state;
	create(0);
	table = table_create(&pool, 1);
	assert_non_null(table);
	for (unsigned slot = 0; slot < PTE_PER_TABLE; slot++) {
		const uint64_t keep[SLOT_WORDS] = {UINT64_C(1) << 17};

		table_set(table, 17, pte_make(GIB, PTE_V));
		table_set(table, slot, pte_make(GIB, PTE_V));
		table_set(table, slot * 7 % PTE_PER_TABLE, pte_make(GIB, PTE_V));
		table_unlink_all(table, keep);
		for (unsigned i = 0; i < PTE_PER_TABLE; i++) {
			assert_int_equal(slot_test(table_side(table)->live, i), i == 17);
			assert_int_equal(entry_is_table(table[i]), i == 17);
		}
	}
	table_destroy(&pool, table, 1);
	wide_destroy();
}

static void a_stale_table_comes_back_true(void **state)
{
	(void)state;
	create_exact(0);
	for (uint64_t i = 0; i < PTE_PER_TABLE; i++)
		set_entry(satp, GVA(i * PAGE_SIZE), 0,
			  leaf_of(at(i * PAGE_SIZE), GUEST_RWX));
	faults_at(GVA(0));
	put(satp, GVA(4 * MIB), 0, at(0), GUEST_RWX);
	put(satp, GVA(6 * MIB), 1, at(2 * MIB), GUEST_RWX);
	for (uint64_t i = 1; i < PTE_PER_TABLE; i++)
		if (i % 3 == 0)
			set_entry(satp, GVA(i * PAGE_SIZE), 0, 0);
		else if (i % 3 == 1)
			set_entry(satp, GVA(i * PAGE_SIZE), 0,
				  leaf_of(at(64 * MIB + i * PAGE_SIZE), GUEST_RWX));
	set_entry(satp, GVA(4 * MIB), 0, 0);
	set_entry(satp, GVA(6 * MIB), 1, 0);
	bench_fence_all(vcpu);
	assert_int_equal(faults_at(GVA(2 * PAGE_SIZE)), 1);
	for (uint64_t i = 1; i < PTE_PER_TABLE; i += 5)
		if (i % 3 == 0)
			finds_nothing(GVA(i * PAGE_SIZE));
		else
			finds(GVA(i * PAGE_SIZE),
			      at((i % 3 == 1 ? 64 * MIB : 0) + i * PAGE_SIZE));
	finds_nothing(GVA(4 * MIB));
	finds_nothing(GVA(6 * MIB));
	wide_destroy();
}

/* The same of one that has the pieces of a larger leaf: they are no more. */
static void a_stale_table_of_pieces(void **state)
{
	(void)state;
	for (unsigned level = 1; level < 3; level++) {
		create(level == 1 ? PAGE_SIZE : 2 * MIB);
		put(satp, GVA(0), level, at(0), GUEST_RWX);
		bench_reaches(vcpu, GVA(level_size(level) / 2), ACCESS_LOAD,
			      at(level_size(level) / 2));
		set_entry(satp, GVA(0), level, leaf_of(at(GIB), GUEST_RWX));
		bench_fence_all(vcpu);
		bench_reaches(vcpu, GVA(level_size(level) / 2), ACCESS_LOAD,
			      at(GIB + level_size(level) / 2));
		finds_nothing(GVA(0));
		bench_reaches(vcpu, GVA(0), ACCESS_LOAD, at(GIB));
		wide_destroy();
	}
}

/* Where a stale table was, the guest has a leaf now. */
static void a_leaf_in_the_place_of_a_stale_table(void **state)
{
	uint64_t pages;

	(void)state;
	create(0);
	put(satp, GVA(0), 1, at(0), GUEST_RWX);
	pages = bench_pages_used(&bench);
	set_entry(satp, GVA(0), 1, 0);
	bench_fence_all(vcpu);
	put(satp, GVA(0), 0, at(GIB), GUEST_RWX);
	assert_int_equal(bench_pages_used(&bench), pages + 1);
	set_entry(satp, GVA(0), 1, leaf_of(at(0), GUEST_RWX));
	bench_fence_all(vcpu);
	bench_reaches(vcpu, GVA(0x5000), ACCESS_LOAD, at(0x5000));
	assert_int_equal(bench_pages_used(&bench), pages);
	wide_destroy();
}

static void bare_has_nothing_to_drop(void **state)
{
	const gva_t gva = GVA(at(0).raw);

	(void)state;
	create(0);
	bench_satp_write(vcpu, 0);
	bench_reaches(vcpu, gva, ACCESS_LOAD, at(0));
	bench_fence_address(vcpu, gva);
	bench_fence_all(vcpu);
	finds(gva, at(0));
	wide_destroy();
}

/* ---- no memory ---- */

/* Whatever page is the first that is missing, the tree is whole without the leaf. */
static void a_page_is_missing_at_each_step(void **state)
{
	const struct access access = {.gva = GVA(0x1000), .kind = ACCESS_LOAD};

	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		uint64_t path = (mode_levels(mode) - 2) * 2 + 1;

		wide_create(*fake_default(), 0);
		use(mode);
		set_entry(satp, access.gva, 0, leaf_of(at(0), GUEST_RWX));
		for (uint64_t have = 0; have <= path; have++) {
			bench_pool(&bench)->limit = 2 + have;
			assert_int_equal(bench_access(vcpu, &access).outcome,
					 have < path ? OUTCOME_NO_MEMORY
						     : OUTCOME_FILLED);
			wide_check();
		}
		wide_destroy();
	}
}

static void no_page_for_a_root(void **state)
{
	struct shadow_pool pool = {.limit = 1, .pointers.order = 1};
	struct shadow_tree tree;

	(void)state;
	fake_pages_create();
	assert_int_equal(tree_create(&tree, &pool, SATP_SV39), STATUS_NO_MEMORY);
	assert_null(tree.root);
	pool.limit = 2;
	fake_pages_allow(0);
	assert_int_equal(tree_create(&tree, &pool, SATP_SV39), STATUS_NO_MEMORY);
	assert_int_equal(pool.used, 0);
	fake_pages_destroy();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_at_every_level),
		cmocka_unit_test(pieces_of_leaves_that_do_not_fit),
		cmocka_unit_test(the_upper_half_and_what_is_not_canonical),
		cmocka_unit_test(leaf_to_table_and_back),
		cmocka_unit_test(a_repeated_fault_fences),
		cmocka_unit_test(a_miss_fills_its_neighbours),
		cmocka_unit_test(a_first_touch_brings_the_whole_table),
		cmocka_unit_test(what_turns_valid_needs_no_fence),
		cmocka_unit_test(a_fence_takes_the_leaf_and_no_more),
		cmocka_unit_test(a_fence_takes_all_pieces_of_a_split_leaf),
		cmocka_unit_test(a_fence_takes_every_origin_that_covers),
		cmocka_unit_test(the_fast_fence_of_a_page_does_the_same),
		cmocka_unit_test(a_fence_far_from_where_the_vcpu_was),
		cmocka_unit_test(a_fence_of_everything_unlinks_the_root),
		cmocka_unit_test(every_slot_is_unlinked),
		cmocka_unit_test(a_stale_table_comes_back_true),
		cmocka_unit_test(a_stale_table_of_pieces),
		cmocka_unit_test(a_leaf_in_the_place_of_a_stale_table),
		cmocka_unit_test(bare_has_nothing_to_drop),
		cmocka_unit_test(a_page_is_missing_at_each_step),
		cmocka_unit_test(no_page_for_a_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
