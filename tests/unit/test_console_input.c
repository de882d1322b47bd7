/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/console_mux.c drivers/mmio.c drivers/host_mmio.c drivers/uart.c */
/* sources: drivers/vuart.c mm/guest_memory.c tests/unit/fake_arch.c */
/* sources: tests/unit/console_bench.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * What is typed at several consoles on one: who has the foreground gets it, it waits for
 * room, and the escape keys lead to the monitor and back wherever the input is cut, and
 * whatever guest is in front.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/console_bench.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

/* ---- input ---- */

static void input_reaches_the_guest_in_order(void **state)
{
	(void)state;
	add_first();
	receive("abc");
	assert_int_equal(guest_reads(&first_port), 'a');
	receive("d");
	assert_reads(&first_port, "bcd");
}

/* More than the port holds comes as the guest makes room. */
static void input_waits_for_room(void **state)
{
	static char text[301];

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		text[i] = (char)('a' + i % 26);
	add_first();
	receive(text);
	assert_reads(&first_port, text);
}

/* Beyond the ring's size it waits where it comes from, and none is lost. */
static void input_beyond_all_room_waits_outside(void **state)
{
	static char text[4001];
	unsigned got = 0;

	(void)state;
	mux_escape((const uint8_t *)"", 0);
	for (unsigned i = 0; i < 4000; i++)
		text[i] = (char)(1 + i % 251);
	add_first();
	fake_machine.input = text;
	mux_receive();
	assert_int_equal(fake_machine.input - text, SCREEN_INPUT);
	mux_receive();
	/* the port itself has room for one */
	assert_int_equal(fake_machine.input - text, SCREEN_INPUT + 1);
	mux_receive();
	assert_int_equal(fake_machine.input - text, SCREEN_INPUT + 1);
	for (unsigned polls = 0; polls < 100; polls++) {
		mux_receive();
		for (int byte; (byte = guest_reads(&first_port)) >= 0; got++)
			assert_int_equal(byte, (uint8_t)text[got]);
	}
	assert_int_equal(got, 4000);
}

static void input_waits_for_a_guest(void **state)
{
	(void)state;
	fake_machine.input = "later";
	mux_receive();
	assert_string_equal(fake_machine.input, "later");
	add_first();
	mux_receive();
	assert_reads(&first_port, "later");
}

/* ---- the escape ---- */

static void the_escape_leads_to_the_monitor_and_back(void **state)
{
	(void)state;
	add_first();
	receive("a\x1dhelp");
	assert_string_equal(keys, "help");
	assert_int_equal(times_shown, 1);
	assert_reads(&first_port, "a");
	put(&first, "kept");
	assert_string_equal(output(), "");
	receive("\x1d"
		"b");
	assert_int_equal(times_hidden, 1);
	assert_string_equal(output(), "[console of first]\r\nkept");
	assert_reads(&first_port, "b");
	assert_string_equal(keys, "help");
}

static void twice_it_is_for_the_guest(void **state)
{
	(void)state;
	add_first();
	receive("\x1d\x1dx");
	assert_reads(&first_port, "\x1dx");
	receive("\x1dk\x1dy");
	assert_reads(&first_port, "y");
	assert_string_equal(keys, "k");
}

/* Of four keys, cut anywhere, after beginnings that come to nothing. */
static void a_long_escape_is_found_wherever_it_is_cut(void **state)
{
	const char *text = "aab"
			   "aaab"
			   "z";

	(void)state;
	mux_escape((const uint8_t *)"aaab", 4);
	for (unsigned cut = 0; cut <= strlen(text); cut++) {
		char part[16];

		console_bench_setup(NULL);
		mux_escape((const uint8_t *)"aaab", 4);
		add_first();
		snprintf(part, sizeof(part), "%.*s", (int)cut, text);
		receive(part);
		receive(text + cut);
		assert_string_equal(keys, "z");
		assert_reads(&first_port, "aab");
		console_bench_teardown(NULL);
	}
}

static void its_beginning_waits_for_the_next_key(void **state)
{
	(void)state;
	mux_escape((const uint8_t *)"\x01\x07", 2);
	assert_string_equal(mux_escape_text(), "^A^G");
	add_first();
	receive("\x01");
	assert_reads(&first_port, "");
	receive("\x01");
	assert_reads(&first_port, "\x01");
	receive("\x07q");
	assert_string_equal(keys, "q");
}

/* Also while the guest reads nothing; the monitor's own input is never short of room. */
static void a_guest_that_hangs_does_not_keep_the_monitor_away(void **state)
{
	(void)state;
	add_first();
	for (unsigned i = 0; i < 1000; i++)
		receive("x");
	receive("\x1dhelp");
	assert_string_equal(keys, "help");
}

/* Time goes on by so many seconds, at 100 ticks each, and all ticks that are due come. */
static void wait_for(unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 100; i++) {
		fake_machine.time++;
		if (mux_next_tick() <= fake_machine.time)
			mux_tick();
	}
}

static char *many_keys(const char *last)
{
	static char text[5000 + 32];

	memset(text, 'x', 5000);
	snprintf(text + 5000, 32, "%s", last);
	return text;
}

/* A guest that has read its keys before, and then no more. */
static void type_at_a_deaf_guest(const char *last)
{
	mux_init(100);
	add_first();
	for (unsigned i = 0; i < 33; i++) {
		receive("a");
		assert_reads(&first_port, "a");
	}
	fake_machine.input = many_keys(last);
	for (unsigned i = 0; i < 10; i++)
		mux_receive();
	output();
}

