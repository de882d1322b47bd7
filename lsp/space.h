/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shadow trees of one vCPU, and which of them it runs on.
 *
 * One per (MODE, PPN, ASID) that the guest has had in satp, two for satp Bare (U
 * clear and set). Inactive ones get a fence's address through a ring log and
 * catch up when next loaded, or are emptied if the log has moved past them.
 * Invariant: the active tree has every fence of its vCPU applied, and is what
 * vsatp points to while the vCPU is loaded. Touched by the vCPU's hart alone.
 */
#ifndef LSP_SPACE_H
#define LSP_SPACE_H

#include "lsp/tree.h"
#include "mm/access.h"
#include "mm/paging.h"

#define TREE_LIMIT	64
#define FENCE_LOG_LIMIT 64

/* A fence of one address that the inactive trees still have to apply. */
struct fence_log_entry {
	gva_t gva;
	bool has_asid;
	uint16_t asid;
};

struct lsp_statistics {
	uint64_t fills;
	uint64_t fence_installs; /* translations installed at the fence itself */
	uint64_t tree_switches;
	uint64_t tree_creations;
	uint64_t tree_evictions;
	uint64_t trees_emptied;
	uint64_t reclaims; /* evictions and emptyings for want of a page */
	uint64_t log_replays;
};

struct lsp_vcpu {
	struct shadow_pool pool; /* its own, so that no other vCPU can use it up */
	const struct guest_memory *memory;
	uint64_t satp; /* as the guest reads it */
	struct shadow_tree *active;
	uint64_t clock; /* of tree uses, for eviction */
	uint64_t log_head;
	struct fence_log_entry log[FENCE_LOG_LIMIT];
	struct lsp_statistics statistics;
	struct shadow_tree trees[TREE_LIMIT];
};

/*
 * Start with satp Bare, on a tree of it that is not loaded yet: from here on
 * there is an active tree. STATUS_NO_MEMORY: not even a root page.
 */
enum status space_create(struct lsp_vcpu *space);

/*
 * Run on the tree for this satp (and, when it is Bare, this privilege), made
 * if there is none. STATUS_NO_MEMORY: not even a root page; nothing changed.
 */
enum status space_activate(struct lsp_vcpu *space, uint64_t satp, bool user);

/* The vCPU comes to this hart: make vsatp what the active tree needs. */
void space_load(struct lsp_vcpu *space);

/* Install in the active tree, making room if need be. */
enum status space_install(struct lsp_vcpu *space, const struct shadow_fill *fill);

/* Apply a fence to every tree of the vCPU, now or when it is next loaded. */
void space_fence(struct lsp_vcpu *space, const struct fence *fence);

/* Give back all pages. */
void space_destroy(struct lsp_vcpu *space);

#endif
