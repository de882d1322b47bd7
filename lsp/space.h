/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shadow trees of one vCPU, and which of them it runs on.
 *
 * One per (MODE, PPN, ASID) that the guest has had in satp, two for satp Bare (U
 * clear and set). Fences reach the active tree at once, and the others through a
 * ring log when they are next loaded; whom the log has left behind is unlinked.
 * Invariant: the active tree has every fence of its vCPU applied, and is what vsatp
 * points to while the vCPU is loaded. Touched by the vCPU's hart alone.
 */
#ifndef LSP_SPACE_H
#define LSP_SPACE_H

#include "core/vcpu.h"
#include "lsp/globals.h"
#include "lsp/path.h"
#include "lsp/sync.h"
#include "lsp/tree.h"
#include "lsp/walker.h"
#include "mm/access.h"
#include "mm/paging.h"

#define TREE_LIMIT	64
#define FENCE_LOG_LIMIT FAST_LOG_COUNT

/* A fence of more pages than this is taken for one of all addresses. */
#define FENCE_PAGES_LIMIT 64

struct lsp_statistics {
	uint64_t fills;
	uint64_t tables_synced;	 /* whole tables, each at one exit, or */
	uint64_t recalls;	 /* with another, at its exit */
	uint64_t fence_installs; /* at the fence itself, by a walk: no path was known */
	uint64_t tree_switches;
	uint64_t tree_creations;
	uint64_t tree_evictions;
	uint64_t tree_unlinks; /* whole trees made stale */
	uint64_t reclaims;     /* evictions and emptyings for want of a page */
	uint64_t log_replays;
	uint64_t unshared_slots;
};

/* The last access fault where nothing was wrong, and what has happened since. */
struct last_right {
	gva_t gva;
	uint64_t fills;
	uint64_t log_head;
	uint64_t switches;
};

struct lsp_vcpu {
	struct vcpu *vcpu;
	const struct guest_memory *memory;
	bool svadu;    /* the guest's harts set A and D: see struct paging_isa */
	uint64_t satp; /* as the guest reads it */
	struct shadow_tree *active;
	bool was_right; /* the last fill found its leaf there already, */
	struct last_right right;
	bool loaded;	/* on the hart `hart` now, */
	unsigned hart;	/* or there last */
	uint64_t epoch; /* tables linked in another one may be no more; from 1 on */
	uint64_t stamp; /* of paths that hold in the active tree: of the epoch and it */
	struct lsp_statistics statistics;
	unsigned global_modes; /* bit n: tables for MODE n have something */
	struct globals globals[GLOBALS_MODES];
	struct fast_fences fences; /* the log, and the paths */
	struct shadow_pool pool; /* its own, so that no other vCPU can use it up */
	struct shadow_tree trees[TREE_LIMIT];
};

/*
 * To be called when the active tree or its ASID is another, or the vector knows roots
 * that it did not, or none any more: while it does, a fence has more to do than there.
 */
static inline void space_tell_vector(struct lsp_vcpu *space)
{
	const struct shadow_tree *tree = space->active;
	struct fast_fences *fences = &space->fences;

	space->stamp = space->epoch * TREE_LIMIT + (uint64_t)(tree - space->trees);
	fences->stamp = space->vcpu->arch.fast.any ? 0 : space->stamp;
	fences->asid = (uint64_t)satp_asid(tree->satp) << 48;
	fences->real_asid = tree->tag.asid;
}

/* The path for gva in the active tree, if there is one and it still holds. */
static inline const struct fast_path *path_find(const struct lsp_vcpu *space, gva_t gva)
{
	uint64_t prefix = path_prefix(gva);
	const struct fast_path *path = &space->fences.paths[prefix % PATH_LIMIT];

	if (path->prefix != prefix || path->stamp != space->stamp || !path_holds(path))
		return NULL;
	return path;
}

/* How the leaves of a path's guest table become those of its shadow table. */
static inline struct sync path_sync(const struct lsp_vcpu *space,
				    const struct fast_path *path)
{
	return (struct sync){
		.memory = space->memory,
		.run = &space->fences.run,
		.only_global = path->shared,
		.keeps_faults = encoding.delegates && path->vacant.raw == 0,
	};
}

/*
 * Start with satp Bare, on a tree of it that is not loaded yet: from here on
 * there is an active tree. STATUS_NO_MEMORY: not even a root.
 */
enum status space_create(struct lsp_vcpu *space);

/*
 * Run on the tree for this satp (and, when it is Bare, this privilege), made
 * if there is none. STATUS_NO_MEMORY: not even a root; nothing changed.
 */
enum status space_activate(struct lsp_vcpu *space, uint64_t satp, bool user);

/* The vCPU comes to this hart: make vsatp what the active tree needs. And leaves. */
void space_load(struct lsp_vcpu *space);
void space_put(struct lsp_vcpu *space);

/*
 * Take note of a switch that the trap vector made by itself: to be called before
 * anything else is done with a vCPU that was in the guest. Every fence there was has
 * been applied to both trees: see struct fast_root.
 */
static inline void space_settle(struct lsp_vcpu *space)
{
	struct fast_switch *fast = &space->vcpu->arch.fast;

	if (!fast->tree)
		return;
	space->active->log_position = space->fences.log_head;
	space->active = fast->tree;
	space->satp = space->active->satp;
	space_tell_vector(space);
	fast->tree = NULL;
}

/* The vector knows no roots from here on: it switches to none by itself. */
void space_roots_forget(struct lsp_vcpu *space);

/* Some tree is behind the log. */
static inline void space_trees_behind(struct lsp_vcpu *space)
{
	if (space->vcpu->arch.fast.any)
		space_roots_forget(space);
}

/* Tables are no longer linked that were. */
static inline void space_tables_gone(struct lsp_vcpu *space)
{
	space_trees_behind(space);
	space->epoch++;
	space->stamp += TREE_LIMIT;
	space->fences.stamp = space->stamp;
}

/* Make room by forgetting; false: now all is gone that could go. */
bool space_reclaim(struct lsp_vcpu *space);

/* Whatever any hart still holds of these trees is never to be found again. */
void space_forget_tags(struct lsp_vcpu *space);

/* Give back all pages. */
void space_destroy(struct lsp_vcpu *space);

#endif
