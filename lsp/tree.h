/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A shadow tree: the radix tree in memory that plays the TLB of one vCPU for
 * one value of satp.
 *
 * A leaf is V, A, the guest leaf's R, X and U, and W only with D; never G, which
 * would match in other VMs. RSW keeps the level of the guest leaf it came from,
 * since a fence drops all that came from the leaf there. The real fence that an
 * edit needs comes before the function returns, and a table page goes back to its
 * pool only after that. Touched by the hart that runs the vCPU alone.
 */
#ifndef LSP_TREE_H
#define LSP_TREE_H

#include "lsp/asid.h"
#include "mm/guest_memory.h"
#include "mm/pte.h"

/* Shadow table pages of one vCPU, how many it may have, and the most it had. */
struct shadow_pool {
	uint64_t used;
	uint64_t limit;
	uint64_t peak;
};

struct shadow_tree {
	uint64_t satp; /* the tag: MODE, ASID and PPN as the guest wrote them */
	bool bare;     /* satp is Bare: the tag is `user` instead */
	bool user;     /* Bare only: leaves have U set */
	bool stale;    /* empty it before its next use */
	unsigned mode; /* of the tree itself; satp's own unless Bare */
	pte_t *root;   /* NULL: this tree is not in use */
	struct asid_tag tag;
	uint64_t log_position; /* fences up to here are applied; see fence_log */
	uint64_t last_use;
};

/* One translation to install: the guest's leaf, and where it leads. */
struct shadow_fill {
	gva_t gva;
	pte_t guest_leaf;
	unsigned guest_level; /* of the guest leaf */
	unsigned level;	      /* of the shadow leaf, at most guest_level */
	hpa_t hpa;	      /* of gva's page, aligned to the shadow leaf's size */
};

/* Take a root for an unused tree; the tag fields are the caller's to set. */
enum status tree_create(struct shadow_tree *tree, struct shadow_pool *pool,
			unsigned mode);

/* Give all pages back; the tree is unused afterwards. */
void tree_destroy(struct shadow_tree *tree, struct shadow_pool *pool);

/* Forget every translation; the root stays. */
void tree_empty(struct shadow_tree *tree, struct shadow_pool *pool);

/*
 * Install one leaf. STATUS_NO_MEMORY where a table page is missing; the tree is
 * whole then too, without the leaf.
 */
enum status tree_install(struct shadow_tree *tree, struct shadow_pool *pool,
			 const struct shadow_fill *fill);

/* Forget all that came from the guest leaf that covered gva when it was read. */
void tree_drop(struct shadow_tree *tree, gva_t gva);

/* The shadow leaf that gva is translated by; an invalid PTE if there is none. */
pte_t tree_find(const struct shadow_tree *tree, gva_t gva, unsigned *level);

#endif
