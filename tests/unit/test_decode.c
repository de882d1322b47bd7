/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: arch/riscv/decode.c */
/*
 * The decoder against a reference written another way: each encoding as the
 * string of bits that the specification prints, interpreted bit by bit. All
 * 2^16 values of the 16-bit encodings are compared, and of the 32-bit ones all
 * values of the bits that select them, with the others random.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/riscv/decode.h"

/*
 * 0 and 1 are fixed; r: the register moved; b: the base; A to M: bits 0 to 12 of
 * the offset; spaces are for the eye. name: what binutils calls it.
 */
struct encoding {
	const char *name;
	const char *bits;
	bool is_store;
	bool is_signed;
	uint8_t width;
};

static const struct encoding encodings[] = {
	{"lb", "LKJIHGFEDCBA bbbbb 000 rrrrr 0000011", false, true, 1},
	{"lh", "LKJIHGFEDCBA bbbbb 001 rrrrr 0000011", false, true, 2},
	{"lw", "LKJIHGFEDCBA bbbbb 010 rrrrr 0000011", false, true, 4},
	{"ld", "LKJIHGFEDCBA bbbbb 011 rrrrr 0000011", false, false, 8},
	{"lbu", "LKJIHGFEDCBA bbbbb 100 rrrrr 0000011", false, false, 1},
	{"lhu", "LKJIHGFEDCBA bbbbb 101 rrrrr 0000011", false, false, 2},
	{"lwu", "LKJIHGFEDCBA bbbbb 110 rrrrr 0000011", false, false, 4},
	{"sb", "LKJIHGF rrrrr bbbbb 000 EDCBA 0100011", true, false, 1},
	{"sh", "LKJIHGF rrrrr bbbbb 001 EDCBA 0100011", true, false, 2},
	{"sw", "LKJIHGF rrrrr bbbbb 010 EDCBA 0100011", true, false, 4},
	{"sd", "LKJIHGF rrrrr bbbbb 011 EDCBA 0100011", true, false, 8},
	{"c.lw", "010 FED bbb CG rrr 00", false, true, 4},
	{"c.ld", "011 FED bbb HG rrr 00", false, false, 8},
	{"c.sw", "110 FED bbb CG rrr 00", true, false, 4},
	{"c.sd", "111 FED bbb HG rrr 00", true, false, 8},
	{"c.lwsp", "010 F rrrrr EDCHG 10", false, true, 4},
	{"c.ldsp", "011 F rrrrr EDIHG 10", false, false, 8},
	{"c.swsp", "110 FEDCHG rrrrr 10", true, false, 4},
	{"c.sdsp", "111 FEDIHG rrrrr 10", true, false, 8},
	{"c.lbu", "100 000 bbb AB rrr 00", false, false, 1},
	{"c.lhu", "100 001 bbb 0B rrr 00", false, false, 2},
	{"c.lh", "100 001 bbb 1B rrr 00", false, true, 2},
	{"c.sb", "100 010 bbb AB rrr 00", true, false, 1},
	{"c.sh", "100 011 bbb 0B rrr 00", true, false, 2},
	{"flw", "LKJIHGFEDCBA bbbbb 010 rrrrr 0000111", false, false, 4},
	{"fld", "LKJIHGFEDCBA bbbbb 011 rrrrr 0000111", false, false, 8},
	{"fsw", "LKJIHGF rrrrr bbbbb 010 EDCBA 0100111", true, false, 4},
	{"fsd", "LKJIHGF rrrrr bbbbb 011 EDCBA 0100111", true, false, 8},
	{"c.fld", "001 FED bbb HG rrr 00", false, false, 8},
	{"c.fsd", "101 FED bbb HG rrr 00", true, false, 8},
	{"c.fldsp", "001 F rrrrr EDIHG 10", false, false, 8},
	{"c.fsdsp", "101 FEDIHG rrrrr 10", true, false, 8},
};

static bool is_float(const struct encoding *encoding)
{
	const char *name = encoding->name;

	return name[strncmp(name, "c.", 2) == 0 ? 2 : 0] == 'f';
}

struct decoded {
	const struct encoding *encoding;
	unsigned length;
	unsigned reg;
	unsigned base;
	int offset;
};

static unsigned count_letters(const char *bits, char letter)
{
	unsigned count = 0;

	for (; *bits; bits++)
		count += *bits == letter;
	return count;
}

/* Take instruction apart along one encoding; false if it is not of it. */
static bool match_encoding(const struct encoding *encoding, uint32_t instruction,
			   struct decoded *decoded)
{
	unsigned left = 0;

	*decoded = (struct decoded){.encoding = encoding};
	for (const char *bit = encoding->bits; *bit; bit++)
		left += *bit != ' ';
	decoded->length = left / 8;
	for (const char *bit = encoding->bits; *bit; bit++) {
		bool value;

		if (*bit == ' ')
			continue;
		value = instruction >> --left & 1;
		if ((*bit == '0' || *bit == '1') && value != (*bit == '1'))
			return false;
		if (*bit == 'r')
			decoded->reg = decoded->reg * 2 + value;
		if (*bit == 'b')
			decoded->base = decoded->base * 2 + value;
		if (*bit >= 'A' && *bit <= 'M' && value)
			decoded->offset += 1 << (*bit - 'A');
	}
	return true;
}

/* What the strings leave out: short register numbers, sp, signs, reserved. */
static bool reference(uint32_t instruction, struct decoded *decoded)
{
	for (size_t i = 0; i < ARRAY_LENGTH(encodings); i++) {
		const struct encoding *encoding = &encodings[i];

		if (!match_encoding(encoding, instruction, decoded))
			continue;
		if (count_letters(encoding->bits, 'r') == 3)
			decoded->reg += 8;
		if (count_letters(encoding->bits, 'b') == 3)
			decoded->base += 8;
		if (count_letters(encoding->bits, 'b') == 0)
			decoded->base = 2;
		if (decoded->length == 4 && decoded->offset >= 2048)
			decoded->offset -= 4096;
		return !(strncmp(encoding->name, "c.l", 3) == 0 && decoded->reg == 0);
	}
	return false;
}

static void check(uint32_t instruction)
{
	struct decoded expected;
	struct memory_access access;
	struct memory_operand operand;
	bool known = reference(instruction, &expected);
	bool of_floats = known && is_float(expected.encoding);

	if (decode_memory_access(instruction, &access) != (known && !of_floats) ||
	    decode_float_access(instruction, &access) != of_floats ||
	    decode_memory_operand(instruction, &operand) != known)
		fail_msg("0x%08x: decoded %d", instruction, !known);
	if (!known)
		return;
	if (!of_floats)
		decode_memory_access(instruction, &access);
	if (access.is_store != expected.encoding->is_store ||
	    access.sign_extend != expected.encoding->is_signed ||
	    access.width != expected.encoding->width || access.reg != expected.reg ||
	    access.length != expected.length)
		fail_msg("0x%08x: wrong access", instruction);
	if (operand.base != expected.base || operand.offset != expected.offset)
		fail_msg("0x%08x: wrong operand", instruction);
}

