/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/monitor_line.c core/log.c tests/unit/host_ram.c */
/*
 * The monitor's line editor: its keys, its history, and that no bytes whatever make a
 * line of anything but printable text that fits.
 */
#include <stdio.h>
#include <string.h>

#include "core/monitor_line.h"
#include "tests/unit/captured_console.h"
#include "tests/unit/host_ram.h"

static struct monitor_line line;
static char screen[8192];
static unsigned screen_length;

static void put(char byte)
{
	if (screen_length + 1 < sizeof(screen))
		screen[screen_length++] = byte;
	screen[screen_length] = '\0';
}

static int setup(void **state)
{
	(void)state;
	screen_length = 0;
	line = (struct monitor_line){.prompt = "> ", .put = put};
	monitor_line_begin(&line);
	return 0;
}

/* The event of the last key. */
static enum line_event type(const char *keys)
{
	enum line_event event = LINE_EDITED;

	for (; *keys; keys++)
		event = monitor_line_key(&line, (uint8_t)*keys);
	return event;
}

static void enter(const char *keys)
{
	assert_int_equal(type(keys), LINE_EDITED);
	assert_int_equal(type("\r"), LINE_DONE);
	monitor_line_begin(&line);
}

static void text_is_echoed_and_done(void **state)
{
	(void)state;
	assert_int_equal(type("help"), LINE_EDITED);
	assert_string_equal(screen, "> help");
	assert_int_equal(type("\r"), LINE_DONE);
	assert_string_equal(line.text, "help");
	assert_string_equal(screen, "> help\r\n");
	/* one key on some terminals, and of the next line on none */
	monitor_line_begin(&line);
	assert_int_equal(type("\n"), LINE_EDITED);
	assert_int_equal(type("\n"), LINE_DONE);
}

static void keys_edit(void **state)
{
	static const struct {
		const char *keys, *text;
		unsigned cursor;
	} cases[] = {
		{"ab\x7f" "c\bd", "ad", 2},
		{"\x7f\b\x17\x15", "", 0},
		{"one two\x15", "", 0},
		{"one two  \x17", "one ", 4},
		{"one two\x17\x17\x17", "", 0},
		{"ac\x1b[Db", "abc", 2},
		{"ac\x1bODb", "abc", 2},
		{"b\x01" "a\x05" "c", "abc", 3},
		{"b\x1b[Ha\x1b[Fc", "abc", 3},
		{"abc\x1b[1~\x1b[3~", "bc", 0},
		{"abc\x1b[D\x1b[D\x0b", "a", 1},
		{"one two\x1b[D\x1b[D\x15", "wo", 0},
		{"\x1b[D\x1b[Dx\x1b[C\x1b[C", "x", 1},
		{"x\x1b[999999999999999999999;5Zy", "xy", 2},
		{"x\x1b\x1b[Dy", "yx", 1},
		{"x\x1b[1\x7fy", "y", 1},
		{"a\tb\x80\xff\xc3\xa9", "ab", 2},
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		setup(state);
		type(cases[i].keys);
		assert_string_equal(line.text, cases[i].text);
		assert_int_equal(line.cursor, cases[i].cursor);
	}
}

static void control_c_gives_a_line_up(void **state)
{
	(void)state;
	assert_int_equal(type("vm list\x03"), LINE_CANCELLED);
	monitor_line_begin(&line);
	assert_string_equal(line.text, "");
	type("\x1b[A");
	assert_string_equal(line.text, "");
}

static void earlier_lines_come_back(void **state)
{
	(void)state;
	enter("one");
	enter("two");
	enter("two");
	enter("");
	type("draft\x1b[A");
	assert_string_equal(line.text, "two");
	type("\x1b[A");
	assert_string_equal(line.text, "one");
	type("\x1b[A");
	assert_string_equal(line.text, "one");
	type("\x1b[B!");
	assert_string_equal(line.text, "two!");
	type("\x1b[B\x1b[B");
	assert_string_equal(line.text, "draft");
}

static void history_is_bounded(void **state)
{
	char text[16];

	(void)state;
	for (unsigned i = 0; i < 3 * LINE_HISTORY; i++) {
		snprintf(text, sizeof(text), "line %u", i);
		enter(text);
	}
	for (unsigned i = 0; i < 2 * LINE_HISTORY; i++)
		type("\x10");
	snprintf(text, sizeof(text), "line %d", 2 * LINE_HISTORY);
	assert_string_equal(line.text, text);
}

static void a_line_has_room_for_so_much(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5 * LINE_LENGTH; i++)
		type("x");
	assert_int_equal(strlen(line.text), LINE_LENGTH);
	type("\x01y");
	assert_int_equal(strlen(line.text), LINE_LENGTH);
	assert_int_equal(line.text[0], 'x');
}

/* Any bytes, in any order: the line stays one. */
static void garbage_leaves_a_line(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		random = random * 1664525 + 1013904223;
		if (monitor_line_key(&line, (uint8_t)(random >> 24)) != LINE_EDITED)
			monitor_line_begin(&line);
		assert_int_equal(strlen(line.text), line.length);
		assert_in_range(line.cursor, 0, line.length);
		for (unsigned j = 0; j < line.length; j++)
			assert_in_range(line.text[j], ' ', '~');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup(function, setup)
		TEST(text_is_echoed_and_done),	   TEST(keys_edit),
		TEST(control_c_gives_a_line_up),   TEST(earlier_lines_come_back),
		TEST(history_is_bounded),	   TEST(a_line_has_room_for_so_much),
		TEST(garbage_leaves_a_line),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
