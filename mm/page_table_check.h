/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking of a finished table that maps all of a VM's RAM: each leaf leads
 * where the memory map says, nothing else is mapped, and nothing is missing.
 *
 * Invariant: no page is read but those the allocator has given out, and of
 * those no more than the RAM calls for. Nothing is changed. No lock.
 */
#ifndef MM_PAGE_TABLE_CHECK_H
#define MM_PAGE_TABLE_CHECK_H

#include "mm/guest_memory.h"
#include "mm/page_table.h"

/*
 * NULL if all is well, or one line that says what is not, which lives until the
 * next call that finds something. leaf_flags: what page_table_map() was given.
 */
const char *page_table_check(const struct page_table *table,
			     const struct guest_memory *memory, uint64_t leaf_flags);

#endif
