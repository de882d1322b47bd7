/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that trap because they are the hypervisor's to decide: accesses
 * to satp and TLB fences of the guest's supervisor, where the paging mode has
 * them trap. All others are illegal for a guest that was shown no hypervisor
 * extension, and are given back to it as such.
 */
#include "core/arch.h"
#include "core/exit.h"
#include "core/guest_code.h"
#include "core/vm.h"

#define FIELD(instruction, shift, bits) ((instruction) >> (shift) & ((1u << (bits)) - 1))
#define RD(instruction)			FIELD(instruction, 7, 5)
#define FUNCT3(instruction)		FIELD(instruction, 12, 3)
#define RS1(instruction)		FIELD(instruction, 15, 5)
#define RS2(instruction)		FIELD(instruction, 20, 5)

static struct exit_result emulate_fence(struct vcpu *vcpu, uint32_t instruction)
{
	static const enum exit_reason reasons[2][2] = {
		{REASON_FENCE_ALL, REASON_FENCE_ASID},
		{REASON_FENCE_ADDRESS, REASON_FENCE_ADDRESS_ASID},
	};
	const struct fence fence = {
		.has_address = RS1(instruction) != 0,
		.start =
			GVA(align_down(vcpu_register(vcpu, RS1(instruction)), PAGE_SIZE)),
		.size = PAGE_SIZE,
		.has_asid = RS2(instruction) != 0,
		.asid = (uint16_t)vcpu_register(vcpu, RS2(instruction)),
	};

	counters_count(vcpu, reasons[fence.has_address][fence.has_asid]);
	vcpu->vm->mode->fence(vcpu, &fence);
	return exit_resume_next(4);
}

/*
 * csrrw, csrrs, csrrc and their immediate forms. csrrs and csrrc with x0 or 0
 * do not write at all (unprivileged specification, "Zicsr").
 */
static struct exit_result emulate_satp(struct vcpu *vcpu, uint32_t instruction)
{
	const struct paging_mode *mode = vcpu->vm->mode;
	uint64_t old = mode->satp_read(vcpu);
	bool immediate = FUNCT3(instruction) & 4;
	uint64_t operand =
		immediate ? RS1(instruction) : vcpu_register(vcpu, RS1(instruction));
	unsigned operation = FUNCT3(instruction) & 3;
	bool writes = operation == 1 || RS1(instruction) != 0;

	counters_count(vcpu, writes ? REASON_SATP_WRITE : REASON_SATP_READ);
	if (operation == 2)
		operand = old | operand;
	else if (operation == 3)
		operand = old & ~operand;
	if (writes)
		mode->satp_write(vcpu, operand);
	vcpu_set_register(vcpu, RD(instruction), old);
	return exit_resume_next(4);
}

static const struct {
	uint32_t mask;
	uint32_t match;
	struct exit_result (*handler)(struct vcpu *vcpu, uint32_t instruction);
} privileged_instructions[] = {
	{0xfe007fff, 0x12000073, emulate_fence}, /* sfence.vma */
	{0xfe007fff, 0x16000073, emulate_fence}, /* sinval.vma */
	{0xfff0307f, 0x18001073, emulate_satp},	 /* csrrw, csrrwi satp */
	{0xfff0307f, 0x18002073, emulate_satp},	 /* csrrs, csrrsi satp */
	{0xfff0307f, 0x18003073, emulate_satp},	 /* csrrc, csrrci satp */
};

struct exit_result exit_privileged(struct vcpu *vcpu, const struct vm_exit *exit)
{
	uint32_t instruction = (uint32_t)exit->value;
	bool supervisor = !arch_access(vcpu, GVA(0), ACCESS_FETCH).user;

	/* stval may be 0 instead of the instruction; a retry faults or comes back. */
	if (instruction == 0 && !guest_code_fetch(vcpu, &instruction))
		return exit_retry(vcpu);
	for (unsigned i = 0; supervisor && i < ARRAY_LENGTH(privileged_instructions); i++)
		if ((instruction & privileged_instructions[i].mask) ==
		    privileged_instructions[i].match)
			return privileged_instructions[i].handler(vcpu, instruction);
	counters_count(vcpu, REASON_VIRTUAL_INSTRUCTION);
	return exit_inject(EXCEPTION_ILLEGAL_INSTRUCTION, instruction);
}
