/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBI HSM: starting and stopping of a guest's harts. A VM in which the last
 * hart stops can never go on, so that ends it.
 */
#include "core/sbi/sbi.h"
#include "core/scheduler.h"
#include "core/vcpu_requests.h"

#define SUSPEND_DEFAULT_RETENTIVE     0
#define SUSPEND_DEFAULT_NON_RETENTIVE 0x80000000

static struct vcpu *find_hart(struct vm *vm, uint64_t id)
{
	return id < vm->vcpu_count ? &vm->vcpus[id] : NULL;
}

static int64_t start(struct vm *vm, const uint64_t *argument)
{
	struct vcpu *target = find_hart(vm, argument[0]);
	enum vcpu_state stopped = VCPU_STOPPED;

	if (!target)
		return SBI_ERR_INVALID_PARAM;
	if (!guest_memory_run(&vm->memory, GPA(argument[1])))
		return target->state == VCPU_STOPPED ? SBI_ERR_INVALID_ADDRESS
						     : SBI_ERR_ALREADY_AVAILABLE;
	/* Of several that start it, one does. */
	if (!__atomic_compare_exchange_n(&target->state, &stopped, VCPU_START_PENDING,
					 false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return SBI_ERR_ALREADY_AVAILABLE;
	/* Who was sent an IPI was not there. OpenSBI passes none on to a stopped hart. */
	__atomic_fetch_and(&target->requests, ~(UINT32_C(1) << REQUEST_SOFTWARE),
			   __ATOMIC_SEQ_CST);
	vcpu_reset(target, GPA(argument[1]), argument[0], argument[2]);
	/* The reset is the hart's: what the PLIC says to it stays said. */
	vcpu_request(target, REQUEST_EXTERNAL);
	__atomic_store_n(&target->state, VCPU_STARTED, __ATOMIC_SEQ_CST);
	scheduler_add(target);
	return SBI_SUCCESS;
}

/* It has stopped once its hart has put it: see the scheduler. */
static void stop(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->state, VCPU_STOP_PENDING, __ATOMIC_SEQ_CST);
	vcpu->leave = VCPU_HALTED;
}

/* As wfi, which may end at any time. */
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
			answer->value = __atomic_load_n(&target->state, __ATOMIC_SEQ_CST);
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
