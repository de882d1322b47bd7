/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stock of blocks that are promised: as many as its owner cannot do without.
 *
 * They are taken from the page allocator when the stock is made, and no block that comes
 * back goes anywhere else while the stock is short of them: so the owner can always have
 * so many at once, whatever others take. More come from the allocator as long as it has
 * some. No lock: a stock is its owner's, or under its owner's lock.
 */
#ifndef MM_PAGE_STOCK_H
#define MM_PAGE_STOCK_H

#include "core/types.h"
#include "mm/page_alloc.h"

struct stocked_block {
	struct stocked_block *next;
};

struct page_stock {
	enum page_kind kind;
	unsigned order; /* of each block */
	uint64_t promised;
	uint64_t kept; /* blocks in it: what is promised, less what the owner has of it */
	struct stocked_block *first;
};

/*
 * A stock of so many blocks of 2^order pages. STATUS_NO_MEMORY: there are not so many;
 * the stock then has what there was, and is to be destroyed all the same.
 */
enum status stock_create(struct page_stock *stock, enum page_kind kind, unsigned order,
			 uint64_t promised);

/* A block, not cleared; NULL: the owner has all that is promised, and no more is free. */
void *stock_take(struct page_stock *stock);

/* A block of it comes back. No hart may walk it any more. */
void stock_give(struct page_stock *stock, void *block);

/* Give back what is in it. Nothing for one that is all zero. */
void stock_destroy(struct page_stock *stock);

/* Pages that are in it. */
static inline uint64_t stock_pages(const struct page_stock *stock)
{
	return stock->kept << stock->order;
}

#endif
