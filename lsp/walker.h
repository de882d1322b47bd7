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

struct walk {
	enum outcome outcome; /* FILLED: RAM. DEVICE: no RAM at gpa */
	gpa_t gpa;	      /* of the byte accessed, when the leaf permits it */
	pte_t leaf;	      /* the guest's own */
	unsigned level;	      /* the leaf's */
};

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
