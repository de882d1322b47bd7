/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake hart's walker. See fake_walk.h. */
#include "tests/unit/fake_walk.h"

#include "mm/guest_memory.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/host_ram.h"

#define TABLE_LIMIT 64

struct tables {
	unsigned count;
	hpa_t at[TABLE_LIMIT];
};

static bool is_kept(pte_t pte)
{
	const struct fake_profile *profile = fake_profile();

	if (!pte_valid(pte))
		return profile->keeps_invalid;
	return pte_is_leaf(pte) || profile->keeps_pointers;
}

static bool is_pointer(pte_t pte)
{
	return pte_valid(pte) && !pte_is_leaf(pte);
}

static bool is_good_pointer(unsigned level, pte_t pte)
{
	return level > 0 && !(pte.raw & (PTE_G | PTE_HIGH | PTE_A | PTE_D | PTE_U));
}

/* Zeros where nothing is; that this faults on some harts is for follow(). */
static pte_t read_at(hpa_t at)
{
	if (fake_is_vacant(at))
		return PTE(0);
	if (!fake_pages_is_taken(HPA(align_down(at.raw, PAGE_SIZE))))
		return FAKE_GARBAGE;
	return *(const pte_t *)hpa_pointer(at);
}

static hpa_t entry_in(const struct fake_walker *walker, hpa_t table, unsigned level,
		      uint64_t address)
{
	unsigned bits = level == walker->levels - 1 ? walker->root_bits : PTE_INDEX_BITS;
	uint64_t index = address >> (PAGE_SHIFT + PTE_INDEX_BITS * level);

	return HPA(table.raw + (index & ((UINT64_C(1) << bits) - 1)) * sizeof(pte_t));
}

static pte_t read_entry(const struct fake_walker *walker, hpa_t table, unsigned level,
			uint64_t address, struct fake_reads *reads)
{
	hpa_t at = entry_in(walker, table, level, address);
	pte_t pte = read_at(at);

	if (reads && reads->count < FAKE_READ_LIMIT) {
		reads->read[reads->count].at = at;
		reads->read[reads->count].pte = pte;
	}
	if (reads)
		reads->count++;
	return pte;
}

bool fake_reads_hold(const struct fake_reads *reads)
{
	if (reads->count > FAKE_READ_LIMIT)
		return false;
	for (unsigned i = 0; i < reads->count; i++)
		if (read_at(reads->read[i].at).raw != reads->read[i].pte.raw)
			return false;
	return true;
}

static void add_table(struct tables *tables, hpa_t table)
{
	for (unsigned i = 0; i < tables->count; i++)
		if (tables->at[i].raw == table.raw)
			return;
	assert_true(tables->count < TABLE_LIMIT);
	tables->at[tables->count++] = table;
}

static void add_leaf(struct fake_found *found, pte_t leaf, unsigned level)
{
	for (unsigned i = 0; i < found->count; i++)
		if (found->leaf[i].raw == leaf.raw && found->level[i] == level)
			return;
	assert_true(found->count < FAKE_RESULT_LIMIT);
	found->leaf[found->count] = leaf;
	found->level[found->count++] = level;
}

static void follow(struct fake_found *found, struct tables *below, unsigned level,
		   pte_t pte)
{
	if (pte.raw == FAKE_GARBAGE.raw ||
	    (is_pointer(pte) && !is_good_pointer(level, pte))) {
		found->bad_pointer = pte;
		found->bad_level = level;
	} else if (!pte_valid(pte))
		found->invalid = true;
	else if (pte_is_leaf(pte))
		add_leaf(found, pte, level);
	else if (fake_is_detour(HPA(pte_address(pte))))
		found->detour = true;
	else if (fake_is_vacant(HPA(pte_address(pte))) && fake_profile()->vacant_faults)
		found->access_fault = true;
	else
		add_table(below, HPA(pte_address(pte)));
}

static void read_tables(const struct fake_walker *walker, const struct tables *tables,
			unsigned level, uint64_t address, struct fake_found *found,
			struct tables *below, struct fake_reads *reads)
{
	uint64_t prefix = fake_prefix(address, level);

	for (unsigned i = 0; i < tables->count; i++) {
		pte_t pte = read_entry(walker, tables->at[i], level, address, reads);

		follow(found, below, level, pte);
		if (is_kept(pte) &&
		    fake_entries_add(walker->entries, walker->tag, level, prefix, pte))
			found->kept_pointer |= is_pointer(pte);
	}
}

static void follow_kept(const struct fake_walker *walker, unsigned level,
			uint64_t address, struct fake_found *found, struct tables *below)
{
	const struct fake_entries *entries = walker->entries;
	const struct fake_entry *entry = fake_entries_find(entries, walker->tag, level,
							   fake_prefix(address, level));

	for (; entry; entry = fake_entries_next(entries, entry))
		follow(found, below, level, entry->pte);
}

void fake_walk(const struct fake_walker *walker, uint64_t address,
	       struct fake_found *found, struct fake_reads *reads)
{
	struct tables tables[2];
	unsigned level = walker->levels;

	found->invalid = false;
	found->access_fault = false;
	found->detour = false;
	found->kept_pointer = false;
	found->bad_level = 0;
	found->bad_pointer = PTE(0);
	found->count = 0;
	if (reads)
		reads->count = 0;
	tables[level & 1].count = 1;
	tables[level & 1].at[0] = walker->root;
	while (level-- > 0) {
		const struct tables *here = &tables[~level & 1];
		struct tables *below = &tables[level & 1];

		below->count = 0;
		read_tables(walker, here, level, address, found, below, reads);
		follow_kept(walker, level, address, found, below);
	}
}
