/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A first stage that leaves its marks: CANARY, a word as of core/canary.h, in every CSR
 * below M-mode's that takes one and in all floating-point and vector registers; and what
 * menvcfg, mstateen and mseccfg can open is open. Goes on at NEXT, in M-mode, with a0 to
 * a2 as it got them. Traps step over the instruction.
 */
#define MSTATUS_FS_VS 0x6600

	.macro	mark first, last
	.set	number, \first
	.rept	\last - \first + 1
	.word	0x00031073 | number << 20 /* csrw number, t1 */
	.set	number, number + 1
	.endr
	.endm

	.option norelax
	.globl	_start
_start:
	la	t0, skip
	csrw	mtvec, t0
	li	t0, MSTATUS_FS_VS
	csrs	mstatus, t0
	li	t1, -1
	.irp	open, 0x30a, 0x30c, 0x30d, 0x30e, 0x30f
	csrw	\open, t1
	.endr
	li	t1, CANARY
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fmv.d.x	f\n, t1
	.endr
	.word	0x01b073d7 /* vsetvli t2, x0, e64, m8 */
	.irp	n, 0, 8, 16, 24
	.word	0x5e034057 | \n << 7 /* vmv.v.x vn, t1 */
	.endr
	/* Not sstatus, satp, vsatp and hgatp, which are no places to keep a word. */
	mark	0x001, 0x0ff
	mark	0x101, 0x17f
	mark	0x181, 0x27f
	mark	0x281, 0x2ff
	mark	0x400, 0x67f
	mark	0x681, 0x6ff
	li	t0, NEXT
	jr	t0

	.balign	4
skip:
	csrr	t0, mepc
	addi	t0, t0, 4
	csrw	mepc, t0
	mret
