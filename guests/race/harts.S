/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry and trap vector of harts that race, and their accesses.
 *
 * tp is always the hart's struct hart. The vector changes no register but where an
 * access below faults, which ends it with the cause in t1; software interrupts are
 * answered there, and anything else ends the machine, after a word about it.
 */
#include "guests/race/race.h"

#define SOFTWARE_INTERRUPT 1
#define SIP_SSIP	   2
#define SSTATUS_FS_INITIAL 0x2000

	.text
	.globl	hart_entry
hart_entry:
	andi	a2, a1, STARTER_MASK
	sub	tp, a1, a2
	csrr	t0, satp
	sd	t0, HART_SATP(tp)
	csrr	t0, sstatus
	sd	t0, HART_SSTATUS(tp)
	li	t0, SSTATUS_FS_INITIAL
	csrs	sstatus, t0
	lla	t0, hart_vector
	csrw	stvec, t0
	ld	sp, HART_STACK(tp)
	ld	t0, HART_ENTRY(tp)
	mv	a1, a0
	mv	a0, tp
	jalr	t0
1:	j	1b

	.globl	hart_vector
	.balign	4
hart_vector:
	sd	t0, HART_SAVED(tp)
	sd	t1, (HART_SAVED + 8)(tp)
	csrr	t0, scause
	bgez	t0, exception
	slli	t0, t0, 1
	addi	t0, t0, -2 * SOFTWARE_INTERRUPT
	bnez	t0, stray
	/* In this order: who asks after the read interrupts again. */
	csrci	sip, SIP_SSIP
	fence	iorw, iorw
	ld	t0, HART_REQUESTED(tp)
	sd	t0, HART_ANSWERED(tp)
	ld	t0, HART_SAVED(tp)
	ld	t1, (HART_SAVED + 8)(tp)
	sret

exception:
	csrr	t1, sepc
	lla	t0, accesses_begin
	bltu	t1, t0, stray
	lla	t0, accesses_end
	bgeu	t1, t0, stray
	lla	t0, check_registers
	csrw	sepc, t0
	csrr	t1, scause
	ld	t0, HART_SAVED(tp)
	sret

stray:
	csrr	a0, scause
	csrr	a1, stval
	csrr	a2, sepc
	ld	sp, HART_STACK(tp)
	j	race_stray

/* All that a called function may change, but a0 to a3 and t1. */
.macro each_register operation
	.irp	n, 5,7,14,15,16,17,28,29,30,31
	\operation \n
	.endr
.endm

.macro set_register n
	addi	x\n, a0, \n
.endm

.macro check_register n
	sub	x\n, x\n, a0
	addi	x\n, x\n, -\n
	bnez	x\n, register_lost
.endm

.macro access name, instructions:vararg
	.globl	\name
\name:
	each_register set_register
	\instructions
	li	t1, CAUSE_NONE
	j	check_registers
.endm

/*
 * Long before the version is read, and nowhere to be interrupted on QEMU, which looks
 * for that where it begins a block of instructions: these make one block. So who does
 * not wait for this hart comes to publish a version before this hart looks.
 */
.macro late name, instruction:vararg
	.balign	2048
	.globl	\name
\name:
	each_register set_register
	fcvt.d.l ft0, a0
	.rept	160
	fsqrt.d	ft1, ft0, rtz
	.endr
	ld	t1, (a2)
	sd	t1, (a3)
	\instruction
	li	t1, CAUSE_NONE
	j	check_registers
.endm

accesses_begin:
	late	late_load, ld a1, (a0)
	late	late_store, sd a1, (a0)
	access	access_store, sd a1, (a0)
	access	access_swap, amoswap.d a1, a1, (a0)
	/* Not behind the label of the macro: the loop begins after it. */
	.globl	access_conditional
access_conditional:
	each_register set_register
1:	lr.d	t1, (a0)
	sc.d	t1, a1, (a0)
	bnez	t1, 1b
	li	t1, CAUSE_NONE
	j	check_registers
accesses_end:

register_lost:
	li	t1, CAUSE_REGISTER_LOST
	mv	a0, t1
	ret
check_registers:
	each_register check_register
	mv	a0, t1
	ret
