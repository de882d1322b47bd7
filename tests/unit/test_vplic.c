/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/vplic.c drivers/mmio.c */
/*
 * The guest's interrupt controller: the rules of the PLIC specification one by
 * one, each as its prose has it, and what a guest gets where no register is.
 */
#include "tests/unit/vplic_bench.h"

static void pulse(unsigned source)
{
	wire(source, true);
	wire(source, false);
}

static void size_is_checked(void **state)
{
	(void)state;
	assert_int_equal(vplic_init(&vplic, GPA(BASE), 0, 1, notify, output),
			 STATUS_INVALID);
	assert_int_equal(vplic_init(&vplic, GPA(BASE), 96, 1, notify, output),
			 STATUS_INVALID);
	assert_int_equal(vplic_init(&vplic, GPA(BASE), 1, 0, notify, output),
			 STATUS_INVALID);
	assert_int_equal(vplic_init(&vplic, GPA(BASE), 1, 9, notify, output),
			 STATUS_INVALID);
	assert_int_equal(vplic_init(&vplic, GPA(BASE), 1, 1, notify, output), STATUS_OK);
	assert_int_equal(vplic_init(&vplic, GPA(BASE), 95, 8, notify, output), STATUS_OK);
	assert_int_equal(vplic.device.size, 0x600000);
}

static void after_reset(void **state)
{
	(void)state;
	for (uint64_t offset = 0; offset < 0x3000; offset += 4)
		assert_int_equal(load(offset), 0);
	for (uint64_t offset = 0x200000; offset < 0x209000; offset += 4)
		assert_int_equal(load(offset), 0);
	assert_int_equal(notifications, 0);
}

/* What does not exist reads as 0 and takes no writes, source 0 included. */
static void registers_that_are_not(void **state)
{
	(void)state;
	for (uint64_t offset = 0; offset < VPLIC_SIZE; offset += 4) {
		if (offset % 0x1000 == 0x200)
			offset += 0xc00; /* the rest of a page is like its start */
		store(offset, UINT32_MAX);
	}
	for (unsigned source = 0; source < 1024; source++)
		assert_int_equal(load(4 * source),
				 source >= 1 && source <= SOURCES ? 7 : 0);
	for (uint64_t offset = 0x1000; offset < 0x2000; offset += 4)
		assert_int_equal(load(offset), 0);
	for (unsigned context = 0; context < 16; context++) {
		for (unsigned word = 0; word < 32; word++) {
			uint32_t bits = word == 0 ? 0xfffffffe : word == 1 ? 0x1ff : 0;

			assert_int_equal(load(0x2000 + 0x80 * context + 4 * word),
					 context < CONTEXTS ? bits : 0);
		}
		assert_int_equal(load(0x200000 + 0x1000 * context),
				 context < CONTEXTS ? 7 : 0);
	}
	assert_int_equal(notifications, 0);
}

static void only_32_bit_accesses(void **state)
{
	static const unsigned widths[] = {1, 2, 8};
	static const uint64_t offsets[] = {0x8, 0x1000, 0x2000, 0x200000, 0x5ffff8};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		for (size_t j = 0; j < ARRAY_LENGTH(widths); j++) {
			gpa_t gpa = GPA(BASE + offsets[i]);

			assert_false(mmio_read(devices, 1, gpa, widths[j], &value));
			assert_false(mmio_write(devices, 1, gpa, widths[j], 1));
		}
	}
	assert_false(mmio_read(devices, 1, GPA(BASE + VPLIC_SIZE), 4, &value));
	wire(5, true);
	set_priority(5, 1);
	set_enable(0, 5, true);
	assert_false(mmio_read(devices, 1, GPA(BASE + 0x200004), 1, &value));
	assert_int_equal(claim(0), 5); /* the refused claim took nothing */
}

