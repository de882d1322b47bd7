/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line of vCPUs that are ready and wait for a hart: one for all harts.
 *
 * Each has a virtual time, which goes on as it runs while others wait, the slower the
 * more weight it has. Who has the least is first, so that those that never wait share in
 * proportion to their weights. Who comes is put no further back than one turn behind
 * those that were chosen last where it may run: nobody saves up time, and so nobody waits
 * for more than a turn or two of each other. Each goes only to harts that it may run on.
 * Under the scheduler's lock, but for line_waits() and what is the vCPU's own.
 */
#ifndef CORE_LINE_H
#define CORE_LINE_H

#include "core/vcpu.h"

void line_init(void);

/* A vCPU that is ready joins, for any hart of this mask, which is not empty. */
void line_join(struct vcpu *vcpu, uint32_t harts);

/* One that is in it leaves. */
void line_leave(struct vcpu *vcpu);

/* Who is to run on this hart now, and leaves the line; NULL: nobody. */
struct vcpu *line_choose(unsigned hart);

struct vcpu *line_first(void);

/* Somebody in the line may run on this hart. From any hart, at any time. */
bool line_waits(unsigned hart);

/* For so long a vCPU runs while others wait, in ticks of the machine's timebase. */
uint64_t line_turn(const struct vcpu *vcpu);

/* It has run for so many ticks while others waited. */
void line_charge(struct vcpu *vcpu, uint64_t ticks);

#endif
