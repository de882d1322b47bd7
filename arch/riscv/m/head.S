/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry in M-mode, as the firmware of the machine.
 *
 * Registers at entry: a0 = hart id, a1 = device tree, a2 = what a first stage has to
 * say (fw_dynamic.h), or anything. Every hart may arrive here, in any order. The one
 * that the first stage prefers, or the first with S-mode, relocates the image, clears
 * bss and calls boot_main(hart id, device tree, address of the next stage or 0) on its
 * own stack with tp = its struct hart; all others are held: see held.S.
 * Invariant: no relocated pointer is used before the loop over .rela.dyn.
 */
#include "arch/riscv/csr.h"
#include "arch/riscv/image.h"
#include "arch/riscv/layout.h"
#include "arch/riscv/m/fw_dynamic.h"
#include "asm_offsets.h"

#define MISA_S 18

/* How often the others look for a hart that is preferred and does not come. */
#define PATIENCE (1 << 24)

	.section .head, "ax"
	.globl _start
_start:
	/* The header of seat hs, for loaders that look for one. */
	.option push
	.option norvc
	j	entry
	nop
	.option pop
	.dword	0			/* text_offset */
	.dword	image_end - image_start
	.dword	0			/* flags: little-endian */
	.word	2			/* header version 0.2 */
	.word	0
	.dword	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.word	0

entry:
	csrw	CSR_MIE, zero
	csrci	CSR_MSTATUS, MSTATUS_MIE
	csrr	s0, CSR_MHARTID
	/* t2 = the hart that is preferred, or -1; a2 = the next stage, or 0. */
	li	t2, -1
	lla	t0, no_information
	csrw	CSR_MTVEC, t0
	andi	t0, a2, 7
	bnez	t0, no_information
	ld	t0, FW_DYNAMIC_MAGIC(a2)
	li	t1, FW_DYNAMIC_IS_ONE
	bne	t0, t1, no_information
	ld	t0, FW_DYNAMIC_VERSION(a2)
	addi	t0, t0, -1
	li	t1, FW_DYNAMIC_LAST_VERSION
	bgeu	t0, t1, no_information
	beqz	t0, 1f
	ld	t2, FW_DYNAMIC_BOOT_HART(a2)
1:	ld	a2, FW_DYNAMIC_NEXT_ADDRESS(a2)
	j	compare

	/* Where a2 is no address to load from, this is the trap vector. */
	.balign	4
no_information:
	li	a2, 0

compare:
	/* A monitor core has no S-mode, and runs no guests. misa may read as 0. */
	csrr	t0, CSR_MISA
	srli	t1, t0, MISA_S
	andi	t1, t1, 1
	bnez	t1, can_start
	bnez	t0, cannot_start
can_start:
	beq	a0, t2, draw
	li	t0, -1
	beq	t2, t0, draw
	li	t3, PATIENCE
wait_for_other:
	lla	t0, boot_lottery
	lw	t0, 0(t0)
	bnez	t0, held
	lla	t0, boot_waived
	lw	t0, 0(t0)
	bnez	t0, draw
	addi	t3, t3, -1
	bnez	t3, wait_for_other
draw:
	lla	t0, boot_lottery
	li	t1, 1
	amoadd.w.aqrl t0, t1, (t0)
	bnez	t0, held

	prepare_image

	lla	tp, harts
	lla	sp, stacks + STACK_GUARD_SIZE + STACK_SIZE
	lla	t0, host_trap_vector
	csrw	CSR_MTVEC, t0
	call	boot_main

cannot_start:
	bne	a0, t2, held
	lla	t0, boot_waived
	li	t1, 1
	sw	t1, 0(t0)
held:	tail	hart_held

	/* In .data: bss is cleared after the lottery has been drawn. */
	.section .data
	.balign	4
boot_lottery:
	.word	0
/* The hart that is preferred cannot start. */
boot_waived:
	.word	0

	.section .stacks, "aw", @nobits
	.balign	4096
	.globl	stacks
stacks:	.space	(STACK_GUARD_SIZE + STACK_SIZE) * HART_LIMIT