static void one_round(void **state)
{
	(void)state;
	set_priority(10, 1);
	set_enable(0, 10, true);
	assert_int_equal(claim(0), 0);
	wire(10, true);
	assert_true(output[0]);
	assert_true(is_pending(10));
	assert_int_equal(claim(0), 10);
	assert_false(output[0]);
	assert_false(is_pending(10));
	assert_int_equal(claim(0), 0);
	wire(10, false);
	complete(0, 10);
	assert_false(output[0]);
	assert_int_equal(notifications, 2);
}

static void still_high_at_completion_interrupts_again(void **state)
{
	(void)state;
	set_priority(10, 1);
	set_enable(0, 10, true);
	wire(10, true);
	for (unsigned round = 0; round < 5; round++) {
		assert_true(output[0]);
		assert_int_equal(claim(0), 10);
		assert_false(output[0]);
		assert_int_equal(claim(0), 0);
		complete(0, 10);
	}
	assert_int_equal(claim(0), 10);
	wire(10, false);
	wire(10, true); /* a new edge while claimed: at completion, not before */
	assert_false(output[0]);
	complete(0, 10);
	assert_true(output[0]);
}

/* Nothing behind the last source and the last context is reachable. */
static void full_size(void **state)
{
	(void)state;
	assert_int_equal(vplic_init(&vplic, GPA(BASE), 95, 8, notify, output), STATUS_OK);
	for (unsigned context = 0; context < 9; context++) {
		for (unsigned word = 0; word < 4; word++)
			store(0x2000 + 0x80 * context + 4 * word, UINT32_MAX);
		set_threshold(context, context);
	}
	for (unsigned source = 0; source < 97; source++) {
		set_priority(source, 7);
		wire(source, true);
	}
	for (unsigned context = 0; context < 9; context++) {
		assert_int_equal(load(0x2000 + 0x80 * context + 8),
				 context < 8 ? UINT32_MAX : 0);
		assert_int_equal(load(0x2000 + 0x80 * context + 12), 0);
		assert_int_equal(load(0x200000 + 0x1000 * context), context % 8);
	}
	assert_true(output[6] && !output[7]);
	for (unsigned source = 1; source <= 95; source++)
		assert_int_equal(claim(source % 8), source);
	assert_int_equal(claim(8), 0);
	assert_false(output[6]);
	for (unsigned source = 1; source <= 95; source++)
		complete(7 - source % 8, source);
	assert_int_equal(claim(7), 1);
}

/* "The gateway does not have the facility to retract an interrupt request." */
static void requests_are_not_retracted(void **state)
{
	(void)state;
	set_priority(10, 1);
	set_enable(0, 10, true);
	pulse(10);
	assert_true(output[0]);
	assert_int_equal(claim(0), 10);
	pulse(10); /* while claimed, a pulse that is over leaves nothing */
	complete(0, 10);
	assert_false(output[0]);
	assert_int_equal(claim(0), 0);
}

static void enable_priority_and_threshold_act_at_once(void **state)
{
	(void)state;
	wire(3, true);
	assert_false(output[0]);
	set_enable(0, 3, true);
	assert_false(output[0]); /* priority 0 never interrupts */
	assert_int_equal(claim(0), 0);
	set_priority(3, 4);
	assert_true(output[0]);
	set_threshold(0, 3);
	assert_true(output[0]);
	set_threshold(0, 4);
	assert_false(output[0]);
	set_priority(3, 5);
	assert_true(output[0]);
	set_priority(3, 0);
	assert_false(output[0]);
	set_priority(3, 7);
	assert_true(output[0]);
	set_enable(0, 3, false);
	assert_false(output[0]);
	assert_int_equal(claim(0), 0);
	assert_true(is_pending(3));
}

/* "The claim operation is not affected by the setting of the threshold." */
static void claims_below_the_threshold(void **state)
{
	(void)state;
	set_priority(3, 1);
	set_enable(0, 3, true);
	set_threshold(0, 7);
	wire(3, true);
	assert_false(output[0]);
	assert_int_equal(claim(0), 3);
}

