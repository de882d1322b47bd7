/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that trap because they are the hypervisor's to decide: accesses
 * to satp and TLB fences of the guest's supervisor, where the paging mode has
 * them trap. All others are illegal for a guest that was shown no hypervisor
 * extension, and are given back to it as such.
 */
#include "core/arch.h"
#include "core/check.h"
#include "core/exit.h"
#include "core/guest_code.h"
#include "core/lookahead.h"
#include "core/vm.h"

#define FIELD(instruction, shift, bits) ((instruction) >> (shift) & ((1u << (bits)) - 1))
#define RD(instruction)			FIELD(instruction, 7, 5)
#define FUNCT3(instruction)		FIELD(instruction, 12, 3)
#define RS1(instruction)		FIELD(instruction, 15, 5)
#define RS2(instruction)		FIELD(instruction, 20, 5)

static enum exit_reason reason_of(const struct fence *fence)
{
	static const enum exit_reason reasons[2][2] = {
		{REASON_FENCE_ALL, REASON_FENCE_ASID},
		{REASON_FENCE_ADDRESS, REASON_FENCE_ADDRESS_ASID},
	};

	return reasons[fence->has_address][fence->has_asid];
}

static struct fence_site *site_of(struct vcpu *vcpu, uint64_t pc)
{
	return &vcpu->fence_sites[pc / 4 % FENCE_SITES];
}

/*
 * A loop may run once only, again and again: after some such exits it is as good as
 * alone, until it is met twice in a row. Not where every exit is to be checked.
 */
static void note_site(struct vcpu *vcpu, uint64_t pc, uint32_t instruction,
		      const struct fence *fence, const struct lookahead *ahead)
{
	struct fence_site *site = site_of(vcpu, pc);

	if (check_wants_all())
		return;
	if (site->pc != pc || site->instruction != instruction)
		*site = (struct fence_site){
			.pc = pc,
			.instruction = instruction,
			.reason = (uint8_t)reason_of(fence),
			.has_address = fence->has_address,
			.has_asid = fence->has_asid,
		};
	if (ahead->alone)
		site->singles = FENCE_ALONE;
	else if (ahead->fences > 0)
		site->singles = 0;
	else if (site->singles < FENCE_SINGLES)
		site->singles++;
}

static struct exit_result emulate_fence(struct vcpu *vcpu, uint32_t instruction)
{
	const struct fence fence = fence_of_page(
		RS1(instruction) != 0, vcpu_register(vcpu, RS1(instruction)),
		RS2(instruction) != 0, vcpu_register(vcpu, RS2(instruction)));
	uint64_t pc = vcpu->arch.pc;
	struct lookahead ahead;

	counters_count(vcpu, reason_of(&fence));
	vcpu->arch.pc += 4;
	ahead = lookahead_fence(vcpu, &fence);
	note_site(vcpu, pc, instruction, &fence, &ahead);
	return exit_resume();
}

/* A fence behind it comes along; where there is none, the next one may be fast. */
static void look_behind_write(struct vcpu *vcpu, uint32_t instruction)
{
	uint64_t pc = vcpu->arch.pc - 4;
	struct lookahead ahead = lookahead(vcpu);

	if (!ahead.alone || check_wants_all() || RD(instruction) != 0 ||
	    FUNCT3(instruction) != 1)
		return;
	vcpu->arch.fast.site_pc = pc;
	vcpu->arch.fast.site_instruction = instruction;
	vcpu->arch.fast.site_register = 8 * RS1(instruction);
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
	vcpu->arch.pc += 4;
	if (writes)
		look_behind_write(vcpu, instruction);
	return exit_resume();
}

/*
 * The way of most exits: what it does not do itself is in functions of their own, which
 * it goes on to, so that it needs no stack.
 */
#define OUT_OF_THE_WAY __attribute__((noinline))

static OUT_OF_THE_WAY bool fence_fast(struct vcpu *vcpu, const struct fence_site *site,
				      uint64_t rs1, uint64_t rs2)
{
	const struct fence fence =
		fence_of_page(site->has_address, rs1, site->has_asid, rs2);

	vcpu->counters.fast[site->reason]++;
	vcpu->vm->mode->fence(vcpu, &fence);
	return true;
}

static OUT_OF_THE_WAY bool satp_fast(struct vcpu *vcpu, uint64_t instruction,
				     uint64_t value)
{
	if (instruction != vcpu->arch.fast.site_instruction)
		return false;
	vcpu->counters.fast[REASON_SATP_WRITE]++;
	vcpu->vm->mode->satp_write(vcpu, value);
	return vcpu->vm->end == VM_RUNNING;
}

static inline bool fence_site_fast(struct vcpu *vcpu, const struct fence_site *site,
				   uint64_t rs1, uint64_t rs2)
{
	bool (*fence_page)(struct vcpu * vcpu, gva_t page, int64_t asid) =
		vcpu->vm->mode->fence_page;

	if (!site->has_address || !fence_page)
		return fence_fast(vcpu, site, rs1, rs2);
	vcpu->counters.fast[site->reason]++;
	return fence_page(vcpu, GVA(align_down(rs1, PAGE_SIZE)),
			  site->has_asid ? (uint16_t)rs2 : -1);
}

/* Not one that did not run once some times in a row, or is that of the last exit. */
static OUT_OF_THE_WAY bool loop_fast(struct vcpu *vcpu, struct fence_site *site,
				     uint64_t rs1, uint64_t rs2)
{
	if (vcpu->last_fence == site->pc)
		site->singles = 0;
	vcpu->last_fence = site->pc;
	if (site->singles < FENCE_SINGLES)
		return false;
	return fence_site_fast(vcpu, site, rs1, rs2);
}

bool exit_privileged_fast(struct vcpu *vcpu, uint64_t instruction, uint64_t rs1,
			  uint64_t rs2, uint64_t pc)
{
	struct fence_site *site = site_of(vcpu, pc);

	if (site->pc != pc)
		return pc == vcpu->arch.fast.site_pc && satp_fast(vcpu, instruction, rs1);
	if (site->instruction != instruction)
		return false;
	if (site->singles != FENCE_ALONE)
		return loop_fast(vcpu, site, rs1, rs2);
	return fence_site_fast(vcpu, site, rs1, rs2);
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
	if (pmu_emulate_read(vcpu, instruction)) {
		counters_count(vcpu, REASON_VIRTUAL_INSTRUCTION);
		return exit_resume_next(4);
	}
	for (unsigned i = 0; supervisor && i < ARRAY_LENGTH(privileged_instructions); i++)
		if ((instruction & privileged_instructions[i].mask) ==
		    privileged_instructions[i].match)
			return privileged_instructions[i].handler(vcpu, instruction);
	counters_count(vcpu, REASON_VIRTUAL_INSTRUCTION);
	return exit_inject(EXCEPTION_ILLEGAL_INSTRUCTION, instruction);
}
