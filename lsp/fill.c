/* SPDX-License-Identifier: BSD-2-Clause */
/* Filling of shadow tables. See fill.h. */
#include "lsp/fill.h"
#include "core/arch.h"
#include "core/panic.h"
#include "lsp/sync.h"

/* One fill on its way down. */
struct fill {
	struct lsp_vcpu *space;
	gva_t gva;
	const struct walk *walk;
	pte_t leaf;	/* to install */
	unsigned level; /* of the shadow leaf, at most the guest leaf's */
	struct sync sync;
	bool whole;	 /* guest and shadow leaf have one level: tables match */
	bool fresh;	 /* the table at that level was not linked before */
	bool split;	 /* below a guest leaf that is in pieces */
	bool was_right;	 /* the leaf was there already */
	bool only_table; /* that the leaf would be in, and no leaf */
};

/* ---- real fences ---- */

/* Everything below a pointer or more: all trees may hold it, where it is shared. */
static void fence_tables(const struct fill *fill)
{
	if (fill->sync.only_global)
		arch_shadow_fence_all();
	else
		asid_fence_tree(&fill->space->active->tag);
}

static void fence_leaf(const struct fill *fill)
{
	if (fill->sync.only_global)
		arch_shadow_fence_leaf_all(fill->gva);
	else
		asid_fence_leaf(&fill->space->active->tag, fill->gva);
}

/* A slot is live no more; one of a global root has copies in the trees' own. */
static void unlink_slot(const struct fill *fill, pte_t *table, unsigned level)
{
	if (fill->sync.only_global && level == tree_top(fill->space->active))
		globals_unlink_slot(fill->space, fill->gva);
	table_unlink(table, level_index(fill->gva.raw, level));
}

/* ---- tables on the way ---- */

static pte_t *guest_table(const struct fill *fill)
{
	return fill->walk->at[fill->level] - level_index(fill->gva.raw, fill->level);
}

/* Make a table that nothing reaches true, before it is linked. */
static void prepare(struct fill *fill, pte_t *table, unsigned level)
{
	fill->fresh = level == fill->level;
	if (level > 0)
		table_unlink_all(table, NULL);
	if (!fill->fresh)
		return;
	if (!fill->whole && level == 0)
		table_clear_leaves(table, fill->leaf.raw & PTE_U);
	if (!fill->whole || level > 0)
		return;
	fill->space->statistics.tables_synced++;
	sync_leaves(&fill->sync, table, guest_table(fill));
}

static pte_t *take_child(struct fill *fill, pte_t *table, unsigned level, unsigned index)
{
	pte_t *child = table_child(table, index);

	fill->sync.known = child != NULL;
	if (child)
		return child;
	child = table_create(&fill->space->pool, level - 1);
	if (child)
		table_child_set(table, index, child);
	return child;
}

static void mark_split(struct fill *fill, struct table_side *side, unsigned level,
		       unsigned index)
{
	if (level == fill->walk->level && !slot_test(side->split, index)) {
		slot_set(side->split, index);
		space_tables_gone(fill->space);
	}
	fill->split |= slot_test(side->split, index);
}

/* The table below, linked; NULL: no page for it. */
static pte_t *descend(struct fill *fill, pte_t *table, unsigned level)
{
	unsigned index = level_index(fill->gva.raw, level);
	pte_t *child;

	if (entry_is_table(table[index])) {
		child = table_of(table[index]);
	} else {
		if (slot_test(table_side(table)->live, index)) {
			unlink_slot(fill, table, level);
			fence_leaf(fill);
		}
		child = take_child(fill, table, level, index);
		if (!child)
			return NULL;
		prepare(fill, child, level - 1);
		table_set(table, index, pte_make((uintptr_t)child, PTE_V));
	}
	mark_split(fill, table_side(table), level, index);
	return child;
}

/* A leaf takes the place of a table, linked or stale. */
static void remove_child(struct fill *fill, pte_t *table, unsigned index)
{
	pte_t *child = table_child(table, index);

	if (!child)
		return;
	unlink_slot(fill, table, fill->level);
	table_child_set(table, index, NULL);
	space_tables_gone(fill->space);
	fence_tables(fill);
	table_destroy(&fill->space->pool, child, fill->level - 1);
}

