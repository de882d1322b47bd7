/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/asid.c lsp/tree.c mm/guest_memory.c tests/unit/fake_arch.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * One shadow tree: what install, drop and empty leave in it at every level of
 * every mode, the pages it holds, and the real fences, as a hart sees it that
 * keeps every entry it ever read.
 */
#include <string.h>

#include "core/vm.h"
#include "lsp/tree.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/host_ram.h"

#define RAM_SIZE (4 * GIB)

static struct vm vm;
static struct shadow_pool pool;
static struct shadow_tree tree;
static hpa_t ram;

/* As lsp/space.c loads a tree. */
static void renew(void)
{
	bool recycled = asid_tag_renew(&tree.tag);

	arch_shadow_root_set(tree.mode, pointer_hpa(tree.root), tree.tag.asid);
	if (recycled)
		arch_shadow_fence_all();
}

static void create(unsigned mode)
{
	arch_vcpu_load(&vm.vcpus[0]);
	pool = (struct shadow_pool){.limit = 1000};
	assert_int_equal(tree_create(&tree, &pool, mode), STATUS_OK);
	renew();
}

static void destroy(void)
{
	arch_vcpu_put(&vm.vcpus[0]);
	tree_destroy(&tree, &pool);
	assert_null(tree.root);
	assert_int_equal(pool.used, 0);
	assert_int_equal(fake_pages_taken(), 0);
}

/* Trees of all modes, whatever the chip would take. */
static int setup(void **state)
{
	struct fake_profile profile = *fake_default();

	(void)state;
	profile.modes = FAKE_ALL_MODES;
	fake_pages_create();
	fake_arch_create(&profile);
	ram = host_ram_map(RAM_SIZE, GIB);
	memset(&vm, 0, sizeof(vm));
	vm.memory.base = GUEST_RAM_BASE;
	vm.memory.size = RAM_SIZE;
	vm.memory.run_count = 1;
	vm.memory.runs[0] = (struct guest_run){GUEST_RAM_BASE, ram, RAM_SIZE};
	vm.vcpus[0].vm = &vm;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_ram_unmap(ram, RAM_SIZE);
	fake_pages_destroy();
	return 0;
}

static enum status install(gva_t gva, unsigned guest_level, unsigned level,
			   uint64_t offset, uint64_t flags)
{
	const struct shadow_fill fill = {
		.gva = gva,
		.guest_leaf = pte_make(0x80000000, flags),
		.guest_level = guest_level,
		.level = level,
		.hpa = HPA(ram.raw + offset),
	};

	return tree_install(&tree, &pool, &fill);
}

#define ALL (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)

static void put(gva_t gva, unsigned guest_level, unsigned level, uint64_t offset)
{
	assert_int_equal(install(gva, guest_level, level, offset, ALL), STATUS_OK);
}

static struct fake_results look(gva_t gva)
{
	const struct access access = {.gva = gva, .kind = ACCESS_LOAD};

	return fake_access(&access);
}

/* The hart finds this place and no other, though it may fault first. */
static void finds_only(gva_t gva, uint64_t offset)
{
	struct fake_results results = look(gva);

	assert_true(results.count > 0);
	for (unsigned i = 0; i < results.count; i++)
		assert_int_equal(results.permitted[i].hpa.raw - ram.raw, offset);
}

static void finds_nothing(gva_t gva)
{
	unsigned level;

	assert_int_equal(look(gva).count, 0);
	assert_false(pte_valid(tree_find(&tree, gva, &level)));
}

/* ---- install ---- */

static void leaves_at_every_level(void **state)
{
	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		create(mode);
		for (unsigned level = 0; level < 3; level++) {
			gva_t gva = GVA((level + 1) * 64 * GIB);
			unsigned found;

			put(gva, level, level, level * GIB);
			finds_only(gva, level * GIB);
			finds_only(GVA(gva.raw + level_size(level) - 8),
				   level * GIB + level_size(level) - 8);
			finds_nothing(GVA(gva.raw + level_size(level)));
			finds_nothing(GVA(gva.raw - 8));
			assert_true(pte_valid(tree_find(&tree, gva, &found)));
			assert_int_equal(found, level);
		}
		/* root; one table for each level between; see the levels above */
		assert_int_equal(pool.used, 1 + (mode_levels(mode) - 3) + 2 + 1);
		destroy();
	}
}