static uint32_t random_word(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static void every_16_bit_value(void **state)
{
	(void)state;
	for (uint32_t low = 0; low <= 0xffff; low++) {
		check(low);
		check(low | random_word() << 16);
		check(low | 0xffff0000);
	}
}

/* The low 7 bits and funct3 select; each with 512 values of the rest. */
static void every_32_bit_selection(void **state)
{
	(void)state;
	for (uint32_t selection = 0; selection < 1024; selection++) {
		uint32_t fixed = (selection & 7) << 12 | selection >> 3;

		for (unsigned i = 0; i < 512; i++)
			check((random_word() & ~UINT32_C(0x707f)) | fixed);
	}
}

/* How many of all 16-bit values are loads or stores, counted by hand. */
static void share_of_16_bit_values(void **state)
{
	struct memory_access access;
	unsigned count = 0;

	(void)state;
	for (uint32_t low = 0; low <= 0xffff; low++)
		count += (low & 3) != 3 && decode_memory_access(low, &access);
	/* c.lw c.ld c.sw c.sd c.swsp c.sdsp; c.lwsp c.ldsp; Zcb's bytes and halves */
	assert_int_equal(count, 6 * 2048 + 2 * (2048 - 64) + 2 * 256 + 3 * 128);
}

static void neighbours_are_refused(void **state)
{
	static const uint32_t others[] = {
		0x00059507, /* flh fa0,0(a1) */
		0x00a5c027, /* fsq fa0,0(a1) */
		0x00a5b52f, /* amoadd.d a0,a0,(a1) */
		0x1005b52f, /* lr.d a0,(a1) */
		0x18a5b52f, /* sc.d a0,a0,(a1) */
		0x0205f507, /* vle64.v v10,(a1) */
		0x0005f503, /* funct3 111 of LOAD: reserved */
		0x00a5c023, /* funct3 100 of STORE: reserved */
		0x00004002, /* c.lwsp with rd = x0: reserved */
		0x00006002, /* c.ldsp with rd = x0: reserved */
		0x00008c40, /* c.sh with bit 6 set: reserved */
		0x00000000, 0xffffffff,
	};
	struct memory_access access;
	struct memory_operand operand;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		assert_false(decode_memory_access(others[i], &access));
		assert_false(decode_float_access(others[i], &access));
		assert_false(decode_memory_operand(others[i], &operand));
	}
}

/* As a hart makes htinst, by the specification's rules, from a 32-bit form. */
static uint32_t transform(uint32_t instruction, bool was_compressed)
{
	bool is_store = instruction & 0x20;
	uint32_t kept = is_store ? 0x01f0707f : 0x00007fff;

	return (instruction & kept) & ~(was_compressed ? UINT32_C(2) : 0);
}

static void check_transformed(uint32_t instruction, bool was_compressed)
{
	uint32_t htinst = transform(instruction, was_compressed);
	struct memory_access plain;
	struct memory_access access;

	assert_true(decode_memory_access(instruction, &plain));
	assert_true(decode_transformed(htinst, &access));
	assert_int_equal(access.is_store, plain.is_store);
	assert_int_equal(access.sign_extend, plain.sign_extend);
	assert_int_equal(access.width, plain.width);
	assert_int_equal(access.reg, plain.reg);
	assert_int_equal(access.length, was_compressed ? 2 : 4);
}

static void transformed(void **state)
{
	struct decoded unused;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		uint32_t instruction = random_word() & ~UINT32_C(0x5c);

		if (!reference(instruction, &unused) || unused.length != 4 ||
		    is_float(unused.encoding))
			continue;
		check_transformed(instruction, false);
		check_transformed(instruction, true);
	}
}

/* Values that QEMU was seen to give. */
static void transformed_as_seen(void **state)
{
	struct memory_access access;

	(void)state;
	assert_true(decode_transformed(0x3503, &access)); /* ld a0,... */
	assert_int_equal(access.reg, 10);
	assert_int_equal(access.width, 8);
	assert_int_equal(access.length, 4);
	assert_true(decode_transformed(0x3501, &access)); /* c.ld a0,... */
	assert_int_equal(access.reg, 10);
	assert_int_equal(access.length, 2);
	assert_true(decode_transformed(0xa03023, &access)); /* sd a0,... */
	assert_true(access.is_store);
	assert_int_equal(access.reg, 10);
	assert_false(decode_transformed(0xa0352f, &access)); /* amoadd.d */
}

static void not_transformed(void **state)
{
	static const uint64_t values[] = {
		0,
		0x2000,
		0x2020,
		0x3000,
		0x3020, /* none, pseudoinstructions */
		0x3502,
		0x3500,		       /* bit 0 clear: custom */
		0x203503,	       /* ld with an offset left in */
		0xa030a3,	       /* sd with an offset left in */
		0x2003503,	       /* sd's place for an offset */
		0x1b503,	       /* ld, 3 bytes into a misaligned access */
		UINT64_C(0x100003503), /* more than 32 bits */
		UINT64_C(0xffffffff00003503),
	};
	struct memory_access access;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
		assert_false(decode_transformed(values[i], &access));
}

