/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/lookahead.c arch/riscv/decode_simple.c tests/unit/fake_arch.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c mm/guest_memory.c */
/* sources: core/string.c */
/*
 * Loops of fences, made at random, against a hart that carries out one instruction
 * after the other: after so many fences both are at the same instruction with the same
 * registers, and have fenced the same pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/lookahead.h"
#include "core/vm.h"
#include "mm/pte.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_pages.h"

#define CODE	   UINT64_C(0x40000000)
#define LOOPS	   20000
#define PAGES_MOST 128
#define LOOP_MOST  8

/* Registers of the loops: what is fenced, the ASID, strides, counters and bounds. */
enum { ADDRESS = 10, ASID = 11, STRIDE = 12, COUNT = 13, BOUND = 14, STEP = 15 };

static struct vm vm;
static struct vcpu vcpu;
static uint16_t code[PAGE_SIZE / 2];
static unsigned code_length, loop_start; /* in half-words */
static uint64_t fenced[PAGES_MOST], expected[PAGES_MOST];
static unsigned fenced_count, expected_count;
static uint64_t state = 1;

static uint64_t below(uint64_t limit)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 33) % limit;
}

/* ---- the paging mode ---- */

static const uint16_t *code_page(struct vcpu *of, const struct access *access)
{
	(void)of;
	assert_int_equal(access->gva.raw & ~(PAGE_SIZE - 1), CODE);
	return code;
}

static uint64_t satp_read(struct vcpu *of)
{
	(void)of;
	return (uint64_t)SATP_SV39 << 60;
}

static void fence(struct vcpu *of, const struct fence *what)
{
	(void)of;
	assert_true(what->has_address);
	for (uint64_t at = 0; at < what->size; at += PAGE_SIZE) {
		assert_true(fenced_count < PAGES_MOST);
		fenced[fenced_count++] = what->start.raw + at;
	}
}

static const struct paging_mode mode = {
	.code_page = code_page,
	.satp_read = satp_read,
	.fence = fence,
};

/* ---- the loops ---- */

static void emit(uint32_t instruction)
{
	code[code_length++] = (uint16_t)instruction;
	code[code_length++] = (uint16_t)(instruction >> 16);
}

static uint32_t sfence(unsigned rs1, unsigned rs2)
{
	return 0x12000073 | rs1 << 15 | rs2 << 20;
}

static uint32_t add(unsigned rd, unsigned rs2, bool word)
{
	return (word ? 0x3bu : 0x33u) | rd << 7 | rd << 15 | rs2 << 20;
}

static uint32_t addi(unsigned rd, int immediate, bool word)
{
	return (word ? 0x1bu : 0x13u) | rd << 7 | rd << 15 | (uint32_t)immediate << 20;
}

static uint32_t branch(unsigned condition, unsigned rs1, unsigned rs2, int offset)
{
	uint32_t o = (uint32_t)offset;

	return 0x63 | condition << 12 | rs1 << 15 | rs2 << 20 | (o >> 12 & 1) << 31 |
	       (o >> 5 & 63) << 25 | (o >> 1 & 15) << 8 | (o >> 11 & 1) << 7;
}

static void set_registers(void)
{
	static const uint64_t strides[] = {PAGE_SIZE,  PAGE_SIZE,     -PAGE_SIZE,
					   -PAGE_SIZE, 2 * PAGE_SIZE, 0};
	static const uint64_t near[] = {0, 0, 0, INT32_MAX, UINT32_MAX, INT64_MAX};
	/* Where the code may be part of a leaf of 1 GiB, and on both sides of that. */
	static const uint64_t starts[] = {
		UINT64_C(0x90000000), CODE + GIB - 8 * PAGE_SIZE,
		CODE + GIB + 8 * PAGE_SIZE, CODE - 8 * PAGE_SIZE, CODE + GIB};
	uint64_t count = near[below(6)] + below(100) - 20;

	memset(vcpu.arch.x, 0, sizeof(vcpu.arch.x));
	vcpu.arch.x[ADDRESS] = starts[below(5)] + below(2 * PAGE_SIZE);
	vcpu.arch.x[ASID] = below(3);
	vcpu.arch.x[STRIDE] = strides[below(6)];
	vcpu.arch.x[COUNT] = count;
	vcpu.arch.x[BOUND] = below(2) ? count + below(80) - 40 : below(2) - 1;
	vcpu.arch.x[STEP] = below(5) - 2;
}

