/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fast trap vector and its C agree on: which exits it offers, how they came
 * out, and the roots that a write of satp may switch to with no C at all.
 *
 * A struct fast_root says: with this satp, the hart walks by this vsatp, and the tree
 * behind it has every fence applied. Whoever breaks that clears the roots first. The
 * vector notes which tree it has switched to; its owner asks before anything else.
 */
#ifndef ARCH_RISCV_EXIT_FAST_H
#define ARCH_RISCV_EXIT_FAST_H

/* In the stack frame of vcpu_enter(), behind 13 registers. */
#define HOST_FRAME_VCPU 104

/* How a fault came out in C. */
#define FAST_NOT      0 /* nothing was done: the full save is needed */
#define FAST_AGAIN    1 /* the guest may try again */
#define FAST_INJECTED 2 /* it goes on as its pc, sstatus and hstatus say now */

#define CAUSE_VIRTUAL_INSTRUCTION 22
#define CAUSE_VS_ECALL		  10

/* Access, page and guest-page faults: exception codes 1, 5, 7, 12, 13, 15, 20, 21, 23. */
#define FAST_FAULTS	24
#define FAST_FAULT_MASK 0xb0b0a2

#define FAST_ROOT_COUNT 64
#define FAST_ROOT_SHIFT 5
#define FAST_ROOT_SATP	0
#define FAST_ROOT_VSATP 8
#define FAST_ROOT_TREE	16
#define FAST_ROOT_USED	24

#ifndef __ASSEMBLER__
#include "core/types.h"

struct fast_root {
	uint64_t satp;
	uint64_t vsatp; /* 0: no root is known here, whatever satp says */
	void *tree;
	uint64_t used; /* fast_switch.switches, when it was last switched to */
};

struct fast_switch {
	/* The write of satp that is done here: no fence is behind it. */
	uint64_t site_pc;
	uint64_t site_instruction;
	uint64_t site_register; /* 8 * rs1 */
	void *tree;		/* switched to since the owner last asked; or NULL */
	uint64_t switches;
	bool any; /* some root is known */
	struct fast_root roots[FAST_ROOT_COUNT];
};
#endif
#endif
