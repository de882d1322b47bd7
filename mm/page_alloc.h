/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator: a binary buddy system over the host's RAM.
 *
 * Blocks are 2^order pages, aligned to their size, from one page up to 1 GiB.
 * Free blocks are linked through their own first bytes; one byte per page says
 * the order of the free or allocated block that starts there. One instance for
 * the machine; callers are single-threaded for now, the lock belongs around
 * the public functions that change it.
 */
#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

#include "core/types.h"

#define PAGE_ORDER_LIMIT 19 /* orders 0 .. 18: 4 KiB .. 1 GiB */
#define PAGE_ORDER_2M	 9

/*
 * Manage pages within [base, base + size), none of which is free yet. The
 * per-page bytes are taken from `state`, page_alloc_state_size() bytes long.
 */
uint64_t page_alloc_state_size(uint64_t size);
void page_alloc_init(hpa_t base, uint64_t size, void *state);

/* Give the allocator the whole pages of a range; also how pages return. */
void page_alloc_add(hpa_t start, uint64_t size);

/* A block of 2^order pages, not cleared; NULL if there is none. */
void *page_alloc(unsigned order);

/*
 * Up to `wanted` bytes of adjacent memory, both multiples of 2 MiB, not cleared: of the
 * smallest free stretch that holds so much, or all of the largest if none does. From
 * 1 GiB on, it begins at a multiple of 1 GiB where there is room to. Returns the size,
 * 0: there is none; it goes back by page_alloc_add().
 */
uint64_t page_alloc_run(uint64_t wanted, hpa_t *start);

/* The same as page_alloc(), every byte zero. */
void *page_alloc_zeroed(unsigned order);

/* Give a block back, of the order it was taken with. */
void page_free(void *block, unsigned order);

/* True for a page that was taken as a block of its own and not given back. */
bool page_is_taken(hpa_t page);

/* The same of a block of that order. */
bool page_block_is_taken(hpa_t block, unsigned order);

/* Pages that are free now. */
uint64_t page_alloc_free_pages(void);

#endif
