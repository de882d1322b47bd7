/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation faults: the paging mode says what the access comes to; an access
 * to no RAM is offered to the devices, with the instruction decoded from
 * htinst where the hart tells it and from the guest's code where it does not.
 */
#include "arch/riscv/decode.h"
#include "core/arch.h"
#include "core/exit.h"
#include "core/guest_code.h"
#include "core/switch.h"
#include "core/vm.h"
#include "drivers/mmio.h"

static struct exit_result inject_page_fault(struct vcpu *vcpu,
					    const struct access *access)
{
	counters_count(vcpu, REASON_GUEST_PAGE_FAULT);
	return exit_inject(page_fault_of(access->kind), access->gva.raw);
}

static struct exit_result inject_access_fault(struct vcpu *vcpu,
					      const struct access *access)
{
	counters_count(vcpu, REASON_GUEST_ACCESS_FAULT);
	return exit_inject(access_fault_of(access->kind), access->gva.raw);
}

static struct exit_result emulate_load(struct vcpu *vcpu, const struct vm_exit *exit,
				       const struct memory_access *access, gpa_t gpa)
{
	struct vm *vm = vcpu->vm;
	uint64_t value;
	bool done;

	spin_lock_take(&vm->devices_lock);
	done = mmio_read(vm->devices, vm->device_count, gpa, access->width, &value);
	spin_lock_give(&vm->devices_lock);
	if (!done)
		return inject_access_fault(vcpu, &exit->access);
	counters_count(vcpu, REASON_MMIO_READ);
	vcpu_set_register(vcpu, access->reg, memory_access_extend(access, value));
	return exit_resume_next(access->length);
}

static struct exit_result emulate_store(struct vcpu *vcpu, const struct vm_exit *exit,
					const struct memory_access *access, gpa_t gpa)
{
	struct vm *vm = vcpu->vm;
	uint64_t value = vcpu_register(vcpu, access->reg);
	bool done;

	if (access->width < 8)
		value &= (UINT64_C(1) << (8 * access->width)) - 1;
	spin_lock_take(&vm->devices_lock);
	done = mmio_write(vm->devices, vm->device_count, gpa, access->width, value);
	spin_lock_give(&vm->devices_lock);
	switch_deliver();
	if (!done)
		return inject_access_fault(vcpu, &exit->access);
	counters_count(vcpu, REASON_MMIO_WRITE);
	return exit_resume_next(access->length);
}

/*
 * The load or store behind a fault, from the guest's code. False where it is
 * none, or where it is not this access that faulted but a part of a misaligned
 * one that began on another page: no device answers that.
 */
static bool decode_fetched(struct vcpu *vcpu, const struct vm_exit *exit,
			   uint32_t instruction, struct memory_access *access)
{
	struct memory_operand operand;

	return decode_memory_access(instruction, access) &&
	       decode_memory_operand(instruction, &operand) &&
	       vcpu_register(vcpu, operand.base) + (uint64_t)operand.offset ==
		       exit->access.gva.raw;
}

/* A device access: data only, by an integer load or store of the faulting kind. */
static struct exit_result access_device(struct vcpu *vcpu, const struct vm_exit *exit,
					gpa_t gpa)
{
	struct vm *vm = vcpu->vm;
	struct memory_access access;
	uint32_t instruction;

	if (exit->access.kind == ACCESS_FETCH || exit->implicit ||
	    !mmio_find(vm->devices, vm->device_count, gpa, 1))
		return inject_access_fault(vcpu, &exit->access);
	if (!decode_transformed(exit->transformed, &access)) {
		if (!guest_code_fetch(vcpu, &instruction))
			return exit_retry(vcpu);
		if (!decode_fetched(vcpu, exit, instruction, &access))
			return inject_access_fault(vcpu, &exit->access);
	}
	if (access.is_store != (exit->access.kind == ACCESS_STORE))
		return inject_access_fault(vcpu, &exit->access);
	return access.is_store ? emulate_store(vcpu, exit, &access, gpa)
			       : emulate_load(vcpu, exit, &access, gpa);
}

struct exit_result exit_translation(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct translation translation = vcpu->vm->mode->fault(vcpu, exit);

	switch (translation.outcome) {
	case OUTCOME_FILLED:
		counters_count(vcpu,
			       exit->gstage ? REASON_GSTAGE_MISS : REASON_SHADOW_MISS);
		return exit_resume();
	case OUTCOME_PAGE_FAULT:
		return inject_page_fault(vcpu, &exit->access);
	case OUTCOME_DEVICE:
		return access_device(vcpu, exit, translation.gpa);
	case OUTCOME_NO_MEMORY:
		return exit_stop("no memory left for its translation tables");
	case OUTCOME_EMULATE_STORE:
		return exit_store(vcpu, exit, translation.gpa);
	case OUTCOME_UNPROTECTED:
		counters_count(vcpu, REASON_PTE_WRITE);
		return exit_resume();
	case OUTCOME_ACCESS_FAULT:
		break;
	}
	return inject_access_fault(vcpu, &exit->access);
}

static enum exit_action give_back(struct vcpu *vcpu, enum exit_reason reason,
				  uint64_t number, const struct access *access)
{
	counters_count_fast(vcpu, reason);
	arch_inject_exception(vcpu, number, access->gva.raw);
	return EXIT_INJECT;
}

enum exit_action exit_translation_fast(struct vcpu *vcpu, const struct vm_exit *exit)
{
	const struct access *access = &exit->access;

	vcpu->last_fence = 0;
	switch (vcpu->vm->mode->fault(vcpu, exit).outcome) {
	case OUTCOME_FILLED:
		counters_count_fast(vcpu, REASON_SHADOW_MISS);
		return EXIT_RESUME;
	case OUTCOME_UNPROTECTED:
		counters_count_fast(vcpu, REASON_PTE_WRITE);
		return EXIT_RESUME;
	case OUTCOME_PAGE_FAULT:
		return give_back(vcpu, REASON_GUEST_PAGE_FAULT,
				 page_fault_of(access->kind), access);
	case OUTCOME_ACCESS_FAULT:
		return give_back(vcpu, REASON_GUEST_ACCESS_FAULT,
				 access_fault_of(access->kind), access);
	default:
		return EXIT_STOP;
	}
}
