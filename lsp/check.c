/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of each tree of a vCPU, and of all together. See check.h. */
#include "lsp/check.h"
#include "core/arch.h"
#include "core/vcpu.h"
#include "lsp/check_tables.h"
#include "mm/page_alloc.h"

static bool same_key(const struct shadow_tree *a, const struct shadow_tree *b)
{
	if (a->bare || b->bare)
		return a->bare && b->bare && a->user == b->user;
	return a->satp == b->satp;
}

static bool same_asid(const struct asid_tag *a, const struct asid_tag *b)
{
	return a->generation != 0 && a->generation == b->generation &&
	       a->hart == b->hart && a->asid == b->asid;
}

static const char *mode_is_wrong(const struct shadow_tree *tree)
{
	unsigned mode = satp_mode(tree->satp);

	if (tree->bare != (mode == SATP_BARE))
		return "it is Bare, or satp is, but not both";
	if (!tree->bare && tree->mode != mode)
		return "its mode is not satp's";
	if (tree->mode > SATP_SV57 || !(arch_translation_modes() & 1u << tree->mode))
		return "its mode is none of this machine's";
	return NULL;
}

static const char *pair_is_wrong(const struct shadow_tree *tree,
				 const struct shadow_tree *other)
{
	if (tree == other || !other->root)
		return NULL;
	if (same_key(tree, other))
		return "there is another tree for it";
	return same_asid(&tree->tag, &other->tag) ? "it shares its ASID with another tree"
						  : NULL;
}

static const char *tree_is_wrong(const struct lsp_vcpu *space,
				 const struct shadow_tree *tree)
{
	if (mode_is_wrong(tree))
		return mode_is_wrong(tree);
	if (!page_is_table(pointer_hpa(tree->root), 1))
		return "its root is no shadow page";
	if (tree->log_position > space->fences.log_head)
		return "it is ahead of the fence log";
	if (tree->last_use > space->vcpu->arch.fast.switches)
		return "it was used in the future";
	if (tree->tag.asid >> asid_bits() != 0)
		return "its ASID has too many bits";
	return NULL;
}

/* Beside the active tree, or (whole) those before it. */
static const char *pairs_are_wrong(const struct lsp_vcpu *space,
				   const struct shadow_tree *tree, bool whole)
{
	const char *what = pair_is_wrong(tree, space->active);

	for (const struct shadow_tree *other = space->trees;
	     whole && !what && other < tree; other++)
		what = pair_is_wrong(tree, other);
	return what;
}

static const char *check_trees(const struct lsp_vcpu *space, bool whole)
{
	for (unsigned i = 0; i < TREE_LIMIT; i++) {
		const struct shadow_tree *tree = &space->trees[i];
		const char *what = tree->root ? tree_is_wrong(space, tree) : NULL;

		if (tree->root && !what)
			what = pairs_are_wrong(space, tree, whole);
		if (what)
			return CHECK_WRONG("tree of satp 0x%lx: %s", tree->satp, what);
	}
	return NULL;
}

static const char *active_is_wrong(const struct lsp_vcpu *space,
				   const struct shadow_tree *active)
{
	bool bare = satp_mode(space->satp) == SATP_BARE;

	if (!active->root)
		return "it has no root";
	if (active->bare != bare || (!bare && active->satp != space->satp))
		return "satp is not what it is for";
	if (!asid_tag_is_valid(&active->tag))
		return "its ASID belongs to another, or to another hart";
	if (!arch_shadow_root_is(active->mode, pointer_hpa(active->root),
				 active->tag.asid))
		return "it is not what the hart walks";
	return NULL;
}

static const char *check_active(const struct lsp_vcpu *space)
{
	const struct shadow_tree *active = space->active;
	const char *what = active_is_wrong(space, active);

	if (what)
		return CHECK_WRONG("the active tree, of satp 0x%lx: %s", active->satp,
				   what);
	return NULL;
}

/* ---- what is remembered beside the trees ---- */