static void make_loop(void)
{
	static const uint8_t conditions[] = {0, 1, 1, 1, 4, 5, 6, 7};
	unsigned rs2 = below(2) ? ASID : 0, more = (unsigned)below(3);
	unsigned left = below(2) ? COUNT : ADDRESS;

	code_length = loop_start = 0;
	if (below(4) == 0) {
		/* The first fence is not the loop's own, but next to it. */
		emit(sfence(ADDRESS, rs2));
		emit(add(ADDRESS, STRIDE, false));
		loop_start = code_length;
	}
	emit(sfence(ADDRESS, rs2));
	emit(add(ADDRESS, STRIDE, below(16) == 0));
	for (unsigned i = 0; i < more; i++) {
		bool word = below(2);

		emit(below(2) ? add(COUNT, STEP, word)
			      : addi(COUNT, (int)below(5) - 2, word));
	}
	emit(branch(conditions[below(8)], below(8) ? left : STEP, below(8) ? BOUND : 0,
		    -(int)(2 * (code_length - loop_start))));
	emit(0x00100073);
	set_registers();
	if (left == ADDRESS)
		vcpu.arch.x[BOUND] = vcpu.arch.x[ADDRESS] +
				     vcpu.arch.x[STRIDE] * (below(80) - 4) + below(2);
}

/* ---- the hart ---- */

static bool taken(unsigned condition, uint64_t a, uint64_t b)
{
	switch (condition) {
	case 0:
		return a == b;
	case 1:
		return a != b;
	case 4:
		return (int64_t)a < (int64_t)b;
	case 5:
		return (int64_t)a >= (int64_t)b;
	case 6:
		return a < b;
	default:
		return a >= b;
	}
}

/* One instruction of those that loops are made of; false: the one at their end. */
static bool step(uint64_t *x, uint64_t *pc)
{
	const uint16_t *at = &code[(*pc - CODE) / 2];
	uint32_t i = at[0] | (uint32_t)at[1] << 16;
	unsigned rd = i >> 7 & 31, rs1 = i >> 15 & 31, rs2 = i >> 20 & 31;
	uint64_t sum;

	if (i == 0x00100073)
		return false;
	if ((i & 0x7f) == 0x63) {
		if (taken(i >> 12 & 7, x[rs1], x[rs2]))
			*pc = CODE + 2 * loop_start;
		else
			*pc += 4;
		return true;
	}
	*pc += 4;
	if ((i & 0x7f) == 0x73) {
		assert_true(expected_count < PAGES_MOST);
		expected[expected_count++] = x[rs1] & ~(PAGE_SIZE - 1);
		return true;
	}
	sum = x[rs1] + (i & 0x20 ? x[rs2] : (uint64_t)(int64_t)((int32_t)i >> 20));
	x[rd] = i & 8 ? (uint64_t)(int64_t)(int32_t)sum : sum;
	return true;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* In whatever order they came: nothing but fetches is between them. */
static void same_pages(void)
{
	assert_int_equal(fenced_count, expected_count);
	qsort(fenced, fenced_count, sizeof(fenced[0]), by_number);
	qsort(expected, expected_count, sizeof(expected[0]), by_number);
	assert_memory_equal(fenced, expected, fenced_count * sizeof(fenced[0]));
}

static void loops_end_as_on_a_hart(void **unused)
{
	unsigned most = 0;

	(void)unused;
	for (unsigned loop = 0; loop < LOOPS; loop++) {
		uint64_t x[32], pc = CODE;
		struct lookahead ahead;
		struct fence first;

		make_loop();
		memcpy(x, vcpu.arch.x, sizeof(x));
		fenced_count = expected_count = 0;
		step(x, &pc);
		first = fence_of_page(true, x[ADDRESS], code[1] >> 4 & 31,
				      code[1] >> 4 & 31 ? x[ASID] : 0);
		vcpu.arch.pc = pc;
		ahead = lookahead_fence(&vcpu, &first);
		while (expected_count < 1 + ahead.fences)
			assert_true(step(x, &pc));
		/* Behind the last fence it may have gone on, but to no other. */
		while ((pc != vcpu.arch.pc || memcmp(x, vcpu.arch.x, sizeof(x)) != 0) &&
		       step(x, &pc))
			;
		assert_int_equal(pc, vcpu.arch.pc);
		assert_memory_equal(x, vcpu.arch.x, sizeof(x));
		same_pages();
		if (most < ahead.fences)
			most = ahead.fences;
	}
	assert_int_equal(most, 63);
}

static int setup(void **unused)
{
	(void)unused;
	fake_pages_create();
	fake_arch_create(&fake_worst);
	vm.mode = &mode;
	vcpu.vm = &vm;
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	fake_pages_destroy();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(loops_end_as_on_a_hart, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
