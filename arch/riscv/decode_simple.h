/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding of the few instructions that stand around TLB fences: additions, moves,
 * branches, jumps, and the fences themselves. They read and write nothing but
 * registers, so that the hypervisor can carry them out for the guest.
 */
#ifndef ARCH_RISCV_DECODE_SIMPLE_H
#define ARCH_RISCV_DECODE_SIMPLE_H

#include "core/types.h"

enum simple_kind {
	SIMPLE_UNKNOWN,
	SIMPLE_NOTHING,
	SIMPLE_ADD,	 /* rd = rs1 + rs2 + immediate; one of the two is 0 */
	SIMPLE_SUBTRACT, /* rd = rs1 - rs2 */
	SIMPLE_BRANCH,	 /* by immediate, if `condition` holds of rs1 and rs2 */
	SIMPLE_JUMP,
	SIMPLE_FENCE,
};

struct simple_operation {
	uint64_t pc;
	uint8_t kind; /* enum simple_kind */
	bool word;    /* of the result, 32 bits, sign-extended */
	uint8_t rd, rs1, rs2, condition, length;
	int32_t immediate;
	uint64_t unused; /* to a power of two, for the sake of its index */
};

/* Fills in all but pc, of an instruction so many bytes long. */
void decode_simple(uint32_t instruction, unsigned length,
		   struct simple_operation *operation);

#endif
