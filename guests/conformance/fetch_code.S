/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code that patches itself, copied to a user page by fetch.c.
 *
 * Register contract: a1 = eight bytes of code, a2 = where to put and run them
 * (patch_and_run_target, wherever it was copied to). Ends in the ebreak that is
 * part of the eight bytes. Position independent.
 */
	.section .rodata
	.balign	8
	.globl	patch_and_run, patch_and_run_target, patch_and_run_end
patch_and_run:
	.option	push
	.option	norvc
	sd	a1, 0(a2)
	fence.i
	jr	a2
	nop
	.option	pop
patch_and_run_target:
	.dword	0
patch_and_run_end:
