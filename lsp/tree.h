/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A shadow tree: the radix tree in memory that plays the TLB of one vCPU for one
 * value of satp.
 *
 * RSW of a shadow leaf keeps the level of the guest leaf it came from, since a fence
 * drops all that came from the leaf there. The root's slots that are marked shared
 * belong to the vCPU's global tables (see globals.h), and are only linked here.
 * Touched by the hart that runs the vCPU alone.
 */
#ifndef LSP_TREE_H
#define LSP_TREE_H

#include "lsp/asid.h"
#include "lsp/table.h"

/* So many places are remembered as being in use: a program's code, heap, stack... */
#define TREE_RECENT 12

/* What one fill brings: a whole leaf table, or a window of large leaves. */
struct tree_place {
	gva_t gva; /* one address in it */
	unsigned level;
	bool is_used; /* false: there is no place here */
};

struct shadow_tree {
	uint64_t satp; /* the tag: MODE, ASID and PPN as the guest wrote them */
	bool bare;     /* satp is Bare: the tag is `user` instead */
	bool user;     /* Bare only: leaves have U set */
	unsigned mode; /* of the tree itself; satp's own unless Bare */
	pte_t *root;   /* NULL: this tree is not in use */
	struct asid_tag tag;
	uint64_t log_position; /* fences up to here are applied; see space.h */
	uint64_t last_use;
	bool unlinked; /* somewhere, and nothing was filled since */
	struct tree_place recent[TREE_RECENT]; /* where its own tables were wanted last */
};

/* Take a root for an unused tree; the tag fields are the caller's to set. */
enum status tree_create(struct shadow_tree *tree, struct shadow_pool *pool,
			unsigned mode);

/* Give all pages back; the tree is unused afterwards. */
void tree_destroy(struct shadow_tree *tree, struct shadow_pool *pool);

/*
 * Let the hart reach nothing by this tree any more, or (keep_shared) nothing but the
 * global tables; whatever hangs from it is stale.
 */
void tree_unlink(struct shadow_tree *tree, bool keep_shared);

/* Give back all that hangs from the root but is not shared. */
void tree_empty(struct shadow_tree *tree, struct shadow_pool *pool);

/* What a drop has taken away, and what may be in a TLB of it. */
enum drop {
	DROP_LEAF,  /* under gva alone */
	DROP_TABLE, /* a leaf table, and no other */
	DROP_MORE,
};

/*
 * In the tables from `table` of that level on, forget all that came from the guest
 * leaf which covered gva when it was read. The fences are the caller's.
 */
enum drop table_drop(pte_t *table, unsigned level, gva_t gva);

/* The shadow leaf that gva is translated by; an invalid PTE if there is none. */
pte_t tree_find(const struct shadow_tree *tree, gva_t gva, unsigned *level);

/* A place becomes the first of `count`; the last is forgotten if it was none of them. */
void tree_place_remember(struct tree_place *recent, unsigned count,
			 struct tree_place place);

/* Whether the hart comes to a place from this root: to its leaf, at level 0 its table. */
bool tree_place_is_linked(const pte_t *root, unsigned top, struct tree_place place);

static inline unsigned tree_top(const struct shadow_tree *tree)
{
	return mode_levels(tree->mode) - 1;
}

#endif
