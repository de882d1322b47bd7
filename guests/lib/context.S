/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trap vector and the two calls built on it; see context.h.
 *
 * Register contract: context_run(a0 = struct context *) and
 * protected_call(a0 = function, a1 = argument) keep ra, sp, gp, tp and s0 to s11
 * as any function does, whatever the code they run leaves behind. sscratch
 * always holds the context to save into; 0 while a stray trap is handled. A
 * trap entry changes sstatus.SUM and MXR to 0 and leaves SIE = 0. No FP register
 * is touched.
 */
#include "guests/lib/context.h"

#define SUM_MXR 0xc0000

/* x1 and x3 to x31; x2 (sp) is the base and handled apart. */
.macro for_registers op, base
	.irp	n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15
	\op	x\n, \n*8(\base)
	.endr
	.irp	n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op	x\n, \n*8(\base)
	.endr
.endm

.macro for_callee_saved op
	\op	ra, 0(sp)
	\op	gp, 8(sp)
	\op	tp, 16(sp)
	\op	s0, 24(sp)
	\op	s1, 32(sp)
	\op	s2, 40(sp)
	\op	s3, 48(sp)
	\op	s4, 56(sp)
	\op	s5, 64(sp)
	\op	s6, 72(sp)
	\op	s7, 80(sp)
	\op	s8, 88(sp)
	\op	s9, 96(sp)
	\op	s10, 104(sp)
	\op	s11, 112(sp)
.endm

	.text
	.globl	context_run
context_run:
	addi	sp, sp, -128
	for_callee_saved sd
	la	t0, running_sp
	sd	sp, 0(t0)
	csrw	sscratch, a0
	ld	t0, CONTEXT_PC(a0)
	csrw	sepc, t0
	ld	t0, CONTEXT_SSTATUS(a0)
	csrw	sstatus, t0
	mv	sp, a0
	for_registers ld, sp
	ld	sp, 16(sp)
	sret

	.globl	trap_vector
	.balign	4
trap_vector:
	csrrw	sp, sscratch, sp
	beqz	sp, double_trap
	for_registers sd, sp
	csrr	t0, sscratch
	sd	t0, 16(sp)
	csrr	t0, sepc
	sd	t0, CONTEXT_PC(sp)
	csrr	t0, sstatus
	sd	t0, CONTEXT_SSTATUS(sp)
	csrr	t0, scause
	sd	t0, CONTEXT_CAUSE(sp)
	csrr	t0, stval
	sd	t0, CONTEXT_STVAL(sp)
	li	t0, SUM_MXR
	csrc	sstatus, t0
	la	t0, running_sp
	ld	t1, 0(t0)
	beqz	t1, stray
	sd	zero, 0(t0)
	la	t0, stray_context
	csrw	sscratch, t0
	mv	sp, t1
	for_callee_saved ld
	addi	sp, sp, 128
	ret

stray:
	csrw	sscratch, zero
	la	sp, stray_stack_top
	li	tp, 0
	j	stray_trap

/* Nothing can be trusted any more: SBI SRST shutdown, system failure. */
double_trap:
	li	a0, 0
	li	a1, 1
	li	a6, 0
	li	a7, 0x53525354
	ecall
1:	j	1b

	.globl	protected_call
protected_call:
	addi	sp, sp, -128
	for_callee_saved sd
	la	t0, protected_sp
	sd	sp, 0(t0)
	mv	t0, a0
	mv	a0, a1
	jalr	t0
	li	a0, 0
	j	1f

/* a0 = the stray trap's context, which protected_call() returns. */
	.globl	protected_return
protected_return:
	la	t0, stray_context
	csrw	sscratch, t0
	la	t0, protected_sp
	ld	sp, 0(t0)
1:	la	t0, protected_sp
	sd	zero, 0(t0)
	for_callee_saved ld
	addi	sp, sp, 128
	ret

	.bss
	.balign	16
	.skip	8192
stray_stack_top:
	.globl	stray_context
stray_context:
	.skip	CONTEXT_STVAL + 8
running_sp:
	.skip	8
	.globl	protected_sp
protected_sp:
	.skip	8
