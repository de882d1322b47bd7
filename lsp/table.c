/* SPDX-License-Identifier: BSD-2-Clause */
/* Shadow tables: their pages and their slots. See table.h. */
#include "lsp/table.h"
#include "core/panic.h"
#include "core/string.h"

_Static_assert(sizeof(struct table_side) <= PAGE_SIZE, "one page beside the table");

/*
 * The number of the lowest bit set. RV64GC has no instruction for it: the top six bits
 * of this multiple are another for each, as the constant has all six-bit strings in it.
 */
static inline __attribute__((always_inline)) unsigned lowest_bit(uint64_t set)
{
	static const uint8_t numbers[64] = {
		0,  1,	48, 2,	57, 49, 28, 3,	61, 58, 50, 42, 38, 29, 17, 4,
		62, 55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30, 24, 18, 12, 5,
		63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11,
		46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,	13, 8,	7,  6,
	};

	return numbers[(set & -set) * UINT64_C(0x03f79d71b4cb0a89) >> 58];
}

unsigned slots_next(const uint64_t *slots, unsigned from)
{
	unsigned word = from / 64;
	uint64_t set;

	if (from >= PTE_PER_TABLE)
		return PTE_PER_TABLE;
	set = slots[word] & (~UINT64_C(0) << from % 64);
	while (set == 0) {
		if (++word == SLOT_WORDS)
			return PTE_PER_TABLE;
		set = slots[word];
	}
	return word * 64 + lowest_bit(set);
}

static void clear_pointer_table(pte_t *table)
{
	const pte_t pointer = encoding.pointer;

#pragma GCC unroll 8
	for (unsigned i = 0; i < PTE_PER_TABLE; i++)
		entry_set(&table[i], pointer);
	memset(table_side(table), 0, sizeof(struct table_side));
}

static struct page_stock *stock_of(struct shadow_pool *pool, unsigned level)
{
	return level > 0 ? &pool->pointers : &pool->leaves;
}

/* What is kept counts as taken: it is there for this pool alone. */
static bool has_room(struct shadow_pool *pool, unsigned level)
{
	uint64_t taken =
		pool->used + stock_pages(&pool->leaves) + stock_pages(&pool->pointers);

	return stock_of(pool, level)->kept > 0 ||
	       taken + table_pages(level) <= pool->limit;
}

pte_t *table_create(struct shadow_pool *pool, unsigned level)
{
	unsigned pages = table_pages(level);
	pte_t *table = NULL;

	if (has_room(pool, level))
		table = stock_take(stock_of(pool, level));
	if (!table)
		return NULL;
	pool->used += pages;
	pool->marks += table_mark(table);
	if (pool->used > pool->peak)
		pool->peak = pool->used;
	if (level > 0)
		clear_pointer_table(table);
	return table;
}

void table_destroy_below(struct shadow_pool *pool, pte_t *table, unsigned level)
{
	const uint64_t *below = table_side(table)->below;
	unsigned slot = 0;

	for (; slot = slots_next(below, slot), slot < PTE_PER_TABLE; slot++) {
		pte_t *child = table_child(table, slot);

		assert(child);
		table_child_set(table, slot, NULL);
		table_destroy(pool, child, level - 1);
	}
}

void table_destroy(struct shadow_pool *pool, pte_t *table, unsigned level)
{
	if (level > 0)
		table_destroy_below(pool, table, level);
	pool->used -= table_pages(level);
	pool->marks -= table_mark(table);
	stock_give(stock_of(pool, level), table);
}

pte_t *table_child(const pte_t *table, unsigned index)
{
	int64_t pages = table_side(table)->child[index];

	if (pages == 0)
		return NULL;
	return (pte_t *)(uintptr_t)table + pages * (int64_t)PTE_PER_TABLE;
}

void table_child_set(pte_t *table, unsigned index, const pte_t *child)
{
	int64_t pages = child ? (child - table) / (int64_t)PTE_PER_TABLE : 0;

	assert(pages == (int32_t)pages);
	table_side(table)->child[index] = (int32_t)pages;
	if (child)
		slot_set(table_side(table)->below, index);
	else
		slot_clear(table_side(table)->below, index);
}

void table_set(pte_t *table, unsigned index, pte_t entry)
{
	slot_set(table_side(table)->live, index);
	/* What a pointer leads to must be there before it. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	entry_set(&table[index], entry);
}

void table_unlink(pte_t *table, unsigned index)
{
	entry_set(&table[index], encoding.pointer);
	slot_clear(table_side(table)->live, index);
	slot_clear(table_side(table)->split, index);
}

/* Those of 64 entries that have their bit set; most tables have few slots live. */
static void clear_pointers(pte_t *entries, uint64_t set)
{
	for (; set != 0; set &= set - 1)
		entry_set(&entries[lowest_bit(set)], encoding.pointer);
}

/* Not inlined, so that the words are near what they are reached from. */
static __attribute__((noinline)) void unlink_words(pte_t *table, uint64_t *live,
						   uint64_t *split, uint64_t *shared,
						   const uint64_t *keep)
{
#pragma GCC unroll 8
	for (unsigned word = 0; word < SLOT_WORDS; word++) {
		uint64_t drop = live[word] & ~keep[word];

		if (drop == 0)
			continue;
		live[word] &= ~drop;
		split[word] &= ~drop;
		shared[word] &= ~drop;
		clear_pointers(&table[word * 64], drop);
	}
}

void table_unlink_all(pte_t *table, const uint64_t *keep)
{
	static const uint64_t none[SLOT_WORDS];
	struct table_side *side = table_side(table);

	unlink_words(table, side->live, side->split, side->shared, keep ? keep : none);
}

void table_clear_leaves(pte_t *table, bool user)
{
	for (unsigned i = 0; i < PTE_PER_TABLE; i++)
		entry_set(&table[i], encoding_leaf(user));
}
