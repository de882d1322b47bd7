/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which vCPU runs on which hart, and when.
 *
 * Each hart has a queue of vCPUs that are ready, served in turn, a slice of time each
 * while there are others; and a list of those that wait there for their timers. A hart
 * that has nothing to do takes a vCPU that waits for another hart, and is woken for one
 * that becomes ready while its own hart is busy. One lock for all of it, which is taken
 * when a vCPU changes its state and never at a VM exit that does not.
 */
#ifndef CORE_SCHEDULER_H
#define CORE_SCHEDULER_H

#include "core/vcpu.h"

/* Before any hart is started. */
void scheduler_init(void);

/* A vCPU that is on no hart and in no queue may run from now on. */
void scheduler_add(struct vcpu *vcpu);

/*
 * Something has been asked of it: see vcpu_requests.h. From any hart. True if a hart was
 * kicked for it.
 */
bool scheduler_nudge(struct vcpu *vcpu);

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