static void priority_first_then_number(void **state)
{
	static const unsigned sources[] = {40, 1, 33, 31, 32, 2};
	static const uint32_t priorities[] = {7, 3, 3, 7, 1, 3};
	static const unsigned order[] = {31, 40, 1, 2, 33, 32, 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(sources); i++) {
		set_priority(sources[i], priorities[i]);
		set_enable(0, sources[i], true);
		wire(sources[i], true);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(order); i++) {
		assert_int_equal(output[0], order[i] != 0);
		assert_int_equal(claim(0), order[i]);
	}
	assert_int_equal(notifications, 2);
}

static void priorities_are_three_bits(void **state)
{
	(void)state;
	set_priority(1, 0xffffffff);
	assert_int_equal(load(4), 7);
	set_priority(1, 0x1234568a);
	assert_int_equal(load(4), 2);
	set_threshold(1, 0xd);
	assert_int_equal(load(0x201000), 5);
}

static void several_contexts_see_it_one_claims_it(void **state)
{
	(void)state;
	set_priority(7, 1);
	set_enable(0, 7, true);
	set_enable(2, 7, true);
	wire(7, true);
	assert_true(output[0] && !output[1] && output[2]);
	assert_int_equal(claim(1), 0);
	assert_int_equal(claim(2), 7);
	assert_true(!output[0] && !output[1] && !output[2]);
	assert_int_equal(claim(0), 0);
	complete(0, 7); /* enabled there: as good as from the claimer */
	assert_true(output[0] && !output[1] && output[2]);
}

static void void_completions_are_ignored(void **state)
{
	(void)state;
	set_priority(7, 1);
	set_enable(0, 7, true);
	wire(7, true);
	assert_int_equal(claim(0), 7);
	complete(1, 7); /* not enabled there */
	complete(0, 0);
	complete(0, 8);
	complete(0, SOURCES + 1);
	complete(0, 1024);
	complete(0, UINT32_MAX);
	complete(5, 7); /* no such context */
	assert_false(output[0]);
	set_enable(0, 7, false);
	complete(0, 7); /* disabled meanwhile */
	set_enable(0, 7, true);
	assert_false(output[0]);
	complete(0, 7);
	assert_true(output[0]);
	complete(0, 7); /* pending, not claimed: nothing to complete */
	assert_int_equal(claim(0), 7);
	assert_int_equal(claim(0), 0);
}

static void wires_to_nowhere(void **state)
{
	(void)state;
	set_priority(1, 1);
	store(0x2000, UINT32_MAX);
	store(0x2004, UINT32_MAX);
	wire(0, true);
	wire(SOURCES + 1, true);
	wire(95, true);
	wire(96, true);
	wire(UINT32_MAX, true);
	assert_int_equal(load(0x1000), 0);
	assert_int_equal(load(0x1004), 0);
	assert_int_equal(load(0x1008), 0);
	assert_int_equal(notifications, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(size_is_checked, setup),
		cmocka_unit_test_setup(after_reset, setup),
		cmocka_unit_test_setup(registers_that_are_not, setup),
		cmocka_unit_test_setup(only_32_bit_accesses, setup),
		cmocka_unit_test_setup(one_round, setup),
		cmocka_unit_test_setup(still_high_at_completion_interrupts_again, setup),
		cmocka_unit_test_setup(full_size, setup),
		cmocka_unit_test_setup(requests_are_not_retracted, setup),
		cmocka_unit_test_setup(enable_priority_and_threshold_act_at_once, setup),
		cmocka_unit_test_setup(claims_below_the_threshold, setup),
		cmocka_unit_test_setup(priority_first_then_number, setup),
		cmocka_unit_test_setup(priorities_are_three_bits, setup),
		cmocka_unit_test_setup(several_contexts_see_it_one_claims_it, setup),
		cmocka_unit_test_setup(void_completions_are_ignored, setup),
		cmocka_unit_test_setup(wires_to_nowhere, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
