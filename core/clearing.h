/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that VMs are to have is cleared, or filled with a disk's content, before anybody
 * sees it: in pieces, by harts that have nothing to run, and by the boot hart between
 * turns of its vCPUs (harts_turn()), so that nobody waits for it for long.
 *
 * Each piece is given to one hart, once, and what that hart wrote is seen by whoever then
 * finds the whole done. One lock, a leaf, around what is given and brought back; none
 * while a piece is written.
 */
#ifndef CORE_CLEARING_H
#define CORE_CLEARING_H

#include "core/bundle.h"
#include "mm/guest_memory.h"

/* Small enough for others to wait for, and all runs of memory are multiples of it. */
#define CLEARING_PIECE (256 * UINT64_C(1024))

/* Of one VM's memory, or of one disk's; all zero: of none. */
struct clearing {
	const struct guest_memory *memory; /* NULL: nothing is to be done */
	struct blob content;		   /* what it begins with; the rest is zero */
	struct clearing *next;
	uint64_t given;	   /* bytes, to harts */
	uint64_t finished; /* bytes, of these */
	uint64_t ticks;	   /* of host time that harts were at it */
};

/*
 * Have this memory, which nobody else uses, cleared from now on, but for its beginning,
 * which is to be as content, of no more bytes than it has. Harts that are idle come for
 * it, and the boot hart is recalled (scheduler.h) when it is done. Both are kept in place
 * until clearing_is_done(), or clearing_cancel().
 */
void clearing_begin(struct clearing *clearing, const struct guest_memory *memory,
		    struct blob content);

/* True also of one that was never begun. */
bool clearing_is_done(const struct clearing *clearing);

/* No hart is at it once this returns; what is in the memory is anything. */
void clearing_cancel(struct clearing *clearing);

/* Do one piece of the oldest on the calling hart. False: there is none to be done. */
bool clearing_step(void);

/* Is there one? From any hart, at any time. */
bool clearing_waits(void);

#endif
