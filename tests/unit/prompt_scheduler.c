/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler, as those who ask something of a vCPU see it: each vCPU has a hart of
 * its own that does what it is asked at once.
 */
#include "tests/unit/prompt_scheduler.h"
#include "core/vcpu_requests.h"

struct prompt_scheduler prompt_scheduler;

void scheduler_add(struct vcpu *vcpu)
{
	(void)vcpu;
	prompt_scheduler.added++;
}

bool scheduler_nudge(struct vcpu *vcpu)
{
	prompt_scheduler.nudged++;
	vcpu_serve(vcpu);
	return true;
}

void scheduler_block(struct vcpu *vcpu)
{
	vcpu->leave = VCPU_BLOCKED;
}

bool scheduler_kick(struct vcpu *vcpu)
{
	return scheduler_nudge(vcpu);
}

uint64_t scheduler_next(void)
{
	return prompt_scheduler.next ? prompt_scheduler.next : UINT64_MAX;
}

void scheduler_tick(struct vcpu *vcpu)
{
	(void)vcpu;
	prompt_scheduler.ticks++;
}
