/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stores that the guest may not make itself, since they go to its page tables and
 * the paging mode keeps those true: integer stores and AMOs are decoded and carried
 * out, by the mode. For any other, or one that is misaligned, the mode gives the page
 * free and the guest tries again. Where it cannot, because the page is a root in use or
 * the store's own translation goes by it, an sc is exit_conditional.c's, a misaligned
 * store exit_misaligned.c's, and for the others the guest gets a fault that the
 * specification allows there.
 */
#include "arch/riscv/decode.h"
#include "arch/riscv/decode_atomic.h"
#include "core/exit.h"
#include "core/guest_code.h"
#include "core/vm.h"
#include "mm/guest_store.h"

/* An instruction that stores, and what it asks for. */
struct decoded {
	struct guest_store store;
	uint64_t address;
	unsigned length;
	unsigned rd; /* 0: it writes none */
};

static bool decode_plain(struct vcpu *vcpu, uint32_t instruction, struct decoded *decoded)
{
	struct memory_access access;
	struct memory_operand operand;

	if (!decode_memory_access(instruction, &access) || !access.is_store ||
	    !decode_memory_operand(instruction, &operand))
		return false;
	*decoded = (struct decoded){
		.store = {.operation = STORE_SET,
			  .width = access.width,
			  .value = vcpu_register(vcpu, access.reg)},
		.address = vcpu_register(vcpu, operand.base) + (uint64_t)operand.offset,
		.length = access.length,
	};
	return true;
}

static bool decode_one_step(struct vcpu *vcpu, uint32_t instruction,
			    struct decoded *decoded)
{
	struct atomic_access access;

	if (!decode_atomic(instruction, &access))
		return false;
	*decoded = (struct decoded){
		.store = {.operation = access.operation,
			  .width = access.width,
			  .value = vcpu_register(vcpu, access.operand)},
		.address = vcpu_register(vcpu, access.base),
		.length = 4,
		.rd = access.rd,
	};
	return true;
}

/* The instruction as the hart told it has no address, but that of the fault is it. */
static bool decode_told(struct vcpu *vcpu, const struct vm_exit *exit,
			struct decoded *decoded)
{
	struct memory_access access;

	if (!decode_transformed(exit->transformed, &access) || !access.is_store)
		return false;
	*decoded = (struct decoded){
		.store = {.operation = STORE_SET,
			  .width = access.width,
			  .value = vcpu_register(vcpu, access.reg)},
		.address = exit->access.gva.raw,
		.length = access.length,
	};
	return true;
}

static struct exit_result carry_out(struct vcpu *vcpu, const struct vm_exit *exit,
				    gpa_t gpa, const struct decoded *decoded)
{
	uint64_t result =
		vcpu->vm->mode->store(vcpu, &exit->access, gpa, &decoded->store);

	vcpu_set_register(vcpu, decoded->rd, result);
	return exit_resume_next(decoded->length);
}

static bool is_simple(const struct vm_exit *exit, const struct decoded *decoded)
{
	return decoded->address == exit->access.gva.raw &&
	       is_aligned(decoded->address, decoded->store.width);
}

/* Bytes can be stored anywhere; a misaligned AMO is the guest's own business. */
static struct exit_result last_resort(struct vcpu *vcpu, const struct vm_exit *exit,
				      const struct decoded *decoded)
{
	if (decoded && !is_aligned(decoded->address, decoded->store.width))
		return exit_misaligned_access(vcpu, EXCEPTION_STORE_MISALIGNED,
					      decoded->address);
	return exit_inject(EXCEPTION_STORE_ACCESS, exit->access.gva.raw);
}

struct exit_result exit_store(struct vcpu *vcpu, const struct vm_exit *exit, gpa_t gpa)
{
	struct decoded decoded;
	uint32_t instruction;
	bool known;

	counters_count(vcpu, REASON_PTE_WRITE);
	known = decode_told(vcpu, exit, &decoded);
	if (!known) {
		/* Nothing is done: the guest fetches it again, and comes back. */
		if (!guest_code_fetch(vcpu, &instruction))
			return exit_resume();
		known = decode_plain(vcpu, instruction, &decoded) ||
			decode_one_step(vcpu, instruction, &decoded);
	}
	if (known && is_simple(exit, &decoded) &&
	    decoded.store.operation != STORE_CONDITIONAL)
		return carry_out(vcpu, exit, gpa, &decoded);
	if (vcpu->vm->mode->unprotect(vcpu, &exit->access, gpa))
		return exit_resume();
	if (known && is_simple(exit, &decoded))
		return exit_conditional(vcpu, exit, gpa);
	return last_resort(vcpu, exit, known ? &decoded : NULL);
}
