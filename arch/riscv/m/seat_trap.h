/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat m: what the trap code that both seats share calls its CSRs and instructions.
 * A trap of the guest's comes from S- or U-mode; its satp is the hart's own.
 */
#ifndef SEAT_TRAP_H
#define SEAT_TRAP_H

#include "arch/riscv/csr.h"
#include "arch/riscv/fence.h"

#define TRAP_STATUS  CSR_MSTATUS
#define TRAP_VECTOR  CSR_MTVEC
#define TRAP_SCRATCH CSR_MSCRATCH
#define TRAP_EPC     CSR_MEPC
#define TRAP_CAUSE   CSR_MCAUSE
#define TRAP_VALUE   CSR_MTVAL
#define TRAP_ENABLES CSR_MIE
#define TRAP_PENDING CSR_MIP
#define GUEST_ATP    CSR_SATP

/* What a kick from another hart is. */
#define KICK_INTERRUPT INTERRUPT_MSI

#define CAUSE_PRIVILEGED_INSTRUCTION 2 /* illegal instruction: see mstatus.TVM */
#define CAUSE_SUPERVISOR_CALL	     9 /* ecall from S-mode */

#ifndef __ASSEMBLER__
#include "arch/riscv/features.h"
#include "arch/riscv/vcpu_state.h"
#include "mm/access.h"

/* What the trap found of how the guest runs. */
static inline void trap_take_status(struct arch_vcpu *arch)
{
	arch->status = csr_read(CSR_MSTATUS);
}

/* For a vCPU that has just been reset: nothing more is needed. */
static inline void trap_prepare_probe(struct arch_vcpu *arch)
{
	(void)arch;
}

/*
 * True if the address of a fault is one of another address space: hlv's or hsv's, or of
 * V = 1. QEMU 10 reports hlvx as a fetch, and without GVA; a fetch is at its pc.
 */
static inline bool fault_is_foreign(uint64_t status, uint64_t cause, uint64_t pc,
				    uint64_t address)
{
	return (status & features.foreign) ||
	       (features.hypervisor && cause == EXCEPTION_FETCH_PAGE && address - pc > 2);
}

/* False: a fault of Gnomon's own, or not one of the guest's address space. */
static inline bool trap_is_guests(uint64_t cause, uint64_t address)
{
	uint64_t status = csr_read(CSR_MSTATUS);

	return (status & MSTATUS_MPP) != MSTATUS_MPP &&
	       !fault_is_foreign(status, cause, csr_read(CSR_MEPC), address);
}
#endif

#ifdef __ASSEMBLER__
#include "asm_offsets.h"

/*
 * On to target if the trap did not come from the guest's supervisor: mstatus.MPP is 1,
 * not 0, and its lower bit the register's sign.
 */
.macro unless_supervisor scratch, target
	csrr	\scratch, CSR_MSTATUS
	slli	\scratch, \scratch, 63 - MSTATUS_MPP_SHIFT
	bgez	\scratch, \target
.endm

/* How the guest goes on, from the vCPU in a0. Changes t0 and a1. */
.macro restore_status
	ld	t0, VCPU_STATUS(a0)
	csrw	CSR_MSTATUS, t0
.endm

/*
 * Into the vCPU in a0, the same. Changes t0 and t1. What follows may trap, under a guard,
 * which is fatal while MDT is set (Smdbltrp).
 */
.macro save_status
	csrr	t0, CSR_MSTATUS
	li	t1, 1
	slli	t1, t1, MSTATUS_MDT_SHIFT
	sd	t0, VCPU_STATUS(a0)
	csrc	CSR_MSTATUS, t1
.endm

.macro trap_return
	mret
.endm

/* Real fences of one leaf: of an ASID, and of all. */
.macro fence_leaf address, asid
	noted_fence sfence.vma \address, \asid
.endm

.macro fence_leaf_of_all address
	noted_fence sfence.vma \address, x0
.endm

/*
 * rdtime, on chips that have no time CSR: see time.S, which comes back to
 * exit_fast_privileged if it is none, or not permitted.
 */
.macro finish_time_read
	j	time_read
.endm

#endif
#endif
