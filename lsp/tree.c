/* SPDX-License-Identifier: BSD-2-Clause */
/* One shadow tree: install, drop, empty, find. See tree.h. */
#include "lsp/tree.h"
#include "core/panic.h"
#include "mm/page_alloc.h"

/* RSW holds levels 0 to 2; 3 stands for 3 and 4, of which no guest has RAM for two. */
#define ORIGIN_LIMIT 3

static unsigned origin_code(unsigned guest_level)
{
	return guest_level < ORIGIN_LIMIT ? guest_level : ORIGIN_LIMIT;
}

static unsigned origin_of(pte_t leaf)
{
	return (unsigned)((leaf.raw & PTE_RSW) >> PTE_RSW_SHIFT);
}

/*
 * In a pointer's RSW: some leaf below came from one guest leaf as large as all
 * that the pointer spans. A fence of any address in there drops those.
 */
#define POINTER_SPLIT (UINT64_C(1) << PTE_RSW_SHIFT)

static unsigned levels_of(const struct shadow_tree *tree)
{
	return mode_levels(tree->mode);
}

/* One store, so that the hart's walker sees the old entry or the new one. */
static void entry_set(pte_t *entry, pte_t value)
{
	__atomic_store_n(&entry->raw, value.raw, __ATOMIC_RELEASE);
}

static pte_t *table_of(pte_t pointer)
{
	return hpa_pointer(HPA(pte_address(pointer)));
}

static bool is_pointer(pte_t pte)
{
	return pte_valid(pte) && !pte_is_leaf(pte);
}

static pte_t *take_page(struct shadow_pool *pool)
{
	pte_t *page = NULL;

	if (pool->used < pool->limit)
		page = page_alloc_zeroed(0);
	if (page && ++pool->used > pool->peak)
		pool->peak = pool->used;
	return page;
}

static void give_page(struct shadow_pool *pool, pte_t *page)
{
	pool->used--;
	page_free(page, 0);
}

/* The tables below an unlinked pointer. Only after a fence of the whole tree. */
static void give_tables(struct shadow_pool *pool, pte_t pointer, unsigned level)
{
	pte_t *table = table_of(pointer);

	for (unsigned i = 0; level > 0 && i < PTE_PER_TABLE; i++)
		if (is_pointer(table[i]))
			give_tables(pool, table[i], level - 1);
	give_page(pool, table);
}

enum status tree_create(struct shadow_tree *tree, struct shadow_pool *pool, unsigned mode)
{
	*tree = (struct shadow_tree){.mode = mode, .root = take_page(pool)};
	return tree->root ? STATUS_OK : STATUS_NO_MEMORY;
}

void tree_empty(struct shadow_tree *tree, struct shadow_pool *pool)
{
	/* With V clear the hart ignores the rest, which still says what was there. */
	for (unsigned i = 0; i < PTE_PER_TABLE; i++)
		entry_set(&tree->root[i], PTE(tree->root[i].raw & ~PTE_V));
	asid_fence_tree(&tree->tag);
	for (unsigned i = 0; i < PTE_PER_TABLE; i++) {
		pte_t unlinked = tree->root[i];

		if (unlinked.raw != 0 && !pte_is_leaf(unlinked))
			give_tables(pool, unlinked, levels_of(tree) - 2);
		tree->root[i] = PTE(0);
	}
	tree->stale = false;
}

void tree_destroy(struct shadow_tree *tree, struct shadow_pool *pool)
{
	tree_empty(tree, pool);
	give_page(pool, tree->root);
	*tree = (struct shadow_tree){0};
}

static void remove_leaf(struct shadow_tree *tree, pte_t *entry, gva_t gva)
{
	entry_set(entry, PTE(0));
	asid_fence_leaf(&tree->tag, gva);
}

static void remove_tables(struct shadow_tree *tree, struct shadow_pool *pool,
			  pte_t *entry, unsigned level)
{
	pte_t pointer = *entry;

	entry_set(entry, PTE(0));
	asid_fence_tree(&tree->tag);
	give_tables(pool, pointer, level - 1);
}

