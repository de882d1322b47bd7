/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/host_mmio.c */
/*
 * Access to the host's registers, on memory that stands for them: exactly the
 * bytes asked for, and a barrier before each store and after each load.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/arch.h"
#include "drivers/host_mmio.h"

static _Alignas(8) uint8_t block[8];
static uint8_t block_at_barrier[8];
static unsigned barriers;

void arch_io_barrier(void)
{
	memcpy(block_at_barrier, block, sizeof(block));
	memset(block + 4, 0xee, 4); /* what a device does meanwhile */
	barriers++;
}

static int setup(void **state)
{
	static const uint8_t content[8] = {0x80, 1, 2, 3, 0x84, 5, 6, 0x87};

	(void)state;
	memcpy(block, content, sizeof(block));
	barriers = 0;
	return 0;
}

static void reads_the_width_then_a_barrier(void **state)
{
	uintptr_t base = (uintptr_t)block;

	assert_int_equal(host_mmio_read(base, 1), 0x80);
	setup(state);
	assert_int_equal(host_mmio_read(base + 6, 2), 0x8706);
	assert_int_equal(barriers, 1);
	setup(state);
	assert_int_equal(host_mmio_read(base + 4, 4), 0x87060584);
	assert_int_equal(barriers, 1);
}

static void writes_the_width_after_a_barrier(void **state)
{
	static const uint8_t expected[3][4] = {
		{0x80, 0x78, 2, 3}, {0x80, 1, 0x78, 0x56}, {0x78, 0x56, 0x34, 0x12}};
	static const struct {
		unsigned offset;
		unsigned width;
	} cases[] = {{1, 1}, {2, 2}, {0, 4}};
	static const uint8_t untouched[4] = {0x80, 1, 2, 3};

	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		setup(state);
		host_mmio_write((uintptr_t)block + cases[i].offset, cases[i].width,
				0x12345678);
		assert_int_equal(barriers, 1);
		assert_memory_equal(block_at_barrier, untouched, 4);
		assert_memory_equal(block, expected[i], 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reads_the_width_then_a_barrier, setup),
		cmocka_unit_test_setup(writes_the_width_after_a_barrier, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
