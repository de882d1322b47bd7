/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables for the models. See walked_tables.h. */
#include "tests/unit/walked_tables.h"

#include <assert.h>
#include <string.h>

#define GSTAGE_ROOT_PAGES 4

static uint64_t words[WALKED_PAGES][PTE_PER_TABLE];
static unsigned used;

static bool load(void *context, hpa_t address, uint64_t *value)
{
	(void)context;
	if (!range_within(address.raw, sizeof(*value), WALKED_BASE, sizeof(words)))
		return false;
	*value = *walked_word(address.raw);
	return true;
}

struct physical_memory walked_memory(void)
{
	memset(words, 0, sizeof(words));
	used = 0;
	return (struct physical_memory){.load = load};
}

static uint64_t take(unsigned pages)
{
	unsigned first = (unsigned)align_up(used, pages);

	used = first + pages;
	assert(used <= WALKED_PAGES);
	return WALKED_BASE + first * PAGE_SIZE;
}

uint64_t walked_table(void)
{
	return take(1);
}

uint64_t walked_gstage_root(void)
{
	return take(GSTAGE_ROOT_PAGES);
}

uint64_t *walked_word(uint64_t address)
{
	uint64_t offset = address - WALKED_BASE;

	return &words[offset / PAGE_SIZE][offset % PAGE_SIZE / sizeof(uint64_t)];
}

uint64_t *walked_map(uint64_t root, unsigned levels, uint64_t va, unsigned level,
		     uint64_t pa, uint64_t flags)
{
	uint64_t table = root, *pte;

	for (unsigned at = levels - 1; at > level; at--) {
		pte = walked_word(table + level_index(va, at) * sizeof(*pte));
		if (!*pte)
			*pte = pte_make(walked_table(), PTE_V).raw;
		table = pte_address(PTE(*pte));
	}
	pte = walked_word(table + level_index(va, level) * sizeof(*pte));
	*pte = pte_make(pa, flags).raw;
	return pte;
}

void walked_map_gstage(uint64_t root, unsigned levels, unsigned level)
{
	for (uint64_t at = WALKED_BASE; at < WALKED_BASE + sizeof(words);
	     at += level_size(level))
		walked_map(root, levels, at, level, at, WALKED_G_LEAF);
}

uint64_t walked_satp(unsigned mode, unsigned asid, uint64_t root)
{
	return (uint64_t)mode << 60 | (uint64_t)asid << 44 | root >> PAGE_SHIFT;
}

uint64_t walked_hgatp(unsigned mode, unsigned vmid, uint64_t root)
{
	return walked_satp(mode, vmid, root);
}