/* ---- the leaf ---- */

static void set_leaf(struct fill *fill, pte_t *table)
{
	unsigned index = level_index(fill->gva.raw, fill->level);
	pte_t old;

	if (fill->level > 0)
		remove_child(fill, table, index);
	old = table[index];
	/* Trees have copies of what is in a global root: none goes on with the old. */
	if (fill->level > 0 && entry_is_leaf(old) && old.raw != fill->leaf.raw)
		unlink_slot(fill, table, fill->level);
	if (fill->level > 0)
		table_set(table, index, fill->leaf);
	else
		entry_set(&table[index], fill->leaf);
	/*
	 * A fault on an entry that was right already: the hart has cached that
	 * there was none, perhaps at a level above, so everything is fenced.
	 */
	fill->was_right = old.raw == fill->leaf.raw && !fill->fresh;
	if (fill->was_right)
		fence_tables(fill);
	else if (entry_is_leaf(old) && old.raw != fill->leaf.raw)
		fence_leaf(fill);
}

/*
 * Not in a root, whose slots may each be shared or not; nor in a leaf table that was
 * not linked, which is whole by now, but for what is old.
 */
static void add_neighbours(const struct fill *fill, pte_t *table)
{
	unsigned index = level_index(fill->gva.raw, fill->level);

	if (fill->whole && fill->level < tree_top(fill->space->active) &&
	    (!fill->fresh || fill->level > 0 || fill->walk->ahead))
		sync_add(&fill->sync, table, guest_table(fill),
			 index & ~(SYNC_WINDOW - 1), SYNC_WINDOW);
}

static enum status try_fill(struct fill *fill)
{
	struct lsp_vcpu *space = fill->space;
	bool global = (fill->walk->leaf.raw & PTE_G) && !space->active->bare;
	pte_t *table = globals_root_for(space, fill->gva, global);

	if (!table)
		return STATUS_NO_MEMORY;
	fill->sync.only_global = table != space->active->root;
	fill->fresh = fill->split = false;
	for (unsigned level = tree_top(space->active); level > fill->level; level--) {
		table = descend(fill, table, level);
		if (!table)
			return STATUS_NO_MEMORY;
	}
	if (!fill->only_table) {
		set_leaf(fill, table);
		add_neighbours(fill, table);
	}
	if (fill->sync.only_global)
		globals_link(space, fill->gva);
	/* What came from a leaf in pieces takes more to drop than its one entry. */
	if (fill->whole && fill->level == 0 && !fill->split)
		path_keep(space, fill->gva, fill->walk, table, fill->sync.only_global);
	return STATUS_OK;
}

static struct sync sync_of(const struct fill *fill)
{
	return (struct sync){
		.memory = fill->space->memory,
		.run = &fill->space->fences.run,
		.level = fill->level,
		.ahead = fill->walk->ahead,
		.keeps_faults = sync_keeps_faults(fill->gva),
	};
}

/* What is to be installed, and how large it is. */
static enum status choose_leaf(struct fill *fill)
{
	const struct lsp_vcpu *space = fill->space;
	const struct walk *walk = fill->walk;
	unsigned largest = tree_top(space->active);
	uint64_t size;
	hpa_t hpa;

	if (largest > walk->level)
		largest = walk->level;
	fill->level = guest_memory_level(space->memory, walk->gpa, largest);
	fill->whole = fill->level == walk->level && !space->active->bare;
	fill->sync = sync_of(fill);
	size = level_size(fill->level);
	if (!guest_memory_find(space->memory, GPA(align_down(walk->gpa.raw, size)), size,
			       &hpa))
		return STATUS_INVALID;
	/* Isolation: a shadow leaf maps memory of its own VM and no other. */
	assert(guest_memory_owns(space->memory, hpa, size));
	fill->leaf = pte_make(hpa.raw, sync_flags(walk->leaf, walk->level));
	return STATUS_OK;
}

/* ---- tables that were in use before a fence ---- */

/*
 * The guest's leaf table at the end of a walk, if it got to one, whatever leaf is there:
 * where the guest's own faults are remembered, there is as much to a table of these.
 */
