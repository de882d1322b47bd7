/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shadow tables: the pages that hold them, and how one hangs from another.
 *
 * A leaf table (level 0) is one page. A pointer table is two: the entries, which
 * the hart walks, and software's side of them. A slot of a pointer table is live
 * while its entry is something, a pointer or a leaf. A slot that is not may have a
 * table below it all the same: a stale one, which nothing reaches until somebody
 * makes it true again and links it. No function here fences; its caller does,
 * before a page that a hart could have walked is given back.
 */
#ifndef LSP_TABLE_H
#define LSP_TABLE_H

#include "lsp/encoding.h"
#include "mm/guest_memory.h"
#include "mm/page_stock.h"
#include "mm/pte.h"

#define SLOT_WORDS (PTE_PER_TABLE / 64)

/*
 * Shadow table pages of one vCPU, how many it may have, what is promised included, and
 * the most it had. Tables are of two shapes: each has a stock of its own.
 */
struct shadow_pool {
	uint64_t used;
	uint64_t limit;
	uint64_t peak;
	uint64_t marks; /* the sum of their tables' marks */
	struct page_stock leaves;
	struct page_stock pointers;
};

/* Such that no two tables have the same, nor do sums of some come out as others'. */
static inline uint64_t table_mark(const pte_t *table)
{
	uint64_t page = ((uintptr_t)table >> PAGE_SHIFT) * UINT64_C(0x9e3779b97f4a7c15);

	return (page ^ page >> 32) * UINT64_C(0xd6e8feb86659fd93);
}

/* Software's side of a pointer table; a bit or a number for each slot. */
struct table_side {
	int32_t child[PTE_PER_TABLE]; /* in pages from the table itself; 0: none */
	uint64_t below[SLOT_WORDS];   /* there is one */
	uint64_t live[SLOT_WORDS];
	uint64_t split[SLOT_WORDS];  /* a guest leaf of this level is in pieces below */
	uint64_t shared[SLOT_WORDS]; /* roots, live: below is a table of all trees */
};

static inline bool slot_test(const uint64_t *slots, unsigned index)
{
	return slots[index / 64] >> index % 64 & 1;
}

static inline void slot_set(uint64_t *slots, unsigned index)
{
	slots[index / 64] |= UINT64_C(1) << index % 64;
}

static inline void slot_clear(uint64_t *slots, unsigned index)
{
	slots[index / 64] &= ~(UINT64_C(1) << index % 64);
}

/* The first of these slots from `from` on; PTE_PER_TABLE: there is none. */
unsigned slots_next(const uint64_t *slots, unsigned from);

static inline struct table_side *table_side(const pte_t *table)
{
	return (struct table_side *)(uintptr_t)(table + PTE_PER_TABLE);
}

/* One store, so that the hart's walker sees the old entry or the new one. */
static inline void entry_set(pte_t *entry, pte_t value)
{
	*(volatile uint64_t *)&entry->raw = value.raw;
}

static inline pte_t *table_of(pte_t pointer)
{
	return hpa_pointer(HPA(pte_address(pointer)));
}

/* A table of ours is below it: no leaf, and not what stands for "unsynced". */
static inline bool entry_is_table(pte_t entry)
{
	return pte_valid(entry) && !pte_is_leaf(entry) &&
	       entry.raw != encoding.pointer.raw;
}

/* A leaf that translates something. */
static inline bool entry_is_leaf(pte_t entry)
{
	return pte_valid(entry) && pte_is_leaf(entry) &&
	       (entry.raw & ~PTE_U) != encoding.leaf.raw;
}

/* Pages that a table of this level takes. */
static inline unsigned table_pages(unsigned level)
{
	return level > 0 ? 2 : 1;
}

/*
 * A table with no slot live; NULL: no page for it. A leaf table's entries are anything:
 * what is in it is said when it is about to be linked.
 */
pte_t *table_create(struct shadow_pool *pool, unsigned level);

/* Give back a table and all below it, the stale ones too. */
void table_destroy(struct shadow_pool *pool, pte_t *table, unsigned level);

/* Give back all that is below a pointer table, which stays. Nothing is unlinked. */
void table_destroy_below(struct shadow_pool *pool, pte_t *table, unsigned level);

/* The table below a slot, linked or stale; NULL if there is none. */
pte_t *table_child(const pte_t *table, unsigned index);

/* Hang a table below a slot, or (NULL) say that there is none; nothing is linked. */
void table_child_set(pte_t *table, unsigned index, const pte_t *child);

/* The entry of a slot of a pointer table, which is live from now on. */
void table_set(pte_t *table, unsigned index, pte_t entry);

/* A slot is live no more. What hangs below it is stale. */
void table_unlink(pte_t *table, unsigned index);

/* The same for all slots but those in `keep` (NULL: for all); none is shared now. */
void table_unlink_all(pte_t *table, const uint64_t *keep);

/* Every entry of a leaf table is unsynced from now on: one guest leaf's, with its U. */
void table_clear_leaves(pte_t *table, bool user);

#endif
