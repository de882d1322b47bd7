/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world switch, and the trap vectors, of both seats.
 *
 * vcpu_enter(a0 = struct vcpu *): runs the guest until its next VM exit and
 * returns. While the guest runs: xscratch = its struct vcpu, xtvec =
 * its exit vector. While Gnomon runs: xtvec = host_trap_vector, interrupts
 * off, tp = this hart's struct hart, gp unused. All 31 registers are the
 * guest's on entry to the vector; all are stored before any is changed, but
 * for a0, which xscratch holds.
 */
#include "seat_trap.h"
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
	ld	t1, VCPU_EXIT_VECTOR(a0)
	csrw	TRAP_EPC, t0
	csrw	TRAP_VECTOR, t1
	restore_status
	csrw	TRAP_SCRATCH, a0
	each_guest_register ld
	ld	a0, (VCPU_X + 8 * 10)(a0)
	trap_return

	.balign	4
	.globl	guest_exit_vector
guest_exit_vector:
	csrrw	a0, TRAP_SCRATCH, a0
	each_guest_register sd
	csrr	t0, TRAP_SCRATCH
	lla	t1, host_trap_vector
	csrr	t2, TRAP_EPC
	csrw	TRAP_VECTOR, t1
	sd	t0, (VCPU_X + 8 * 10)(a0)
	sd	t2, VCPU_PC(a0)
	save_status
	ld	tp, VCPU_HOST_TP(a0)
	ld	sp, VCPU_HOST_SP(a0)
	each_callee_saved ld
	addi	sp, sp, FRAME_SIZE
	ret

/*
 * A trap while Gnomon itself runs. Where the code has set a guard (a place to
 * go on at) it is a probe that came out "no"; anything else is a defect of
 * Gnomon's, and is reported as such on this hart's stack of last resort.
 */
	.balign	4
	.globl	host_trap_vector
host_trap_vector:
	csrw	TRAP_SCRATCH, t0
	ld	t0, HART_GUARD(tp)
	beqz	t0, 1f
	csrw	TRAP_EPC, t0
	sd	zero, HART_GUARD(tp)
	csrr	t0, TRAP_SCRATCH
	trap_return
1:	csrr	a0, TRAP_CAUSE
	csrr	a1, TRAP_EPC
	csrr	a2, TRAP_VALUE
	mv	a3, sp
	li	sp, HART_SIZE
	add	sp, sp, tp
	tail	host_trap_panic
