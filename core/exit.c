/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exit dispatch: one handler for each cause of a VM exit, and the one place
 * where their answers are applied. Runs on the hart of the exiting vCPU.
 */
#include "core/exit.h"
#include "core/check.h"
#include "core/exit_trace.h"
#include "core/interrupt.h"
#include "core/sbi/sbi.h"
#include "core/timer.h"
#include "core/vm.h"

struct exit_result exit_retry(struct vcpu *vcpu)
{
	counters_count(vcpu, REASON_RETRY);
	return exit_resume();
}

static struct exit_result exit_exception(struct vcpu *vcpu, const struct vm_exit *exit)
{
	bool misaligned = exit->number == EXCEPTION_LOAD_MISALIGNED ||
			  exit->number == EXCEPTION_STORE_MISALIGNED;

	if (misaligned && vcpu->vm->mode->translate)
		return exit_misaligned(vcpu, exit);
	/* Not delegable on this machine, but the guest's own all the same. */
	counters_count(vcpu, REASON_EXCEPTION);
	return exit_inject(exit->number, exit->value);
}

static struct exit_result exit_timer(struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)exit;
	timer_expired(vcpu);
	return exit_resume();
}

static struct exit_result exit_external(struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)exit;
	counters_count(vcpu, REASON_EXTERNAL);
	interrupt_external();
	timer_after_external(vcpu);
	return exit_resume();
}

static struct exit_result exit_software(struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)exit;
	counters_count(vcpu, REASON_SOFTWARE);
	/* What it is about is looked at on the way back. */
	arch_kick_received();
	return exit_resume();
}

static struct exit_result exit_astray(struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)exit;
	counters_count(vcpu, REASON_EXCEPTION);
	return exit_stop("it went to VS- or VU-mode, which it was not given");
}

typedef struct exit_result (*exit_handler)(struct vcpu *vcpu, const struct vm_exit *exit);

static const exit_handler handlers[] = {
	[CAUSE_TRANSLATION] = exit_translation,
	[CAUSE_PRIVILEGED] = exit_privileged,
	[CAUSE_SBI] = exit_sbi,
	[CAUSE_EXCEPTION] = exit_exception,
	[CAUSE_TIMER] = exit_timer,
	[CAUSE_EXTERNAL] = exit_external,
	[CAUSE_SOFTWARE] = exit_software,
	[CAUSE_ASTRAY] = exit_astray,
};

void exit_handle(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct exit_result result;

	vcpu->last_fence = 0;
	exit_trace_begin(vcpu, exit);
	result = handlers[exit->cause](vcpu, exit);

	switch (result.action) {
	case EXIT_RESUME:
		break;
	case EXIT_RESUME_NEXT:
		vcpu->arch.pc += result.length;
		break;
	case EXIT_INJECT:
		arch_inject_exception(vcpu, result.number, result.value);
		break;
	case EXIT_STOP:
		vm_end(vcpu->vm, VM_STOPPED, result.why);
		break;
	}
	check_exit(vcpu);
}
