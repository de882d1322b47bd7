/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/console.c drivers/mmio.c drivers/host_mmio.c drivers/uart.c */
/* sources: mm/guest_memory.c tests/unit/fake_arch.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c */
/* sources: drivers/virtio_console.c drivers/virtio_mmio.c drivers/virtio_queue.c */
/*
 * The host's console: lines and bytes out through the firmware, and in.
 */
#include "core/console.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

static int setup(void **state)
{
	(void)state;
	fake_arch_create(fake_default());
	return 0;
}

static void output_goes_through_the_firmware(void **state)
{
	(void)state;
	console_put('\n');
	fake_machine.output_length = 0;
	console_write("one");
	console_put('!');
	console_line_start();
	console_line_start();
	console_write("two\n");
	console_line_start();
	fake_machine.output[fake_machine.output_length] = '\0';
	assert_string_equal(fake_machine.output, "one!\r\ntwo\n");
}

static void input_stays_where_it_is_until_it_is_asked_for(void **state)
{
	(void)state;
	fake_machine.input = "ab";
	assert_int_equal(console_get(), 'a');
	assert_string_equal(fake_machine.input, "b");
	assert_int_equal(console_get(), 'b');
	assert_int_equal(console_get(), -1);
}

static void a_line_has_an_end(void **state)
{
	(void)state;
	console_put('\n');
	assert_false(console_is_in_line());
	console_put('x');
	assert_true(console_is_in_line());
	console_write("y\r\n");
	assert_false(console_is_in_line());
}

/* A line may be begun within another, and the next hart finds the console free. */
static void turns_may_be_nested(void **state)
{
	(void)state;
	console_hold();
	console_write("a line");
	console_hold();
	console_line_start();
	console_release();
	console_put('x');
	console_release();
	fake_hart_switch(1);
	console_line_start();
	assert_string_equal(fake_machine.output, "a line\r\nx\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup(function, setup)
		TEST(output_goes_through_the_firmware),
		TEST(input_stays_where_it_is_until_it_is_asked_for),
		TEST(a_line_has_an_end),
		TEST(turns_may_be_nested),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
