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

#include "lsp/table.h"
#include "mm/access.h"
#include "mm/guest_memory.h"

/* How the leaves of one guest table become those of one shadow table. */
struct sync {
	const struct guest_memory *memory;
	unsigned level;	   /* of both tables */
	bool only_global;  /* the shadow table is shared: no leaf with G = 0 */
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

/*
 * The same at level 0 for guest leaves like most: readable, and in the first run of
 * RAM. False for all others.
 */
static inline bool sync_common_leaf(const struct guest_memory *memory, pte_t guest,
				    pte_t *leaf)
{
	const uint64_t needed = PTE_V | PTE_A | PTE_R;
	const struct guest_run *run = &memory->runs[0];
	uint64_t offset = pte_address(guest) - run->gpa.raw;
	uint64_t flags = guest.raw & (PTE_V | PTE_R | PTE_X | PTE_U | PTE_A);

	if ((guest.raw & (needed | PTE_HIGH)) != needed || offset >= run->size)
		return false;
	if ((guest.raw & (PTE_W | PTE_D)) == (PTE_W | PTE_D))
		flags |= PTE_W | PTE_D;
	*leaf = pte_make(run->hpa.raw + offset, flags);
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
