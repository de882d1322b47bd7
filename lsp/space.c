/* SPDX-License-Identifier: BSD-2-Clause */
/* The trees of a vCPU: finding, making, loading and evicting them. See space.h. */
#include "lsp/space.h"
#include "core/arch.h"
#include "core/panic.h"
#include "mm/page_alloc.h"

static bool mode_reaches(unsigned mode, uint64_t end)
{
	return (arch_translation_modes() & 1u << mode) &&
	       end <= UINT64_C(1)
			       << (PAGE_SHIFT + PTE_INDEX_BITS * mode_levels(mode) - 1);
}

/*
 * The mode of a tree: satp's own; for Bare, the one with the shortest walks that has
 * all RAM in its lower half. There is one: see the paging mode's reach.
 */
static unsigned tree_mode(const struct lsp_vcpu *space, uint64_t satp)
{
	uint64_t end = space->memory->base.raw + space->memory->size;
	unsigned mode = satp_mode(satp);

	if (mode != SATP_BARE)
		return mode;
	for (mode = SATP_SV39; mode < SATP_SV57 && !mode_reaches(mode, end);)
		mode++;
	assert(mode_reaches(mode, end));
	return mode;
}

static bool tree_is_for(const struct shadow_tree *tree, uint64_t satp, bool user)
{
	if (!tree->root)
		return false;
	if (satp_mode(satp) == SATP_BARE)
		return tree->bare && tree->user == user;
	return !tree->bare && tree->satp == satp;
}

static struct shadow_tree *find_tree(struct lsp_vcpu *space, uint64_t satp, bool user)
{
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		if (tree_is_for(&space->trees[i], satp, user))
			return &space->trees[i];
	return NULL;
}

/* The tree not used for longest; NULL if there is none but the active one. */
static struct shadow_tree *oldest_tree(struct lsp_vcpu *space)
{
	struct shadow_tree *oldest = NULL;

	for (unsigned i = 0; i < TREE_LIMIT; i++) {
		struct shadow_tree *tree = &space->trees[i];

		if (tree->root && tree != space->active &&
		    (!oldest || tree->last_use < oldest->last_use))
			oldest = tree;
	}
	return oldest;
}

static bool evict_one(struct lsp_vcpu *space)
{
	struct shadow_tree *tree = oldest_tree(space);

	if (!tree)
		return false;
	space->statistics.tree_evictions++;
	tree_destroy(tree, &space->pool);
	return true;
}

static struct shadow_tree *unused_tree(struct lsp_vcpu *space)
{
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		if (!space->trees[i].root)
			return &space->trees[i];
	return NULL;
}

static void empty_tree(struct lsp_vcpu *space, struct shadow_tree *tree)
{
	space->statistics.trees_emptied++;
	tree_empty(tree, &space->pool);
}

/* A root page, at the price of older trees and of what the active one holds. */
static bool create_root(struct lsp_vcpu *space, struct shadow_tree *tree, unsigned mode)
{
	struct shadow_pool *pool = &space->pool;

	while (tree_create(tree, pool, mode) != STATUS_OK) {
		space->statistics.reclaims++;
		if (evict_one(space))
			continue;
		if (!space->active)
			return false;
		empty_tree(space, space->active);
		return tree_create(tree, pool, mode) == STATUS_OK;
	}
	return true;
}

static struct shadow_tree *make_tree(struct lsp_vcpu *space, uint64_t satp, bool user)
{
	struct shadow_tree *tree = unused_tree(space);

	if (!tree && evict_one(space))
		tree = unused_tree(space);
	assert(tree);
	if (!create_root(space, tree, tree_mode(space, satp)))
		return NULL;
	tree->satp = satp;
	tree->bare = satp_mode(satp) == SATP_BARE;
	tree->user = user;
	tree->log_position = space->log_head;
	space->statistics.tree_creations++;
	return tree;
}

static bool log_entry_matches(const struct fence_log_entry *entry,
			      const struct shadow_tree *tree)
{
	return !entry->has_asid || entry->asid == satp_asid(tree->satp);
}

