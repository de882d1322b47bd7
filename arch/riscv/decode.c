/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding of loads and stores, from tables.
 *
 * A form says where an encoding keeps its fields; an instruction is a mask, a
 * match and a form. Sources: unprivileged specification, "RV32/64G Instruction
 * Set Listings", "RVC Instruction Set Listings" and Zcb. Pure functions of
 * their arguments: nothing to lock, and no encoding is trusted.
 */
#include "arch/riscv/decode.h"

/* Bits [from, from + count) of the instruction, the lowest worth 1 << to. */
struct piece {
	uint8_t from;
	uint8_t count;
	uint8_t to;
};

/* A register number; three-bit fields name x8 to x15. */
struct field {
	uint8_t from;
	uint8_t count;
	uint8_t first;
};

struct form {
	struct field reg;
	struct field base;
	struct piece offset[3];
	bool reg_never_x0; /* that encoding is reserved */
};

/* clang-format off */
#define RD         {7, 5, 0}
#define RS1        {15, 5, 0}
#define RS2        {20, 5, 0}
#define SHORT_REG  {2, 3, 8}
#define SHORT_BASE {7, 3, 8}
#define SHORT_RS2  {2, 5, 0}
#define SP         {0, 0, 2}

static const struct form
	load     = {RD, RS1, {{20, 12, 0}}, false},
	store    = {RS2, RS1, {{7, 5, 0}, {25, 7, 5}}, false},
	c_byte   = {SHORT_REG, SHORT_BASE, {{6, 1, 0}, {5, 1, 1}}, false},
	c_half   = {SHORT_REG, SHORT_BASE, {{5, 1, 1}}, false},
	c_word   = {SHORT_REG, SHORT_BASE, {{6, 1, 2}, {10, 3, 3}, {5, 1, 6}}, false},
	c_double = {SHORT_REG, SHORT_BASE, {{10, 3, 3}, {5, 2, 6}}, false},
	c_lwsp   = {RD, SP, {{4, 3, 2}, {12, 1, 5}, {2, 2, 6}}, true},
	c_ldsp   = {RD, SP, {{5, 2, 3}, {12, 1, 5}, {2, 3, 6}}, true},
	c_fldsp  = {RD, SP, {{5, 2, 3}, {12, 1, 5}, {2, 3, 6}}, false},
	c_swsp   = {SHORT_RS2, SP, {{9, 4, 2}, {7, 2, 6}}, false},
	c_sdsp   = {SHORT_RS2, SP, {{10, 3, 3}, {7, 3, 6}}, false};
/* clang-format on */

enum kind {
	LOAD, /* of 8 bytes, or zero-extended */
	LOAD_SIGNED,
	STORE,
};

struct row {
	uint32_t mask;
	uint32_t match;
	const struct form *form;
	enum kind kind;
	uint8_t width;
};

/* 16-bit encodings never have both low bits set, so one table serves for both. */
static const struct row integer_rows[] = {
	{0x0000707f, 0x00000003, &load, LOAD_SIGNED, 1}, /* lb */
	{0x0000707f, 0x00001003, &load, LOAD_SIGNED, 2}, /* lh */
	{0x0000707f, 0x00002003, &load, LOAD_SIGNED, 4}, /* lw */
	{0x0000707f, 0x00003003, &load, LOAD, 8},	 /* ld */
	{0x0000707f, 0x00004003, &load, LOAD, 1},	 /* lbu */
	{0x0000707f, 0x00005003, &load, LOAD, 2},	 /* lhu */
	{0x0000707f, 0x00006003, &load, LOAD, 4},	 /* lwu */
	{0x0000707f, 0x00000023, &store, STORE, 1},	 /* sb */
	{0x0000707f, 0x00001023, &store, STORE, 2},	 /* sh */
	{0x0000707f, 0x00002023, &store, STORE, 4},	 /* sw */
	{0x0000707f, 0x00003023, &store, STORE, 8},	 /* sd */
	{0xe003, 0x4000, &c_word, LOAD_SIGNED, 4},	 /* c.lw */
	{0xe003, 0x6000, &c_double, LOAD, 8},		 /* c.ld */
	{0xe003, 0xc000, &c_word, STORE, 4},		 /* c.sw */
	{0xe003, 0xe000, &c_double, STORE, 8},		 /* c.sd */
	{0xe003, 0x4002, &c_lwsp, LOAD_SIGNED, 4},	 /* c.lwsp */
	{0xe003, 0x6002, &c_ldsp, LOAD, 8},		 /* c.ldsp */
	{0xe003, 0xc002, &c_swsp, STORE, 4},		 /* c.swsp */
	{0xe003, 0xe002, &c_sdsp, STORE, 8},		 /* c.sdsp */
	{0xfc03, 0x8000, &c_byte, LOAD, 1},		 /* c.lbu */
	{0xfc43, 0x8400, &c_half, LOAD, 2},		 /* c.lhu */
	{0xfc43, 0x8440, &c_half, LOAD_SIGNED, 2},	 /* c.lh */
	{0xfc03, 0x8800, &c_byte, STORE, 1},		 /* c.sb */
	{0xfc43, 0x8c00, &c_half, STORE, 2},		 /* c.sh */
};

