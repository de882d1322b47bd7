/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying guest leaves into shadow leaves, one or a whole table of them.
 *
 * A shadow leaf is V, A, the guest leaf's R, X and U, and W only with D; never G,
 * which would match in other VMs. Of a table as of one entry: each PTE is read once,
 * and what comes out is what a walk through it would have found at that moment.
 * Isolation: a shadow leaf maps memory of its own VM and no other. No fences here.
 */
#ifndef LSP_SYNC_H
#define LSP_SYNC_H

#include "arch/riscv/exit_fast.h"
#include "lsp/table.h"
#include "mm/access.h"
#include "mm/guest_memory.h"

/* How the leaves of one guest table become those of one shadow table. */
struct sync {
	const struct guest_memory *memory;
	const struct fast_run *run; /* sync_run() of it */
	unsigned level;		    /* of both tables */
	bool only_global;	    /* the shadow table is shared: no leaf with G = 0 */
	bool known; /* the shadow table has been synced before: it has such leaves */
	bool keeps_faults; /* what faults for everyone stays the guest's own: V = 0 */
	/* Old neighbours that would permit this access are marked as it was; NULL: none.
	 */
	const struct access *ahead;
};

/*
 * Whether a leaf table may remember the guest's faults for gva. Not in the upper half,
 * where an operating system counts on seeing a new entry of its own with no fence, and
 * which trees may share (see globals.h).
 */
static inline bool sync_keeps_faults(gva_t gva)
{
	return encoding.delegates && (int64_t)gva.raw >= 0;
}

/* Entries that a miss may fill beside its own: an aligned window of so many. */
#define SYNC_WINDOW 16u

/* RSW of a shadow leaf for the level of the guest leaf that it came from. */
unsigned origin_code(unsigned guest_level);

/* What a shadow leaf has of a guest leaf, but for the address. */
uint64_t sync_flags(pte_t guest, unsigned guest_level);

/* The shadow leaf for a guest PTE, or what stands where there is none. */
pte_t sync_leaf(const struct sync *sync, pte_t guest);

/* The first run of memory, which is all of it for most VMs. */
struct fast_run sync_run(const struct guest_memory *memory);

/* Bits that a guest's leaf must have to be like most. */
static inline uint64_t sync_common_bits(bool only_global)
{
	return PTE_V | PTE_R | PTE_A | (only_global ? PTE_G : 0);
}

/*
 * The shadow leaf at level 0 for a guest's like most: with the bits that are needed, and
 * in the run. False for all others. (A frame number is compared with all bits above it,
 * none of which are offered.)
 */
static inline bool sync_common_leaf(const struct fast_run *run, pte_t guest,
				    uint64_t needed, pte_t *leaf)
{
	const uint64_t writable = PTE_W | PTE_D;

	if ((guest.raw & needed) != needed ||
	    (guest.raw >> PTE_PPN_SHIFT) - run->first >= run->pages)
		return false;
	leaf->raw = (guest.raw + run->offset) & ~(PTE_G | PTE_RSW);
	if ((guest.raw & writable) != writable)
		leaf->raw &= ~writable;
	return true;
}

/* Bring a whole leaf table into line. Nothing may be walking it. */
void sync_leaves(const struct sync *sync, pte_t *shadow, const pte_t *guest);

/*
 * Add the leaves among `count` entries from `first` on, where the shadow table has
 * nothing: a TLB may look ahead. At any level; a hart may be walking the table.
 */
void sync_add(const struct sync *sync, pte_t *shadow, pte_t *guest, unsigned first,
	      unsigned count);

#endif
