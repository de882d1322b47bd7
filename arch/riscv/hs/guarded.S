/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat hs: accesses as the guest would make them, under a guard (see switch.S); and the
 * exit of the boot's probes. Called from C; a0 and a1 are the arguments, t0 and t1 are
 * changed.
 */
#include "arch/riscv/csr.h"
#include "asm_offsets.h"

	.text
/*
 * Where firmware is to redirect a trap to HS-mode and forgets to clear V, this
 * vector is entered in VS-mode: the read of hstatus then traps (cause 22) with
 * sepc in here, which tells the boot probe so.
 */
	.balign	4
	.globl	probe_exit_vector
probe_exit_vector:
	csrr	zero, CSR_HSTATUS
	j	guest_exit_vector

/*
 * guarded_fetch_half, guarded_load_half (a0 = gva, a1 = uint16_t *): HLVX.HU
 * and HLV.HU access memory as VS-mode or VU-mode would, as hstatus.SPVP says,
 * the first with execute permission. Return 1, or 0 if that would fault.
 */
.macro guarded_half name, form
	.globl	\name
\name:
	lla	t0, 1f
	sd	t0, HART_GUARD(tp)
	.insn	r 0x73, 4, 0x32, t1, a0, \form
	sd	zero, HART_GUARD(tp)
	sh	t1, 0(a1)
	li	a0, 1
	ret
1:	li	a0, 0
	ret
.endm

	guarded_half guarded_fetch_half, x3
	guarded_half guarded_load_half, x1
