/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of lazy shadow paging. See budget.h. */
#include "lsp/budget.h"
#include "core/panic.h"
#include "core/vm.h"
#include "lsp/needs.h"
#include "lsp/space.h"
#include "mm/page_alloc.h"

#define ROOTS 2 /* the tree's, and that of the global tables */

unsigned budget_state_order(void)
{
	return page_order_for(sizeof(struct lsp_vcpu));
}

uint64_t budget_state_pages(void)
{
	return UINT64_C(1) << budget_state_order();
}

/*
 * With too few tables, filling in one of an instruction's translations would
 * take away another of them, and the two would miss in turn for ever. So the
 * least is two roots and, for each of the translations, a path of its own below:
 * whatever was reclaimed before, those that follow fit into what is left. The
 * trees beside it can all go.
 */
static uint64_t least_tables(unsigned level)
{
	unsigned top = needs_levels() - 1;

	return level == 0 ? PAGES_OF_AN_INSTRUCTION
			  : ROOTS + PAGES_OF_AN_INSTRUCTION * (top - 1);
}

static uint64_t least_pages(void)
{
	return least_tables(1) * table_pages(1) + least_tables(0) * table_pages(0);
}

struct paging_budget budget_of(uint64_t ram, unsigned vcpus)
{
	return (struct paging_budget){
		.least = vcpus * ((budget_state_pages() + least_pages()) << PAGE_SHIFT),
		.usual = vcpus *
			 ((budget_state_pages() + needs_usual_tables(ram)) << PAGE_SHIFT),
	};
}

static uint64_t page_limit(const struct vm *vm)
{
	if (vm->shadow_memory == 0)
		return needs_usual_tables(vm->memory.size);
	return (vm->shadow_memory >> PAGE_SHIFT) / vm->vcpu_count - budget_state_pages();
}

enum status budget_pool_create(struct shadow_pool *pool, const struct vm *vm)
{
	enum status status;

	*pool = (struct shadow_pool){.limit = page_limit(vm)};
	assert(pool->limit >= least_pages());
	status = stock_create(&pool->leaves, PAGES_TABLES, table_pages(0) - 1,
			      least_tables(0));
	if (status == STATUS_OK)
		status = stock_create(&pool->pointers, PAGES_TABLES, table_pages(1) - 1,
				      least_tables(1));
	return status;
}

void budget_pool_destroy(struct shadow_pool *pool)
{
	assert(pool->used == 0);
	stock_destroy(&pool->leaves);
	stock_destroy(&pool->pointers);
}