/* However much was typed before it; what is lost is said, once. */
static void the_escape_is_found_behind_what_a_deaf_guest_leaves(void **state)
{
	const char *said =
		"[first takes no keys: more are lost, but ^] leads to the monitor]\r\n";

	(void)state;
	type_at_a_deaf_guest("\x1dhelp");
	wait_for(1);
	assert_int_equal(strlen(fake_machine.input), 5005 - SCREEN_INPUT - 1);
	assert_string_equal(output(), "");
	wait_for(1);
	assert_string_equal(output(), said);
	wait_for(1);
	assert_string_equal(output(), "");
	assert_int_equal(times_shown, 1);
	mux_receive();
	assert_string_equal(keys, "help");
	assert_int_equal(first.input.count, sizeof(first.typed));
}

/* Not so fast that the boot hart does nothing else. */
static void what_is_lost_is_read_a_piece_in_each_tick(void **state)
{
	size_t left;

	(void)state;
	type_at_a_deaf_guest("");
	wait_for(2);
	left = strlen(fake_machine.input);
	assert_in_range(left, 3000, 5000 - SCREEN_INPUT - 2);
	fake_machine.time++;
	assert_true(mux_next_tick() <= fake_machine.time);
	mux_tick();
	assert_in_range(left - strlen(fake_machine.input), 1, 1024);
}

/* Back at a guest that is deaf still nothing is said again; nor is there any waiting. */
static void the_escape_leads_away_again_at_once(void **state)
{
	(void)state;
	type_at_a_deaf_guest("\x1d");
	wait_for(3);
	assert_int_equal(times_shown, 1);
	receive("\x1d");
	output();
	fake_machine.input = "yyy\x1d";
	mux_receive();
	assert_int_equal(times_shown, 1);
	fake_machine.time++;
	mux_tick();
	assert_int_equal(times_shown, 2);
	assert_string_equal(output(), "");
}

/* One that takes a key now and then is slow, and loses none. */
static void a_slow_guest_loses_nothing(void **state)
{
	unsigned got = 0;

	(void)state;
	type_at_a_deaf_guest("");
	for (unsigned i = 0; i < 2 * 5000; i++) {
		got += guest_reads(&first_port) == 'x';
		mux_receive();
		if (i % 100 == 0)
			wait_for(1);
	}
	assert_int_equal(got, 5000);
	assert_string_equal(output(), "");
}

/* What is typed ahead of a guest's start waits for longer. */
static void a_guest_that_starts_is_not_deaf(void **state)
{
	(void)state;
	mux_init(100);
	add_first();
	fake_machine.input = many_keys("\x1d");
	mux_receive();
	mux_receive();
	wait_for(14);
	assert_int_equal(strlen(fake_machine.input), 5001 - SCREEN_INPUT - 1);
	wait_for(2);
	assert_int_equal(times_shown, 1);
}

/* Where no keys lead to the monitor there is nothing to look for. */
static void without_an_escape_nothing_is_lost(void **state)
{
	(void)state;
	mux_escape((const uint8_t *)"", 0);
	type_at_a_deaf_guest("");
	assert_int_equal(mux_next_tick(), UINT64_MAX);
	wait_for(40);
	assert_int_equal(strlen(fake_machine.input), 5000 - SCREEN_INPUT - 1);
}

/* Who is shown instead takes what comes, whatever the one before was. */
static void another_guest_in_front_has_room(void **state)
{
	(void)state;
	type_at_a_deaf_guest("");
	mux_add(&second, "second", &second_port);
	mux_open(&second);
	mux_show(&second);
	assert_int_equal(mux_next_tick(), UINT64_MAX);
	fake_machine.input = "later";
	mux_receive();
	assert_reads(&second_port, "later");
}

static void every_byte_but_the_escape_reaches_the_guest(void **state)
{
	(void)state;
	add_first();
	for (unsigned byte = 1; byte < 256; byte++) {
		const char text[2] = {(char)byte, '\0'};

		if (byte == 0x1d)
			continue;
		receive(text);
		assert_int_equal(guest_reads(&first_port), byte);
	}
	assert_int_equal(key_count, 0);
}

static enum mux_taken take_nothing(void *context, uint8_t byte)
{
	(void)context;
	(void)byte;
	return MUX_FULL;
}

/* As a virtio console's, whose driver prints and gives no buffers for keys. */
static void one_that_says_it_has_room_and_takes_nothing_is_deaf(void **state)
{
	(void)state;
	type_at_a_deaf_guest("\x1dhelp");
	mux_attach(&first, take_nothing, NULL);
	for (unsigned i = 0; i < 60; i++) {
		mux_room(first.vuart->context);
		wait_for(1);
	}
	assert_int_equal(times_shown, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function)                                                                   \
	cmocka_unit_test_setup_teardown(function, console_bench_setup,                   \
					console_bench_teardown)
		TEST(input_reaches_the_guest_in_order),
		TEST(input_waits_for_room),
		TEST(one_that_says_it_has_room_and_takes_nothing_is_deaf),
		TEST(input_beyond_all_room_waits_outside),
		TEST(input_waits_for_a_guest),
		TEST(the_escape_leads_to_the_monitor_and_back),
		TEST(twice_it_is_for_the_guest),
		TEST(a_long_escape_is_found_wherever_it_is_cut),
		TEST(its_beginning_waits_for_the_next_key),
		TEST(a_guest_that_hangs_does_not_keep_the_monitor_away),
		TEST(the_escape_is_found_behind_what_a_deaf_guest_leaves),
		TEST(what_is_lost_is_read_a_piece_in_each_tick),
		TEST(the_escape_leads_away_again_at_once),
		TEST(a_slow_guest_loses_nothing),
		TEST(a_guest_that_starts_is_not_deaf),
		TEST(without_an_escape_nothing_is_lost),
		TEST(another_guest_in_front_has_room),
		TEST(every_byte_but_the_escape_reaches_the_guest),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
