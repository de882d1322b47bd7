/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest page-table walker: what a hart's own walker would find, in software
 * (privileged specification, "Virtual Address Translation Process").
 *
 * Reads the guest's tables where they are; another hart may be writing them, so
 * each PTE is read once, as a whole. Nothing is written: A and D are left to
 * the guest (Svade). No state, no lock.
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
	/* By level: each PTE that was read, and where; down to the leaf's. */
	const pte_t *at[WALK_STEPS];
	pte_t read[WALK_STEPS];
};

/* What an entry is to a walk at its level. */
enum guest_entry { GUEST_ENTRY_FAULT, GUEST_ENTRY_POINTER, GUEST_ENTRY_LEAF };

enum guest_entry guest_entry_kind(pte_t pte, unsigned level);

/* satp as the guest wrote it; MODE must be one the walker knows, or Bare. */
struct walk guest_walk(const struct guest_memory *memory, uint64_t satp,
		       const struct access *access);

/*
 * The leaf for gva, whoever may access it and whatever its A and D are:
 * PAGE_FAULT where there is no well-formed one.
 */
struct walk guest_walk_leaf(const struct guest_memory *memory, uint64_t satp, gva_t gva);

/* Whether a leaf permits an access (U, SUM, MXR, R, W, X, A, D). */
bool leaf_permits(pte_t leaf, const struct access *access);

#endif
