/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: arch/riscv/m/power.c core/device_tree.c core/reason.c core/log.c */
/* libs: -lfdt */
/*
 * What is written where to power a machine off, by what its device tree says of it; and
 * that nothing is, where it says it in a way that cannot be.
 */
#include "arch/riscv/m/power.h"
#include "drivers/host_mmio.h"
#include "tests/unit/host_trees.h"

static struct {
	unsigned count;
	uintptr_t address;
	unsigned width;
	uint32_t value;
} written;

uint32_t host_mmio_read(uintptr_t address, unsigned width)
{
	(void)address;
	(void)width;
	return 0xa5a5a5a5;
}

void host_mmio_write(uintptr_t address, unsigned width, uint32_t value)
{
	written.count++;
	written.address = address;
	written.width = width;
	written.value = value;
}

static void begin_soc(void)
{
	begin_tree();
	begin_bus("", 2, 2);
	begin_bus("soc", 1, 1);
	CELLS("ranges", 0, 0, 0x10000000, 0x10000000);
}

/* A register map at 0x10017000. */
static void syscon(const char *status)
{
	begin("syscon@17000");
	text("compatible", "syscon");
	CELLS("reg", 0x17000, 0x100);
	CELLS("phandle", 3);
	text("status", status);
}

static void power_off_node(uint32_t offset)
{
	begin("poweroff");
	text("compatible", "syscon-poweroff");
	CELLS("offset", offset);
}

static void finisher(const char *status)
{
	begin("test@100000");
	bytes("compatible", "sifive,test1\0sifive,test0\0syscon", 32);
	CELLS("reg", 0x100000, 0x1000);
	text("status", status);
	end();
}

static void finish(void)
{
	end();
	finish_tree();
	power_find(tree);
	written.count = 0;
}

static void wrote(uintptr_t address, unsigned width, uint32_t value)
{
	assert_true(power_off(false));
	assert_int_equal(written.count, 1);
	assert_int_equal(written.address, address);
	assert_int_equal(written.width, width);
	assert_int_equal(written.value, value);
}

static void the_finisher_is_told_how_it_went(void **state)
{
	(void)state;
	begin_soc();
	syscon("okay");
	end();
	power_off_node(0);
	CELLS("regmap", 3);
	CELLS("value", 1);
	end();
	finisher("okay");
	finish();
	wrote(0x10100000, 4, 0x5555);
	assert_true(power_off(true));
	assert_int_equal(written.value, 0x13333);
}

static void the_registers_that_are_named(void **state)
{
	static const struct {
		bool has_value, has_mask;
		uint32_t value, mask, written;
	} cases[] = {
		{true, false, 0x1234, 0, 0x1234},
		{false, true, 0, 0x80, 0x80}, /* the old form */
		{true, true, 0xff, 0x0f, 0xa5a5a5af},
		{true, true, 0x5555, UINT32_MAX, 0x5555},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		begin_soc();
		finisher("disabled");
		syscon("okay");
		end();
		power_off_node(0x24);
		CELLS("regmap", 3);
		if (cases[i].has_value)
			CELLS("value", cases[i].value);
		if (cases[i].has_mask)
			CELLS("mask", cases[i].mask);
		end();
		finish();
		wrote(0x10017024, 4, cases[i].written);
	}
}

static void the_parent_is_the_map_if_none_is_named(void **state)
{
	(void)state;
	begin_soc();
	syscon("okay");
	CELLS("reg-io-width", 2);
	power_off_node(0xfe);
	CELLS("value", 7);
	end();
	end();
	finish();
	wrote(0x100170fe, 2, 7);
}

static void what_cannot_be_is_passed_over(void **state)
{
	static const struct {
		uint32_t map, offset, width;
		bool value;
	} cases[] = {
		{9, 0, 4, true},     /* no such map */
		{3, 0x100, 4, true}, /* behind it */
		{3, 0xfe, 4, true},  /* in part */
		{3, 2, 4, true},     /* misaligned */
		{3, 0, 3, true},     /* no width */
		{3, 0, 8, true},     /* none that is known */
		{3, 0, 4, false},    /* nothing to write */
		{3, UINT32_MAX - 3, 4, true},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		begin_soc();
		syscon("okay");
		CELLS("reg-io-width", cases[i].width);
		end();
		power_off_node(cases[i].offset);
		CELLS("regmap", cases[i].map);
		if (cases[i].value)
			CELLS("value", 1);
		end();
		finish();
		assert_false(power_off(false));
		assert_int_equal(written.count, 0);
	}
}

static void a_second_one_may_be_better(void **state)
{
	(void)state;
	begin_soc();
	power_off_node(0);
	CELLS("regmap", 8);
	CELLS("value", 1);
	end();
	begin("poweroff@1");
	text("compatible", "syscon-poweroff");
	text("status", "disabled");
	CELLS("regmap", 3);
	CELLS("offset", 4);
	CELLS("value", 2);
	end();
	begin("poweroff@2");
	text("compatible", "syscon-poweroff");
	CELLS("regmap", 3);
	CELLS("reg", 8);
	CELLS("value", 3);
	end();
	syscon("okay");
	end();
	finish();
	wrote(0x10017008, 4, 3);
}

static void a_machine_with_none(void **state)
{
	(void)state;
	make_visionfive2();
	power_find(tree);
	written.count = 0;
	assert_false(power_off(false));
	assert_int_equal(written.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_finisher_is_told_how_it_went),
		cmocka_unit_test(the_registers_that_are_named),
		cmocka_unit_test(the_parent_is_the_map_if_none_is_named),
		cmocka_unit_test(what_cannot_be_is_passed_over),
		cmocka_unit_test(a_second_one_may_be_better),
		cmocka_unit_test(a_machine_with_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
