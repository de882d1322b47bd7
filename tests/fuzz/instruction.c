/* SPDX-License-Identifier: BSD-2-Clause */
/* Integer loads and stores by the listings. See instruction.h. */
#include "tests/fuzz/instruction.h"

#include "arch/riscv/decode.h"
#include "tests/fuzz/fuzz.h"

static unsigned bit(uint32_t word, unsigned from, unsigned to)
{
	return (word >> from & 1) << to;
}

static int immediate(uint32_t word, unsigned high, unsigned low)
{
	return (int)((int32_t)(word << (31 - high)) >> (31 - high + low));
}

static bool read_standard(uint32_t word, struct fields *fields)
{
	unsigned opcode = word & 0x7f;

	*fields = (struct fields){
		.is_store = opcode == 0x23,
		.funct3 = word >> 12 & 7,
		.base = word >> 15 & 31,
		.length = 4,
	};
	if (opcode == 0x03) {
		fields->reg = word >> 7 & 31;
		fields->offset = immediate(word, 31, 20);
		return fields->funct3 != 7;
	}
	fields->reg = word >> 20 & 31;
	fields->offset = immediate(word, 31, 25) * 32 + (int)(word >> 7 & 31);
	return opcode == 0x23 && fields->funct3 <= 3;
}

/* C.LW, C.LD, C.SW, C.SD and Zcb: quadrant 0. */
static bool read_quadrant_0(uint32_t word, struct fields *fields)
{
	unsigned middle = bit(word, 10, 3) | bit(word, 11, 4) | bit(word, 12, 5);

	*fields = (struct fields){
		.reg = 8 + (word >> 2 & 7), .base = 8 + (word >> 7 & 7), .length = 2};
	switch (word >> 13 & 7) {
	case 2:
	case 6:
		fields->funct3 = 2;
		fields->offset = (int)(middle | bit(word, 6, 2) | bit(word, 5, 6));
		fields->is_store = word >> 15 & 1;
		return true;
	case 3:
	case 7:
		fields->funct3 = 3;
		fields->offset = (int)(middle | bit(word, 5, 6) | bit(word, 6, 7));
		fields->is_store = word >> 15 & 1;
		return true;
	case 4:
		break;
	default:
		return false;
	}
	fields->offset = (int)bit(word, 5, 1);
	fields->is_store = word >> 11 & 1;
	switch (word >> 10 & 7) {
	case 0: /* c.lbu */
		fields->funct3 = 4;
		fields->offset |= (int)bit(word, 6, 0);
		return true;
	case 1: /* c.lhu, c.lh */
		fields->funct3 = word >> 6 & 1 ? 1 : 5;
		return true;
	case 2: /* c.sb */
		fields->funct3 = 0;
		fields->offset |= (int)bit(word, 6, 0);
		return true;
	case 3: /* c.sh */
		fields->funct3 = 1;
		return !(word >> 6 & 1);
	default:
		return false;
	}
}

/* C.LWSP, C.LDSP, C.SWSP, C.SDSP: quadrant 2. */
static bool read_quadrant_2(uint32_t word, struct fields *fields)
{
	unsigned function = word >> 13 & 7;

	*fields = (struct fields){.base = 2, .length = 2, .is_store = function >= 6};
	fields->reg = word >> (function >= 6 ? 2 : 7) & 31;
	fields->funct3 = function & 1 ? 3 : 2;
	switch (function) {
	case 2:
		fields->offset = (int)((word >> 4 & 7) << 2 | bit(word, 12, 5) |
				       (word >> 2 & 3) << 6);
		return fields->reg != 0;
	case 3:
		fields->offset = (int)((word >> 5 & 3) << 3 | bit(word, 12, 5) |
				       (word >> 2 & 7) << 6);
		return fields->reg != 0;
	case 6:
		fields->offset = (int)((word >> 9 & 15) << 2 | (word >> 7 & 3) << 6);
		return true;
	case 7:
		fields->offset = (int)((word >> 10 & 7) << 3 | (word >> 7 & 7) << 6);
		return true;
	default:
		return false;
	}
}

bool read_fields(uint32_t word, struct fields *fields)
{
	switch (word & 3) {
	case 0:
		return read_quadrant_0(word, fields);
	case 2:
		return read_quadrant_2(word, fields);
	case 3:
		return read_standard(word, fields);
	default:
		return false;
	}
}

