/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/log.c tests/unit/host_ram.c */
/* Gnomon's own lines, and formatting against the C library's snprintf(). */
#include <limits.h>
#include <stdio.h>

#include "core/log.h"
#include "tests/unit/captured_console.h"
#include "tests/unit/host_ram.h"

#define SAME(...)                                                                        \
	do {                                                                             \
		char ours[200], theirs[200];                                             \
		format_text(ours, sizeof(ours), __VA_ARGS__);                            \
		snprintf(theirs, sizeof(theirs), __VA_ARGS__);                           \
		assert_string_equal(ours, theirs);                                       \
	} while (0)

static void formats_mean_what_they_do_in_c(void **state)
{
	(void)state;
	SAME("plain");
	SAME("%s|%s|%s", "", "a", "two words");
	SAME("%8s|%-8s|%2s", "right", "left", "long");
	SAME("%c%c", 'x', '%');
	SAME("%u %u %lu %lu", 0u, UINT_MAX, 0ul, ULONG_MAX);
	SAME("%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
	SAME("%ld %ld", LONG_MAX, LONG_MIN);
	SAME("%x %lx %x", 0u, ULONG_MAX, 0xdeadbeefu);
	SAME("%08x|%16lx|%-6x|%4x", 0x1234u, 0xabcul, 0x12u, 0x123456u);
	SAME("%5u|%-5u|%05u|%1u", 42u, 42u, 42u, 42u);
	SAME("%5d|%-5d", -42, -42);
	SAME("100%%");
}

static void text_is_cut_to_the_buffer(void **state)
{
	char buffer[8];

	(void)state;
	for (size_t size = 1; size <= sizeof(buffer); size++) {
		memset(buffer, '#', sizeof(buffer));
		format_text(buffer, size, "%s%u", "abcdef", 123u);
		assert_int_equal(strlen(buffer), size - 1);
		assert_memory_equal(buffer, "abcdef1", size - 1);
		for (size_t i = size; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], '#');
	}
	expect_assertion(format_text(buffer, 0, "x"));
}

static void lines_begin_in_the_first_column(void **state)
{
	(void)state;
	captured_clear();
	log_line("%s of %u", "one", 2u);
	assert_string_equal(captured, "gnomon: one of 2\r\n");
	captured_clear();
	console_write("login: ");
	log_line("%lx", 255ul);
	assert_string_equal(captured, "login: \r\ngnomon: ff\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_mean_what_they_do_in_c),
		cmocka_unit_test(text_is_cut_to_the_buffer),
		cmocka_unit_test(lines_begin_in_the_first_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
