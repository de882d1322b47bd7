/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: mm/page_stock.c lsp/protect*.c lsp/asid.c lsp/walker.c mm/guest_memory.c */
/* sources: mm/guest_store.c core/json.c core/log.c tests/unit/protect_bench.c */
/* sources: tests/unit/fake_arch.c tests/unit/fake_pages.c tests/unit/guest_tables.c */
/* sources: tests/unit/host_ram.c */
/*
 * Stocks of promised blocks: what goes where, and that a VM under the modes that protect
 * the guest's tables goes on with no more than it was promised. (Of lazy shadow
 * paging's: test_shadow_budget.c.)
 */
#include "mm/page_stock.h"
#include "tests/unit/protect_bench.h"

#define PROMISED 3
#define PAGES	 40
#define ROUNDS	 400

static struct page_stock stock;
static struct bench bench;

static int begin(void **state)
{
	(void)state;
	fake_pages_create();
	return 0;
}

static int end(void **state)
{
	(void)state;
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
	return 0;
}

static void what_is_promised_is_taken_at_once(void **state)
{
	(void)state;
	assert_int_equal(stock_create(&stock, PAGES_TABLES, 1, PROMISED), STATUS_OK);
	assert_int_equal(fake_pages_taken(), 2 * PROMISED);
	assert_int_equal(stock_pages(&stock), 2 * PROMISED);
	stock_destroy(&stock);
}

/* What is kept goes out first, then what else there is. */
static void what_is_kept_goes_out_first(void **state)
{
	void *blocks[PROMISED + 1];

	(void)state;
	stock_create(&stock, PAGES_OWN, 0, PROMISED);
	for (unsigned i = 0; i < PROMISED + 1; i++) {
		blocks[i] = stock_take(&stock);
		assert_non_null(blocks[i]);
		assert_int_equal(fake_pages_taken(), i < PROMISED ? PROMISED : i + 1);
	}
	fake_pages_allow(0);
	assert_null(stock_take(&stock));
	for (unsigned i = 0; i < PROMISED + 1; i++) {
		stock_give(&stock, blocks[i]);
		assert_int_equal(stock_pages(&stock), i < PROMISED ? i + 1 : PROMISED);
	}
	assert_int_equal(fake_pages_taken(), PROMISED);
	/* Nothing else is free, and yet it is there. */
	for (unsigned i = 0; i < PROMISED; i++)
		assert_non_null(blocks[i] = stock_take(&stock));
	for (unsigned i = 0; i < PROMISED; i++)
		stock_give(&stock, blocks[i]);
	stock_destroy(&stock);
}

static void one_that_cannot_be_kept_is_said(void **state)
{
	(void)state;
	fake_pages_allow(PROMISED - 1);
	assert_int_equal(stock_create(&stock, PAGES_OWN, 0, PROMISED), STATUS_NO_MEMORY);
	stock_destroy(&stock);
	assert_int_equal(fake_pages_taken(), 0);
	stock = (struct page_stock){0};
	stock_destroy(&stock);
}

/* ---- VMs under write protection ---- */

static void run_beside_greedy_ones(const struct paging_mode *mode, unsigned from)
{
	struct protect_vm *vm;

	fake_arch_create(fake_default());
	bench_create(&bench, mode, 1, 0);
	vm = bench_state(&bench);
	for (unsigned i = 0; i < PAGES; i++)
		guest_map(&bench.tables, bench.satp, GVA(FREE_GVA.raw + i * 2 * MIB),
			  bench_page(i), GUEST_RWX, 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned page = i * 7 % PAGES;
		gva_t gva = GVA(FREE_GVA.raw + page * 2 * MIB);

		if (i == from)
			fake_pages_allow(0);
		bench_load(&bench, gva, bench_page(page));
		bench_store(&bench, gva, bench_page(page), i);
		bench_check(&bench);
	}
	assert_true(vm->statistics.reclaims > 0);
	fake_pages_allow(UINT64_MAX);
	bench_check(&bench);
	bench_destroy(&bench);
}

static void a_protected_vm_goes_on_with_what_is_promised(void **state)
{
	(void)state;
	run_beside_greedy_ones(&paging_shadow, 0);
	run_beside_greedy_ones(&paging_shadow, PAGES / 2);
	run_beside_greedy_ones(&paging_shadow_unsync, 0);
	run_beside_greedy_ones(&paging_shadow_unsync, PAGES / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_promised_is_taken_at_once, begin,
						end),
		cmocka_unit_test_setup_teardown(what_is_kept_goes_out_first, begin, end),
		cmocka_unit_test_setup_teardown(one_that_cannot_be_kept_is_said, begin,
						end),
		cmocka_unit_test_setup_teardown(
			a_protected_vm_goes_on_with_what_is_promised, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
