/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of vectors for traps.c: counts entries by the software interrupt's.
 *
 * Register contract: as trap_vector, to which every entry goes on with all
 * registers and sscratch as they were.
 */
	.text
	.globl	vector_table
	.balign	256
	.option	push
	.option	norvc
vector_table:
	j	trap_vector
	j	count_entry
	.rept	14
	j	trap_vector
	.endr
	.option	pop

count_entry:
	csrrw	sp, sscratch, sp
	sd	t0, 40(sp)
	sd	t1, 48(sp)
	la	t0, vectored_marker
	ld	t1, 0(t0)
	addi	t1, t1, 1
	sd	t1, 0(t0)
	ld	t0, 40(sp)
	ld	t1, 48(sp)
	csrrw	sp, sscratch, sp
	j	trap_vector

	.bss
	.balign	8
	.globl	vectored_marker
vectored_marker:
	.skip	8
