/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast trap vector of both seats: exits that need few registers are finished here
 * and never leave the guest's other registers.
 *
 * On entry all 31 registers are the guest's, xscratch = its struct vcpu. Gnomon's C
 * is compiled not to use t2 to t6, a6 and a7 (see the Makefile), and gp is nobody's;
 * s0 to s11 it gives back. So what it may change is ra, sp, tp, t0, t1 and a0 to a5:
 * those are saved in the vCPU. What is not finished here goes on to the full save
 * with every register the guest's again, as if nothing had been.
 */
#include "seat_trap.h"
#include "arch/riscv/exit_fast.h"
#include "asm_offsets.h"

#define X(n) (VCPU_X + 8 * (n))

/*
 * Readers: a table of two instructions for each register n, which bring its value to
 * \to and go on. Those that the vector has changed by then are in the vCPU, a0 in
 * xscratch.
 */
.macro read_register n, to, onward:vararg
	.if	\n == 0
	li	\to, 0
	.elseif	\n == 10
	csrr	\to, TRAP_SCRATCH
	.elseif	(\n == 5) || (\n == 6) || (\n == 11)
	ld	\to, X(\n)(a0)
	.else
	mv	\to, x\n
	.endif
	\onward
.endm

/* And writers, from the vCPU. Those that are about to be restored come from there. */
.macro write_register n, onward:vararg
	.if	(\n == 3) || ((\n >= 7) && (\n <= 9)) || (\n >= 16)
	ld	x\n, X(\n)(a0)
	.else
	nop
	.endif
	\onward
.endm

.macro each_register name, access, arguments:vararg
	.balign	8
	.option push
	.option norvc
	.globl	\name
\name:
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\access	\n, \arguments
	.endr
	.option pop
.endm

	.option norelax
	.section .text.fast, "ax"
	.globl	guest_fast_vector
	.balign	8
guest_fast_vector:
	csrrw	a0, TRAP_SCRATCH, a0
	sd	t0, X(5)(a0)
	sd	t1, X(6)(a0)
	sd	a1, X(11)(a0)
	csrr	t0, TRAP_CAUSE
	li	t1, CAUSE_PRIVILEGED_INSTRUCTION
	bne	t0, t1, not_privileged

/* One that is known: see struct fast_site. Its rs1 comes to a1, rs2 to a2. */
	csrr	t0, TRAP_EPC
	sd	t0, VCPU_PC(a0)
	slli	t1, t0, FAST_SITE_FOLD
	add	t1, t1, t0
	andi	t1, t1, (FAST_SITE_COUNT - 1) << FAST_SITE_SHIFT
	add	t1, t1, a0
	ld	a1, (VCPU_SITES + FAST_SITE_PC)(t1)
	bne	a1, t0, not_a_site
	csrr	t0, TRAP_VALUE
	ld	a1, (VCPU_SITES + FAST_SITE_INSTRUCTION)(t1)
	bne	a1, t0, not_a_site
	unless_supervisor t0, exit_fast_privileged
	sd	a2, X(12)(a0)
	ld	t0, (VCPU_SITES + FAST_SITE_FIRST)(t1)
	ld	t1, (VCPU_SITES + FAST_SITE_SECOND)(t1)
	jr	t0

.macro count counter
	ld	t0, \counter(a0)
	addi	t0, t0, 1
	sd	t0, \counter(a0)
.endm

/*
 * A value of satp whose tree is known to be as it should: see struct fast_root. Who posts
 * a fence for the new space sees that this vCPU is there, or is seen; who posts one for
 * the old space and sees that it is left finds all accesses made: see vcpu_satp_write().
 */
	.globl	satp_value
satp_value:
	slli	t0, a1, 64 - SATP_MODE_SHIFT
	srli	t0, t0, 64 - SATP_MODE_SHIFT + SATP_ASID_SHIFT
	bnez	t0, 1f
	mv	t0, a1
1:
	andi	t0, t0, FAST_ROOT_COUNT - 1
	slli	t0, t0, FAST_ROOT_SHIFT
	add	t0, t0, a0
	ld	t1, (VCPU_ROOTS + FAST_ROOT_SATP)(t0)
	bne	t1, a1, exit_fast_privileged
	ld	t1, (VCPU_ROOTS + FAST_ROOT_VSATP)(t0)
	beqz	t1, exit_fast_privileged
	fence	rw, w
	sd	a1, VCPU_SATP(a0)
	fence	w, r
	lw	a1, VCPU_REQUESTS(a0)
	bnez	a1, exit_fast_privileged
	csrw	GUEST_ATP, t1
	ld	t1, (VCPU_ROOTS + FAST_ROOT_TREE)(t0)
	sd	t1, VCPU_TREE(a0)
	ld	t1, VCPU_SWITCHES(a0)
	addi	t1, t1, 1
	sd	t1, VCPU_SWITCHES(a0)
	sd	t1, (VCPU_ROOTS + FAST_ROOT_USED)(t0)
	count	VCPU_FAST_SATP_WRITES
	ld	t1, VCPU_PC(a0)
	addi	t1, t1, 4
	csrw	TRAP_EPC, t1
	ld	t0, X(5)(a0)
	ld	t1, X(6)(a0)
	ld	a1, X(11)(a0)
	csrrw	a0, TRAP_SCRATCH, a0
	trap_return

