/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the scheduler knows of each hart, and how a vCPU becomes ready: who is called for
 * it. The scheduler's own files alone use it. All of it under the scheduler's lock, but
 * for what a hart stores of its own turn, and for what is_recalled and yields tell it.
 */
#ifndef CORE_SCHEDULER_QUEUE_H
#define CORE_SCHEDULER_QUEUE_H

#include "arch/riscv/layout.h"
#include "core/arch.h"
#include "core/spin_lock.h"
#include "core/vcpu_requests.h"

/* Of each hart. */
struct hart_queue {
	struct vcpu *running;
	struct vcpu *blocked;
	bool looks;	      /* it runs nobody, and is about to look who is in line */
	bool is_busy;	      /* the hart sees to something else than vCPUs */
	bool yields;	      /* who runs there is to make room for one that woke */
	uint32_t is_recalled; /* 1: it has to see to something else */
	uint64_t next_wake;   /* of those that are blocked, or earlier; NEVER */
	uint64_t turn_began;
	uint64_t turn_end; /* NEVER: nobody waits for it */
};

extern struct scheduler {
	struct spin_lock lock;
	struct hart_queue harts[HART_LIMIT];
	uint64_t hop; /* ticks that a vCPU stays on a hart; 0: as it comes */
} scheduler;

static inline struct hart_queue *own_queue(void)
{
	return &scheduler.harts[arch_hart_index()];
}

/* Its hart, if it is on one, is to be nudged then. */
static inline void queue_ask(struct vcpu *vcpu, enum vcpu_request request)
{
	__atomic_fetch_or(&vcpu->requests, UINT32_C(1) << request, __ATOMIC_SEQ_CST);
}

/* It is no longer what it was; returns for how long it has been. */
uint64_t queue_change(struct vcpu *vcpu, enum vcpu_run_state state);

/* It is in line from now on, unless its VM is paused. woken: it waited for this. */
void queue_make_ready(struct vcpu *vcpu, bool woken);

/* Have a hart come for one that is in line. */
void queue_call(const struct vcpu *vcpu);

/* Out of the line, or of a list of those that are blocked, if it is in one. */
void queue_withdraw(struct vcpu *vcpu);

/* One that is blocked is ready. */
void queue_wake(struct vcpu *vcpu);

#endif
