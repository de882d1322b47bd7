/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Image header and entry.
 *
 * Registers at entry: a0 = hart id, a1 = device tree, satp = 0, as the RISC-V
 * boot protocol of Linux says. The first hart to arrive relocates the image,
 * clears bss and calls boot_main(hart id, device tree) on its own stack with
 * tp = its struct hart; any other hart that firmware lets in is held: see held.S.
 * Invariant: no relocated pointer is used before the loop over .rela.dyn.
 */
#include "arch/riscv/csr.h"
#include "arch/riscv/image.h"
#include "arch/riscv/layout.h"
#include "asm_offsets.h"

	.section .head, "ax"
	.globl _start
_start:
	/* Offsets and sizes of the header: Linux, boot-image-header. */
	.option push
	.option norvc
	j	entry
	nop
	.option pop
	.dword	0x200000		/* text_offset */
	.dword	image_end - image_start
	.dword	0			/* flags: little-endian */
	.word	2			/* header version 0.2 */
	.word	0
	.dword	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.word	0

entry:
	csrw	CSR_SIE, zero
	csrci	CSR_SSTATUS, SSTATUS_SIE
	mv	s0, a0
	lla	t0, boot_lottery
	li	t1, 1
	amoadd.w.aqrl t0, t1, (t0)
	bnez	t0, held

	prepare_image

	lla	tp, harts
	lla	sp, stacks + STACK_GUARD_SIZE + STACK_SIZE
	lla	t0, host_trap_vector
	csrw	CSR_STVEC, t0
	call	boot_main

	/* Where firmware starts the others: a0 and satp as above. */
	.globl	hart_entry
hart_entry:
	mv	s0, a0
held:	tail	hart_held

	/* In .data: bss is cleared after the lottery has been drawn. */
	.section .data
	.balign	4
boot_lottery:
	.word	0

	.section .stacks, "aw", @nobits
	.balign	4096
	.globl	stacks
stacks:	.space	(STACK_GUARD_SIZE + STACK_SIZE) * HART_LIMIT
