/* SPDX-License-Identifier: BSD-2-Clause */
/* Decoding of AMOs, lr and sc. See decode_atomic.h. */
#include "arch/riscv/decode_atomic.h"
#include "arch/riscv/decode.h"

/* funct5, funct3's upper bits and the major opcode; aq and rl as they may be. */
#define MASK UINT32_C(0xf800607f)

static const struct row {
	uint32_t match;
	enum store_operation operation;
} rows[] = {
	{0x0000202f, STORE_ADD},	  /* amoadd */
	{0x0800202f, STORE_SWAP},	  /* amoswap */
	{0x1800202f, STORE_CONDITIONAL},  /* sc */
	{0x2000202f, STORE_XOR},	  /* amoxor */
	{0x4000202f, STORE_OR},		  /* amoor */
	{0x6000202f, STORE_AND},	  /* amoand */
	{0x8000202f, STORE_MIN},	  /* amomin */
	{0xa000202f, STORE_MAX},	  /* amomax */
	{0xc000202f, STORE_MIN_UNSIGNED}, /* amominu */
	{0xe000202f, STORE_MAX_UNSIGNED}, /* amomaxu */
};

static uint8_t field(uint32_t instruction, unsigned from)
{
	return instruction >> from & 31;
}

bool decode_atomic(uint32_t instruction, struct atomic_access *access)
{
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if ((instruction & MASK) != rows[i].match)
			continue;
		*access = (struct atomic_access){
			.operation = rows[i].operation,
			.width = instruction & 0x1000 ? 8 : 4,
			.base = field(instruction, 15),
			.operand = field(instruction, 20),
			.rd = field(instruction, 7),
		};
		return true;
	}
	return false;
}

bool decode_load_reserved(uint32_t instruction, struct atomic_access *access)
{
	if (!decode_is_load_reserved(instruction))
		return false;
	*access = (struct atomic_access){
		.width = instruction & 0x1000 ? 8 : 4,
		.base = field(instruction, 15),
		.rd = field(instruction, 7),
	};
	return true;
}
