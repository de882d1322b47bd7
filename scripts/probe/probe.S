/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does this QEMU, with its own OpenSBI, let a hypervisor do shadow paging?
 *
 * Started in HS-mode. Each entry of `cases` is run in VS-mode and must end in
 * HS-mode with the cause beside it. Two defects show: hstatus.VTVM that leaves
 * satp alone, and a redirected trap that enters stvec still in VS-mode, where the
 * vector's first instruction, a read of hstatus, traps once more.
 * Registers: s0 = the case at hand, s1 = 0 as long as all went well.
 */
#define CAUSE_LOAD_ACCESS         5
#define CAUSE_VIRTUAL_INSTRUCTION 22
#define HSTATUS_SPV               (1 << 7)
#define HSTATUS_VTVM              (1 << 20)
#define SSTATUS_SPP               (1 << 8)
#define SBI_PUTCHAR               1
#define SBI_SHUTDOWN              8
#define NOWHERE                   (1 << 40) /* neither memory nor a device */

	.option norelax
	.option arch, +h
	.section .text
	.globl	_start
_start:
	lla	t0, no_hypervisor_extension
	csrw	stvec, t0
	csrr	t0, hstatus
	lla	t0, vector
	csrw	stvec, t0
	csrw	hedeleg, zero
	csrw	hideleg, zero
	csrw	hgatp, zero
	csrw	vsatp, zero
	csrw	sie, zero
	lla	s0, cases
	li	s1, 0

next_case:
	ld	t0, 0(s0)
	beqz	t0, finish
	csrw	sepc, t0
	li	t0, HSTATUS_SPV | HSTATUS_VTVM
	csrs	hstatus, t0
	li	t0, SSTATUS_SPP
	csrs	sstatus, t0
	sret

	.balign	4
vector:
	csrr	t0, hstatus
	csrr	t0, sepc
	lla	t1, vector
	lla	a0, text_astray
	beq	t0, t1, report
	csrr	t0, scause
	ld	t1, 8(s0)
	lla	a0, text_untrapped
	bne	t0, t1, report
	lla	a0, text_ok
	j	report_case
report:
	li	s1, 1
report_case:
	mv	s2, a0
	ld	a0, 16(s0)
	call	print
	mv	a0, s2
	call	print
	addi	s0, s0, 24
	j	next_case

finish:
	lla	a0, text_pass
	beqz	s1, 1f
	lla	a0, text_fail
1:	call	print
	li	a7, SBI_SHUTDOWN
	ecall
2:	j	2b

	.balign	4
no_hypervisor_extension:
	lla	a0, text_no_h
	call	print
	li	s1, 1
	j	finish

/* Print the text at a0. */
print:
	mv	t3, a0
1:	lbu	a0, (t3)
	beqz	a0, 2f
	li	a7, SBI_PUTCHAR
	ecall
	addi	t3, t3, 1
	j	1b
2:	ret

/* What VS-mode runs; reaching the ecall means that nothing trapped. */
read_satp:
	csrr	a0, satp
	ecall
write_satp:
	csrw	satp, zero
	ecall
read_nowhere:
	li	a0, NOWHERE
	ld	a0, (a0)
	ecall

	.balign	8
cases:	/* code, cause expected, what it shows */
	.dword	read_satp, CAUSE_VIRTUAL_INSTRUCTION, text_read_satp
	.dword	write_satp, CAUSE_VIRTUAL_INSTRUCTION, text_write_satp
	.dword	read_nowhere, CAUSE_LOAD_ACCESS, text_access_fault
	.dword	0
text_read_satp:    .asciz "probe: VTVM traps reads of satp: "
text_write_satp:   .asciz "probe: VTVM traps writes of satp: "
text_access_fault: .asciz "probe: access faults reach HS-mode: "
text_ok:           .asciz "yes\n"
text_untrapped:    .asciz "no\n"
text_astray:       .asciz "no, stvec is entered in VS-mode\n"
text_no_h:         .asciz "probe: no hypervisor extension\n"
text_pass:         .asciz "probe: pass\n"
text_fail:         .asciz "probe: fail\n"
