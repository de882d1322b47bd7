/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Range mapping for the host's own table and for G-stage tables. See
 * page_table.h.
 */
#include "mm/page_table.h"
#include "core/panic.h"
#include "mm/guest_memory.h"
#include "mm/page_alloc.h"

enum status page_table_create(struct page_table *table, unsigned mode, bool x4)
{
	table->levels = mode_levels(mode);
	table->root_order = x4 ? 2 : 0;
	table->root = page_alloc_table(table->root_order);
	return table->root ? STATUS_OK : STATUS_NO_MEMORY;
}

static void free_below(pte_t *entries, unsigned count, unsigned level)
{
	for (unsigned i = 0; i < count; i++) {
		if (!pte_valid(entries[i]) || pte_is_leaf(entries[i]))
			continue;
		pte_t *below = hpa_pointer(HPA(pte_address(entries[i])));

		if (level > 1)
			free_below(below, PTE_PER_TABLE, level - 1);
		page_free(below, 0);
	}
}

void page_table_destroy(struct page_table *table)
{
	if (!table->root)
		return;
	free_below(table->root, PTE_PER_TABLE << table->root_order, table->levels - 1);
	page_free(table->root, table->root_order);
	table->root = NULL;
}

static uint64_t index_in(const struct page_table *table, uint64_t address, unsigned level)
{
	uint64_t index = address >> (PAGE_SHIFT + PTE_INDEX_BITS * level);
	uint64_t entries = PTE_PER_TABLE;

	if (level == table->levels - 1)
		entries <<= table->root_order;
	return index & (entries - 1);
}

static enum status map_one(struct page_table *table, uint64_t from, hpa_t to,
			   uint64_t flags, unsigned leaf_level)
{
	pte_t *entries = table->root;

	for (unsigned level = table->levels - 1; level > leaf_level; level--) {
		pte_t *entry = &entries[index_in(table, from, level)];

		if (!pte_valid(*entry)) {
			void *below = page_alloc_table(0);

			if (!below)
				return STATUS_NO_MEMORY;
			*entry = pte_make((uintptr_t)below, PTE_V);
		}
		assert(!pte_is_leaf(*entry));
		entries = hpa_pointer(HPA(pte_address(*entry)));
	}
	entries[index_in(table, from, leaf_level)] = pte_make(to.raw, flags | PTE_V);
	return STATUS_OK;
}

static unsigned level_for(uint64_t from, hpa_t to, uint64_t size, unsigned largest)
{
	unsigned level = largest;

	while (level > 0 && (!is_aligned(from | to.raw, level_size(level)) ||
			     size < level_size(level)))
		level--;
	return level;
}

enum status page_table_map(struct page_table *table, uint64_t from, hpa_t to,
			   uint64_t size, uint64_t leaf_flags, unsigned largest_level)
{
	assert(is_aligned(from | to.raw | size, PAGE_SIZE));
	if (largest_level > table->levels - 1)
		largest_level = table->levels - 1;
	while (size > 0) {
		unsigned level = level_for(from, to, size, largest_level);
		enum status status = map_one(table, from, to, leaf_flags, level);

		if (status != STATUS_OK)
			return status;
		from += level_size(level);
		to.raw += level_size(level);
		size -= level_size(level);
	}
	return STATUS_OK;
}
