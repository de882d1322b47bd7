/* SPDX-License-Identifier: BSD-2-Clause */
/* The trees of a vCPU: finding, making, loading and evicting them. See space.h. */
#include "lsp/space.h"
#include "core/arch.h"
#include "core/panic.h"
#include "core/string.h"
#include "core/vcpu.h"
#include "lsp/fence.h"

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

/* When it last switched to each is kept. */
void space_roots_forget(struct lsp_vcpu *space)
{
	struct fast_switch *fast = &space->vcpu->arch.fast;

	fast->any = false;
	for (unsigned i = 0; i < FAST_ROOT_COUNT; i++) {
		struct shadow_tree *tree = fast->roots[i].tree;

		if (fast->roots[i].vsatp == 0)
			continue;
		fast->roots[i].vsatp = 0;
		if (tree->last_use < fast->roots[i].used)
			tree->last_use = fast->roots[i].used;
	}
	space_tell_vector(space);
}

static void let_switch(struct lsp_vcpu *space, struct shadow_tree *tree)
{
	struct fast_switch *fast = &space->vcpu->arch.fast;

	if (tree->bare || !asid_tag_is_valid(&tree->tag))
		return;
	fast->any = true;
	fast->roots[fast_root_index(tree->satp)] = (struct fast_root){
		.satp = tree->satp,
		.vsatp = satp_make(tree->mode, tree->tag.asid, (uintptr_t)tree->root),
		.tree = tree,
		.used = fast->switches,
	};
}

static bool evict_one(struct lsp_vcpu *space)
{
	struct shadow_tree *tree = oldest_tree(space);

	if (!tree)
		return false;
	space->statistics.tree_evictions++;
	space_tables_gone(space);
	tree_destroy(tree, &space->pool);
	return true;
}

/* Trees that are not in use first; then what the active one and all trees share. */
bool space_reclaim(struct lsp_vcpu *space)
{
	space->statistics.reclaims++;
	if (evict_one(space))
		return true;
	if (!space->active)
		return false;
	space_tables_gone(space);
	tree_empty(space->active, &space->pool);
	globals_destroy(space);
	return false;
}

static struct shadow_tree *unused_tree(struct lsp_vcpu *space)
{
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		if (!space->trees[i].root)
			return &space->trees[i];
	return NULL;
}

static struct shadow_tree *make_tree(struct lsp_vcpu *space, uint64_t satp, bool user)
{
	struct shadow_tree *tree = unused_tree(space);
	bool more = true;

	if (!tree && evict_one(space))
		tree = unused_tree(space);
	assert(tree);
	while (tree_create(tree, &space->pool, tree_mode(space, satp)) != STATUS_OK) {
		if (!more)
			return NULL;
		more = space_reclaim(space);
	}
	tree->satp = satp;
	tree->bare = satp_mode(satp) == SATP_BARE;
	tree->user = user;
	tree->log_position = space->fences.log_head;
	space->statistics.tree_creations++;
	return tree;
}

/*
 * A new address space often is a copy of the one that the guest comes from: what was in
 * use there is looked for in it when it is run on.
 */
static struct shadow_tree *make_heir(struct lsp_vcpu *space, uint64_t satp, bool user)
{
	const struct shadow_tree *last = space->active;
	struct shadow_tree *tree = make_tree(space, satp, user);

	if (!tree || tree->bare || last->bare || tree->mode != last->mode)
		return tree;
	tree->unlinked = true;
	memcpy(tree->recent, last->recent, sizeof(tree->recent));
	return tree;
}

enum status space_create(struct lsp_vcpu *space)
{
	space->epoch = 1;
	paths_reset(space);
	space->vcpu->arch.fences = &space->fences;
	space->active = make_tree(space, space->satp, false);
	if (!space->active)
		return STATUS_NO_MEMORY;
	space_tell_vector(space);
	return STATUS_OK;
}

/* ---- loading ---- */

static void walk_active(struct lsp_vcpu *space)
{
	struct shadow_tree *tree = space->active;
	bool recycled = !asid_tag_is_valid(&tree->tag) && asid_tag_renew(&tree->tag);

	arch_shadow_root_set(tree->mode, pointer_hpa(tree->root), tree->tag.asid);
	/* Bare has no faults of its own: one is U's, of which there is none in Bare. */
	if (encoding.delegates)
		arch_page_faults_delegate(!tree->bare);
	/*
	 * Not before: until vsatp is written, the hart may still walk the old
	 * tree, under an ASID that is about to be someone else's.
	 */
	if (!recycled)
		return;
	arch_shadow_fence_all();
	space_trees_behind(space);
}

void space_forget_tags(struct lsp_vcpu *space)
{
	space_trees_behind(space);
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		space->trees[i].tag.generation = 0;
}

/*
 * Shared tables are fenced on the hart that the vCPU is on, for all trees at once. On
 * another one, translations may be left from before: no tag of that time is used again.
 */
void space_load(struct lsp_vcpu *space)
{
	if (space->hart != arch_hart_index())
		space_forget_tags(space);
	space->hart = arch_hart_index();
	space->loaded = true;
	space->fences.run = sync_run(space->memory);
	walk_active(space);
	space_tell_vector(space);
}

void space_put(struct lsp_vcpu *space)
{
	space_trees_behind(space);
	space->loaded = false;
}

enum status space_activate(struct lsp_vcpu *space, uint64_t satp, bool user)
{
	struct shadow_tree *last = space->active;
	struct shadow_tree *tree = find_tree(space, satp, user);

	if (!tree)
		tree = make_heir(space, satp, user);
	if (!tree)
		return STATUS_NO_MEMORY;
	if (tree == space->active)
		return STATUS_OK;
	tree->last_use = ++space->vcpu->arch.fast.switches;
	last->log_position = space->fences.log_head;
	log_catch_up(space, tree);
	globals_link_all(space, tree);
	space->active = tree;
	space->statistics.tree_switches++;
	walk_active(space);
	let_switch(space, last);
	let_switch(space, tree);
	/* The vector knows nothing of whose page faults are. */
	if (tree->bare)
		space_trees_behind(space);
	space_tell_vector(space);
	return STATUS_OK;
}

void space_destroy(struct lsp_vcpu *space)
{
	for (unsigned i = 0; i < TREE_LIMIT; i++)
		if (space->trees[i].root)
			tree_destroy(&space->trees[i], &space->pool);
	globals_destroy(space);
	space->vcpu->arch.fences = NULL;
	space->active = NULL;
}
