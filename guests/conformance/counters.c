/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cycle, time and instret: read into every register, in every form that does not
 * write, in both privileges; what scounteren denies to U-mode; and writes. Many harts
 * leave time to the firmware, which has to do exactly what the instruction would.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/instructions.h"
#include "guests/lib/csr.h"
#include "guests/lib/probe.h"
#include "guests/lib/sbi.h"

#define ALL_COUNTERS 7

static const struct counter {
	const char *name;
	unsigned csr;
} counters[] = {{"cycle", 0xc00}, {"time", 0xc01}, {"instret", 0xc02}};

static const enum csr_form reads[] = {CSRRS, CSRRC, CSRRSI, CSRRCI};

static uint64_t value_of(const struct counter *counter)
{
	static const uint32_t to_a0[] = {0xc0002573, 0xc0102573, 0xc0202573};
	struct context context = {.pc = 0};

	run_instructions(&context, &to_a0[counter - counters], 1, SUPERVISOR);
	return context.x[REG_A0];
}

/* Nothing but rd changes, and that is no earlier and no later than it may be. */
static void expect_read(const struct counter *counter, enum csr_form form, unsigned rd,
			unsigned how)
{
	const uint32_t instruction = encode_csr(form, rd, counter->csr, 0);
	uint64_t earlier = value_of(counter), at;
	struct context context, expected;

	registers_pattern(&context);
	expected = context;
	at = run_instructions(&context, &instruction, 1, how);
	expect_equal(counter->name, context.cause, CAUSE_BREAKPOINT);
	expect_equal(counter->name, context.pc, at + 4);
	expect_registers(counter->name, &context, &expected, 1u << rd);
	if (rd == 0)
		return;
	expect_true("a counter that goes back", context.x[rd] >= earlier);
	expect_true("a counter that runs ahead", context.x[rd] <= value_of(counter));
}

static void expect_illegal(const struct counter *counter, uint32_t instruction,
			   unsigned how)
{
	struct context context, expected;
	uint64_t at;

	registers_pattern(&context);
	expected = context;
	at = run_instructions(&context, &instruction, 1, how);
	expect_equal(counter->name, context.cause, CAUSE_ILLEGAL);
	expect_equal(counter->name, context.pc, at);
	expect_true("stval is 0 or the instruction",
		    context.stval == 0 || context.stval == instruction);
	expect_registers(counter->name, &context, &expected, 0);
}

static void check_every_register(const struct paging_mode *mode)
{
	uint64_t before = csr_read(scounteren);

	(void)mode;
	csr_write(scounteren, ALL_COUNTERS);
	for (unsigned i = 0; i < ARRAY_LENGTH(counters); i++)
		for (unsigned rd = 0; rd < 32; rd++) {
			expect_read(&counters[i], CSRRS, rd, SUPERVISOR);
			expect_read(&counters[i], CSRRS, rd, USER);
		}
	csr_write(scounteren, before);
}

static void check_every_form(const struct paging_mode *mode)
{
	uint64_t before = csr_read(scounteren);

	(void)mode;
	csr_write(scounteren, ALL_COUNTERS);
	for (unsigned i = 0; i < ARRAY_LENGTH(counters); i++)
		for (unsigned j = 0; j < ARRAY_LENGTH(reads); j++) {
			expect_read(&counters[i], reads[j], REG_A1, SUPERVISOR);
			expect_read(&counters[i], reads[j], REG_T0, USER);
			expect_read(&counters[i], reads[j], 0, USER);
		}
	csr_write(scounteren, before);
}

/* Each bit of scounteren is for one of them, and for U-mode alone. */
static void check_denied(const struct paging_mode *mode)
{
	uint64_t before = csr_read(scounteren);

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(counters); i++) {
		csr_write(scounteren, ALL_COUNTERS & ~(1u << i));
		for (unsigned j = 0; j < ARRAY_LENGTH(reads); j++)
			expect_read(&counters[i], reads[j], REG_A2, SUPERVISOR);
		if (sbi_is_opensbi() && counters[i].csr == 0xc01) {
			deviation("OpenSBI may emulate rdtime though scounteren.TM is "
				  "clear");
			continue;
		}
		for (unsigned j = 0; j < ARRAY_LENGTH(reads); j++)
			for (unsigned rd = 0; rd < 32; rd += 5)
				expect_illegal(
					&counters[i],
					encode_csr(reads[j], rd, counters[i].csr, 0),
					USER);
	}
	csr_write(scounteren, before);
}

/* csrrw writes whatever its operand is; the others with any register, or bit, at all. */
static void check_writes(const struct paging_mode *mode)
{
	static const struct {
		enum csr_form form;
		unsigned source;
	} writes[] = {{CSRRW, 0},      {CSRRW, REG_A1}, {CSRRS, REG_A1}, {CSRRC, REG_RA},
		      {CSRRWI, 0},     {CSRRWI, 31},	{CSRRSI, 1},	 {CSRRCI, 16},
		      {CSRRS, REG_T0}, {CSRRC, REG_A0}};
	uint64_t before = csr_read(scounteren);

	(void)mode;
	csr_write(scounteren, ALL_COUNTERS);
	for (unsigned i = 0; i < ARRAY_LENGTH(counters); i++)
		for (unsigned j = 0; j < ARRAY_LENGTH(writes); j++) {
			uint32_t instruction =
				encode_csr(writes[j].form, REG_A3, counters[i].csr,
					   writes[j].source);

			expect_illegal(&counters[i], instruction, SUPERVISOR);
			expect_illegal(&counters[i], instruction, USER);
		}
	csr_write(scounteren, before);
}

static const struct check checks[] = {
	{"into every register", check_every_register},
	{"every form of reading", check_every_form},
	{"denied to U-mode", check_denied},
	{"writes are illegal", check_writes},
};

const struct group counters_group = {"counters", checks, ARRAY_LENGTH(checks), false};