/* The leaf table for gva that the hart comes to; NULL: none, or through a split slot. */
static const pte_t *whole_table(const struct shadow_tree *tree, gva_t gva)
{
	const pte_t *table = tree->root;

	for (unsigned level = tree_top(tree); level > 0; level--) {
		unsigned index = level_index(gva.raw, level);

		if (!entry_is_table(table[index]) ||
		    slot_test(table_side(table)->split, index))
			return NULL;
		table = table_of(table[index]);
	}
	return table;
}

static const char *path_is_wrong(const struct lsp_vcpu *space,
				 const struct fast_path *path)
{
	const struct shadow_tree *tree = space->active;
	gva_t gva = GVA(path->prefix << (PAGE_SHIFT + PTE_INDEX_BITS));
	const struct table_side *side = table_side(tree->root);

	if (tree->bare || !gva_is_canonical(gva, tree_top(tree) + 1))
		return "no tree can have it";
	if (whole_table(tree, gva) != path->shadow)
		return "its shadow table is not what the hart comes to";
	if (slot_test(side->shared, level_index(gva.raw, tree_top(tree))) != path->shared)
		return "it is shared, or its slot is, but not both";
	return NULL;
}

/* Only those that may be used; the tables have been found to be right. */
static const char *check_paths(const struct lsp_vcpu *space)
{
	for (unsigned i = 0; i < PATH_LIMIT; i++) {
		const struct fast_path *path = &space->fences.paths[i];
		const char *what = NULL;

		if (path->stamp == space->stamp)
			what = path_is_wrong(space, path);
		if (what)
			return CHECK_WRONG("path for 0x%lx: %s", path->prefix << 21,
					   what);
	}
	return NULL;
}

static bool is_tree(const struct lsp_vcpu *space, const struct shadow_tree *tree)
{
	return tree >= &space->trees[0] && tree < &space->trees[TREE_LIMIT] && tree->root;
}

static const char *fast_root_is_wrong(const struct lsp_vcpu *space,
				      const struct fast_root *root)
{
	const struct shadow_tree *tree = root->tree;

	if (!is_tree(space, tree) || tree->bare || tree->satp != root->satp)
		return "its tree is not satp's";
	if (!asid_tag_is_valid(&tree->tag) ||
	    root->vsatp != satp_make(tree->mode, tree->tag.asid, (uintptr_t)tree->root))
		return "its vsatp is not its tree's";
	if (tree != space->active && tree->log_position != space->fences.log_head)
		return "its tree is behind the fence log";
	return NULL;
}

/* What the vector fences by. */
static const char *check_fences(const struct lsp_vcpu *space)
{
	const struct fast_fences *fences = &space->fences;

	if (fences->stamp != (space->vcpu->arch.fast.any ? 0 : space->stamp))
		return "the vector's fences go by other paths than there are";
	if (fences->asid >> 48 != satp_asid(space->active->satp) ||
	    fences->real_asid != space->active->tag.asid)
		return "the vector's fences are of another tree's ASID";
	return NULL;
}

/* What the vector switches to by itself. */
static const char *check_fast_roots(const struct lsp_vcpu *space)
{
	const struct fast_switch *fast = &space->vcpu->arch.fast;

	for (unsigned i = 0; i < FAST_ROOT_COUNT; i++) {
		const struct fast_root *root = &fast->roots[i];
		const char *what = root->vsatp ? fast_root_is_wrong(space, root) : NULL;

		if (what)
			return CHECK_WRONG("fast root of satp 0x%lx: %s", root->satp,
					   what);
	}
	return NULL;
}

const char *space_check(const struct lsp_vcpu *space, bool whole)
{
	const struct shadow_tree *active = space->active;
	const char *wrong;

	if (space->pool.used > space->pool.limit)
		return CHECK_WRONG("%lu shadow pages in use, %lu are the limit",
				   space->pool.used, space->pool.limit);
	if (active < &space->trees[0] || active >= &space->trees[TREE_LIMIT])
		return "the active tree is none of the vCPU's";
	wrong = check_trees(space, whole);
	if (!wrong)
		wrong = check_active(space);
	if (!wrong)
		wrong = check_tables(space, whole);
	if (!wrong)
		wrong = check_paths(space);
	if (!wrong)
		wrong = check_fences(space);
	if (!wrong)
		wrong = check_fast_roots(space);
	return wrong;
}
