/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/console_mux.c drivers/mmio.c drivers/host_mmio.c drivers/uart.c */
/* sources: drivers/vuart.c mm/guest_memory.c tests/unit/fake_arch.c */
/* sources: tests/unit/console_bench.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * Several consoles on one: who has the foreground is seen, the others' output is kept
 * and no more of it than there is room, or comes by the line.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/console_bench.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

/* ---- who has the console ---- */

static void the_first_guest_has_the_foreground(void **state)
{
	(void)state;
	add_both();
	put(&first, "seen");
	put(&second, "kept");
	assert_string_equal(output(), "seen");
	receive("x");
	assert_reads(&first_port, "x");
	assert_reads(&second_port, "");
}

static void what_was_kept_is_shown(void **state)
{
	(void)state;
	add_both();
	put(&second, "kept\r\n");
	output();
	mux_show(&second);
	assert_string_equal(output(), "[console of second]\r\nkept\r\n");
	put(&second, "at once");
	assert_string_equal(output(), "at once");
	put(&first, "not");
	assert_string_equal(output(), "");
}

static void one_that_is_off_is_said_to_be(void **state)
{
	(void)state;
	add_both();
	put(&second, "last");
	mux_close(&second);
	mux_show(&second);
	assert_string_equal(output(), "[console of second]\r\n[it does not run]\r\nlast");
}

/* A guest may say as much as it likes; the last of it is kept, and the rest counted. */
static void no_more_is_kept_than_there_is_room(void **state)
{
	char expected[96];
	unsigned shown_bytes = 0;

	(void)state;
	add_both();
	for (unsigned i = 0; i < 3 * SCREEN_KEPT + 5; i++)
		mux_put(&second, (uint8_t)('a' + i % 26));
	assert_int_equal(second.output.count, SCREEN_KEPT);
	output();
	mux_init(2 * 100 * 1000); /* a slice is 1000 ticks of the clock, which stands */
	snprintf(expected, sizeof(expected),
		 "[console of second]\r\n[%d bytes before this were dropped]\r\n",
		 2 * SCREEN_KEPT + 5);
	second.output.count = 26; /* all that the fake machine's output has room for */
	mux_show(&second);
	assert_memory_equal(output(), expected, strlen(expected));
	shown_bytes = (unsigned)strlen(fake_machine.output + strlen(expected));
	assert_int_equal(shown_bytes, 26);
	assert_int_equal(fake_machine.output[strlen(expected)],
			 'a' + (2 * SCREEN_KEPT + 5) % 26);
}

/* In the foreground nothing is lost: what does not fit goes out at once. */
static void the_foreground_drops_nothing(void **state)
{
	(void)state;
	add_first();
	mux_keep(&first, 'x');
	for (unsigned i = 0; i < SCREEN_KEPT - 1; i++)
		mux_put(&first, '.');
	assert_string_equal(output(), "");
	put(&first, "yz");
	assert_string_equal(output(), "x.");
	assert_int_equal(first.dropped, 0);
	first.output.count = 0;
}

static void a_removed_guest_says_its_last(void **state)
{
	(void)state;
	add_both();
	put(&second, "last words");
	output();
	mux_remove(&second);
	assert_string_equal(output(), "[console of second]\r\nlast words");
	mux_remove(&second);
	assert_string_equal(output(), "");
	mux_remove(&first);
	assert_null(mux_last());
	put(&first, "nobody");
	assert_string_equal(output(), "");
}

/* ---- in slices ---- */

/* While the answer is not out, what is typed waits; ticks bring it out. */
static void the_monitor_takes_no_key_before_its_answer_is_out(void **state)
{
	(void)state;
	add_first();
	receive("\x1d");
	mux_init(100); /* a slice of nothing: only ticks */
	mux_keep(&monitor, 'A');
	fake_machine.input = "k";
	mux_receive();
	assert_string_equal(keys, "");
	assert_int_equal(mux_next_tick(), UINT64_MAX);
	mux_init(0);
	mux_tick();
	assert_string_equal(output(), "A");
	mux_receive();
	assert_string_equal(keys, "k");
}

static void ticks_come_when_they_were_asked_for(void **state)
{
	(void)state;
	add_first();
	fake_machine.time = 100;
	assert_int_equal(mux_next_tick(), UINT64_MAX);
	mux_wake(150);
	assert_int_equal(mux_next_tick(), 150);
	mux_tick();
	assert_int_equal(ticks, 0);
	fake_machine.time = 150;
	mux_tick();
	assert_int_equal(ticks, 1);
	assert_int_equal(mux_next_tick(), UINT64_MAX);
}

/* ---- interleaved ---- */

static void lines_of_the_background_are_marked(void **state)
{
	(void)state;
	mux_interleave(true);
	add_both();
	put(&first, "$ ");
	put(&second, "one\r\ntw");
	assert_string_equal(output(), "$ \r\n[second] one\r\n");
	put(&second, "o\r\n");
	assert_string_equal(output(), "[second] two\r\n");
}

/* No line of a guest's can end early, grow without end, or do anything to a terminal. */
static void a_line_in_between_is_only_a_line(void **state)
{
	const char *text;

	(void)state;
	mux_interleave(true);
	add_both();
	put(&second, "\x1b[2J\x9b"
		     "gnomon: forged\n");
	assert_string_equal(output(), "[second] ?[2J?gnomon: forged\r\n");
	for (unsigned i = 0; i < SCREEN_LINE + 1; i++)
		mux_put(&second, 'x');
	text = output();
	assert_int_equal(strlen(text), strlen("[second] \r\n") + SCREEN_LINE);
	mux_show(&second);
	assert_string_equal(output(), "[console of second]\r\nx");
}

/* In their order, also when the choice changes. */
static void what_was_kept_before_comes_first(void **state)
{
	(void)state;
	add_both();
	put(&second, "kept\n");
	mux_interleave(true);
	put(&second, "new\n");
	assert_string_equal(output(), "[second] kept\r\n[second] new\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function)                                                                   \
	cmocka_unit_test_setup_teardown(function, console_bench_setup,                   \
					console_bench_teardown)
		TEST(the_first_guest_has_the_foreground),
		TEST(what_was_kept_is_shown),
		TEST(one_that_is_off_is_said_to_be),
		TEST(no_more_is_kept_than_there_is_room),
		TEST(the_foreground_drops_nothing),
		TEST(a_removed_guest_says_its_last),
		TEST(the_monitor_takes_no_key_before_its_answer_is_out),
		TEST(ticks_come_when_they_were_asked_for),
		TEST(lines_of_the_background_are_marked),
		TEST(a_line_in_between_is_only_a_line),
		TEST(what_was_kept_before_comes_first),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
