/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code that probes run: one access each, then an ebreak.
 *
 * It lies in a page of its own (section .probe), runs at any address and uses
 * the registers accesses.inc names, sp and a2; whatever it leaves in them is saved
 * by the trap that ends it. probe_table holds, for each access, where to start,
 * the access itself and the ebreak.
 */
	.macro	probe_stub rvc, before, insn, after
	.section .probe, "ax"
	.balign	4
1:	\before
	.option	push
	.option	\rvc
2:	\insn
	.option	pop
	\after
3:	ebreak
	.section .rodata
	.dword	1b, 2b, 3b
	.endm

#define ACCESS(name, kind, width, extended, before, insn, after)                    \
	probe_stub norvc, before, insn, after
#define ACCESS_C(name, kind, width, extended, before, insn, after)                  \
	probe_stub rvc, before, insn, after

	.section .rodata
	.balign	8
	.globl	probe_table
probe_table:
#include "guests/lib/accesses.inc"
