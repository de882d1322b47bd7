/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Global mappings of one vCPU: tables below root slots that all its trees of one MODE
 * share, since what the guest marks G is valid in every address space.
 *
 * Each MODE has a root of its own that no hart walks; a tree's root gets copies of
 * its pointers. A slot is shared if the first leaf below it was global; the first
 * that is not ends that for good. Invariant: nothing but leaves with G is below a
 * shared slot, and a slot shared in one tree is private in none of that MODE.
 */
#ifndef LSP_GLOBALS_H
#define LSP_GLOBALS_H

#include "lsp/tree.h"

#define GLOBALS_MODES 3 /* Sv39, Sv48, Sv57 */

/* So many fills are remembered as being in use: kernel code, its data, stacks... */
#define GLOBALS_RECENT 12

struct globals {
	pte_t *root;		      /* NULL: nothing is shared yet */
	uint64_t private[SLOT_WORDS]; /* slots that belong to each tree by itself */
	bool unlinked;		      /* all, and nothing was filled since */
	struct tree_place recent[GLOBALS_RECENT]; /* in the tables for all trees */
};

struct lsp_vcpu;

/*
 * The root to fill a leaf for gva below: the active tree's own, or that of the
 * global tables. NULL: no page for the latter.
 */
pte_t *globals_root_for(struct lsp_vcpu *space, gva_t gva, bool global);

/* The root that a table for gva would hang from as things are. */
pte_t *globals_root_of(struct lsp_vcpu *space, gva_t gva);

/* Link the shared table for gva, if there is one, in the active tree. */
void globals_link(struct lsp_vcpu *space, gva_t gva);

/* Link all of them in a tree that was not active while they were made. */
void globals_link_all(struct lsp_vcpu *space, struct shadow_tree *tree);

/*
 * No tree is to reach what the slot of gva shares any more, since what is there goes
 * or is replaced. The real fence is the caller's.
 */
void globals_unlink_slot(struct lsp_vcpu *space, gva_t gva);

/*
 * A fence of a page: forget what came from the leaf there, in the global tables of one
 * MODE, or of all those that the active tree is not of. Real fences included.
 */
void globals_drop(struct lsp_vcpu *space, unsigned mode, gva_t gva);
void globals_drop_elsewhere(struct lsp_vcpu *space, gva_t gva);

/* Let none be reached from here on: a fence of all addresses and ASIDs. */
void globals_unlink(struct lsp_vcpu *space);

/* Those for the active tree. */
struct globals *globals_active(struct lsp_vcpu *space);

/* Forget all of them, in all trees; every slot may be shared again. */
void globals_destroy(struct lsp_vcpu *space);

#endif
