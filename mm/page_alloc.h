/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator: a binary buddy system over the host's RAM.
 *
 * Blocks are 2^order pages, aligned to their size, from one page up to 1 GiB.
 * Free blocks are linked through their own first bytes; one byte per page says
 * the order of the free or allocated block that starts there. A seat that keeps kinds
 * of pages apart divides them into arenas, over whose bounds no block reaches. One
 * instance for the machine; any hart may take and give back.
 */
#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

#include "core/types.h"

#define PAGE_ORDER_LIMIT 19 /* orders 0 .. 18: 4 KiB .. 1 GiB */
#define PAGE_ORDER_2M	 9

/* Of the smallest block that holds so many bytes. */
static inline unsigned page_order_for(uint64_t size)
{
	unsigned order = 0;

	while (PAGE_SIZE << order < size)
		order++;
	return order;
}

/* What a page is for, by who may come to it. */
enum page_kind {
	PAGES_OWN,    /* Gnomon alone */
	PAGES_TABLES, /* the walker of a hart that runs a guest */
	PAGES_GUESTS, /* a VM: its RAM */
	PAGE_KINDS
};

/* Where each kind lies. A page is of the first whose range it is in. */
struct page_division {
	struct host_range ranges[PAGE_KINDS];
};

/*
 * Manage pages within [base, base + size), none of which is free yet. The
 * per-page bytes are taken from `state`, page_alloc_state_size() bytes long.
 */
uint64_t page_alloc_state_size(uint64_t size);
void page_alloc_init(hpa_t base, uint64_t size, void *state);

/*
 * Keep the kinds apart from now on, where nothing has been added yet. With no division
 * all pages are of every kind.
 */
void page_alloc_divide(const struct page_division *division);

/*
 * Give the allocator the whole pages of a range; also how pages return. Those that a
 * division gives no kind are left out.
 */
void page_alloc_add(hpa_t start, uint64_t size);

/* A block of 2^order pages of that kind, not cleared; NULL if there is none. */
void *page_alloc_kind(enum page_kind kind, unsigned order);

/* The same of Gnomon's own; every byte zero; and so for translation tables. */
void *page_alloc(unsigned order);
void *page_alloc_zeroed(unsigned order);
void *page_alloc_table(unsigned order);

/*
 * Up to `wanted` bytes of adjacent memory for a VM, both multiples of 2 MiB, not cleared:
 * of the smallest free stretch that holds so much, or all of the largest if none does.
 * From 1 GiB on, it begins at a multiple of 1 GiB where there is room to. Returns the
 * size, 0: there is none; it goes back by page_alloc_add().
 */
uint64_t page_alloc_run(uint64_t wanted, hpa_t *start);

/* Give a block back, of the order it was taken with. */
void page_free(void *block, unsigned order);

/* True for a page that was taken as a block of its own and not given back. */
bool page_is_taken(hpa_t page);

/* The same of a block of that order, and of one where tables have to be. */
bool page_block_is_taken(hpa_t block, unsigned order);
bool page_is_table(hpa_t block, unsigned order);

/* Pages that are free now: all of them, and of one kind. */
uint64_t page_alloc_free_pages(void);
uint64_t page_alloc_free_of(enum page_kind kind);

/* Pages of one kind that there are: as many as were ever free at once. */
uint64_t page_alloc_pages_of(enum page_kind kind);

/* True where no page is of two kinds. */
bool page_alloc_is_divided(void);

#endif
