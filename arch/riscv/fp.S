/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating-point state of a vCPU. Gnomon itself is built without any
 * floating-point instruction, so a guest's registers stay in the hart until
 * another vCPU is loaded; these two functions are the only ones to touch them.
 * a0 = struct arch_vcpu *; sstatus.FS is on.
 */
#include "asm_offsets.h"

.macro each_fp_register op
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op	f\n, (ARCH_VCPU_F + 8 * \n)(a0)
	.endr
.endm

	.text
	.globl	fp_save
fp_save:
	each_fp_register fsd
	frcsr	t0
	sd	t0, ARCH_VCPU_FCSR(a0)
	ret

	.globl	fp_restore
fp_restore:
	each_fp_register fld
	ld	t0, ARCH_VCPU_FCSR(a0)
	fscsr	t0
	ret
