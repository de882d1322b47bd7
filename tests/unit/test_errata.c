/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: arch/riscv/errata.c core/reason.c core/log.c tests/unit/host_ram.c */
/*
 * Which harts have which errata, and what becomes of fences and of addresses then. The
 * fences are words of data here, at places that the linker's table would name.
 */
#include <setjmp.h>
#include <string.h>

#include "arch/riscv/errata.h"
#include "core/arch.h"
#include "core/gnomon.h"
#include "tests/unit/captured_console.h"
#include "tests/unit/host_ram.h"

#define SERIES_7 0x8000000000000007
#define CIP_453	 (1u << ERRATUM_CIP_453)
#define CIP_1200 (1u << ERRATUM_CIP_1200)

/* sfence.vma a0, a1; sfence.vma t6, x0; hfence.vvma x0, s1, at a multiple of 2. */
__asm__(".data\n\t.balign 4\n\t"
	".globl fences_start, fences_end, test_fences\n"
	"fences_start: .long 1f - ., 2f - ., 3f - .\n"
	"fences_end:\n"
	"test_fences:\n"
	"1: .long 0x12b50073\n"
	"2: .long 0x120f8073\n"
	"   .short 0xffff\n"
	"3: .long 0x22900073\n"
	"   .short 0xffff\n"
	".previous\n");

extern uint8_t test_fences[16];

static const char *pretended;
static const char *refused;
static unsigned instruction_fences;
static jmp_buf refusal;

const char *gnomon_pretended_errata(void)
{
	return pretended;
}

void gnomon_refuse(const char *why)
{
	refused = why;
	longjmp(refusal, 1);
}

void arch_fence_i(void)
{
	instruction_fences++;
}

static uint32_t word(unsigned offset)
{
	uint32_t value;

	memcpy(&value, test_fences + offset, sizeof(value));
	return value;
}

static void whose_they_are(void **state)
{
	static const struct {
		struct hart_identity identity;
		uint32_t errata;
	} harts[] = {
		{{0x489, SERIES_7, 0x20181004}, CIP_453 | CIP_1200}, /* FU740 */
		{{0x489, SERIES_7, 0x04210427}, 0},		     /* JH7110 */
		{{0x489, SERIES_7, 0x20191105}, CIP_453 | CIP_1200},
		{{0x489, SERIES_7, 0x20191106}, CIP_1200},
		{{0x489, SERIES_7, 0x20181003}, CIP_1200},
		{{0x489, SERIES_7, 0x20200630}, CIP_1200},
		{{0x489, SERIES_7, 0x20200631}, 0},
		{{0x489, SERIES_7, 0x01200626}, 0},
		{{0x489, SERIES_7, 0x02200626}, CIP_1200},
		{{0x489, 1, 0}, CIP_1200}, /* FU540 */
		{{0x489, 1, 0x20181004}, CIP_1200},
		{{0x489, 2, 0x20181004}, 0},
		{{0, 0, 0}, 0},
		{{0, SERIES_7, 0x20181004}, 0},
		{{0x5b7, 0, 0}, 0},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(harts); i++)
		if (errata_of(&harts[i].identity) != harts[i].errata)
			fail_msg("hart %u: %x", i, errata_of(&harts[i].identity));
}

static void names(void **state)
{
	static const char *const bad[] = {"cip", "cip-1200x", "cip-453,,cip-1200",
					  ",",	 "cip-453 ",  "CIP-453"};
	uint32_t errata;

	(void)state;
	assert_true(errata_parse("", &errata) && errata == 0);
	assert_true(errata_parse("cip-453", &errata) && errata == CIP_453);
	assert_true(errata_parse("cip-1200,cip-453", &errata) &&
		    errata == (CIP_453 | CIP_1200));
	for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_false(errata_parse(bad[i], &errata));
}

static void an_unknown_name_is_refused(void **state)
{
	const struct hart_identity none = {0, 0, 0};

	(void)state;
	pretended = "cip-7";
	if (!setjmp(refusal)) {
		errata_begin(&none);
		fail_msg("it was not");
	}
	assert_string_equal(refused,
			    "boot arguments: errata=cip-7: there are cip-453 and "
			    "cip-1200");
}

static void nothing_is_done_for_a_hart_without(void **state)
{
	const struct hart_identity jh7110 = {0x489, SERIES_7, 0x04210427};

	(void)state;
	pretended = "";
	captured_clear();
	errata_begin(&jh7110);
	assert_string_equal(captured,
			    "gnomon: errata: none known of vendor 0x489, architecture "
			    "0x8000000000000007, implementation 0x4210427\r\n");
	assert_int_equal(word(0), 0x12b50073);
	assert_int_equal(instruction_fences, 0);
	assert_false(errata_fetch_address);
	assert_int_equal(errata_fetched(0x7fc0001000, 0xffffffffc0001000), 0x7fc0001000);
}

static void fences_become_full_ones(void **state)
{
	const struct hart_identity fu540 = {0x489, 1, 0};

	(void)state;
	pretended = "";
	captured_clear();
	errata_begin(&fu540);
	assert_string_equal(captured,
			    "gnomon: errata: cip-1200: every fence is a full one\r\n");
	assert_int_equal(word(0), 0x12000073);
	assert_int_equal(word(4), 0x12000073);
	assert_int_equal(word(10), 0x22000073);
	assert_int_equal(word(8) & 0xffff, 0xffff);
	assert_int_equal(word(12) >> 16, 0xffff);
	assert_int_equal(instruction_fences, 1);
	assert_false(errata_fetch_address);
}

/* The upper half of a fetch may be on the next page, but no further away. */
static void addresses_of_fetches_are_mended(void **state)
{
	static const struct {
		uint64_t pc, value, mended;
	} cases[] = {
		{0xffffffff80001000, 0x7f80001000, 0xffffffff80001000},
		{0xffffffff80000ffe, 0x7f80001000, 0xffffffff80001000},
		{0xffffffff80001000, 0xffffffff80001000, 0xffffffff80001000},
		{0x10ffe, 0x11000, 0x11000},
		{0x4000000000, 0xffffffc000000000, 0x4000000000},
		{0x3ffffffffe, 0xffffffc000000000, 0x4000000000},
		{0, 0, 0},
	};
	const struct hart_identity none = {0, 0, 0};

	(void)state;
	pretended = "cip-453";
	captured_clear();
	errata_begin(&none);
	assert_string_equal(captured,
			    "gnomon: errata: cip-453: addresses of fetches that "
			    "fault are mended\r\n");
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_int_equal(errata_fetched(cases[i].value, cases[i].pc),
				 cases[i].mended);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whose_they_are),
		cmocka_unit_test(names),
		cmocka_unit_test(an_unknown_name_is_refused),
		cmocka_unit_test(nothing_is_done_for_a_hart_without),
		cmocka_unit_test(fences_become_full_ones),
		cmocka_unit_test(addresses_of_fetches_are_mended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
