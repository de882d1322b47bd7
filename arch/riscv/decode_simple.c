/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of simple instructions, and the shapes of their operands. */
#include "arch/riscv/decode_simple.h"

static uint32_t field(uint32_t instruction, unsigned shift, unsigned bits)
{
	return instruction >> shift & ((1u << bits) - 1);
}

/* The bits [from, from + bits) of the instruction, to be bits to and up. */
static uint32_t moved(uint32_t instruction, unsigned from, unsigned bits, unsigned to)
{
	return field(instruction, from, bits) << to;
}

static int32_t extended(uint32_t value, unsigned bits)
{
	return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

static void decode_registers(uint32_t instruction, struct simple_operation *operation)
{
	operation->rd = (uint8_t)field(instruction, 7, 5);
	operation->rs1 = (uint8_t)field(instruction, 15, 5);
	operation->rs2 = (uint8_t)field(instruction, 20, 5);
}

static void decode_immediate(uint32_t instruction, struct simple_operation *operation)
{
	decode_registers(instruction, operation);
	operation->rs2 = 0;
	operation->immediate = extended(instruction >> 20, 12);
}

static void decode_branch(uint32_t instruction, struct simple_operation *operation)
{
	decode_registers(instruction, operation);
	operation->condition = (uint8_t)field(instruction, 12, 3);
	operation->immediate = extended(
		moved(instruction, 31, 1, 12) | moved(instruction, 7, 1, 11) |
			moved(instruction, 25, 6, 5) | moved(instruction, 8, 4, 1),
		13);
	/* 2 and 3 are no conditions. */
	if (operation->condition >> 1 == 1)
		operation->kind = SIMPLE_UNKNOWN;
}

static void decode_jump(uint32_t instruction, struct simple_operation *operation)
{
	operation->immediate = extended(
		moved(instruction, 31, 1, 20) | moved(instruction, 12, 8, 12) |
			moved(instruction, 20, 1, 11) | moved(instruction, 21, 10, 1),
		21);
}

/* c.addi, c.addiw */
static void decode_c_immediate(uint32_t instruction, struct simple_operation *operation)
{
	operation->rd = operation->rs1 = (uint8_t)field(instruction, 7, 5);
	operation->immediate =
		extended(moved(instruction, 12, 1, 5) | moved(instruction, 2, 5, 0), 6);
	/* c.addiw with rd = 0 is reserved. */
	if (operation->word && operation->rd == 0)
		operation->kind = SIMPLE_UNKNOWN;
}

static void decode_c_li(uint32_t instruction, struct simple_operation *operation)
{
	decode_c_immediate(instruction, operation);
	operation->rs1 = 0;
}

static void decode_c_move(uint32_t instruction, struct simple_operation *operation)
{
	operation->rd = (uint8_t)field(instruction, 7, 5);
	operation->rs2 = (uint8_t)field(instruction, 2, 5);
	/* With rs2 = 0 it is c.jr, c.jalr or c.ebreak. */
	if (operation->rs2 == 0)
		operation->kind = SIMPLE_UNKNOWN;
}

static void decode_c_add(uint32_t instruction, struct simple_operation *operation)
{
	decode_c_move(instruction, operation);
	operation->rs1 = operation->rd;
}

/* c.sub, c.subw, c.addw: three bits for each of x8 to x15 */
static void decode_c_pair(uint32_t instruction, struct simple_operation *operation)
{
	operation->rd = operation->rs1 = (uint8_t)(8 + field(instruction, 7, 3));
	operation->rs2 = (uint8_t)(8 + field(instruction, 2, 3));
}

static void decode_c_jump(uint32_t instruction, struct simple_operation *operation)
{
	operation->immediate = extended(
		moved(instruction, 12, 1, 11) | moved(instruction, 8, 1, 10) |
			moved(instruction, 9, 2, 8) | moved(instruction, 6, 1, 7) |
			moved(instruction, 7, 1, 6) | moved(instruction, 2, 1, 5) |
			moved(instruction, 11, 1, 4) | moved(instruction, 3, 3, 1),
		12);
}

/* c.beqz, c.bnez, told apart by the bit that tells beq and bne apart elsewhere */
static void decode_c_branch(uint32_t instruction, struct simple_operation *operation)
{
	operation->rs1 = (uint8_t)(8 + field(instruction, 7, 3));
	operation->condition = (uint8_t)field(instruction, 13, 1);
	operation->immediate = extended(
		moved(instruction, 12, 1, 8) | moved(instruction, 5, 2, 6) |
			moved(instruction, 2, 1, 5) | moved(instruction, 10, 2, 3) |
			moved(instruction, 3, 2, 1),
		9);
}

static void decode_nothing(uint32_t instruction, struct simple_operation *operation)
{
	(void)instruction;
	(void)operation;
}

static const struct {
	uint32_t mask;
	uint32_t match;
	enum simple_kind kind;
	bool word;
	void (*decode)(uint32_t instruction, struct simple_operation *operation);
} table[] = {
	{0xfe007fff, 0x12000073, SIMPLE_FENCE, false, decode_registers}, /* sfence.vma */
	{0xfe007fff, 0x16000073, SIMPLE_FENCE, false, decode_registers}, /* sinval.vma */
	{0xffffffff, 0x18000073, SIMPLE_NOTHING, false,
	 decode_nothing}, /* sfence.w.inval */
	{0xffffffff, 0x18100073, SIMPLE_NOTHING, false,
	 decode_nothing},					       /* ... inval.ir */
	{0x0000707f, 0x00000013, SIMPLE_ADD, false, decode_immediate}, /* addi */
	{0x0000707f, 0x0000001b, SIMPLE_ADD, true, decode_immediate},  /* addiw */
	{0xfe00707f, 0x00000033, SIMPLE_ADD, false, decode_registers},
	{0xfe00707f, 0x0000003b, SIMPLE_ADD, true, decode_registers},
	{0xfe00707f, 0x40000033, SIMPLE_SUBTRACT, false, decode_registers},
	{0xfe00707f, 0x4000003b, SIMPLE_SUBTRACT, true, decode_registers},
	{0x0000007f, 0x00000063, SIMPLE_BRANCH, false, decode_branch},
	{0x00000fff, 0x0000006f, SIMPLE_JUMP, false, decode_jump}, /* jal x0 */
	{0x0000e003, 0x00000001, SIMPLE_ADD, false, decode_c_immediate},
	{0x0000e003, 0x00002001, SIMPLE_ADD, true, decode_c_immediate},
	{0x0000e003, 0x00004001, SIMPLE_ADD, false, decode_c_li},
	{0x0000f003, 0x00008002, SIMPLE_ADD, false, decode_c_move},
	{0x0000f003, 0x00009002, SIMPLE_ADD, false, decode_c_add},
	{0x0000fc63, 0x00008c01, SIMPLE_SUBTRACT, false, decode_c_pair},
	{0x0000fc63, 0x00009c01, SIMPLE_SUBTRACT, true, decode_c_pair},
	{0x0000fc63, 0x00009c21, SIMPLE_ADD, true, decode_c_pair},
	{0x0000e003, 0x0000a001, SIMPLE_JUMP, false, decode_c_jump},
	{0x0000c003, 0x0000c001, SIMPLE_BRANCH, false, decode_c_branch},
};

void decode_simple(uint32_t instruction, unsigned length,
		   struct simple_operation *operation)
{
	operation->length = (uint8_t)length;
	for (unsigned i = 0; i < ARRAY_LENGTH(table); i++) {
		if ((instruction & table[i].mask) != table[i].match)
			continue;
		operation->kind = (uint8_t)table[i].kind;
		operation->word = table[i].word;
		table[i].decode(instruction, operation);
		return;
	}
}
