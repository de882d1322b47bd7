/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which vCPU runs on which hart, and when.
 *
 * A vCPU that is ready stands in one line for all harts (see line.h), from where each
 * hart takes the next one that may run there; while others wait, it runs for a turn.
 * One that waits for an interrupt is on a list of the hart that it was on, whose timer
 * stands for its own meanwhile. One that wakes has an idle hart called for it, or else
 * interrupts somebody's turn. One lock for all of it, which is taken when a vCPU changes
 * its state and never at a VM exit that does not.
 */
#ifndef CORE_SCHEDULER_H
#define CORE_SCHEDULER_H

#include "core/vcpu.h"

/* Before any hart is started. */
void scheduler_init(void);

/*
 * The vCPU's weight (BUNDLE_DEFAULT_WEIGHT is usual) and the harts that it may run on, by
 * index: one of them runs. Before it is first added.
 */
void scheduler_place(struct vcpu *vcpu, unsigned weight, uint32_t harts);

/*
 * For tests: a vCPU leaves its hart after so many ticks, and goes to another one if it
 * may. 0: no more. From the boot hart, while no vCPU is in line.
 */
void scheduler_hop(uint64_t ticks);

/* As of this moment. From any hart. */
struct vcpu_times scheduler_times(const struct vcpu *vcpu);

/* A vCPU that is on no hart and in no queue may run from now on. */
void scheduler_add(struct vcpu *vcpu);

/*
 * Something has been asked of it: see vcpu_requests.h. From any hart. True if a hart was
 * kicked for it.
 */
bool scheduler_nudge(struct vcpu *vcpu);

/* The same, but one that is blocked stays so: it is to look when it runs again. */
bool scheduler_kick(struct vcpu *vcpu);

/*
 * Run one vCPU on the calling hart until it leaves; false: there is none that is ready.
 * Between two of them the hart serves others' requests.
 */
bool scheduler_step(void);

/* Is there one, or has it been recalled? From any hart, at any time. */
bool scheduler_has_work(unsigned hart);

/*
 * Have that hart come back from scheduler_step() soon, which runs nothing there until
 * scheduler_was_recalled(), of the calling hart, has said so once. The boot hart is
 * recalled when a vCPU has left of a VM that has ended.
 */
void scheduler_recall(unsigned hart);
bool scheduler_was_recalled(void);

/*
 * No vCPU of it runs any more, as soon as those that do have come off; and again. On
 * the boot hart, of a VM that is made.
 */
void scheduler_pause(struct vm *vm);
void scheduler_resume(struct vm *vm);

/*
 * None of these vCPUs, whose VM has ended, is in a queue any more once this returns
 * true. False: some are on harts still, which have been told.
 */
bool scheduler_remove(struct vcpu *vcpus, unsigned count);

/* ---- for the hart's timer ---- */

/* Host time at which something is due there beside its vCPU's own: UINT64_MAX, never. */
uint64_t scheduler_next(void);

/* The hart's timer has come, or it was kicked; vcpu: that it runs, or NULL. */
void scheduler_tick(struct vcpu *vcpu);

/* The guest waits for an interrupt, and none is there. */
void scheduler_block(struct vcpu *vcpu);

#endif
