/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that trap because they are the hypervisor's to decide: accesses
 * to satp and TLB fences of the guest's supervisor, where the paging mode has
 * them trap, and reads of counters that the hart does not do by itself. All others
 * are illegal for a guest that was shown no hypervisor
 * extension, and are given back to it as such.
 */
#include "arch/riscv/decode.h"
#include "core/arch.h"
#include "core/check.h"
#include "core/exit.h"
#include "core/guest_code.h"
#include "core/lookahead.h"
#include "core/scheduler.h"
#include "core/timer.h"
#include "core/vcpu_requests.h"
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

static struct privileged_site *site_of(struct vcpu *vcpu, uint64_t pc)
{
	return &vcpu->sites[fast_site_index(pc)];
}

/* Where it can, the vector does without C from now on. */
static void learn_site(struct vcpu *vcpu, const struct privileged_site *site)
{
	enum arch_site kind = ARCH_SITE_FENCE;

	if (site->reason == REASON_SATP_WRITE)
		kind = ARCH_SITE_SATP_WRITE;
	else if (!site->has_address || !vcpu->arch.fences)
		return;
	else if (site->singles != SITE_ALONE)
		kind = ARCH_SITE_FENCE_ONCE;
	arch_site_learn(vcpu, site->pc, (uint32_t)site->instruction, kind);
}

/*
 * A loop may run once only, again and again: after some such exits it is as good as
 * alone, until it is met twice in a row. Where that was in vain, which it is when the
 * guest has faults of its own in between, ever more of those pass before it is looked
 * at again. Not where every exit is to be checked.
 */
static void note_site(struct vcpu *vcpu, uint64_t pc, uint32_t instruction,
		      const struct fence *fence, const struct lookahead *ahead)
{
	struct privileged_site *site = site_of(vcpu, pc);

	if (check_wants_all())
		return;
	if (site->pc != pc || site->instruction != instruction)
		*site = (struct privileged_site){
			.pc = pc,
			.instruction = instruction,
			.reason = (uint8_t)reason_of(fence),
			.has_address = fence->has_address,
			.has_asid = fence->has_asid,
		};
	if (ahead->alone)
		site->singles = SITE_ALONE;
	else if (ahead->fences > 0)
		site->singles = site->patience = vcpu->fence_repeats = 0;
	else if (site->singles < SITE_SINGLES)
		site->singles++;
	if (site->singles >= SITE_SINGLES)
		learn_site(vcpu, site);
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
	*site_of(vcpu, pc) = (struct privileged_site){
		.pc = pc,
		.instruction = instruction,
		.reason = REASON_SATP_WRITE,
		.singles = SITE_ALONE,
	};
	learn_site(vcpu, site_of(vcpu, pc));
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
		vcpu_satp_write(vcpu, operand);
	vcpu_set_register(vcpu, RD(instruction), old);
	vcpu->arch.pc += 4;
	if (writes)
		look_behind_write(vcpu, instruction);
	return exit_resume();
}

/*
 * Traps only where the hart has other vCPUs to run: see arch_wait_trap(). One that comes
 * from user mode is illegal, as the specification lets it be.
 */
static struct exit_result emulate_wait(struct vcpu *vcpu, uint32_t instruction)
{
	(void)instruction;
	counters_count(vcpu, REASON_WAIT);
	if (!arch_interrupt_is_pending())
		scheduler_block(vcpu);
	return exit_resume_next(4);
}

/* ---- on the fast vector ---- */

/* Each by itself, so that none needs more of the stack than it must. */
#define OUT_OF_THE_WAY __attribute__((noinline))

static OUT_OF_THE_WAY int64_t fence_fast(struct vcpu *vcpu,
					 const struct privileged_site *site, uint64_t rs1,
					 uint64_t rs2)
{
	const struct fence fence =
		fence_of_page(site->has_address, rs1, site->has_asid, rs2);

	vcpu->counters.fast[site->reason]++;
	vcpu->vm->mode->fence(vcpu, &fence);
	return FAST_DONE;
}

