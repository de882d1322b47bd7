/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trap vectors for harts on which a guest has the hypervisor extension and bits of
 * vsstatus get into mstatus that are none of sstatus (QEMU, up to 10 at least): one that
 * went to V = 1 and fell back may have set MPRV, by which M-mode's next load or store is
 * made as the guest. Here that is cleared before there is one. All registers are the
 * guest's; vsscratch, which is nobody's, holds t0.
 */
#include "arch/riscv/csr.h"

.macro forget_foreign_bits
	csrw	CSR_VSSCRATCH, t0
	li	t0, MSTATUS_MPRV
	csrc	CSR_MSTATUS, t0
	li	t0, 1
	slli	t0, t0, MSTATUS_MBE_SHIFT
	csrc	CSR_MSTATUS, t0
	csrr	t0, CSR_VSSCRATCH
.endm

	.text
	.globl	guest_wary_exit_vector
	.balign	4
guest_wary_exit_vector:
	forget_foreign_bits
	j	guest_exit_vector

	.globl	guest_wary_fast_vector
	.balign	4
guest_wary_fast_vector:
	forget_foreign_bits
	j	guest_fast_vector
