/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Retiring in one exit what follows a fence: guests fence up to 64 pages one at a
 * time, in a loop of four instructions, and write satp with a fence right behind.
 *
 * From the instruction behind on, those of a small table are carried out here, as the
 * hart would, read with the guest's own permission to execute. It ends with exact
 * registers and pc before anything else, before an interrupt, and after a while.
 */
#ifndef CORE_LOOKAHEAD_H
#define CORE_LOOKAHEAD_H

#include "core/vcpu.h"
#include "mm/paging.h"

struct lookahead {
	unsigned fences; /* that were retired beside the first */
	bool alone; /* known: nothing behind it leads to another fence, nor back to it */
};

/* Apply a fence of the vCPU's own and go on from its pc, which is behind it already. */
struct lookahead lookahead_fence(struct vcpu *vcpu, const struct fence *fence);

/* The same behind a write of satp. */
struct lookahead lookahead(struct vcpu *vcpu);

#endif
