/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading and storing all vector registers, vtype, vl and vcsr.
 *
 * Register contract: vector_load(a0) and vector_store(a0) take a struct vector_registers
 * and change t0, t1 and a1; vector_load also the vector unit. sstatus.VS is not off.
 */
#include "guests/conformance/vector_registers.h"

/* vl8re8.v and vs8r.v of v0 to v7, at (a1) */
#define VL8RE8 0xe2858007
#define VS8R   0xe2858027
#define VSETVL 0x8062f057 /* vsetvl x0, t0, t1 */

	.macro	each_eight operation
	csrr	t0, 0xc22 /* vlenb */
	slli	t0, t0, 3
	addi	a1, a0, VECTOR_V
	.irp	n, 0, 8, 16, 24
	.word	\operation | \n << 7
	add	a1, a1, t0
	.endr
	.endm

	.text
	.globl	vector_load
vector_load:
	csrw	0x008, zero /* vstart */
	each_eight VL8RE8
	ld	t0, VECTOR_VL(a0)
	ld	t1, VECTOR_VTYPE(a0)
	.word	VSETVL
	ld	t0, VECTOR_VCSR(a0)
	csrw	0x00f, t0
	ret

	.globl	vector_store
vector_store:
	csrr	t0, 0xc20
	csrr	t1, 0xc21
	sd	t0, VECTOR_VL(a0)
	sd	t1, VECTOR_VTYPE(a0)
	csrr	t0, 0x00f
	sd	t0, VECTOR_VCSR(a0)
	each_eight VS8R
	ret
