/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBI HSM: starting and stopping of a guest's harts. A VM in which the last
 * hart stops can never go on, so that ends it.
 */
#include "core/sbi/sbi.h"

#define SUSPEND_DEFAULT_RETENTIVE     0
#define SUSPEND_DEFAULT_NON_RETENTIVE 0x80000000

static struct vcpu *find_hart(struct vm *vm, uint64_t id)
{
	return id < vm->vcpu_count ? &vm->vcpus[id] : NULL;
}

static int64_t start(struct vm *vm, const uint64_t *argument)
{
	struct vcpu *target = find_hart(vm, argument[0]);

	if (!target)
		return SBI_ERR_INVALID_PARAM;
	if (target->state != VCPU_STOPPED)
		return SBI_ERR_ALREADY_AVAILABLE;
	if (!guest_memory_run(&vm->memory, GPA(argument[1])))
		return SBI_ERR_INVALID_ADDRESS;
	vcpu_reset(target, GPA(argument[1]), argument[0], argument[2]);
	target->state = VCPU_STARTED;
	return SBI_SUCCESS;
}

static void stop(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	vcpu->state = VCPU_STOPPED;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i].state == VCPU_STARTED)
			return;
	vm_end(vm, VM_STOPPED, "all of its harts have stopped");
}

/* Retentive suspend may return at once, as wfi may. */
static int64_t suspend(uint32_t type)
{
	if (type == SUSPEND_DEFAULT_RETENTIVE)
		return SBI_SUCCESS;
	return type == SUSPEND_DEFAULT_NON_RETENTIVE ? SBI_ERR_NOT_SUPPORTED
						     : SBI_ERR_INVALID_PARAM;
}

static void handle(struct vcpu *vcpu, const struct sbi_request *request,
		   struct sbi_answer *answer)
{
	struct vcpu *target;

	switch (request->function) {
	case SBI_HSM_START:
		answer->error = start(vcpu->vm, request->argument);
		break;
	case SBI_HSM_STOP:
		stop(vcpu);
		break;
	case SBI_HSM_STATUS:
		target = find_hart(vcpu->vm, request->argument[0]);
		if (target)
			answer->value = target->state;
		else
			answer->error = SBI_ERR_INVALID_PARAM;
		break;
	case SBI_HSM_SUSPEND:
		answer->error = suspend((uint32_t)request->argument[0]);
		break;
	default:
		answer->error = SBI_ERR_NOT_SUPPORTED;
	}
}

const struct sbi_extension sbi_hsm = {
	.first = SBI_EXTENSION_HSM,
	.last = SBI_EXTENSION_HSM,
	.reason = REASON_SBI_OTHER,
	.handle = handle,
};
