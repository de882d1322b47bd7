/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat hs: what the trap code that both seats share calls its CSRs and instructions.
 * A trap of the guest's comes from V = 1; its satp is vsatp while it runs.
 */
#ifndef SEAT_TRAP_H
#define SEAT_TRAP_H

#include "arch/riscv/csr.h"
#include "arch/riscv/fence.h"

#define TRAP_STATUS  CSR_SSTATUS
#define TRAP_VECTOR  CSR_STVEC
#define TRAP_SCRATCH CSR_SSCRATCH
#define TRAP_EPC     CSR_SEPC
#define TRAP_CAUSE   CSR_SCAUSE
#define TRAP_VALUE   CSR_STVAL
#define TRAP_ENABLES CSR_SIE
#define TRAP_PENDING CSR_SIP
#define GUEST_ATP    CSR_VSATP

/* What a kick from another hart is. */
#define KICK_INTERRUPT INTERRUPT_SSI

#define CAUSE_PRIVILEGED_INSTRUCTION 22 /* virtual instruction */
#define CAUSE_SUPERVISOR_CALL	     10 /* ecall from VS-mode */

#ifndef __ASSEMBLER__
#include "arch/riscv/vcpu_state.h"

/* What the trap found of how the guest runs. */
static inline void trap_take_status(struct arch_vcpu *arch)
{
	arch->status = csr_read(CSR_SSTATUS);
	arch->hstatus = csr_read(CSR_HSTATUS);
}

/* See guarded.S. */
extern char probe_exit_vector[];

/* For a vCPU that has just been reset. */
static inline void trap_prepare_probe(struct arch_vcpu *arch)
{
	arch->hstatus |= HSTATUS_VTVM;
	arch->exit_vector = (uintptr_t)probe_exit_vector;
}

/* False: it was one of Gnomon's own. */
static inline bool trap_is_guests(uint64_t cause, uint64_t address)
{
	(void)cause;
	(void)address;
	return (csr_read(CSR_HSTATUS) & HSTATUS_SPV) != 0;
}
#endif

#ifdef __ASSEMBLER__
#include "asm_offsets.h"

/* On to target if the trap did not come from the guest's supervisor. */
.macro unless_supervisor scratch, target
	csrr	\scratch, CSR_SSTATUS
	andi	\scratch, \scratch, SSTATUS_SPP
	beqz	\scratch, \target
.endm

/* How the guest goes on, from the vCPU in a0. Changes t0 and a1. */
.macro restore_status
	ld	t0, VCPU_STATUS(a0)
	ld	a1, VCPU_HSTATUS(a0)
	csrw	CSR_SSTATUS, t0
	csrw	CSR_HSTATUS, a1
.endm

/* Into the vCPU in a0, the same. Changes t0 and t1. */
.macro save_status
	csrr	t0, CSR_SSTATUS
	csrr	t1, CSR_HSTATUS
	sd	t0, VCPU_STATUS(a0)
	sd	t1, VCPU_HSTATUS(a0)
.endm

.macro trap_return
	sret
.endm

/* Real fences of one leaf: of an ASID, hfence.vvma address, asid, and of all. */
.macro fence_leaf address, asid
	noted_fence .insn r 0x73, 0, 0x11, x0, \address, \asid
.endm

.macro fence_leaf_of_all address
	noted_fence .insn r 0x73, 0, 0x11, x0, \address, x0
.endm

/* Instructions that are finished at once: the chip has a time CSR for its guests. */
.macro finish_time_read
.endm

#endif
#endif
