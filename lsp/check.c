/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of each tree of a vCPU, and of all together. See check.h. */
#include "lsp/check.h"
#include "core/arch.h"
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

static const char *tree_is_wrong(const struct lsp_vcpu *space,
				 const struct shadow_tree *tree)
{
	if (mode_is_wrong(tree))
		return mode_is_wrong(tree);
	if (!page_is_taken(pointer_hpa(tree->root)))
		return "its root is no shadow page";
	if (tree->log_position > space->log_head)
		return "it is ahead of the fence log";
	if (tree->last_use > space->clock)
		return "it was used in the future";
	if (tree->tag.asid >> arch_asid_bits() != 0)
		return "its ASID has too many bits";
	for (const struct shadow_tree *other = space->trees; other < tree; other++) {
		if (other->root && same_key(tree, other))
			return "there is another tree for it";
		if (other->root && same_asid(&tree->tag, &other->tag))
			return "it shares its ASID with another tree";
	}
	return NULL;
}

static const char *check_trees(const struct lsp_vcpu *space)
{
	for (unsigned i = 0; i < TREE_LIMIT; i++) {
		const struct shadow_tree *tree = &space->trees[i];
		const char *what = tree->root ? tree_is_wrong(space, tree) : NULL;

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
	if (active->stale)
		return "it is stale";
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
	const char *what;

	if (active < &space->trees[0] || active >= &space->trees[TREE_LIMIT])
		return "the active tree is none of the vCPU's";
	what = active_is_wrong(space, active);
	if (what)
		return CHECK_WRONG("the active tree, of satp 0x%lx: %s", active->satp,
				   what);
	return NULL;
}

const char *space_check(const struct lsp_vcpu *space)
{
	const char *wrong;

	if (space->pool.used > space->pool.limit)
		return CHECK_WRONG("%lu shadow pages in use, %lu are the limit",
				   space->pool.used, space->pool.limit);
	wrong = check_trees(space);
	if (!wrong)
		wrong = check_active(space);
	if (!wrong)
		wrong = check_tables(space);
	return wrong;
}
