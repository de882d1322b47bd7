/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trap vector, the way into user code and back, and user code itself.
 *
 * Register contract: sscratch holds the top of the trap stack while anything else
 * runs. bench_vector keeps every register of what it interrupted, unless that was
 * an ecall from U-mode: then it returns to the caller of user_run(a0 = entry, a1 =
 * five arguments), with ra, sp and s0 to s11 as they were and user code's a0. User
 * code may use every register but sp; it lies in a page of its own.
 */
#define FRAME	 128
#define CAUSE_USER_ECALL 8
#define SSTATUS_SPP 0x100

.macro for_caller_saved op
	\op	ra, 0(sp)
	\op	t0, 8(sp)
	\op	t1, 16(sp)
	\op	t2, 24(sp)
	\op	a0, 32(sp)
	\op	a1, 40(sp)
	\op	a2, 48(sp)
	\op	a3, 56(sp)
	\op	a4, 64(sp)
	\op	a5, 72(sp)
	\op	a6, 80(sp)
	\op	a7, 88(sp)
	\op	t3, 96(sp)
	\op	t4, 104(sp)
	\op	t5, 112(sp)
	\op	t6, 120(sp)
.endm

.macro for_callee_saved op
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

	.text
	.globl	bench_vector
	.balign	4
bench_vector:
	csrrw	sp, sscratch, sp
	addi	sp, sp, -FRAME
	for_caller_saved sd
	csrr	a0, scause
	csrr	a1, stval
	li	t0, CAUSE_USER_ECALL
	beq	a0, t0, user_done
	call	trap_fault
	for_caller_saved ld
	addi	sp, sp, FRAME
	csrrw	sp, sscratch, sp
	sret

user_done:
	ld	a0, 32(sp)
	addi	sp, sp, FRAME
	csrw	sscratch, sp
	la	t0, user_caller_sp
	ld	sp, 0(t0)
	for_callee_saved ld
	addi	sp, sp, FRAME
	ret

	.globl	user_run
user_run:
	addi	sp, sp, -FRAME
	for_callee_saved sd
	la	t0, user_caller_sp
	sd	sp, 0(t0)
	csrw	sepc, a0
	li	t0, SSTATUS_SPP
	csrc	sstatus, t0
	mv	t0, a1
	ld	a0, 0(t0)
	ld	a1, 8(t0)
	ld	a2, 16(t0)
	ld	a3, 24(t0)
	ld	a4, 32(t0)
	sret

/* a0 = base, a1 = count, a2 = tag, a3 = factor, a4 = mask of page numbers. */
	.balign	4096
	.globl	user_page
	.globl	user_store_code
user_page:
user_store_code:
	li	a5, 0
1:	slli	t0, a5, 12
	add	t0, t0, a0
	add	t1, a2, a5
	sd	t1, 0(t0)
	mul	a5, a5, a3
	addi	a5, a5, 1
	and	a5, a5, a4
	addi	a1, a1, -1
	bnez	a1, 1b
	ecall

	.globl	user_load_code
user_load_code:
	li	a5, 0
	li	t2, 0
1:	slli	t0, a5, 12
	add	t0, t0, a0
	ld	t1, 0(t0)
	add	t2, t2, t1
	mul	a5, a5, a3
	addi	a5, a5, 1
	and	a5, a5, a4
	addi	a1, a1, -1
	bnez	a1, 1b
	mv	a0, t2
	ecall
	.balign	4096

	.bss
	.balign	16
	.skip	8192
	.globl	trap_stack_top
trap_stack_top:
user_caller_sp:
	.skip	8
