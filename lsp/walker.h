/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest page-table walker: what a hart's own walker would find, in software
 * (privileged specification, "Virtual Address Translation Process").
 *
 * Reads the guest's tables where they are; another hart may be writing them, so
 * each PTE is read once, as a whole. A walk writes nothing; what it found is marked
 * afterwards, for a guest whose harts set A and D (Svadu). No state, no lock.
 */
#ifndef LSP_WALKER_H
#define LSP_WALKER_H

#include "mm/access.h"
#include "mm/guest_memory.h"
#include "mm/pte.h"

#define WALK_STEPS 5

struct walk {
	enum outcome outcome; /* FILLED: RAM. DEVICE: no RAM at gpa */
	gpa_t gpa;	      /* of the byte accessed, when the leaf permits it */
	pte_t leaf;	      /* the guest's own */
	unsigned level;	      /* the leaf's */
	/* The access, if A was clear and is set for it; see lsp/sync.h. */
	const struct access *ahead;
	/* By level: each PTE that was read, and where; down to the leaf's. NULL at level
	 * 0: the walk did not get there. */
	pte_t *at[WALK_STEPS];
	pte_t read[WALK_STEPS];
};

/* What an entry is to a walk at its level. */
enum guest_entry { GUEST_ENTRY_FAULT, GUEST_ENTRY_POINTER, GUEST_ENTRY_LEAF };

enum guest_entry guest_entry_kind(pte_t pte, unsigned level);

/*
 * PAGE_FAULT where the access is not permitted, or where the leaf lacks the A or D for
 * it (Svade). satp as the guest wrote it; MODE must be one the walker knows, or Bare.
 */
struct walk guest_walk(const struct guest_memory *memory, uint64_t satp,
		       const struct access *access);

/* The same, whatever A and D are: a leaf may have to be marked yet. */
struct walk guest_walk_permitted(const struct guest_memory *memory, uint64_t satp,
				 const struct access *access);

/*
 * The leaf for gva, whoever may access it and whatever its A and D are:
 * PAGE_FAULT where there is no well-formed one.
 */
struct walk guest_walk_leaf(const struct guest_memory *memory, uint64_t satp, gva_t gva);

static inline bool walk_has_leaf(const struct walk *walk)
{
	return walk->outcome == OUTCOME_FILLED || walk->outcome == OUTCOME_DEVICE;
}

/* Whether a leaf permits an access (U, SUM, MXR, R, W, X), whatever A and D are. */
bool leaf_permits(pte_t leaf, const struct access *access);

/* Whether a leaf has the A and, for a store, the D that an access is to set. */
bool leaf_is_marked(pte_t leaf, const struct access *access);

/*
 * Set them where the leaf was read, for an access that it permits; *leaf is what is
 * there then. False: something else is there by now, and it is left as it is, for all
 * that was found out about the leaf holds no more.
 */
bool leaf_mark(pte_t *at, pte_t *leaf, const struct access *access);

#endif
