/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Misaligned loads and stores, where the hart traps them and nobody below Gnomon carries
 * them out: it is the firmware, and owes them to the guest (SBI specification, "FWFT":
 * misaligned exceptions are the firmware's until they are delegated).
 *
 * An access is made as a hart would that knows how: as bytes in no order, by the guest's
 * own translation and permissions, page by page, and a store changes nothing before all
 * of its pages are known to take it. What is no RAM gives an access fault, devices too.
 * AMOs, lr and sc are not for firmware to split: the guest has its exception.
 */
#include "arch/riscv/decode.h"
#include "core/arch.h"
#include "core/exit.h"
#include "core/guest_code.h"
#include "core/vm.h"

#define PAGES 2 /* that 8 bytes can be in */

/* What of an access is in one page. */
struct part {
	gpa_t gpa;
	uint64_t size;
};

struct misaligned {
	struct memory_access access;
	bool is_float;
	gva_t gva;
	unsigned pages;
	struct part parts[PAGES];
};

static bool decode(const struct vcpu *vcpu, uint32_t instruction,
		   struct misaligned *misaligned)
{
	struct memory_operand operand;

	*misaligned = (struct misaligned){0};
	if (!decode_memory_access(instruction, &misaligned->access)) {
		if (!decode_float_access(instruction, &misaligned->access))
			return false;
		misaligned->is_float = true;
	}
	if (!decode_memory_operand(instruction, &operand))
		return false;
	misaligned->gva =
		GVA(vcpu_register(vcpu, operand.base) + (uint64_t)operand.offset);
	return true;
}

static struct exit_result refuse_access(enum outcome outcome, const struct access *access)
{
	if (outcome == OUTCOME_PAGE_FAULT)
		return exit_inject(page_fault_of(access->kind), access->gva.raw);
	/* Another vCPU is changing the leaf: once more. */
	if (outcome == OUTCOME_UNPROTECTED)
		return exit_resume();
	return exit_inject(access_fault_of(access->kind), access->gva.raw);
}

/* False, and what comes of it, at the first byte that cannot be reached. */
static bool find_parts(struct vcpu *vcpu, struct misaligned *misaligned,
		       struct exit_result *refusal)
{
	enum access_kind kind = misaligned->access.is_store ? ACCESS_STORE : ACCESS_LOAD;
	uint64_t left = misaligned->access.width;
	gva_t gva = misaligned->gva;

	while (left > 0) {
		const struct access access = arch_access(vcpu, gva, kind);
		uint64_t size = PAGE_SIZE - gva.raw % PAGE_SIZE;
		struct translation translation = vcpu->vm->mode->translate(vcpu, &access);

		if (translation.outcome != OUTCOME_FILLED) {
			*refusal = refuse_access(translation.outcome, &access);
			return false;
		}
		if (size > left)
			size = left;
		misaligned->parts[misaligned->pages++] =
			(struct part){translation.gpa, size};
		gva.raw += size;
		left -= size;
	}
	return true;
}

/* RAM begins and ends with a page, so that nothing of a part can be missing. */
static void load(struct vcpu *vcpu, const struct misaligned *misaligned)
{
	const struct memory_access *access = &misaligned->access;
	uint64_t value = 0;
	char *to = (char *)&value;

	for (unsigned i = 0; i < misaligned->pages; i++) {
		const struct part *part = &misaligned->parts[i];

		guest_memory_read(&vcpu->vm->memory, to, part->gpa, part->size);
		to += part->size;
	}
	if (misaligned->is_float)
		arch_float_write(vcpu, access->reg, access->width, value);
	else
		vcpu_set_register(vcpu, access->reg, memory_access_extend(access, value));
}

static void store(struct vcpu *vcpu, const struct misaligned *misaligned)
{
	const struct memory_access *access = &misaligned->access;
	uint64_t value = misaligned->is_float ? arch_float_read(access->reg)
					      : vcpu_register(vcpu, access->reg);
	const char *from = (const char *)&value;

	for (unsigned i = 0; i < misaligned->pages; i++) {
		const struct part *part = &misaligned->parts[i];

		vm_write(vcpu->vm, part->gpa, from, part->size);
		from += part->size;
	}
}

struct exit_result exit_misaligned_access(struct vcpu *vcpu, uint64_t number,
					  uint64_t value)
{
	struct misaligned misaligned;
	struct exit_result refusal;
	uint32_t instruction;

	/* Nothing is done: the guest fetches it again, and comes back. */
	if (!guest_code_fetch(vcpu, &instruction))
		return exit_resume();
	if (!decode(vcpu, instruction, &misaligned))
		return exit_inject(number, value);
	if (misaligned.is_float && !arch_float_is_on(vcpu))
		return exit_inject(EXCEPTION_ILLEGAL_INSTRUCTION, instruction);
	/* It is another by now, which the hart does by itself. */
	if (is_aligned(misaligned.gva.raw, misaligned.access.width))
		return exit_resume();
	if (!find_parts(vcpu, &misaligned, &refusal))
		return refusal;
	if (misaligned.access.is_store)
		store(vcpu, &misaligned);
	else
		load(vcpu, &misaligned);
	return exit_resume_next(misaligned.access.length);
}

struct exit_result exit_misaligned(struct vcpu *vcpu, const struct vm_exit *exit)
{
	counters_count(vcpu, REASON_MISALIGNED);
	return exit_misaligned_access(vcpu, exit->number, exit->value);
}