static void the_upper_half_and_what_is_not_canonical(void **state)
{
	unsigned level;

	(void)state;
	create(SATP_SV39);
	put(GVA(~UINT64_C(0) << 38), 0, 0, 0);
	finds_only(GVA(~UINT64_C(0) << 38), 0);
	assert_false(pte_valid(tree_find(&tree, GVA(UINT64_C(1) << 38), &level)));
	/* the same indices, were the high bits not looked at */
	tree_drop(&tree, GVA(UINT64_C(1) << 38));
	finds_only(GVA(~UINT64_C(0) << 38), 0);
	destroy();
}

static void flags_of_a_leaf(void **state)
{
	(void)state;
	create(SATP_SV39);
	for (uint64_t flags = 0; flags < 0x400; flags++) {
		uint64_t rights = flags & (PTE_R | PTE_W | PTE_X);
		uint64_t expected = (flags & (PTE_R | PTE_X | PTE_U)) | PTE_V | PTE_A;
		unsigned level;
		pte_t leaf;

		/* what the walker gives */
		if (!(flags & PTE_V) || !(flags & PTE_A) || rights == 0 ||
		    (rights & (PTE_R | PTE_W)) == PTE_W)
			continue;
		if ((flags & PTE_W) && (flags & PTE_D))
			expected |= PTE_W | PTE_D;
		assert_int_equal(install(GVA(0x5000), 0, 0, 0x7000, flags), STATUS_OK);
		leaf = tree_find(&tree, GVA(0x5000), &level);
		assert_int_equal(leaf.raw, pte_make(ram.raw + 0x7000, expected).raw);
		look(GVA(0x5000));
	}
	destroy();
}

/* What the guest's level was, is kept in RSW: 3 stands for all above 2. */
static void origins(void **state)
{
	(void)state;
	create(SATP_SV57);
	for (unsigned guest_level = 0; guest_level < 5; guest_level++) {
		unsigned level;
		pte_t leaf;

		put(GVA(0), guest_level, 0, 0);
		leaf = tree_find(&tree, GVA(0), &level);
		assert_int_equal((leaf.raw & PTE_RSW) >> PTE_RSW_SHIFT,
				 guest_level < 3 ? guest_level : 3);
	}
	destroy();
}

/* A leaf replaced by another: the hart must not find the first again. */
static void leaves_are_replaced(void **state)
{
	(void)state;
	create(SATP_SV48);
	for (unsigned i = 0; i < 8; i++) {
		put(GVA(0x201000), 0, 0, i * PAGE_SIZE);
		finds_only(GVA(0x201000), i * PAGE_SIZE);
	}
	/* rights taken back are gone */
	assert_int_equal(install(GVA(0x201000), 0, 0, 0, PTE_V | PTE_R | PTE_A),
			 STATUS_OK);
	assert_int_equal(
		fake_access(&(struct access){.gva = GVA(0x201000), .kind = ACCESS_STORE})
			.count,
		0);
	destroy();
}

/* A large leaf gives way to a small one in its place, and the other way round. */
static void leaf_to_table_and_back(void **state)
{
	(void)state;
	create(SATP_SV57);
	for (unsigned large = 1; large < 3; large++) {
		uint64_t before;

		put(GVA(0), large, large, GIB);
		before = pool.used;
		finds_only(GVA(0x3000), GIB + 0x3000);
		for (unsigned small = 0; small < large; small++) {
			put(GVA(0x3000), small, small, 0);
			assert_int_equal(pool.used, before + large - small);
			finds_only(GVA(0x3008), 0x3008 & (level_size(small) - 1));
			/* the rest went with the large leaf */
			finds_nothing(GVA(level_size(small) + 0x3000));
			put(GVA(level_size(small)), small, small, 2 * MIB * small);
			put(GVA(0), large, large, GIB);
			assert_int_equal(pool.used, before);
			finds_only(GVA(0x3000), GIB + 0x3000);
			finds_only(GVA(level_size(small)), GIB + level_size(small));
		}
	}
	destroy();
}