/* Those of f registers differ from an integer one's word in one bit, but for c.fldsp f0.
 */
static bool read_float_fields(uint32_t word, struct fields *fields)
{
	unsigned wide = word >> 12 & 7, narrow = word >> 13 & 7;
	bool f0 = (word & 0xef83) == 0x2002;

	if ((word & 3) == 3)
		return (word & 0x5f) == 7 && (wide == 2 || wide == 3) &&
		       read_standard(word ^ 4, fields);
	if ((word & 3) == 1 || (narrow != 1 && narrow != 5) ||
	    !read_fields((word | (uint32_t)f0 << 7) ^ 0x4000, fields))
		return false;
	fields->reg -= f0;
	return true;
}

/* What a hart writes to htinst for it, when the access itself faulted. */
uint32_t transformed(const struct fields *fields)
{
	uint32_t word = fields->funct3 << 12 | (fields->length == 4 ? 3 : 1);

	return fields->is_store ? word | fields->reg << 20 | 0x20
				: word | fields->reg << 7;
}

/* And back: the fields of an access whose htinst this is. */
bool read_transformed(uint64_t htinst, struct fields *fields)
{
	if (htinst >> 32 || !(htinst & 1) ||
	    !read_standard((uint32_t)htinst | 2, fields) || fields->base != 0 ||
	    fields->offset != 0)
		return false;
	fields->length = htinst & 2 ? 4 : 2;
	return true;
}

unsigned width_of(const struct fields *fields)
{
	return 1U << (fields->funct3 & 3);
}

uint64_t extended(const struct fields *fields, uint64_t raw)
{
	switch (fields->funct3) {
	case 0:
		return (uint64_t)(int64_t)(int8_t)raw;
	case 1:
		return (uint64_t)(int64_t)(int16_t)raw;
	case 2:
		return (uint64_t)(int64_t)(int32_t)raw;
	case 4:
		return (uint8_t)raw;
	case 5:
		return (uint16_t)raw;
	case 6:
		return (uint32_t)raw;
	default:
		return raw;
	}
}

static void require_access(const struct memory_access *access,
			   const struct fields *fields)
{
	require(access->is_store == fields->is_store);
	require(access->width == width_of(fields));
	require(access->reg == fields->reg);
	require(access->length == fields->length);
	if (!access->is_store)
		require(memory_access_extend(access, UINT64_C(0x8123456789abcdef)) ==
				extended(fields, UINT64_C(0x8123456789abcdef)) &&
			memory_access_extend(access, 0x7a1b2c3d4e5f6071) ==
				extended(fields, 0x7a1b2c3d4e5f6071));
}

/* The decoder alone; the transformed instruction must say the same. */
void check_decoding(uint32_t word)
{
	struct memory_access access;
	struct memory_operand operand;
	struct fields fields;
	bool decodable = read_fields(word, &fields);

	require(instruction_length((uint16_t)word) == ((word & 3) == 3 ? 4 : 2));
	require(decode_memory_access(word, &access) == decodable);
	if (decodable)
		require_access(&access, &fields);
	if (!decodable && read_float_fields(word, &fields)) {
		require(decode_float_access(word, &access));
		require(access.is_store == fields.is_store && !access.sign_extend &&
			access.width == width_of(&fields) && access.reg == fields.reg &&
			access.length == fields.length);
		require(decode_memory_operand(word, &operand));
		require(operand.base == fields.base && operand.offset == fields.offset);
		return;
	}
	require(!decode_float_access(word, &access));
	require(decode_memory_operand(word, &operand) == decodable);
	if (!decodable)
		return;
	decode_memory_access(word, &access);
	require(operand.base == fields.base && operand.offset == fields.offset);
	require(decode_transformed(transformed(&fields), &access));
	require_access(&access, &fields);
}

void check_transformed(uint64_t htinst)
{
	struct memory_access access;
	struct fields fields;
	bool decodable = read_transformed(htinst, &fields);

	require(decode_transformed(htinst, &access) == decodable);
	if (decodable)
		require_access(&access, &fields);
	if (decodable)
		require(transformed(&fields) == htinst);
}
