/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steal time, as a guest is told of it: 64 bytes of its RAM that it names, one such piece
 * for each vCPU. Written by the hart that loads or puts the vCPU, and never while it runs
 * or after its VM has ended; a reset ends it.
 */
#ifndef CORE_SBI_STA_H
#define CORE_SBI_STA_H

#include "core/types.h"

struct vcpu;

struct vcpu_steal {
	bool is_told;
	gpa_t at;	   /* a multiple of 64, all of it RAM */
	uint64_t from;	   /* stolen ticks that do not count: before it asked */
	uint32_t sequence; /* odd while the time is written */
	bool preempted;	   /* as it says there */
};

/* The vCPU goes on here: what it has waited for a hart. */
void sta_load(struct vcpu *vcpu);

/* It is put, and could go on. */
void sta_preempted(struct vcpu *vcpu);

#endif
