/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/table.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * Shadow tables by themselves: which of their slots are said to be taken, what is in a
 * new one whatever its pages had, and that all goes back that hangs below one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "lsp/table.h"
#include "tests/unit/fake_pages.h"

struct encoding encoding; /* lsp/encoding.c: V = 0 */

static struct shadow_pool pool;

static int setup(void **state)
{
	(void)state;
	fake_pages_create();
	pool = (struct shadow_pool){
		.limit = 100,
		.pointers.order = 1,
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(pool.used, 0);
	assert_int_equal(pool.marks, 0);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
	return 0;
}

/* ---- slots ---- */

static void a_slot_is_found_from_all_before_it(void **state)
{
	(void)state;
	for (unsigned slot = 0; slot < PTE_PER_TABLE; slot++) {
		uint64_t slots[SLOT_WORDS] = {0};

		slot_set(slots, slot);
		for (unsigned from = 0; from <= PTE_PER_TABLE; from++)
			assert_int_equal(slots_next(slots, from),
					 from <= slot ? slot : PTE_PER_TABLE);
	}
}

static void slots_are_found_in_turn(void **state)
{
	static const unsigned taken[] = {0, 1, 62, 63, 64, 127, 300, 448, 510, 511};
	uint64_t slots[SLOT_WORDS] = {0};
	unsigned slot = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(taken); i++)
		slot_set(slots, taken[i]);
	for (unsigned i = 0; i < ARRAY_LENGTH(taken); i++, slot++) {
		slot = slots_next(slots, slot);
		assert_int_equal(slot, taken[i]);
	}
	assert_int_equal(slots_next(slots, slot), PTE_PER_TABLE);
}

/* ---- tables ---- */

static bool is_below(const pte_t *table, unsigned slot)
{
	return slot_test(table_side(table)->below, slot);
}

static pte_t *add_child(pte_t *table, unsigned slot, unsigned level)
{
	pte_t *child = table_create(&pool, level);

	assert_non_null(child);
	table_child_set(table, slot, child);
	assert_true(is_below(table, slot));
	return child;
}

/* Its pages are as another has left them: see fake_pages.c. */
static void a_new_table_has_nothing(void **state)
{
	pte_t *table = table_create(&pool, 1);

	(void)state;
	for (unsigned i = 0; i < PTE_PER_TABLE; i++) {
		assert_int_equal(table[i].raw, encoding.pointer.raw);
		assert_null(table_child(table, i));
	}
	assert_int_equal(slots_next(table_side(table)->below, 0), PTE_PER_TABLE);
	assert_int_equal(slots_next(table_side(table)->live, 0), PTE_PER_TABLE);
	assert_int_equal(slots_next(table_side(table)->split, 0), PTE_PER_TABLE);
	assert_int_equal(slots_next(table_side(table)->shared, 0), PTE_PER_TABLE);
	table_destroy(&pool, table, 1);
}

/* Whether the hart comes to it or not. */
static void all_below_goes_and_the_table_stays(void **state)
{
	static const unsigned slots[] = {0, 1, 63, 64, 200, 511};
	pte_t *root = table_create(&pool, 2);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(slots); i++) {
		pte_t *child = add_child(root, slots[i], 1);

		add_child(child, slots[i], 0);
		add_child(child, slots[i] ^ 2, 0);
		if (i % 2)
			table_set(root, slots[i], pte_make((uintptr_t)child, PTE_V));
	}
	assert_int_equal(pool.used,
			 table_pages(2) + ARRAY_LENGTH(slots) * (table_pages(1) + 2));
	table_destroy_below(&pool, root, 2);
	assert_int_equal(pool.used, table_pages(2));
	for (unsigned i = 0; i < ARRAY_LENGTH(slots); i++) {
		assert_null(table_child(root, slots[i]));
		assert_false(is_below(root, slots[i]));
	}
	table_destroy(&pool, root, 2);
}

static void what_is_taken_off_is_not_below(void **state)
{
	pte_t *root = table_create(&pool, 1), *child = add_child(root, 70, 0);

	(void)state;
	table_child_set(root, 70, NULL);
	assert_false(is_below(root, 70));
	table_destroy(&pool, root, 1);
	assert_int_equal(pool.used, 1);
	table_destroy(&pool, child, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_slot_is_found_from_all_before_it),
		TEST(slots_are_found_in_turn),
		TEST(a_new_table_has_nothing),
		TEST(all_below_goes_and_the_table_stays),
		TEST(what_is_taken_off_is_not_below),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
