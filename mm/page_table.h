/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building of the tables that map whole ranges once: the host's own, and a
 * VM's G-stage. (Shadow tables have other rules: see lsp/.)
 *
 * Tables come from the page allocator; an entry goes from invalid to valid
 * only. The caller fences. No lock: a table is built before it is used.
 */
#ifndef MM_PAGE_TABLE_H
#define MM_PAGE_TABLE_H

#include "core/types.h"
#include "mm/pte.h"

struct page_table {
	pte_t *root;
	unsigned levels;
	unsigned root_order; /* 0, or 2 for the 16 KiB root of an x4 mode */
};

enum status page_table_create(struct page_table *table, unsigned mode, bool x4);
void page_table_destroy(struct page_table *table);

/*
 * Map [from, from + size) to `to` with the largest leaves that alignment
 * allows, none larger than largest_level. All page-aligned.
 */
enum status page_table_map(struct page_table *table, uint64_t from, hpa_t to,
			   uint64_t size, uint64_t leaf_flags, unsigned largest_level);

#endif
