/* SPDX-License-Identifier: BSD-2-Clause */
/* One shadow tree: unlink, drop, find. See tree.h. */
#include "lsp/tree.h"
#include "lsp/sync.h"

enum status tree_create(struct shadow_tree *tree, struct shadow_pool *pool, unsigned mode)
{
	*tree = (struct shadow_tree){.mode = mode};
	tree->root = table_create(pool, tree_top(tree));
	return tree->root ? STATUS_OK : STATUS_NO_MEMORY;
}

void tree_unlink(struct shadow_tree *tree, bool keep_shared)
{
	tree->unlinked = true;
	table_unlink_all(tree->root, keep_shared ? table_side(tree->root)->shared : NULL);
	asid_fence_tree(&tree->tag);
}

void tree_empty(struct shadow_tree *tree, struct shadow_pool *pool)
{
	tree_unlink(tree, false);
	/* For want of pages: what is wanted next is not to find them taken again. */
	tree->unlinked = false;
	table_destroy_below(pool, tree->root, tree_top(tree));
}

void tree_destroy(struct shadow_tree *tree, struct shadow_pool *pool)
{
	tree_unlink(tree, false);
	table_destroy(pool, tree->root, tree_top(tree));
	*tree = (struct shadow_tree){0};
}

/* ---- drop ---- */

static unsigned origin_of(pte_t leaf)
{
	return (unsigned)((leaf.raw & PTE_RSW) >> PTE_RSW_SHIFT);
}

static bool drop_entry(pte_t *table, unsigned level, unsigned index, unsigned origin)
{
	if (!entry_is_leaf(table[index]) || origin_of(table[index]) != origin)
		return false;
	if (level > 0)
		table_unlink(table, index);
	else
		entry_set(&table[index], encoding.leaf);
	return true;
}

/* Forget leaves of this origin in a table and those linked below; true if any. */
static bool drop_origin(pte_t *table, unsigned level, unsigned origin)
{
	bool dropped = false;

	for (unsigned i = 0; i < PTE_PER_TABLE; i++) {
		if (level > 0 && entry_is_table(table[i]))
			dropped |= drop_origin(table_of(table[i]), level - 1, origin);
		else
			dropped |= drop_entry(table, level, i, origin);
	}
	return dropped;
}

/* A pointer on the way to the fenced address: what one guest leaf put below it. */
static bool drop_split(pte_t *table, unsigned level, unsigned index)
{
	struct table_side *side = table_side(table);

	if (!slot_test(side->split, index))
		return false;
	slot_clear(side->split, index);
	return drop_origin(table_of(table[index]), level - 1, origin_code(level));
}

/*
 * Where V = 0 is the guest's own fault, no one entry of a leaf table can be made
 * unsynced: the guest's leaf, which says for whom, may be read by a walk alone. So the
 * whole table is, or all that a leaf in pieces has below it.
 */
static bool is_dropped_whole(const pte_t *table, unsigned level, unsigned index)
{
	return encoding.delegates &&
	       (level == 1 || slot_test(table_side(table)->split, index));
}

enum drop table_drop(pte_t *table, unsigned level, gva_t gva)
{
	bool wide = false;

	for (; level > 0; level--) {
		unsigned index = level_index(gva.raw, level);
		bool is_table = entry_is_table(table[index]);

		if (!is_table || is_dropped_whole(table, level, index)) {
			if (slot_test(table_side(table)->live, index))
				table_unlink(table, index);
			if (wide || (is_table && level > 1))
				return DROP_MORE;
			return is_table ? DROP_TABLE : DROP_LEAF;
		}
		wide |= drop_split(table, level, index);
		table = table_of(table[index]);
	}
	entry_set(&table[level_index(gva.raw, 0)], encoding.leaf);
	return wide ? DROP_MORE : DROP_LEAF;
}

/* ---- find ---- */

static pte_t find_leaf(const pte_t *table, unsigned top, gva_t gva, unsigned *level)
{
	for (*level = top;; (*level)--) {
		pte_t entry = table[level_index(gva.raw, *level)];

		if (entry_is_leaf(entry))
			return entry;
		if (*level == 0 || !entry_is_table(entry))
			return PTE(0);
		table = table_of(entry);
	}
}

pte_t tree_find(const struct shadow_tree *tree, gva_t gva, unsigned *level)
{
	if (!gva_is_canonical(gva, tree_top(tree) + 1))
		return PTE(0);
	return find_leaf(tree->root, tree_top(tree), gva, level);
}

/* ---- places ---- */

static bool is_same_place(struct tree_place one, struct tree_place other)
{
	uint64_t size =
		one.level > 0 ? level_size(one.level) * SYNC_WINDOW : level_size(1);

	return one.level == other.level && (one.gva.raw ^ other.gva.raw) < size;
}

void tree_place_remember(struct tree_place *recent, unsigned count,
			 struct tree_place place)
{
	unsigned i = 0;

	while (i < count - 1 && !is_same_place(recent[i], place))
		i++;
	for (; i > 0; i--)
		recent[i] = recent[i - 1];
	recent[0] = place;
	recent[0].is_used = true;
}

bool tree_place_is_linked(const pte_t *root, unsigned top, struct tree_place place)
{
	const pte_t *table = root;
	unsigned index = level_index(place.gva.raw, top);

	for (unsigned level = top; level > place.level;) {
		if (!entry_is_table(table[index]))
			return false;
		table = table_of(table[index]);
		index = level_index(place.gva.raw, --level);
	}
	return place.level == 0 || entry_is_leaf(table[index]);
}