static bool link_table(struct lsp_vcpu *space, gva_t gva, const struct walk *walk)
{
	struct fill fill = {
		.space = space,
		.gva = gva,
		.walk = walk,
		.whole = true,
		.only_table = true,
	};

	if (!walk->at[0] || !sync_keeps_faults(gva))
		return false;
	fill.sync = sync_of(&fill);
	return try_fill(&fill) == STATUS_OK;
}

/*
 * As a miss there would, by a leaf of the same level that has those bits. A is one of
 * them: only the guest sets it.
 */
static bool fill_place(struct lsp_vcpu *space, struct tree_place place,
		       const struct walk *walk, uint64_t bits)
{
	struct fill fill = {.space = space, .gva = place.gva, .walk = walk};

	return walk->outcome == OUTCOME_FILLED && walk->level == place.level &&
	       (walk->leaf.raw & bits) == bits && choose_leaf(&fill) == STATUS_OK &&
	       try_fill(&fill) == STATUS_OK;
}

static void recall_place(struct lsp_vcpu *space, struct tree_place place, uint64_t bits)
{
	const struct walk walk = guest_walk_leaf(space->memory, space->satp, place.gva);

	if ((place.level == 0 && link_table(space, place.gva, &walk)) ||
	    fill_place(space, place, &walk, bits))
		space->statistics.recalls++;
}

/*
 * The first miss after a tree was unlinked says that it is run on. What was in use
 * before mostly is again, fork()'s parent being the case in point, and each table costs
 * an exit of its own otherwise. None of it is believed: the way to each is walked anew,
 * and the table read whole.
 */
static void recall(struct lsp_vcpu *space, const pte_t *root,
		   const struct tree_place *recent, unsigned count, uint64_t bits)
{
	for (unsigned i = 0; i < count; i++)
		if (recent[i].is_used &&
		    !tree_place_is_linked(root, tree_top(space->active), recent[i]))
			recall_place(space, recent[i], bits);
}

void space_recall(struct lsp_vcpu *space)
{
	struct shadow_tree *tree = space->active;

	if (!tree->unlinked)
		return;
	tree->unlinked = false;
	recall(space, tree->root, tree->recent, TREE_RECENT, PTE_A);
}

/*
 * Only leaves with G come back, so that none of it makes a slot private. The fence was
 * of the active tree as well, and its guest goes on behind it.
 */
static void recall_global(struct lsp_vcpu *space, struct globals *globals)
{
	if (!globals->unlinked)
		return;
	globals->unlinked = false;
	recall(space, globals->root, globals->recent, GLOBALS_RECENT, PTE_A | PTE_G);
	space_recall(space);
}

/* Not what came from a larger leaf in pieces. */
static void note(const struct fill *fill)
{
	const struct tree_place place = {.gva = fill->gva, .level = fill->level};
	struct lsp_vcpu *space = fill->space;
	struct globals *globals;

	if (!fill->whole)
		return;
	if (fill->sync.only_global) {
		globals = globals_active(space);
		recall_global(space, globals);
		tree_place_remember(globals->recent, GLOBALS_RECENT, place);
	} else {
		space_recall(space);
		tree_place_remember(space->active->recent, TREE_RECENT, place);
	}
}

enum status space_fill(struct lsp_vcpu *space, gva_t gva, const struct walk *walk)
{
	struct fill fill = {.space = space, .gva = gva, .walk = walk};
	enum status status = choose_leaf(&fill);
	bool more = true;

	if (status != STATUS_OK)
		return status;
	while (try_fill(&fill) != STATUS_OK) {
		if (!more)
			return STATUS_NO_MEMORY;
		more = space_reclaim(space);
	}
	space->was_right = fill.was_right;
	note(&fill);
	return STATUS_OK;
}

void space_keep_faults(struct lsp_vcpu *space, gva_t gva, const struct walk *walk)
{
	struct shadow_tree *tree = space->active;
	const struct tree_place place = {.gva = gva};

	space_recall(space);
	if (!tree_place_is_linked(tree->root, tree_top(tree), place) &&
	    link_table(space, gva, walk))
		tree_place_remember(tree->recent, TREE_RECENT, place);
}