/* Of all that select an instruction; the registers and aq and rl say nothing. */
static void load_reserved(void **state)
{
	static const uint32_t rs2s[] = {0, 1, 16, 31};
	uint64_t random = 1;

	(void)state;
	for (uint32_t selection = 0; selection < 1u << 17; selection++) {
		uint32_t opcode = selection & 0x7f, funct3 = selection >> 7 & 7;
		uint32_t funct5 = selection >> 10 & 31, rs2 = rs2s[selection >> 15];
		bool expected = opcode == 0x2f && (funct3 == 2 || funct3 == 3) &&
				funct5 == 2 && rs2 == 0;

		random = random * 6364136223846793005 + 1442695040888963407;
		assert_int_equal(
			decode_is_load_reserved(opcode | funct3 << 12 | funct5 << 27 |
						rs2 << 20 |
						((uint32_t)(random >> 32) & 0x060f8f80)),
			expected);
	}
}

/* As binutils assembles them. */
static void stores(void **state)
{
	static const uint32_t stores[] = {
		0x00a58023, /* sb a0,0(a1) */
		0x00a5b023, /* sd */
		0x00a5b027, /* fsd fa0,0(a1) */
		0x0205f527, /* vse64.v v10,(a1) */
		0x00a5b52f, /* amoadd.d a0,a0,(a1) */
		0x18a5b52f, /* sc.d a0,a0,(a1) */
		0x28a5b52f, /* amocas.d */
		0x0045a00f, /* cbo.zero (a1) */
		0xc188,     /* c.sw a0,0(a1) */
		0xa188,     /* c.fsd fa0,0(a1) */
		0xe02a,     /* c.sdsp a0,0(sp) */
		0x8988,     /* c.sb a0,0(a1) */
	};
	static const uint32_t others[] = {
		0x0005b503, /* ld a0,0(a1) */
		0x0005b507, /* fld fa0,0(a1) */
		0x0205f507, /* vle64.v v10,(a1) */
		0x1005b52f, /* lr.d a0,(a1) */
		0x1605a52f, /* lr.w.aqrl */
		0x0ff0000f, /* fence */
		0x0000100f, /* fence.i */
		0x6188,     /* c.ld a0,0(a1) */
		0x2188,     /* c.fld fa0,0(a1) */
		0x6502,     /* c.ldsp a0,0(sp) */
		0x0000,     0xffffffff,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(stores); i++)
		assert_true(decode_is_store(stores[i]));
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
		assert_false(decode_is_store(others[i]));
}

static void extension(void **state)
{
	static const struct {
		uint8_t width;
		bool sign_extend;
		uint64_t expected;
	} cases[] = {
		{1, false, 0x88},
		{1, true, UINT64_C(0xffffffffffffff88)},
		{2, false, 0xff88},
		{2, true, UINT64_C(0xffffffffffffff88)},
		{4, false, 0x8001ff88},
		{4, true, UINT64_C(0xffffffff8001ff88)},
		{8, false, UINT64_C(0x071234568001ff88)},
	};
	uint64_t raw = UINT64_C(0x071234568001ff88);

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct memory_access access = {.width = cases[i].width,
					       .sign_extend = cases[i].sign_extend};

		assert_int_equal(memory_access_extend(&access, raw), cases[i].expected);
	}
	assert_int_equal(
		memory_access_extend(
			&(struct memory_access){.width = 2, .sign_extend = true}, 0x7fff),
		0x7fff);
}

static void length(void **state)
{
	(void)state;
	assert_int_equal(instruction_length(0x3503), 4);
	assert_int_equal(instruction_length(0x6188), 2);
	assert_int_equal(instruction_length(0x4501), 2);
	assert_int_equal(instruction_length(0x8082), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_16_bit_value),
		cmocka_unit_test(every_32_bit_selection),
		cmocka_unit_test(share_of_16_bit_values),
		cmocka_unit_test(neighbours_are_refused),
		cmocka_unit_test(transformed),
		cmocka_unit_test(transformed_as_seen),
		cmocka_unit_test(not_transformed),
		cmocka_unit_test(load_reserved),
		cmocka_unit_test(stores),
		cmocka_unit_test(extension),
		cmocka_unit_test(length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
