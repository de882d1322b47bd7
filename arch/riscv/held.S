/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where harts wait until Gnomon wants them, on both seats: those that firmware, or the
 * reset, has let in beside the boot hart, and those that arch_hart_start() has sent for.
 *
 * hart_held: s0 = the hart's id, all interrupts off, nothing else is known; satp = 0 on
 * seat hs. A hart whose id the boot hart has written into hart_gate, which is in .data
 * and so not cleared, goes to harts_arrive() on the stack of that index, with tp =
 * its struct hart. By then the image is relocated and bss cleared.
 */
#include "seat_trap.h"
#include "arch/riscv/layout.h"
#include "asm_offsets.h"

	.text
	.globl	hart_held
	.balign	4
hart_held:
	li	t0, KICK_INTERRUPT
	csrw	TRAP_ENABLES, t0
1:	csrc	TRAP_PENDING, t0
	lla	t1, hart_gate
	li	t2, 0
	li	t3, HART_LIMIT
2:	ld	t4, 0(t1)
	beq	t4, s0, 3f
	addi	t1, t1, 8
	addi	t2, t2, 1
	bltu	t2, t3, 2b
	wfi
	j	1b

	/* All that the boot hart has written is seen, changes of code (errata) too. */
3:	fence	r, rw
	fence.i
	li	t0, HART_SIZE
	mul	t0, t0, t2
	lla	tp, harts
	add	tp, tp, t0
	addi	t2, t2, 1
	li	t0, STACK_GUARD_SIZE + STACK_SIZE
	mul	t0, t0, t2
	lla	sp, stacks
	add	sp, sp, t0
	lla	t0, host_trap_vector
	csrw	TRAP_VECTOR, t0
	tail	harts_arrive
