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

/* Whether a branch is taken. */
static inline bool simple_condition_holds(unsigned condition, uint64_t a, uint64_t b)
{
	bool holds = a == b;

	if (condition >> 1 == 2)
		holds = (int64_t)a < (int64_t)b;
	else if (condition >> 1 == 3)
		holds = a < b;
	return holds != (condition & 1);
}

/* What SIMPLE_ADD and SIMPLE_SUBTRACT make of rs1 and rs2. */
static inline uint64_t simple_sum(const struct simple_operation *operation, uint64_t a,
				  uint64_t b)
{
	uint64_t sum = operation->kind == SIMPLE_ADD
			       ? a + b + (uint64_t)(int64_t)operation->immediate
			       : a - b;

	return operation->word ? (uint64_t)(int64_t)(int32_t)sum : sum;
}

/* Fills in all but pc, of an instruction so many bytes long. */
void decode_simple(uint32_t instruction, unsigned length,
		   struct simple_operation *operation);

#endif
