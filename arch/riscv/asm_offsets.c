/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offsets of C structures for assembly. Compiled to assembly only; the build
 * turns each marked line into a #define in build/asm_offsets.h.
 */
#include "arch/riscv/hart.h"
#include "core/vcpu.h"

#define OFFSET(name, type, member)                                                       \
	__asm__ volatile("\n.ascii \"->" #name " %0\"" ::"i"(offsetof(type, member)))

void asm_offsets(void);

void asm_offsets(void)
{
	OFFSET(HART_GUARD, struct hart, guard);
	OFFSET(VCPU_X, struct vcpu, arch.x);
	OFFSET(VCPU_PC, struct vcpu, arch.pc);
	OFFSET(VCPU_SSTATUS, struct vcpu, arch.sstatus);
	OFFSET(VCPU_HSTATUS, struct vcpu, arch.hstatus);
	OFFSET(VCPU_HOST_SP, struct vcpu, arch.host_sp);
	OFFSET(VCPU_HOST_TP, struct vcpu, arch.host_tp);
	OFFSET(VCPU_EXIT_VECTOR, struct vcpu, arch.exit_vector);
	OFFSET(VCPU_SITE_PC, struct vcpu, arch.fast.site_pc);
	OFFSET(VCPU_SITE_INSTRUCTION, struct vcpu, arch.fast.site_instruction);
	OFFSET(VCPU_SITE_REGISTER, struct vcpu, arch.fast.site_register);
	OFFSET(VCPU_TREE, struct vcpu, arch.fast.tree);
	OFFSET(VCPU_SWITCHES, struct vcpu, arch.fast.switches);
	OFFSET(VCPU_ROOTS, struct vcpu, arch.fast.roots);
	OFFSET(VCPU_FAST_SATP_WRITES, struct vcpu, counters.fast[REASON_SATP_WRITE]);
	OFFSET(ARCH_VCPU_F, struct arch_vcpu, f);
	OFFSET(ARCH_VCPU_FCSR, struct arch_vcpu, fcsr);
}
