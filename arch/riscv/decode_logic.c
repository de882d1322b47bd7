/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of logic, shifts and comparisons, and what they compute (unprivileged
 * specification, "RV64I Base Integer Instruction Set" and "RVC Instruction Set
 * Listings"). See decode_logic.h.
 */
#include "arch/riscv/decode_logic.h"

static uint8_t field(uint32_t instruction, unsigned shift, unsigned bits)
{
	return (uint8_t)(instruction >> shift & ((1u << bits) - 1));
}

static void set_immediate(struct logic_operation *operation, int64_t immediate)
{
	operation->has_immediate = true;
	operation->immediate = immediate;
}

static void decode_registers(uint32_t instruction, struct logic_operation *operation)
{
	operation->rd = field(instruction, 7, 5);
	operation->rs1 = field(instruction, 15, 5);
	operation->rs2 = field(instruction, 20, 5);
}

static void decode_immediate(uint32_t instruction, struct logic_operation *operation)
{
	decode_registers(instruction, operation);
	set_immediate(operation, (int32_t)instruction >> 20);
}

static void decode_shift(uint32_t instruction, struct logic_operation *operation)
{
	decode_registers(instruction, operation);
	set_immediate(operation, field(instruction, 20, 6));
}

/* lui is x0 or its immediate. */
static void decode_upper(uint32_t instruction, struct logic_operation *operation)
{
	operation->rd = field(instruction, 7, 5);
	set_immediate(operation, (int32_t)(instruction & ~UINT32_C(0xfff)));
}

/* Six bits, of which the highest is apart. */
static int64_t c_immediate(uint32_t instruction)
{
	return field(instruction, 2, 5) | field(instruction, 12, 1) << 5;
}

static int64_t c_signed_immediate(uint32_t instruction)
{
	return (c_immediate(instruction) ^ 32) - 32;
}

static void decode_c_left(uint32_t instruction, struct logic_operation *operation)
{
	operation->rd = operation->rs1 = field(instruction, 7, 5);
	set_immediate(operation, c_immediate(instruction));
}

static void decode_c_short(uint32_t instruction, struct logic_operation *operation)
{
	operation->rd = operation->rs1 = (uint8_t)(8 + field(instruction, 7, 3));
	operation->rs2 = (uint8_t)(8 + field(instruction, 2, 3));
}

static void decode_c_right(uint32_t instruction, struct logic_operation *operation)
{
	decode_c_short(instruction, operation);
	set_immediate(operation, c_immediate(instruction));
}

static void decode_c_andi(uint32_t instruction, struct logic_operation *operation)
{
	decode_c_short(instruction, operation);
	set_immediate(operation, c_signed_immediate(instruction));
}

static void decode_c_lui(uint32_t instruction, struct logic_operation *operation)
{
	operation->rd = field(instruction, 7, 5);
	set_immediate(operation, c_signed_immediate(instruction) * 4096);
}

/* clang-format off */
static const struct row {
	uint32_t mask;
	uint32_t match;
	enum logic_kind kind;
	bool word;
	void (*decode)(uint32_t instruction, struct logic_operation *operation);
} rows[] = {
	{0x0000007f, 0x00000037, LOGIC_OR, false, decode_upper}, /* lui */
	{0x0000007f, 0x00000017, LOGIC_PC, false, decode_upper}, /* auipc */
	{0x0000707f, 0x00002013, LOGIC_LESS, false, decode_immediate},
	{0x0000707f, 0x00003013, LOGIC_LESS_UNSIGNED, false, decode_immediate},
	{0x0000707f, 0x00004013, LOGIC_XOR, false, decode_immediate},
	{0x0000707f, 0x00006013, LOGIC_OR, false, decode_immediate},
	{0x0000707f, 0x00007013, LOGIC_AND, false, decode_immediate},
	{0xfc00707f, 0x00001013, LOGIC_LEFT, false, decode_shift},
	{0xfc00707f, 0x00005013, LOGIC_RIGHT, false, decode_shift},
	{0xfc00707f, 0x40005013, LOGIC_RIGHT_SIGNED, false, decode_shift},
	{0xfe00707f, 0x0000101b, LOGIC_LEFT, true, decode_shift},
	{0xfe00707f, 0x0000501b, LOGIC_RIGHT, true, decode_shift},
	{0xfe00707f, 0x4000501b, LOGIC_RIGHT_SIGNED, true, decode_shift},
	{0xfe00707f, 0x00001033, LOGIC_LEFT, false, decode_registers},
	{0xfe00707f, 0x00002033, LOGIC_LESS, false, decode_registers},
	{0xfe00707f, 0x00003033, LOGIC_LESS_UNSIGNED, false, decode_registers},
	{0xfe00707f, 0x00004033, LOGIC_XOR, false, decode_registers},
	{0xfe00707f, 0x00005033, LOGIC_RIGHT, false, decode_registers},
	{0xfe00707f, 0x40005033, LOGIC_RIGHT_SIGNED, false, decode_registers},
	{0xfe00707f, 0x00006033, LOGIC_OR, false, decode_registers},
	{0xfe00707f, 0x00007033, LOGIC_AND, false, decode_registers},
	{0xfe00707f, 0x0000103b, LOGIC_LEFT, true, decode_registers},
	{0xfe00707f, 0x0000503b, LOGIC_RIGHT, true, decode_registers},
	{0xfe00707f, 0x4000503b, LOGIC_RIGHT_SIGNED, true, decode_registers},
	{0x0000e003, 0x00000002, LOGIC_LEFT, false, decode_c_left},
	{0x0000ec03, 0x00008001, LOGIC_RIGHT, false, decode_c_right},
	{0x0000ec03, 0x00008401, LOGIC_RIGHT_SIGNED, false, decode_c_right},
	{0x0000ec03, 0x00008801, LOGIC_AND, false, decode_c_andi},
	{0x0000fc63, 0x00008c21, LOGIC_XOR, false, decode_c_short},
	{0x0000fc63, 0x00008c41, LOGIC_OR, false, decode_c_short},
	{0x0000fc63, 0x00008c61, LOGIC_AND, false, decode_c_short},
	{0x0000e003, 0x00006001, LOGIC_OR, false, decode_c_lui},
};
/* clang-format on */

/* c.lui of nothing is reserved, and of sp it is c.addi16sp. */
static bool is_no_lui(uint32_t instruction)
{
	return (instruction & 0xe003) == 0x6001 &&
	       ((instruction & 0x107c) == 0 || field(instruction, 7, 5) == 2);
}

bool decode_logic(uint32_t instruction, struct logic_operation *operation)
{
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if ((instruction & rows[i].mask) != rows[i].match)
			continue;
		*operation = (struct logic_operation){.kind = rows[i].kind,
						      .word = rows[i].word};
		rows[i].decode(instruction, operation);
		return !is_no_lui(instruction);
	}
	return false;
}

static uint64_t shifted_word(enum logic_kind kind, uint64_t a, unsigned by)
{
	if (kind == LOGIC_LEFT)
		return (uint64_t)(int64_t)(int32_t)((uint32_t)a << by);
	if (kind == LOGIC_RIGHT)
		return (uint64_t)(int64_t)(int32_t)((uint32_t)a >> by);
	return (uint64_t)(int64_t)((int32_t)a >> by);
}

uint64_t logic_result(const struct logic_operation *operation, uint64_t pc, uint64_t a,
		      uint64_t b)
{
	if (operation->word)
		return shifted_word(operation->kind, a, b & 31);
	switch (operation->kind) {
	case LOGIC_AND:
		return a & b;
	case LOGIC_OR:
		return a | b;
	case LOGIC_XOR:
		return a ^ b;
	case LOGIC_LEFT:
		return a << (b & 63);
	case LOGIC_RIGHT:
		return a >> (b & 63);
	case LOGIC_RIGHT_SIGNED:
		return (uint64_t)((int64_t)a >> (b & 63));
	case LOGIC_LESS:
		return (int64_t)a < (int64_t)b;
	case LOGIC_LESS_UNSIGNED:
		return a < b;
	case LOGIC_PC:
		break;
	}
	return pc + b;
}
