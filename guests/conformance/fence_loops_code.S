/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loops of fences as operating systems write them, run by fence_loops.c.
 *
 * Register contract: a0 = address, a1 = stride, a2 = how many, a3 = ASID, a4 =
 * first address (loops that go down), a5 = counted up, a6 = memory to count in.
 * Nothing else is touched. Each ends in an ebreak.
 */
	.text
	.globl	loop_up, loop_up_end
loop_up:
	sfence.vma a0, x0
	add	a0, a0, a1
	addi	a2, a2, -1
	bnez	a2, loop_up
loop_up_end:
	ebreak

	.globl	loop_down_asid, loop_down_asid_end
loop_down_asid:
	sfence.vma a0, a3
	sub	a0, a0, a1
	bgeu	a0, a4, loop_down_asid
loop_down_asid_end:
	ebreak

/* Other work between the fences; it must happen once each time round. */
	.globl	loop_with_work, loop_with_work_end
loop_with_work:
	sfence.vma a0, a3
	ld	t0, 0(a6)
	addi	t0, t0, 1
	sd	t0, 0(a6)
	addi	a5, a5, 3
	add	a0, a0, a1
	addi	a2, a2, -1
	bnez	a2, loop_with_work
loop_with_work_end:
	ebreak

/* Touches each page behind its fence: the first bad one must fault, exactly. */
	.globl	loop_with_load, loop_with_load_access, loop_with_load_end
loop_with_load:
	sfence.vma a0, x0
	addi	a5, a5, 1
loop_with_load_access:
	ld	t0, 0(a0)
	add	a0, a0, a1
	addi	a2, a2, -1
	bnez	a2, loop_with_load
loop_with_load_end:
	ebreak

/* Unrolled, then a global fence, as after a batch. */
	.globl	loop_unrolled, loop_unrolled_end
loop_unrolled:
	sfence.vma a0, x0
	add	a0, a0, a1
	sfence.vma a0, x0
	add	a0, a0, a1
	addi	a2, a2, -2
	bgtz	a2, loop_unrolled
	sfence.vma x0, a3
	mv	a5, a0
loop_unrolled_end:
	ebreak
