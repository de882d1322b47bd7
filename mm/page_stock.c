/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks that are promised. See page_stock.h.
 *
 * They are linked through their own first bytes, as free ones are. What is kept goes out
 * first: so a stock takes no memory beyond the larger of what is promised and what its
 * owner uses.
 */
#include "mm/page_stock.h"

static void keep(struct page_stock *stock, void *block)
{
	struct stocked_block *kept = block;

	kept->next = stock->first;
	stock->first = kept;
	stock->kept++;
}

static void *take_kept(struct page_stock *stock)
{
	struct stocked_block *block = stock->first;

	stock->first = block->next;
	stock->kept--;
	return block;
}

enum status stock_create(struct page_stock *stock, enum page_kind kind, unsigned order,
			 uint64_t promised)
{
	*stock = (struct page_stock){
		.kind = kind,
		.order = order,
		.promised = promised,
	};
	while (stock->kept < promised) {
		void *block = page_alloc_kind(kind, order);

		if (!block)
			return STATUS_NO_MEMORY;
		keep(stock, block);
	}
	return STATUS_OK;
}

void *stock_take(struct page_stock *stock)
{
	if (stock->kept > 0)
		return take_kept(stock);
	return page_alloc_kind(stock->kind, stock->order);
}

void stock_give(struct page_stock *stock, void *block)
{
	if (stock->kept < stock->promised)
		keep(stock, block);
	else
		page_free(block, stock->order);
}

void stock_destroy(struct page_stock *stock)
{
	while (stock->kept > 0)
		page_free(take_kept(stock), stock->order);
}