/* The entry that a fill is for, with the tables above it made and marked. */
static pte_t *reach_entry(struct shadow_tree *tree, struct shadow_pool *pool,
			  const struct shadow_fill *fill)
{
	gva_t gva = fill->gva;
	pte_t *table = tree->root;

	for (unsigned level = levels_of(tree) - 1; level > fill->level; level--) {
		pte_t *entry = &table[level_index(gva.raw, level)];

		if (pte_is_leaf(*entry))
			remove_leaf(tree, entry, gva);
		if (!pte_valid(*entry)) {
			pte_t *page = take_page(pool);

			if (!page)
				return NULL;
			entry_set(entry, pte_make((uintptr_t)page, PTE_V));
		}
		if (level == fill->guest_level)
			entry_set(entry, PTE(entry->raw | POINTER_SPLIT));
		table = table_of(*entry);
	}
	return &table[level_index(gva.raw, fill->level)];
}

static pte_t shadow_leaf(const struct shadow_fill *fill)
{
	uint64_t guest = fill->guest_leaf.raw;
	uint64_t flags = PTE_V | PTE_A | (guest & (PTE_R | PTE_X | PTE_U));

	/* With D = 0 the first store must still reach the guest. */
	if ((guest & PTE_W) && (guest & PTE_D))
		flags |= PTE_W | PTE_D;
	flags |= (uint64_t)origin_code(fill->guest_level) << PTE_RSW_SHIFT;
	return pte_make(fill->hpa.raw, flags);
}

enum status tree_install(struct shadow_tree *tree, struct shadow_pool *pool,
			 const struct shadow_fill *fill)
{
	pte_t leaf = shadow_leaf(fill);
	pte_t *entry = reach_entry(tree, pool, fill);
	pte_t old;

	if (!entry)
		return STATUS_NO_MEMORY;
	if (is_pointer(*entry))
		remove_tables(tree, pool, entry, fill->level);
	old = *entry;
	entry_set(entry, leaf);
	/*
	 * A fault on an entry that was right already: the hart has cached that
	 * there was none, perhaps at a level above, so the whole tree is fenced.
	 */
	if (old.raw == leaf.raw)
		asid_fence_tree(&tree->tag);
	else if (pte_valid(old))
		asid_fence_leaf(&tree->tag, fill->gva);
	return STATUS_OK;
}

/* Remove leaves of this origin from a table and those below; true if any. */
static bool drop_origin(pte_t *table, unsigned level, unsigned origin)
{
	bool dropped = false;

	for (unsigned i = 0; i < PTE_PER_TABLE; i++) {
		if (is_pointer(table[i])) {
			dropped |= drop_origin(table_of(table[i]), level - 1, origin);
		} else if (pte_valid(table[i]) && origin_of(table[i]) == origin) {
			entry_set(&table[i], PTE(0));
			dropped = true;
		}
	}
	return dropped;
}

static pte_t *find_leaf(const struct shadow_tree *tree, gva_t gva, unsigned *level)
{
	pte_t *table = tree->root;

	for (*level = levels_of(tree); (*level)-- > 0;) {
		pte_t *entry = &table[level_index(gva.raw, *level)];

		if (!pte_valid(*entry))
			break;
		if (pte_is_leaf(*entry))
			return entry;
		table = table_of(*entry);
	}
	return NULL;
}

/* A pointer on the way to the fenced address: what one guest leaf put below it. */
static bool drop_split(pte_t *pointer, unsigned level)
{
	if (!(pointer->raw & POINTER_SPLIT))
		return false;
	entry_set(pointer, PTE(pointer->raw & ~POINTER_SPLIT));
	return drop_origin(table_of(*pointer), level - 1, origin_code(level));
}

void tree_drop(struct shadow_tree *tree, gva_t gva)
{
	pte_t *table = tree->root;
	bool dropped = false;

	/* "SFENCE.VMA with an invalid virtual address has no effect." */
	if (tree->bare || !gva_is_canonical(gva, levels_of(tree)))
		return;
	for (unsigned level = levels_of(tree); level-- > 0;) {
		pte_t *entry = &table[level_index(gva.raw, level)];

		if (!pte_valid(*entry))
			break;
		if (pte_is_leaf(*entry)) {
			remove_leaf(tree, entry, gva);
			break;
		}
		dropped |= drop_split(entry, level);
		table = table_of(*entry);
	}
	if (dropped)
		asid_fence_tree(&tree->tag);
}

pte_t tree_find(const struct shadow_tree *tree, gva_t gva, unsigned *level)
{
	pte_t *leaf = NULL;

	if (gva_is_canonical(gva, levels_of(tree)))
		leaf = find_leaf(tree, gva, level);
	return leaf ? *leaf : PTE(0);
}
