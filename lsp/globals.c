/* SPDX-License-Identifier: BSD-2-Clause */
/* Global mappings that trees share. See globals.h. */
#include "lsp/globals.h"
#include "core/arch.h"
#include "lsp/space.h"

static unsigned mode_of(const struct globals *globals, const struct lsp_vcpu *space)
{
	return SATP_SV39 + (unsigned)(globals - space->globals);
}

static struct globals *globals_of(struct lsp_vcpu *space, const struct shadow_tree *tree)
{
	return &space->globals[tree->mode - SATP_SV39];
}

static unsigned slot_of(const struct shadow_tree *tree, gva_t gva)
{
	return level_index(gva.raw, tree_top(tree));
}

/* True for a slot that holds anything global, linked or stale. */
static bool is_shared(const struct globals *globals, unsigned slot)
{
	return globals->root && (table_child(globals->root, slot) ||
				 slot_test(table_side(globals->root)->live, slot));
}

static void unlink_from(struct shadow_tree *tree, unsigned slot)
{
	struct table_side *side = table_side(tree->root);

	if (!slot_test(side->shared, slot))
		return;
	slot_clear(side->shared, slot);
	table_unlink(tree->root, slot);
}

static void unlink_everywhere(struct lsp_vcpu *space, unsigned mode, unsigned slot)
{
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		if (space->trees[i].root && space->trees[i].mode == mode &&
		    !space->trees[i].bare)
			unlink_from(&space->trees[i], slot);
}

/* From now on the slot is each tree's own: what is in it is not global alone. */
static void unshare(struct lsp_vcpu *space, struct globals *globals, unsigned slot)
{
	unsigned mode = mode_of(globals, space);
	pte_t *child = table_child(globals->root, slot);

	slot_set(globals->private, slot);
	unlink_everywhere(space, mode, slot);
	table_unlink(globals->root, slot);
	space_tables_gone(space);
	space->statistics.unshared_slots++;
	arch_shadow_fence_all();
	if (!child)
		return;
	table_child_set(globals->root, slot, NULL);
	table_destroy(&space->pool, child, mode_levels(mode) - 2);
}

/* Whether something may be linked in the tables for a MODE. */
static bool is_in_use(const struct lsp_vcpu *space, unsigned mode)
{
	return (space->global_modes >> mode & 1) != 0;
}

/* Something is about to be linked: paths of other MODEs do not tell of these tables. */
static void come_into_use(struct lsp_vcpu *space, unsigned mode)
{
	if (is_in_use(space, mode))
		return;
	space_tables_gone(space);
	space->global_modes |= 1u << mode;
}

/*
 * Where page faults are the guest's own, nobody hears of a user's access to a page that
 * another tree has for itself in a shared table: so nothing is shared where user mode
 * is at home.
 */
static bool may_share(gva_t gva)
{
	return !encoding.delegates || (int64_t)gva.raw < 0;
}

pte_t *globals_root_for(struct lsp_vcpu *space, gva_t gva, bool global)
{
	struct shadow_tree *tree = space->active;
	struct globals *globals = globals_of(space, tree);
	unsigned slot = slot_of(tree, gva);

	if (tree->bare || slot_test(globals->private, slot))
		return tree->root;
	if (!global || !may_share(gva)) {
		if (is_shared(globals, slot))
			unshare(space, globals, slot);
		/* Trees behind the log may have a leaf of before the last fence. */
		unlink_everywhere(space, tree->mode, slot);
		slot_set(globals->private, slot);
		return tree->root;
	}
	if (!globals->root)
		globals->root = table_create(&space->pool, tree_top(tree));
	if (globals->root)
		come_into_use(space, tree->mode);
	return globals->root;
}

pte_t *globals_root_of(struct lsp_vcpu *space, gva_t gva)
{
	struct shadow_tree *tree = space->active;
	struct globals *globals = globals_of(space, tree);

	if (!tree->bare && is_shared(globals, slot_of(tree, gva)))
		return globals->root;
	return tree->root;
}

void globals_unlink_slot(struct lsp_vcpu *space, gva_t gva)
{
	const struct shadow_tree *tree = space->active;

	unlink_everywhere(space, tree->mode, slot_of(tree, gva));
}

static void link(const struct globals *globals, struct shadow_tree *tree, unsigned slot)
{
	if (!slot_test(table_side(globals->root)->live, slot))
		return;
	slot_set(table_side(tree->root)->shared, slot);
	table_set(tree->root, slot, globals->root[slot]);
}

void globals_link(struct lsp_vcpu *space, gva_t gva)
{
	struct globals *globals = globals_of(space, space->active);

	if (globals->root)
		link(globals, space->active, slot_of(space->active, gva));
}

void globals_link_all(struct lsp_vcpu *space, struct shadow_tree *tree)
{
	struct globals *globals = globals_of(space, tree);
	const uint64_t *live;
	unsigned slot = 0;

	if (tree->bare || !globals->root)
		return;
	live = table_side(globals->root)->live;
	for (; slot = slots_next(live, slot), slot < PTE_PER_TABLE; slot++)
		link(globals, tree, slot);
}

void globals_drop(struct lsp_vcpu *space, unsigned mode, gva_t gva)
{
	pte_t *root = space->globals[mode - SATP_SV39].root;
	unsigned top = mode_levels(mode) - 1;
	unsigned slot = level_index(gva.raw, top);
	enum drop drop;

	if (!root || !gva_is_canonical(gva, top + 1))
		return;
	drop = table_drop(root, top, gva);
	if (!slot_test(table_side(root)->live, slot))
		unlink_everywhere(space, mode, slot);
	path_drop(space, gva, drop);
	if (drop == DROP_LEAF)
		arch_shadow_fence_leaf_all(gva);
	else
		arch_shadow_fence_all();
}

void globals_drop_elsewhere(struct lsp_vcpu *space, gva_t gva)
{
	const struct shadow_tree *tree = space->active;

	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++)
		if ((tree->bare || tree->mode != mode) && is_in_use(space, mode))
			globals_drop(space, mode, gva);
}

void globals_unlink(struct lsp_vcpu *space)
{
	for (unsigned i = 0; i < GLOBALS_MODES; i++) {
		if (!is_in_use(space, mode_of(&space->globals[i], space)))
			continue;
		table_unlink_all(space->globals[i].root, NULL);
		space->globals[i].unlinked = true;
	}
	space->global_modes = 0;
}

struct globals *globals_active(struct lsp_vcpu *space)
{
	return globals_of(space, space->active);
}

static void destroy(struct lsp_vcpu *space, struct globals *globals)
{
	unsigned mode = mode_of(globals, space);

	for (unsigned slot = 0; slot < PTE_PER_TABLE; slot++)
		if (is_shared(globals, slot))
			unlink_everywhere(space, mode, slot);
	table_unlink_all(globals->root, NULL);
	arch_shadow_fence_all();
	table_destroy(&space->pool, globals->root, mode_levels(mode) - 1);
	*globals = (struct globals){0};
	space->global_modes &= ~(1u << mode);
}

void globals_destroy(struct lsp_vcpu *space)
{
	space_tables_gone(space);
	for (unsigned i = 0; i < GLOBALS_MODES; i++)
		if (space->globals[i].root)
			destroy(space, &space->globals[i]);
}
