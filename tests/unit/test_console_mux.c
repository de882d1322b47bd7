/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/console_mux.c drivers/mmio.c drivers/host_mmio.c drivers/uart.c */
/* sources: drivers/vuart.c mm/guest_memory.c tests/unit/fake_arch.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * Several consoles on one: who has the foreground gets what is typed and is seen, the
 * others' output is kept and no more of it than there is room, and the escape keys lead
 * to the monitor and back wherever the input is cut.
 */
#include <stdio.h>
#include <string.h>

#include "core/console.h"
#include "core/console_mux.h"
#include "drivers/vuart.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

static struct vuart first_port, second_port;
static struct screen first, second, monitor;

static char keys[64];
static unsigned key_count, times_shown, times_hidden, ticks;

static void key(uint8_t byte)
{
	keys[key_count++] = (char)byte;
	keys[key_count] = '\0';
}

static void shown(bool is_shown)
{
	times_shown += is_shown;
	times_hidden += !is_shown;
}

static void tick(void)
{
	ticks++;
}

static void ignore(void *context, uint8_t byte)
{
	(void)context;
	(void)byte;
}

static unsigned guest_register(struct vuart *port, unsigned offset)
{
	uint64_t value = 0;

	assert_true(port->device.read(&port->device, offset, 1, &value));
	return (unsigned)value;
}

static int guest_reads(struct vuart *port)
{
	if (!(guest_register(port, NS16550_LSR) & NS16550_LSR_DATA_READY))
		return -1;
	return (int)guest_register(port, NS16550_RBR);
}

static void make_port(struct vuart *port)
{
	vuart_init(port, GPA(0x10000000), (struct irq_line){0}, ignore, port);
}

static void add_first(void)
{
	mux_add(&first, "first", &first_port);
	mux_open(&first);
}

static void add_both(void)
{
	add_first();
	mux_add(&second, "second", &second_port);
	mux_open(&second);
}

static int setup(void **state)
{
	static const struct screen_owner owner = {key, shown, tick};

	(void)state;
	console_put('\n');
	fake_arch_create(fake_default());
	make_port(&first_port);
	make_port(&second_port);
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	memset(&monitor, 0, sizeof(monitor));
	key_count = times_shown = times_hidden = ticks = 0;
	keys[0] = '\0';
	mux_init(0);
	mux_escape((const uint8_t *)"\x1d", 1);
	mux_monitor(&monitor, &owner);
	mux_interleave(false);
	return 0;
}

/* Whoever is in front, so that the next test begins with nobody. */
static int teardown(void **state)
{
	(void)state;
	mux_remove(&second);
	mux_remove(&first);
	memset(&first, 0, sizeof(first));
	add_first();
	mux_show(&first);
	mux_remove(&first);
	return 0;
}

static void receive(const char *text)
{
	fake_machine.input = text;
	mux_receive();
	assert_int_equal(*fake_machine.input, '\0');
}

static void put(struct screen *screen, const char *text)
{
	while (*text)
		mux_put(screen, (uint8_t)*text++);
}

static const char *output(void)
{
	fake_machine.output[fake_machine.output_length] = '\0';
	fake_machine.output_length = 0;
	return fake_machine.output;
}

static void assert_reads(struct vuart *port, const char *text)
{
	for (; *text; text++)
		assert_int_equal(guest_reads(port), (uint8_t)*text);
	assert_int_equal(guest_reads(port), -1);
}

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

		setup(NULL);
		mux_escape((const uint8_t *)"aaab", 4);
		add_first();
		snprintf(part, sizeof(part), "%.*s", (int)cut, text);
		receive(part);
		receive(text + cut);
		assert_string_equal(keys, "z");
		assert_reads(&first_port, "aab");
		teardown(NULL);
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
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(input_reaches_the_guest_in_order),
		TEST(input_waits_for_room),
		TEST(input_beyond_all_room_waits_outside),
		TEST(input_waits_for_a_guest),
		TEST(the_first_guest_has_the_foreground),
		TEST(what_was_kept_is_shown),
		TEST(one_that_is_off_is_said_to_be),
		TEST(no_more_is_kept_than_there_is_room),
		TEST(the_foreground_drops_nothing),
		TEST(a_removed_guest_says_its_last),
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
		TEST(the_monitor_takes_no_key_before_its_answer_is_out),
		TEST(ticks_come_when_they_were_asked_for),
		TEST(lines_of_the_background_are_marked),
		TEST(a_line_in_between_is_only_a_line),
		TEST(what_was_kept_before_comes_first),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