static OUT_OF_THE_WAY int64_t satp_write_fast(struct vcpu *vcpu, uint64_t value)
{
	vcpu->counters.fast[REASON_SATP_WRITE]++;
	vcpu_satp_write(vcpu, value);
	return vcpu->vm->end == VM_RUNNING ? FAST_DONE : FAST_NOT;
}

/* csrrs or csrrc with x0 */
static OUT_OF_THE_WAY int64_t satp_read_fast(struct vcpu *vcpu, uint64_t instruction)
{
	if ((instruction & 0xffffe07f) != 0x18002073 || check_wants_all())
		return FAST_NOT;
	vcpu->counters.fast[REASON_SATP_READ]++;
	vcpu_set_register(vcpu, RD(instruction), vcpu->vm->mode->satp_read(vcpu));
	return FAST_VALUE;
}

/* Take the full path once: a loop will be seen there. */
static void look_again(struct vcpu *vcpu, struct privileged_site *site)
{
	if (site->patience < SITE_PATIENCE)
		site->patience = (uint8_t)(2 * site->patience + 1);
	vcpu->fence_repeats = site->patience;
	site->singles = SITE_SINGLES - 1;
	arch_site_forget(vcpu, site->pc);
}

/* Not a fence that did not run once some times in a row, or may be a loop by now. */
static OUT_OF_THE_WAY int64_t loop_fast(struct vcpu *vcpu, struct privileged_site *site,
					uint64_t rs1, uint64_t rs2)
{
	if (vcpu->last_fence == site->pc && vcpu->fence_repeats-- == 0)
		look_again(vcpu, site);
	vcpu->last_fence = site->pc;
	return site->singles < SITE_SINGLES ? FAST_NOT : fence_fast(vcpu, site, rs1, rs2);
}

int64_t exit_privileged_fast(struct vcpu *vcpu, uint64_t rs1, uint64_t rs2,
			     uint64_t instruction, uint64_t pc)
{
	struct privileged_site *site = site_of(vcpu, pc);

	if (site->pc != pc || site->instruction != instruction)
		return satp_read_fast(vcpu, instruction);
	if (site->reason == REASON_SATP_WRITE)
		return satp_write_fast(vcpu, rs1);
	if (site->singles != SITE_ALONE)
		return loop_fast(vcpu, site, rs1, rs2);
	return fence_fast(vcpu, site, rs1, rs2);
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
	{0xffffffff, 0x10500073, emulate_wait},	 /* wfi */
};

/*
 * The hart may tell the instruction, or 0, or more than it if it has 16 bits ("Machine
 * Trap Value Register": the shortest of what the specification allows is the exact one).
 */
static bool find_instruction(struct vcpu *vcpu, const struct vm_exit *exit,
			     uint32_t *instruction)
{
	*instruction = (uint32_t)exit->value;
	if (instruction_length((uint16_t)*instruction) == 2)
		*instruction &= 0xffff;
	return *instruction != 0 || guest_code_fetch(vcpu, instruction);
}

struct exit_result exit_privileged(struct vcpu *vcpu, const struct vm_exit *exit)
{
	bool supervisor = !arch_access(vcpu, GVA(0), ACCESS_FETCH).user;
	uint32_t instruction;

	/* It faults when the guest fetches it again, or comes back. */
	if (!find_instruction(vcpu, exit, &instruction))
		return exit_retry(vcpu);
	for (unsigned i = 0; supervisor && i < ARRAY_LENGTH(privileged_instructions); i++)
		if ((instruction & privileged_instructions[i].mask) ==
		    privileged_instructions[i].match)
			return privileged_instructions[i].handler(vcpu, instruction);
	if (timer_emulate_read(vcpu, instruction)) {
		counters_count(vcpu, REASON_TIME_READ);
		return exit_resume_next(4);
	}
	counters_count(vcpu, REASON_VIRTUAL_INSTRUCTION);
	if (pmu_emulate_read(vcpu, instruction))
		return exit_resume_next(4);
	return exit_inject(EXCEPTION_ILLEGAL_INSTRUCTION, instruction);
}
