/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat m: accesses as the guest would make them, under a guard (see switch.S).
 * Called from C; a0 to a2 are the arguments, t0 and t1 are changed.
 */
#include "arch/riscv/csr.h"
#include "asm_offsets.h"

	.text
/*
 * guarded_load_as(a0 = gva, a1 = uint16_t *, a2 = bits of mstatus): a load by
 * mstatus.MPRV, in the privilege that MPP in a2 says. Returns 1, or 0 if it
 * would fault. mstatus is as before on return.
 */
	.globl	guarded_load_as
guarded_load_as:
	lla	t0, 1f
	sd	t0, HART_GUARD(tp)
	csrr	t0, CSR_MSTATUS
	csrw	CSR_MSTATUS, a2
	lhu	t1, 0(a0)
	csrw	CSR_MSTATUS, t0
	sd	zero, HART_GUARD(tp)
	sh	t1, 0(a1)
	li	a0, 1
	ret
	/* mret to M-mode leaves MPRV set, and MPP is U: no load before this. */
1:	csrw	CSR_MSTATUS, t0
	li	a0, 0
	ret
