/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lr and sc as reservations.c asks for them.
 *
 * Register contract: a0 and a3 = addresses, a1 = what is stored; a4, a5 and a6 = rd of
 * the first, second and third sc where nothing else is said, a2 = what an lr read, t0 =
 * rounds. Each ends in an ebreak.
 */
	.text
	.option	norvc

/* By a branch, past an lr that is never executed. */
	.globl	sc_without_lr
sc_without_lr:
	beqz	zero, 1f
	lr.d	a2, (a0)
1:	sc.d	a4, a1, (a0)
	sc.d	a5, a1, (a0)
	li	t0, 2
2:	addi	t0, t0, -1
	sc.d	a6, a1, (a0)
	bnez	t0, 2b
	ebreak

/* One reservation, and an sc to another place in between. */
	.globl	sc_elsewhere
sc_elsewhere:
	lr.d	a2, (a0)
	sc.d	a4, a1, (a3)
	sc.d	a5, a1, (a3)
	sc.d	a6, a1, (a0)
	ebreak

/* One reservation, and the same sc four times: a4 has a bit for each that succeeded. */
	.globl	sc_again
sc_again:
	li	a4, 0
	li	t0, 4
	lr.d	a2, (a0)
1:	sc.d	a5, a1, (a0)
	seqz	a5, a5
	slli	a4, a4, 1
	or	a4, a4, a5
	addi	t0, t0, -1
	bnez	t0, 1b
	ebreak

/* Constrained loops. */
	.globl	sc_loop
sc_loop:
	lr.d	a2, (a0)
	xor	a5, a2, a1
	or	a5, a5, a1
	sc.d	a4, a5, (a0)
	bnez	a4, sc_loop
	ebreak

	.option	rvc
	.globl	sc_loop_compare
sc_loop_compare:
	lr.d	a2, (a0)
	bne	a2, a3, 1f
	sc.d	a4, a1, (a0)
	bnez	a4, sc_loop_compare
1:	ebreak