/* Apply the fences that came while the tree was not active. */
static void catch_up(struct lsp_vcpu *space, struct shadow_tree *tree)
{
	uint64_t position = tree->log_position;

	tree->log_position = space->log_head;
	if (tree->bare)
		return;
	if (tree->stale || space->log_head - position > FENCE_LOG_LIMIT) {
		empty_tree(space, tree);
		return;
	}
	for (; position < space->log_head; position++) {
		const struct fence_log_entry *entry =
			&space->log[position % FENCE_LOG_LIMIT];

		if (!log_entry_matches(entry, tree))
			continue;
		space->statistics.log_replays++;
		tree_drop(tree, entry->gva);
	}
}

enum status space_create(struct lsp_vcpu *space)
{
	space->active = make_tree(space, space->satp, false);
	return space->active ? STATUS_OK : STATUS_NO_MEMORY;
}

void space_load(struct lsp_vcpu *space)
{
	struct shadow_tree *tree = space->active;

	bool recycled = !asid_tag_is_valid(&tree->tag) && asid_tag_renew(&tree->tag);

	arch_shadow_root_set(tree->mode, pointer_hpa(tree->root), tree->tag.asid);
	/*
	 * Not before: until vsatp is written, the hart may still walk the old
	 * tree, under an ASID that is about to be someone else's.
	 */
	if (recycled)
		arch_shadow_fence_all();
}

enum status space_activate(struct lsp_vcpu *space, uint64_t satp, bool user)
{
	struct shadow_tree *tree = find_tree(space, satp, user);

	if (!tree)
		tree = make_tree(space, satp, user);
	if (!tree)
		return STATUS_NO_MEMORY;
	tree->last_use = ++space->clock;
	if (tree == space->active)
		return STATUS_OK;
	space->active->log_position = space->log_head;
	catch_up(space, tree);
	space->active = tree;
	space->statistics.tree_switches++;
	space_load(space);
	return STATUS_OK;
}

enum status space_install(struct lsp_vcpu *space, const struct shadow_fill *fill)
{
	struct shadow_pool *pool = &space->pool;

	while (tree_install(space->active, pool, fill) != STATUS_OK) {
		space->statistics.reclaims++;
		if (evict_one(space))
			continue;
		empty_tree(space, space->active);
		return tree_install(space->active, pool, fill);
	}
	return STATUS_OK;
}

static bool fence_covers(const struct fence *fence, const struct shadow_tree *tree)
{
	return tree->root && !tree->bare &&
	       (!fence->has_asid || fence->asid == satp_asid(tree->satp));
}

/* All addresses: the active tree is emptied now, the others before their next use. */
static void fence_everything(struct lsp_vcpu *space, const struct fence *fence)
{
	for (unsigned i = 0; i < TREE_LIMIT; i++) {
		struct shadow_tree *tree = &space->trees[i];

		if (!fence_covers(fence, tree))
			continue;
		if (tree == space->active)
			empty_tree(space, tree);
		else
			tree->stale = true;
	}
}

static void fence_page(struct lsp_vcpu *space, const struct fence *fence, gva_t gva)
{
	space->log[space->log_head++ % FENCE_LOG_LIMIT] = (struct fence_log_entry){
		.gva = gva,
		.has_asid = fence->has_asid,
		.asid = fence->asid,
	};
	if (fence_covers(fence, space->active))
		tree_drop(space->active, gva);
}

void space_fence(struct lsp_vcpu *space, const struct fence *fence)
{
	uint64_t first = align_down(fence->start.raw, PAGE_SIZE);
	/* Not by the end, which may be that of the address space. */
	uint64_t bytes = fence->start.raw - first + fence->size;
	uint64_t pages = (bytes >> PAGE_SHIFT) + !is_aligned(bytes, PAGE_SIZE);

	/* A long range would push the whole log out: it may as well be everything. */
	if (!fence->has_address || pages > FENCE_LOG_LIMIT) {
		fence_everything(space, fence);
		return;
	}
	for (uint64_t i = 0; i < pages; i++)
		fence_page(space, fence, GVA(first + i * PAGE_SIZE));
}

void space_destroy(struct lsp_vcpu *space)
{
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		if (space->trees[i].root)
			tree_destroy(&space->trees[i], &space->pool);
	space->active = NULL;
}
