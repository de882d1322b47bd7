/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An sc that the guest may not make itself, to a frame that stays a page table: it
 * fails, since whether the hart's reservation held cannot be seen. What follows is
 * carried out as far as it touches registers alone: where it leads back to an lr of
 * that very place, the lr and the sc behind it are one step, made by a compare-and-swap,
 * with no other memory access in between. So no sc succeeds without its lr, and nothing
 * is kept from one exit to the next.
 *
 * A constrained loop (unprivileged specification, "Eventual Success of
 * Store-Conditional Instructions": 16 instructions of base I, forwards between lr and
 * sc) comes from any sc to the next within STEP_LIMIT, and so gets on. Any other may
 * fail for ever, as it may on a hart.
 */
#include "arch/riscv/decode.h"
#include "arch/riscv/decode_atomic.h"
#include "arch/riscv/decode_logic.h"
#include "arch/riscv/decode_simple.h"
#include "core/exit.h"
#include "core/guest_code.h"
#include "core/vm.h"
#include "mm/guest_store.h"

#define STEP_LIMIT 64

/* The place that the loop is about, and the lr that was last carried out. */
struct conditional {
	struct vcpu *vcpu;
	const struct access *access;
	gpa_t gpa;
	bool succeeded;
	unsigned reserved; /* bytes; 0: no lr before */
	uint64_t value;
};

/* ---- registers alone ---- */

static void compute(struct vcpu *vcpu, const struct logic_operation *operation)
{
	uint64_t b = operation->has_immediate ? (uint64_t)operation->immediate
					      : vcpu_register(vcpu, operation->rs2);

	vcpu_set_register(vcpu, operation->rd,
			  logic_result(operation, vcpu->arch.pc,
				       vcpu_register(vcpu, operation->rs1), b));
}

/* Carry out one that reads and writes nothing else; false: it is none, nothing is done.
 */
static bool step(struct vcpu *vcpu, uint32_t instruction)
{
	unsigned length = instruction_length((uint16_t)instruction);
	struct simple_operation simple = {.kind = SIMPLE_UNKNOWN};
	struct logic_operation logic;
	uint64_t a, b, offset;

	decode_simple(instruction, length, &simple);
	a = vcpu_register(vcpu, simple.rs1);
	b = vcpu_register(vcpu, simple.rs2);
	offset = (uint64_t)(int64_t)simple.immediate;
	if (simple.kind == SIMPLE_ADD || simple.kind == SIMPLE_SUBTRACT)
		vcpu_set_register(vcpu, simple.rd, simple_sum(&simple, a, b));
	else if (simple.kind == SIMPLE_UNKNOWN && decode_logic(instruction, &logic))
		compute(vcpu, &logic);
	else if (simple.kind != SIMPLE_JUMP && simple.kind != SIMPLE_BRANCH)
		return false;
	if (simple.kind == SIMPLE_JUMP ||
	    (simple.kind == SIMPLE_BRANCH &&
	     simple_condition_holds(simple.condition, a, b)))
		vcpu->arch.pc += offset;
	else
		vcpu->arch.pc += length;
	return true;
}

/* ---- lr and sc ---- */

static bool load(const struct conditional *conditional, unsigned width, uint64_t *value)
{
	hpa_t hpa;

	if (!guest_memory_find(&conditional->vcpu->vm->memory, conditional->gpa, width,
			       &hpa))
		return false;
	if (width == 8)
		*value = __atomic_load_n((uint64_t *)hpa_pointer(hpa), __ATOMIC_ACQUIRE);
	else
		*value = (uint64_t)(int64_t)(int32_t)__atomic_load_n(
			(uint32_t *)hpa_pointer(hpa), __ATOMIC_ACQUIRE);
	return true;
}

/* An lr of that place: whoever may store there may load. */
static bool load_reserved(struct conditional *conditional,
			  const struct atomic_access *access)
{
	struct vcpu *vcpu = conditional->vcpu;

	if (!is_aligned(conditional->gpa.raw, access->width) ||
	    !load(conditional, access->width, &conditional->value))
		return false;
	conditional->reserved = access->width;
	vcpu_set_register(vcpu, access->rd, conditional->value);
	vcpu->arch.pc += 4;
	return true;
}

/* An sc to that place. */
static bool store_conditional(struct conditional *conditional,
			      const struct atomic_access *access)
{
	struct vcpu *vcpu = conditional->vcpu;
	const struct guest_store store = {
		.operation = STORE_CONDITIONAL,
		.width = access->width,
		.value = vcpu_register(vcpu, access->operand),
		.expected = conditional->value,
	};
	uint64_t failed = 1;

	if (conditional->reserved == access->width)
		failed = vcpu->vm->mode->store(vcpu, conditional->access,
					       conditional->gpa, &store);
	conditional->reserved = 0;
	conditional->succeeded = failed == 0;
	vcpu_set_register(vcpu, access->rd, failed);
	vcpu->arch.pc += 4;
	return true;
}

/* False: it is the guest's to execute, with no reservation. */
static bool carry_out(struct conditional *conditional, uint32_t instruction)
{
	struct vcpu *vcpu = conditional->vcpu;
	struct atomic_access access;

	if (decode_load_reserved(instruction, &access))
		return vcpu_register(vcpu, access.base) == conditional->access->gva.raw &&
		       load_reserved(conditional, &access);
	if (decode_atomic(instruction, &access))
		return access.operation == STORE_CONDITIONAL &&
		       vcpu_register(vcpu, access.base) == conditional->access->gva.raw &&
		       is_aligned(conditional->gpa.raw, access.width) &&
		       store_conditional(conditional, &access);
	return step(vcpu, instruction);
}

struct exit_result exit_conditional(struct vcpu *vcpu, const struct vm_exit *exit,
				    gpa_t gpa)
{
	struct conditional conditional = {
		.vcpu = vcpu, .access = &exit->access, .gpa = gpa};
	uint32_t instruction;

	arch_reservation_drop();
	for (unsigned steps = 0; steps < STEP_LIMIT && !conditional.succeeded; steps++)
		if (!guest_code_fetch(vcpu, &instruction) ||
		    !carry_out(&conditional, instruction))
			break;
	return exit_resume();
}
