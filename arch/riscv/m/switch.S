/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world switch, and the trap vectors of seat m.
 *
 * vcpu_enter(a0 = struct vcpu *): runs the guest until its next VM exit and
 * returns. While the guest runs: mscratch = its struct vcpu, mtvec =
 * its exit vector. While Gnomon runs: mtvec = host_trap_vector, interrupts
 * off, tp = this hart's struct hart, gp unused. All 31 registers are the
 * guest's on entry to the vector; all are stored before any is changed, but
 * for a0, which mscratch holds.
 */
#include "arch/riscv/csr.h"
#include "arch/riscv/exit_fast.h"
#include "arch/riscv/layout.h"
#include "asm_offsets.h"

/* 13 registers, and the vCPU that runs, where the fast vector finds it. */
#define FRAME_SIZE 112

.macro each_callee_saved op
	\op	ra, 0(sp)
	\op	s0, 8(sp)
	\op	s1, 16(sp)
	\op	s2, 24(sp)
	\op	s3, 32(sp)
	\op	s4, 40(sp)
	\op	s5, 48(sp)
	\op	s6, 56(sp)
	\op	s7, 64(sp)
	\op	s8, 72(sp)
	\op	s9, 80(sp)
	\op	s10, 88(sp)
	\op	s11, 96(sp)
.endm

/* Every guest register but a0, at VCPU_X + 8 * number from a0. */
.macro each_guest_register op
	.irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op	x\n, (VCPU_X + 8 * \n)(a0)
	.endr
.endm

	.text
	.globl	vcpu_enter
	.balign	4
vcpu_enter:
	addi	sp, sp, -FRAME_SIZE
	each_callee_saved sd
	sd	a0, HOST_FRAME_VCPU(sp)
	sd	sp, VCPU_HOST_SP(a0)
	sd	tp, VCPU_HOST_TP(a0)
	ld	t0, VCPU_PC(a0)
	ld	t1, VCPU_STATUS(a0)
	ld	t3, VCPU_EXIT_VECTOR(a0)
	csrw	CSR_MEPC, t0
	csrw	CSR_MSTATUS, t1
	csrw	CSR_MTVEC, t3
	csrw	CSR_MSCRATCH, a0
	each_guest_register ld
	ld	a0, (VCPU_X + 8 * 10)(a0)
	mret

	.balign	4
	.globl	guest_exit_vector
guest_exit_vector:
	csrrw	a0, CSR_MSCRATCH, a0
	each_guest_register sd
	csrr	t0, CSR_MSCRATCH
	lla	t1, host_trap_vector
	csrr	t2, CSR_MEPC
	csrw	CSR_MTVEC, t1
	csrr	t3, CSR_MSTATUS
	sd	t0, (VCPU_X + 8 * 10)(a0)
	sd	t2, VCPU_PC(a0)
	sd	t3, VCPU_STATUS(a0)
	ld	tp, VCPU_HOST_TP(a0)
	ld	sp, VCPU_HOST_SP(a0)
	each_callee_saved ld
	addi	sp, sp, FRAME_SIZE
	ret

/*
 * guarded_load_as(a0 = gva, a1 = uint16_t *, a2 = bits of mstatus): a load by
 * mstatus.MPRV, in the privilege that MPP in a2 says. Returns 1, or 0 if it
 * would fault. mstatus is as before on return.
 */
	.globl	guarded_load_as
guarded_load_as:
	lla	t0, 1f
	sd	t0, HART_GUARD(tp)
	csrr	t0, CSR_MSTATUS
	csrw	CSR_MSTATUS, a2
	lhu	t1, 0(a0)
	csrw	CSR_MSTATUS, t0
	sd	zero, HART_GUARD(tp)
	sh	t1, 0(a1)
	li	a0, 1
	ret
	/* mret to M-mode leaves MPRV set, and MPP is U: no load before this. */
1:	csrw	CSR_MSTATUS, t0
	li	a0, 0
	ret

/*
 * A trap while Gnomon itself runs. Where the code has set a guard (a place to
 * go on at) it is a probe that came out "no"; anything else is a defect of
 * Gnomon's, and is reported as such on this hart's stack of last resort. It goes on
 * in M-mode with all registers as they were, mstatus.MPP is U from then on.
 */
	.balign	4
	.globl	host_trap_vector
host_trap_vector:
	csrw	CSR_MSCRATCH, t0
	ld	t0, HART_GUARD(tp)
	beqz	t0, 1f
	csrw	CSR_MEPC, t0
	sd	zero, HART_GUARD(tp)
	csrr	t0, CSR_MSCRATCH
	mret
1:	csrr	a0, CSR_MCAUSE
	csrr	a1, CSR_MEPC
	csrr	a2, CSR_MTVAL
	mv	a3, sp
	lla	sp, last_resort_stack + LAST_RESORT_STACK_SIZE
	tail	host_trap_panic