/* A hart may have kept that there was nothing: the second fault on it is the last. */
static void a_repeated_fault_fences(void **state)
{
	(void)state;
	for (unsigned level = 0; level < 3; level++) {
		create(SATP_SV39);
		finds_nothing(GVA(0));
		put(GVA(0), level, level, 0);
		assert_int_equal(look(GVA(0)).may_fault, fake_profile()->keeps_invalid);
		put(GVA(0), level, level, 0);
		assert_false(look(GVA(0)).may_fault);
		destroy();
	}
}

/* ---- drop ---- */

static void a_drop_takes_the_leaf_and_no_more(void **state)
{
	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++)
		for (unsigned level = 0; level < 3; level++) {
			uint64_t size = level_size(level);

			create(mode);
			for (unsigned i = 0; i < 3; i++) {
				put(GVA(i * size), level, level, i * size);
				finds_only(GVA(i * size), i * size);
			}
			tree_drop(&tree, GVA(size + size / 2));
			finds_only(GVA(0), 0);
			finds_nothing(GVA(size));
			finds_nothing(GVA(2 * size - 8));
			finds_only(GVA(2 * size), 2 * size);
			tree_drop(&tree, GVA(size));
			destroy();
		}
}

/* All that came from one leaf of the guest goes, wherever the fence points. */
static void a_drop_takes_all_pieces_of_a_split_leaf(void **state)
{
	(void)state;
	for (unsigned guest_level = 1; guest_level < 5; guest_level++) {
		uint64_t size = level_size(guest_level);
		uint64_t step = guest_level == 1 ? PAGE_SIZE : 2 * MIB;

		create(SATP_SV57);
		/* pieces of it, and neighbours that are leaves of their own */
		for (unsigned i = 0; i < 5; i++)
			put(GVA(size + i * 7 * step), guest_level, 0, i * PAGE_SIZE);
		if (guest_level > 1)
			put(GVA(size + 100 * step), guest_level, 1, 64 * MIB);
		put(GVA(size - PAGE_SIZE), 0, 0, 0x100000);
		put(GVA(2 * size), 0, 0, 0x101000);
		put(GVA(size + 3 * PAGE_SIZE), 0, 0, 0x102000);
		for (unsigned i = 0; i < 5; i++)
			finds_only(GVA(size + i * 7 * step), i * PAGE_SIZE);
		/* at a place that was never filled */
		tree_drop(&tree, GVA(size + size / 2 + 0x9000));
		for (unsigned i = 0; i < 5; i++)
			finds_nothing(GVA(size + i * 7 * step));
		finds_nothing(GVA(size + 100 * step));
		finds_only(GVA(size - PAGE_SIZE), 0x100000);
		finds_only(GVA(2 * size), 0x101000);
		finds_only(GVA(size + 3 * PAGE_SIZE), 0x102000);
		destroy();
	}
}

/* Pieces of a 1 GiB leaf, into which the guest later put a 2 MiB leaf. */
static void a_drop_takes_every_origin_that_covers(void **state)
{
	(void)state;
	create(SATP_SV39);
	put(GVA(0x0), 2, 0, 0x0);
	put(GVA(0x600000), 2, 1, 0x600000);
	put(GVA(0x200000), 1, 0, 0x1000);
	put(GVA(0x201000), 1, 0, 0x2000);
	put(GVA(0x202000), 0, 0, 0x3000);
	look(GVA(0x0));
	look(GVA(0x600000));
	look(GVA(0x201000));
	tree_drop(&tree, GVA(0x202000));
	finds_nothing(GVA(0x0));
	finds_nothing(GVA(0x600000));
	finds_nothing(GVA(0x200000));
	finds_nothing(GVA(0x201000));
	finds_nothing(GVA(0x202000));
	destroy();
}

static void bare_trees_have_nothing_to_drop(void **state)
{
	(void)state;
	create(SATP_SV39);
	tree.bare = true;
	put(GVA(0), 2, 0, 0);
	tree_drop(&tree, GVA(0));
	finds_only(GVA(0), 0);
	destroy();
}

/* ---- empty ---- */

