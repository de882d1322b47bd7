/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot probes run as a guest's supervisor: one instruction under test, then an
 * ecall that says it did not trap. a0 is the argument. Runs at any address: on seat m it
 * is copied to where a guest may execute.
 */
#include "arch/riscv/csr.h"

	.text
	.option	push
	.option	norvc
	.globl	probe_guest_start
	.hidden	probe_guest_start
	.balign	4
probe_guest_start:

	.globl	probe_guest_satp_read
	.hidden	probe_guest_satp_read
	.balign	4
probe_guest_satp_read:
	csrr	a0, CSR_SATP
	ecall

	.globl	probe_guest_satp_write
	.hidden	probe_guest_satp_write
	.balign	4
probe_guest_satp_write:
	csrw	CSR_SATP, zero
	ecall

	.globl	probe_guest_fence
	.hidden	probe_guest_fence
	.balign	4
probe_guest_fence:
	sfence.vma
	ecall

	.globl	probe_guest_load
	.hidden	probe_guest_load
	.balign	4
probe_guest_load:
	ld	a0, 0(a0)
	ecall

	.globl	probe_guest_load_reserved
	.hidden	probe_guest_load_reserved
	.balign	4
probe_guest_load_reserved:
	lr.d	a0, (a0)
	ecall

	.globl	probe_guest_store
	.hidden	probe_guest_store
	.balign	4
probe_guest_store:
	sd	zero, 0(a0)
	ecall

	.globl	probe_guest_atomic
	.hidden	probe_guest_atomic
	.balign	4
probe_guest_atomic:
	amoadd.d a0, zero, (a0)
	ecall

	.globl	probe_guest_jump
	.hidden	probe_guest_jump
	.balign	4
probe_guest_jump:
	jr	a0
	ecall

	.globl	probe_guest_end
	.hidden	probe_guest_end
probe_guest_end:
	.option	pop
