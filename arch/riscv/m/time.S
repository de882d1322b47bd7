/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rdtime, finished in the fast vector on chips that have no time CSR, whose reads of it
 * are illegal instructions. Comes from exit_fast.S with t0, t1 and a1 in the vCPU, which
 * a0 points to, and the guest's a0 in mscratch; goes on there if it is no rdtime, or one
 * that scounteren keeps from U-mode.
 */
#include "arch/riscv/csr.h"
#include "asm_offsets.h"

#define X(n) (VCPU_X + 8 * (n))

/* csrrs rd, time, x0 */
#define RDTIME_MASK  0xfffff07f
#define RDTIME_MATCH 0xc0102073

/* A table of two instructions for each register: t1 goes there. */
.macro write_time n
	.if	\n == 0
	nop
	.elseif	\n == 10
	csrw	CSR_MSCRATCH, t1
	.elseif	(\n == 5) || (\n == 6) || (\n == 11)
	sd	t1, X(\n)(a0)
	.else
	mv	x\n, t1
	.endif
	j	written
.endm

	.option norelax
	.text
	.globl	time_read
time_read:
	csrr	t0, CSR_MTVAL
	li	t1, RDTIME_MASK
	and	t1, t1, t0
	li	a1, RDTIME_MATCH
	bne	t1, a1, not_time
	csrr	t1, CSR_MSTATUS
	srli	t1, t1, MSTATUS_MPP_SHIFT
	andi	t1, t1, 1
	csrr	a1, CSR_SCOUNTEREN
	srli	a1, a1, 1
	or	t1, t1, a1
	andi	t1, t1, 1
	beqz	t1, not_time
	lla	a1, clint_time
	ld	a1, 0(a1)
	ld	t1, 0(a1)
	ld	a1, VCPU_FAST_TIME_READS(a0)
	addi	a1, a1, 1
	sd	a1, VCPU_FAST_TIME_READS(a0)
	srli	t0, t0, 7 - 3
	andi	t0, t0, 31 << 3
	lla	a1, time_writers
	add	t0, t0, a1
	jr	t0
written:
	csrr	t0, CSR_MEPC
	addi	t0, t0, 4
	csrw	CSR_MEPC, t0
	ld	t0, X(5)(a0)
	ld	t1, X(6)(a0)
	ld	a1, X(11)(a0)
	csrrw	a0, CSR_MSCRATCH, a0
	mret

not_time:
	j	exit_fast_privileged

	.balign	8
	.option push
	.option norvc
time_writers:
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	write_time \n
	.endr
	.option pop
