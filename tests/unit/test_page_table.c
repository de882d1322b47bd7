/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: mm/page_table.c mm/guest_memory.c tests/unit/fake_pages.c */
/* sources: tests/unit/host_ram.c tests/unit/lone_hart.c */
/*
 * Tables that map whole ranges once: every address of a range is mapped and no
 * other, with leaves as large as may be, and destroying gives every page back.
 */
#include "mm/guest_memory.h"
#include "mm/page_table.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/host_ram.h"

#define FLAGS (PTE_R | PTE_W | PTE_A | PTE_D)

static struct page_table table;

static int setup(void **state)
{
	(void)state;
	fake_pages_create();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	page_table_destroy(&table);
	page_table_destroy(&table);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
	return 0;
}

struct mapped {
	bool found;
	uint64_t to;
	unsigned level;
	uint64_t flags;
};

/* As a hart with that many levels would; an x4 root has 2048 entries. */
static struct mapped look(uint64_t from)
{
	const pte_t *at = table.root;
	uint64_t mask = table.root_order == 2 ? 2047 : 511;

	for (unsigned level = table.levels; level-- > 0; mask = 511) {
		pte_t pte = at[from >> (12 + 9 * level) & mask];
		uint64_t size = UINT64_C(1) << (12 + 9 * level);

		if (!(pte.raw & 1))
			return (struct mapped){0};
		if (pte.raw & 0xe)
			return (struct mapped){
				true, (pte.raw >> 10 << 12) + (from & (size - 1)), level,
				pte.raw & 0x3ff};
		assert_int_equal(pte.raw & 0x3fe, 0);
		at = hpa_pointer(HPA(pte.raw >> 10 << 12));
	}
	fail_msg("a pointer at level 0");
	return (struct mapped){0};
}

static void maps(uint64_t from, uint64_t to, unsigned level)
{
	struct mapped mapped = look(from);

	assert_true(mapped.found);
	assert_int_equal(mapped.to, to);
	assert_int_equal(mapped.level, level);
	assert_int_equal(mapped.flags, FLAGS | PTE_V);
}

static enum status map(uint64_t from, uint64_t to, uint64_t size, unsigned largest)
{
	return page_table_map(&table, from, HPA(to), size, FLAGS, largest);
}

static void create(unsigned mode, bool x4)
{
	assert_int_equal(page_table_create(&table, mode, x4), STATUS_OK);
	assert_int_equal(fake_pages_taken(), x4 ? 4 : 1);
	assert_true(is_aligned((uintptr_t)table.root, x4 ? 0x4000 : 0x1000));
}

static void every_mode(void **state)
{
	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++)
		for (unsigned x4 = 0; x4 < 2; x4++) {
			unsigned levels = mode - SATP_SV39 + 3;
			uint64_t last =
				(UINT64_C(1) << (12 + 9 * levels + 2 * x4)) - PAGE_SIZE;

			create(mode, x4);
			assert_int_equal(map(0, 0x80000000, PAGE_SIZE, 4), STATUS_OK);
			assert_int_equal(map(last, 0x80001000, PAGE_SIZE, 4), STATUS_OK);
			maps(0xff8, 0x80000ff8, 0);
			maps(last, 0x80001000, 0);
			assert_false(look(0x1000).found);
			assert_false(look(last - 0x1000).found);
			assert_int_equal(fake_pages_taken(),
					 (x4 ? 4 : 1) + 2 * (levels - 1));
			page_table_destroy(&table);
			assert_int_equal(fake_pages_taken(), 0);
		}
}

/* From the middle of 2 MiB to the middle of another, across a whole 1 GiB. */
static void the_largest_leaves_that_fit(void **state)
{
	uint64_t start = GIB - 2 * MIB - PAGE_SIZE, end = 2 * GIB + 2 * MIB + PAGE_SIZE;

	(void)state;
	create(SATP_SV39, false);
	assert_int_equal(map(start, start + 4 * GIB, end - start, 2), STATUS_OK);
	maps(start, start + 4 * GIB, 0);
	maps(start + PAGE_SIZE, start + PAGE_SIZE + 4 * GIB, 1);
	maps(GIB, 5 * GIB, 2);
	maps(2 * GIB - 8, 6 * GIB - 8, 2);
	maps(2 * GIB, 6 * GIB, 1);
	maps(end - PAGE_SIZE, end - PAGE_SIZE + 4 * GIB, 0);
	assert_false(look(start - 8).found);
	assert_false(look(end).found);
}

static void no_larger_than_allowed(void **state)
{
	(void)state;
	for (unsigned largest = 0; largest < 5; largest++) {
		create(SATP_SV39, true);
		assert_int_equal(map(0, GIB, GIB, largest), STATUS_OK);
		maps(0, GIB, largest < 2 ? largest : 2);
		maps(GIB - 8, 2 * GIB - 8, largest < 2 ? largest : 2);
		page_table_destroy(&table);
	}
	/* a leaf in the root itself */
	create(SATP_SV48, false);
	assert_int_equal(map(0, 0, 512 * GIB, 4), STATUS_OK);
	maps(100 * GIB, 100 * GIB, 3);
	assert_int_equal(fake_pages_taken(), 1);
}

/* Both sides decide: what is aligned on one only takes smaller leaves. */
static void alignment_of_both_sides(void **state)
{
	(void)state;
	create(SATP_SV39, false);
	assert_int_equal(map(0, PAGE_SIZE, 4 * MIB, 2), STATUS_OK);
	maps(0, PAGE_SIZE, 0);
	maps(2 * MIB, 2 * MIB + PAGE_SIZE, 0);
	page_table_destroy(&table);
	create(SATP_SV39, false);
	assert_int_equal(map(0, 2 * MIB, GIB, 2), STATUS_OK);
	maps(512 * MIB, 514 * MIB, 1);
	assert_int_equal(map(GIB, GIB, 0, 2), STATUS_OK);
	assert_false(look(GIB).found);
}

/* Whatever page is missing, destroying still returns all there are. */
static void memory_ends(void **state)
{
	enum status status = STATUS_NO_MEMORY;

	(void)state;
	fake_pages_allow(0);
	assert_int_equal(page_table_create(&table, SATP_SV39, true), STATUS_NO_MEMORY);
	for (uint64_t calls = 1; status != STATUS_OK; calls++) {
		fake_pages_allow(calls);
		create(SATP_SV57, true);
		status = map(2 * MIB - PAGE_SIZE, 0, 4 * PAGE_SIZE, 0);
		page_table_destroy(&table);
		assert_int_equal(fake_pages_taken(), 0);
		assert_true(calls <= 6);
	}
	fake_pages_allow(UINT64_MAX);
}

static void what_is_not_aligned_is_our_own_defect(void **state)
{
	(void)state;
	create(SATP_SV39, false);
	expect_assertion((void)map(1, 0, PAGE_SIZE, 0));
	expect_assertion((void)map(0, 8, PAGE_SIZE, 0));
	expect_assertion((void)map(0, 0, 100, 0));
	/* below a leaf there is no table */
	assert_int_equal(map(0, 0, 2 * MIB, 1), STATUS_OK);
	expect_assertion((void)map(0, 0, PAGE_SIZE, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(every_mode),
		TEST(the_largest_leaves_that_fit),
		TEST(no_larger_than_allowed),
		TEST(alignment_of_both_sides),
		TEST(memory_ends),
		TEST(what_is_not_aligned_is_our_own_defect),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