static void an_empty_tree_is_its_root(void **state)
{
	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		create(mode);
		for (unsigned i = 0; i < 40; i++) {
			gva_t gva =
				GVA(i * 37 * MIB * 2 | (i & 1 ? ~UINT64_C(0) << 38 : 0));

			put(gva, i % 3, i % 2 && i % 3 ? 1 : 0, i * 4 * MIB);
			look(gva);
		}
		put(GVA(100 * GIB), 2, 2, GIB);
		look(GVA(100 * GIB));
		tree.stale = true;
		tree_empty(&tree, &pool);
		assert_false(tree.stale);
		assert_int_equal(pool.used, 1);
		for (unsigned i = 0; i < 40; i++)
			finds_nothing(
				GVA(i * 37 * MIB * 2 | (i & 1 ? ~UINT64_C(0) << 38 : 0)));
		finds_nothing(GVA(100 * GIB));
		put(GVA(0x1000), 0, 0, 0);
		put(GVA(0x1000), 0, 0, 0);
		finds_only(GVA(0x1000), 0);
		destroy();
	}
}

/* ---- no memory ---- */

/* Whatever page is the first that is missing, the tree is whole without the leaf. */
static void a_page_is_missing_at_each_step(void **state)
{
	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		unsigned needed = mode_levels(mode) - 1;

		for (unsigned have = 0; have <= needed; have++) {
			create(mode);
			put(GVA(4 * GIB), 2, 2, GIB);
			pool.limit = pool.used + have;
			if (mode != SATP_SV39)
				pool.limit -= mode_levels(mode) - 3;
			if (pool.limit < pool.used) {
				destroy();
				continue;
			}
			/* in the place of a large leaf, two tables are missing */
			assert_int_equal(install(GVA(4 * GIB), 0, 0, 0, ALL),
					 pool.limit >= pool.used + 2 ? STATUS_OK
								     : STATUS_NO_MEMORY);
			assert_true(pool.used <= pool.limit);
			if (pool.limit == pool.used)
				finds_nothing(GVA(4 * GIB + 5 * PAGE_SIZE));
			pool.limit = 100;
			put(GVA(4 * GIB), 0, 0, 0);
			put(GVA(4 * GIB), 0, 0, 0);
			finds_only(GVA(4 * GIB), 0);
			destroy();
		}
	}
}

static void no_page_for_a_root(void **state)
{
	(void)state;
	pool = (struct shadow_pool){.limit = 0};
	assert_int_equal(tree_create(&tree, &pool, SATP_SV39), STATUS_NO_MEMORY);
	assert_null(tree.root);
	pool.limit = 1;
	fake_pages_allow(0);
	assert_int_equal(tree_create(&tree, &pool, SATP_SV39), STATUS_NO_MEMORY);
	assert_int_equal(pool.used, 0);
}

/* ---- a tree that this hart has no ASID for ---- */

static void edits_of_a_tree_of_another_hart(void **state)
{
	struct fake_counts before;

	(void)state;
	create(SATP_SV39);
	put(GVA(0x1000), 0, 0, 0);
	look(GVA(0x1000));
	fake_hart_switch(1);
	before = fake_machine.counts;
	tree_drop(&tree, GVA(0x1000));
	/* no fence here could help: the tag is gone instead */
	assert_int_equal(fake_machine.counts.leaf_fences, before.leaf_fences);
	assert_int_equal(fake_machine.counts.asid_fences, before.asid_fences);
	fake_hart_switch(0);
	assert_false(asid_tag_is_valid(&tree.tag));
	renew();
	finds_nothing(GVA(0x1000));
	destroy();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(leaves_at_every_level),
		TEST(the_upper_half_and_what_is_not_canonical),
		TEST(flags_of_a_leaf),
		TEST(origins),
		TEST(leaves_are_replaced),
		TEST(leaf_to_table_and_back),
		TEST(a_repeated_fault_fences),
		TEST(a_drop_takes_the_leaf_and_no_more),
		TEST(a_drop_takes_all_pieces_of_a_split_leaf),
		TEST(a_drop_takes_every_origin_that_covers),
		TEST(bare_trees_have_nothing_to_drop),
		TEST(an_empty_tree_is_its_root),
		TEST(a_page_is_missing_at_each_step),
		TEST(no_page_for_a_root),
		TEST(edits_of_a_tree_of_another_hart),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
