/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vector unit's registers and CSRs, between the hart and memory.
 * a0 = struct vector_state *; mstatus.VS is on. Changes t0, t1, a1 and a2.
 * Whole-register loads and stores ask neither vtype nor vl, but vstart: it is 0 for
 * them, and read before, or written after.
 */
#include "arch/riscv/csr.h"
#include "asm_offsets.h"

/* vs8r.v and vl8re8.v of v0 to v7, at (a1) */
#define VS8R   0xe2858027
#define VL8RE8 0xe2858007
/* vsetvl x0, t0, t1: AVL in t0, vtype in t1 */
#define VSETVL 0x8062f057

/* v0 to v31 at (a1) */
.macro each_eight operation
	csrr	t0, CSR_VLENB
	slli	t0, t0, 3
	.irp n, 0,8,16,24
	.word	\operation | \n << 7
	add	a1, a1, t0
	.endr
.endm

	.text
	.globl	vector_registers_save
vector_registers_save:
	csrr	t0, CSR_VSTART
	csrr	t1, CSR_VTYPE
	csrr	a1, CSR_VL
	csrr	a2, CSR_VCSR
	sd	t0, VECTOR_START(a0)
	sd	t1, VECTOR_TYPE(a0)
	sd	a1, VECTOR_LENGTH(a0)
	sd	a2, VECTOR_CSR(a0)
	csrw	CSR_VSTART, zero
	ld	a1, VECTOR_REGISTERS(a0)
	each_eight VS8R
	ret

	.globl	vector_registers_restore
vector_registers_restore:
	csrw	CSR_VSTART, zero
	ld	a1, VECTOR_REGISTERS(a0)
	each_eight VL8RE8
	ld	t0, VECTOR_LENGTH(a0)
	ld	t1, VECTOR_TYPE(a0)
	.word	VSETVL
	ld	t0, VECTOR_CSR(a0)
	ld	t1, VECTOR_START(a0)
	csrw	CSR_VCSR, t0
	csrw	CSR_VSTART, t1
	ret