/* The others, in C. A trap of Gnomon's own meanwhile shows by its status. */
.macro enter_c
	csrr	t0, TRAP_SCRATCH
	sd	t0, X(10)(a0)
	csrw	TRAP_SCRATCH, a0
	ld	sp, VCPU_HOST_SP(a0)
	ld	tp, VCPU_HOST_TP(a0)
.endm

.macro save_for_c
	sd	ra, X(1)(a0)
	sd	sp, X(2)(a0)
	sd	tp, X(4)(a0)
	sd	a2, X(12)(a0)
	sd	a3, X(13)(a0)
	sd	a4, X(14)(a0)
	sd	a5, X(15)(a0)
.endm

/* Leaves what C returned in t0, and the vCPU in a0. */
.macro call_c function
	enter_c
	call	\function
	mv	t0, a0
	ld	a0, HOST_FRAME_VCPU(sp)
.endm

/* Every register that C may have changed, from the vCPU in a0. */
.macro restore_after_c
	ld	ra, X(1)(a0)
	ld	sp, X(2)(a0)
	ld	tp, X(4)(a0)
	ld	t0, X(5)(a0)
	ld	t1, X(6)(a0)
	ld	a1, X(11)(a0)
	ld	a2, X(12)(a0)
	ld	a3, X(13)(a0)
	ld	a4, X(14)(a0)
	ld	a5, X(15)(a0)
	ld	a0, X(10)(a0)
.endm

/* The values of rs1 and rs2 in a1 and a2, the instruction, which is stval, and pc. */
not_a_site:
	finish_time_read
	.globl	exit_fast_privileged
exit_fast_privileged:
	save_for_c
	unless_supervisor t0, not_offered
	csrr	t0, TRAP_VALUE
	srli	t1, t0, 20 - 3
	andi	t1, t1, 31 << 3
	lla	a1, rs2_readers
	add	t1, t1, a1
	srli	t0, t0, 15 - 3
	andi	t0, t0, 31 << 3
	lla	a1, rs1_readers
	add	t0, t0, a1
	jr	t0
both_values:
	csrr	a3, TRAP_VALUE
	csrr	a4, TRAP_EPC
	call_c	exit_privileged_fast
	bltz	t0, write_rd
finished_or_not:
	beqz	t0, not_finished
finished:
	csrr	t1, TRAP_EPC
	addi	t1, t1, 4
	csrw	TRAP_EPC, t1
	restore_after_c
	trap_return

write_rd:
	csrr	t0, TRAP_VALUE
	srli	t0, t0, 7 - 3
	andi	t0, t0, 31 << 3
	lla	t1, rd_writers
	add	t0, t0, t1
	jr	t0

not_privileged:
	save_for_c
	li	t1, FAST_FAULTS
	bgeu	t0, t1, not_offered
	li	t1, FAST_FAULT_MASK
	srl	t1, t1, t0
	andi	t1, t1, 1
	beqz	t1, no_fault
	mv	a1, t0
	call_c	exit_fast_fault
	li	t1, FAST_AGAIN
	beq	t0, t1, 1f
	beqz	t0, not_finished
	ld	t0, VCPU_PC(a0)
	csrw	TRAP_EPC, t0
	restore_status
1:	restore_after_c
	trap_return

/* An ecall, whose number is in a6 and a7. */
no_fault:
	li	t1, CAUSE_SUPERVISOR_CALL
	bne	t0, t1, not_offered
	sd	a6, X(16)(a0)
	sd	a7, X(17)(a0)
	call_c	exit_fast_call
	j	finished_or_not

not_offered:
	enter_c
not_finished:
	restore_after_c
	j	guest_exit_vector

	each_register rs1_readers, read_register, a1, jr t1
	each_register rs2_readers, read_register, a2, j both_values
	each_register asid_readers, read_register, a2, j fence_page_asid
	each_register asid_once_readers, read_register, a2, j fence_page_asid_once
	each_register rd_writers, write_register, j finished
