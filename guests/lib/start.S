/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of a bare-metal guest: a0 = hart id, a1 = device tree (physical).
 *
 * Entered in S-mode with satp Bare and interrupts off, as the SBI's HSM
 * extension says. Clears bss, takes the boot stack and calls guest_start() with
 * the same two arguments, which never returns. Every register is free.
 */
	.section .text.start, "ax"
	.globl	_start
_start:
	csrw	sie, zero
	la	t0, bss_start
	la	t1, bss_end
1:	bgeu	t0, t1, 2f
	sd	zero, 0(t0)
	addi	t0, t0, 8
	j	1b
2:	la	sp, boot_stack_top
	li	tp, 0
	call	guest_start
3:	wfi
	j	3b

	.section .bss
	.balign	16
boot_stack:
	.skip	65536
boot_stack_top:
