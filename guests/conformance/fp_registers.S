/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading and storing all floating-point registers and fcsr.
 *
 * Register contract: fp_load(a0) and fp_store(a0) take a struct fp_registers and
 * change t0; fp_load also all of f0 to f31 and fcsr. Nothing else.
 */
	.macro	for_fp_registers op
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	\op	f\n, \n*8(a0)
	.endr
	.irp	n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op	f\n, \n*8(a0)
	.endr
	.endm

	.text
	.globl	fp_load
fp_load:
	for_fp_registers fld
	ld	t0, 256(a0)
	csrw	fcsr, t0
	ret

	.globl	fp_store
fp_store:
	for_fp_registers fsd
	csrr	t0, fcsr
	sd	t0, 256(a0)
	ret