/* Of f registers, of which RV64 has no compressed form for 4 bytes. */
static const struct row float_rows[] = {
	{0x0000707f, 0x00002007, &load, LOAD, 4},   /* flw */
	{0x0000707f, 0x00003007, &load, LOAD, 8},   /* fld */
	{0x0000707f, 0x00002027, &store, STORE, 4}, /* fsw */
	{0x0000707f, 0x00003027, &store, STORE, 8}, /* fsd */
	{0xe003, 0x2000, &c_double, LOAD, 8},	    /* c.fld */
	{0xe003, 0xa000, &c_double, STORE, 8},	    /* c.fsd */
	{0xe003, 0x2002, &c_fldsp, LOAD, 8},	    /* c.fldsp */
	{0xe003, 0xa002, &c_sdsp, STORE, 8},	    /* c.fsdsp */
};

static uint32_t bits(uint32_t instruction, unsigned from, unsigned count)
{
	return instruction >> from & ((UINT32_C(1) << count) - 1);
}

static uint8_t register_number(uint32_t instruction, struct field field)
{
	return (uint8_t)(field.first + bits(instruction, field.from, field.count));
}

static const struct row *find_in(const struct row *rows, size_t count,
				 uint32_t instruction)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];

		if ((instruction & row->mask) != row->match)
			continue;
		if (row->form->reg_never_x0 &&
		    register_number(instruction, row->form->reg) == 0)
			return NULL;
		return row;
	}
	return NULL;
}

static const struct row *find_row(uint32_t instruction, bool is_float)
{
	return is_float ? find_in(float_rows, ARRAY_LENGTH(float_rows), instruction)
			: find_in(integer_rows, ARRAY_LENGTH(integer_rows), instruction);
}

static bool describe(const struct row *row, uint32_t instruction,
		     struct memory_access *access)
{
	if (!row)
		return false;
	*access = (struct memory_access){
		.is_store = row->kind == STORE,
		.sign_extend = row->kind == LOAD_SIGNED,
		.width = row->width,
		.reg = register_number(instruction, row->form->reg),
		.length = (uint8_t)instruction_length((uint16_t)instruction),
	};
	return true;
}

bool decode_memory_access(uint32_t instruction, struct memory_access *access)
{
	return describe(find_row(instruction, false), instruction, access);
}

bool decode_float_access(uint32_t instruction, struct memory_access *access)
{
	return describe(find_row(instruction, true), instruction, access);
}

/* Offsets of 32-bit forms are signed and 12 bits wide, the others unsigned. */
bool decode_memory_operand(uint32_t instruction, struct memory_operand *operand)
{
	const struct row *row = find_row(instruction, false);
	uint32_t offset = 0;

	if (!row)
		row = find_row(instruction, true);
	if (!row)
		return false;
	for (size_t i = 0; i < ARRAY_LENGTH(row->form->offset); i++) {
		struct piece piece = row->form->offset[i];

		offset |= bits(instruction, piece.from, piece.count) << piece.to;
	}
	if (offset >= 0x800)
		offset -= 0x1000;
	operand->base = register_number(instruction, row->form->base);
	operand->offset = (int16_t)offset;
	return true;
}

/*
 * Privileged specification, "Transformed Instruction or Pseudoinstruction for
 * mtinst or htinst": bit 0 is set for transformed standard instructions, bit 1
 * cleared where the original had 16 bits; the offset's place is all zero, and
 * rs1's holds the distance from the start of the access to the fault. What has
 * 16 bits is transformed as the 32-bit instruction it stands for.
 */
bool decode_transformed(uint64_t htinst, struct memory_access *access)
{
	uint32_t instruction = (uint32_t)htinst | 2;
	struct memory_operand operand;

	if (htinst > UINT32_MAX || !(htinst & 1))
		return false;
	if (!decode_memory_operand(instruction, &operand) ||
	    !decode_memory_access(instruction, access))
		return false;
	access->length = htinst & 2 ? 4 : 2;
	return operand.base == 0 && operand.offset == 0;
}

bool decode_is_load_reserved(uint32_t instruction)
{
	/* funct5, rs2 = 0, funct3 = 2 or 3, AMO; aq and rl as they may be */
	return (instruction & 0xf9f0607f) == 0x1000202f;
}

/* By major opcode, and what is no store of the last two: lr, fences. */
bool decode_is_store(uint32_t instruction)
{
	struct memory_access access;

	if ((instruction & 3) != 3)
		return (decode_memory_access(instruction, &access) ||
			decode_float_access(instruction, &access)) &&
		       access.is_store;
	switch (instruction & 0x7f) {
	case 0x23: /* STORE */
	case 0x27: /* STORE-FP */
		return true;
	case 0x2f: /* AMO */
		return !decode_is_load_reserved(instruction);
	case 0x0f: /* MISC-MEM: cache-block operations */
		return bits(instruction, 12, 3) == 2;
	}
	return false;
}

uint64_t memory_access_extend(const struct memory_access *access, uint64_t raw)
{
	unsigned unused = 64 - 8U * access->width;

	if (access->sign_extend)
		return (uint64_t)((int64_t)(raw << unused) >> unused);
	return raw << unused >> unused;
}
