/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What another hart does for contended.c: changes a PTE until it is told to stop.
 *
 * Register contract: entered as the SBI starts a hart, a1 = struct contention; no
 * stack. Each round flips RSW's lower bit, which nobody else changes, and clears A
 * and D: between the two the bit must stay as it was left.
 */
	.text
	.globl	contend
contend:
	ld	t0, 0(a1)
	li	t1, 0x100
	li	t2, ~0xc0
1:	amoxor.d t3, t1, (t0)
	amoand.d t4, t2, (t0)
	xor	t3, t3, t4
	and	t3, t3, t1
	bnez	t3, 2f
	ld	t4, 24(a1)
	addi	t4, t4, 1
	sd	t4, 24(a1)
2:	ld	t4, 16(a1)
	addi	t4, t4, 1
	sd	t4, 16(a1)
	ld	t4, 8(a1)
	beqz	t4, 1b
	li	a7, 0x48534d
	li	a6, 1
	ecall
3:	j	3b
