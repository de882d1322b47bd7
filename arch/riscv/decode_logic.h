/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding of the computing instructions of RV64I, and of C's forms of them, that
 * decode_simple.h leaves out, since none of them stands around a fence: logic, shifts,
 * comparisons, lui and auipc. Those that C has for sp alone are left out here too.
 * Pure functions.
 */
#ifndef ARCH_RISCV_DECODE_LOGIC_H
#define ARCH_RISCV_DECODE_LOGIC_H

#include "core/types.h"

enum logic_kind {
	LOGIC_AND,
	LOGIC_OR,
	LOGIC_XOR,
	LOGIC_LEFT,
	LOGIC_RIGHT,
	LOGIC_RIGHT_SIGNED,
	LOGIC_LESS,
	LOGIC_LESS_UNSIGNED,
	LOGIC_PC, /* rd = pc + immediate */
};

struct logic_operation {
	enum logic_kind kind;
	bool word;	    /* shifts: of the lower 32 bits, the result sign-extended */
	bool has_immediate; /* in place of rs2 */
	uint8_t rd, rs1, rs2;
	int64_t immediate;
};

/* As fetched, of 16 bits with the upper ones 0. False for any other instruction. */
bool decode_logic(uint32_t instruction, struct logic_operation *operation);

/* What rd becomes; a: rs1, b: rs2 or the immediate. */
uint64_t logic_result(const struct logic_operation *operation, uint64_t pc, uint64_t a,
		      uint64_t b);

#endif
