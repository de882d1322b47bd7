/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating-point state of a vCPU. Gnomon itself is built without any
 * floating-point instruction, so a guest's registers stay in the hart until
 * another vCPU is loaded; these functions are the only ones to touch them. sstatus.FS
 * is on. a0 = struct float_state *, or the number of a register; t0 is changed.
 */
#include "asm_offsets.h"

.macro each_fp_register op
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op	f\n, (FLOAT_REGISTERS + 8 * \n)(a0)
	.endr
.endm

	.text
	.globl	fp_save
fp_save:
	each_fp_register fsd
	frcsr	t0
	sd	t0, FLOAT_FCSR(a0)
	ret

	.globl	fp_restore
fp_restore:
	each_fp_register fld
	ld	t0, FLOAT_FCSR(a0)
	fscsr	t0
	ret

/* A table of two instructions for each register, at 8 bytes each. */
.macro each_fp_function op
	lla	t0, 1f
	slli	a0, a0, 3
	add	t0, t0, a0
	jr	t0
	.option push
	.option norvc
1:
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op	f\n
	ret
	.endr
	.option pop
.endm

.macro read_from register
	fmv.x.d	a0, \register
.endm

.macro write_to register
	fmv.d.x	\register, a1
.endm

/* arch_float_read(a0 = number), of core/arch.h; fp_write(a0 = number, a1 = value). */
	.globl	arch_float_read
arch_float_read:
	each_fp_function read_from

	.globl	fp_write
fp_write:
	each_fp_function write_to
