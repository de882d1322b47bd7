/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/switch.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * The switch, frame by frame: who gets what, before and after addresses are learned,
 * what a sender can do to the others (nothing: not their queues, not their addresses),
 * and that ports come and go at any time, a frame on its way or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/spin_lock.h"
#include "core/switch.h"
#include "tests/unit/fake_pages.h"

#define PORTS 4U

/* Ports 0, 1 and 2 are on one network, 3 is on another. */
static struct switch_port ports[PORTS];
static unsigned wakes[PORTS];
static bool another_is_waking; /* and comes back when this hart waits */
static char same_name[] = "lan"; /* but at another place */

void harts_serve(void)
{
	assert_true(another_is_waking);
	ports[1].wakers = 0;
}

static void wake(struct switch_port *port)
{
	wakes[port - ports]++;
}

/* The frame's addresses are numbers of one byte behind 02:00:00:00:00; 0xff is all's. */
static void make(uint8_t *frame, size_t size, uint8_t to, uint8_t from)
{
	memset(frame, 0, size);
	frame[0] = frame[6] = 2;
	if (to == 0xff)
		memset(frame, 0xff, MAC_SIZE);
	frame[5] = to;
	frame[11] = from;
	for (size_t i = SWITCH_FRAME_LEAST; i < size; i++)
		frame[i] = (uint8_t)(i * 7 + from);
}

static void send(unsigned port, uint8_t to, uint8_t from)
{
	uint8_t frame[60];

	make(frame, sizeof(frame), to, from);
	switch_send(&ports[port], frame, sizeof(frame));
}

/* Takes all that waits; who sent it, as digits in the order that it came. */
static const char *taken(unsigned port)
{
	static char text[2 * SWITCH_QUEUE_LIMIT];
	const struct switch_frame *frame;
	size_t length = 0;

	while ((frame = switch_next(&ports[port])) != NULL) {
		text[length++] = (char)('0' + frame->bytes[11]);
		switch_done(&ports[port]);
	}
	text[length] = '\0';
	return text;
}

#define assert_taken(a, b, c, d)                                                         \
	do {                                                                             \
		assert_string_equal(taken(0), a);                                        \
		assert_string_equal(taken(1), b);                                        \
		assert_string_equal(taken(2), c);                                        \
		assert_string_equal(taken(3), d);                                        \
	} while (0)

static void attach(unsigned index, const char *network)
{
	ports[index] = (struct switch_port){.wake = wake};
	assert_int_equal(switch_attach(&ports[index], network), STATUS_OK);
}

static int setup(void **state)
{
	(void)state;
	fake_pages_create();
	memset(wakes, 0, sizeof(wakes));
	another_is_waking = false;
	switch_woken = 0;
	attach(0, "lan");
	attach(1, same_name);
	attach(2, "lan");
	attach(3, "la");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PORTS; i++)
		switch_detach(&ports[i]);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
	return 0;
}

/* ---- who gets what ---- */

static void an_unknown_address_is_everywhere_but_behind_the_sender(void **state)
{
	(void)state;
	send(0, 9, 1);
	assert_taken("", "1", "1", "");
	send(3, 9, 1);
	assert_taken("", "", "", "");
}

static void what_was_learned_goes_to_one_port(void **state)
{
	(void)state;
	send(1, 9, 2);
	assert_taken("2", "", "2", "");
	send(0, 2, 1);
	assert_taken("", "1", "", "");
	send(1, 1, 2);
	assert_taken("2", "", "", "");
	send(3, 2, 4); /* another network's addresses are its own */
	send(0, 4, 1);
	assert_taken("", "1", "1", "");
}

static void what_is_for_many_goes_to_all(void **state)
{
	(void)state;
	send(1, 9, 2);
	assert_taken("2", "", "2", "");
	send(0, 0xff, 1);
	assert_taken("", "1", "1", "");
	uint8_t frame[60];
	make(frame, sizeof(frame), 1, 3);
	frame[0] = 1; /* a group's */
	switch_send(&ports[2], frame, sizeof(frame));
	assert_taken("3", "3", "", "");
}

/* Two machines behind one port have no need of the switch. */
static void no_frame_comes_back(void **state)
{
	(void)state;
	send(0, 9, 1);
	send(0, 9, 2);
	assert_taken("", "12", "12", "");
	send(0, 1, 2);
	assert_taken("", "", "", "");
}

static void a_group_is_nobodys_address(void **state)
{
	uint8_t frame[60];

	(void)state;
	make(frame, sizeof(frame), 9, 5);
	frame[6] = 3;
	switch_send(&ports[1], frame, sizeof(frame));
	memset(frame + 6, 0, MAC_SIZE);
	switch_send(&ports[1], frame, sizeof(frame));
	for (unsigned i = 0; i < SWITCH_LEARNED; i++)
		assert_int_equal(ports[1].learned[i], 0);
	assert_taken("50", "", "50", "");
	memset(frame, 0, MAC_SIZE); /* and 0 is no place that is free */
	switch_send(&ports[0], frame, sizeof(frame));
	assert_taken("", "0", "0", "");
}

static void who_moves_is_found_where_it_went(void **state)
{
	(void)state;
	send(1, 9, 5);
	send(2, 9, 5);
	assert_taken("55", "5", "5", "");
	send(0, 5, 1);
	assert_taken("", "", "1", "");
}

static void whoever_claims_an_address_does_not_get_it(void **state)
{
	(void)state;
	switch_detach(&ports[2]);
	send(0, 9, 7); /* learned, before the one comes that has it */
	assert_taken("", "7", "", "");
	ports[2] = (struct switch_port){.wake = wake, .mac = UINT64_C(0x020000000007)};
	assert_int_equal(switch_attach(&ports[2], "lan"), STATUS_OK);
	send(1, 7, 2);
	assert_taken("", "", "2", "");
	send(0, 9, 7);
	assert_taken("", "", "", "");
	assert_int_equal(ports[0].counts.dropped, 1);
	assert_int_equal(ports[0].counts.sent, 1);
	send(1, 7, 2);
	assert_taken("", "", "2", "");
	send(2, 9, 7); /* as its owner may */
	assert_taken("7", "7", "", "");
	send(3, 9, 7); /* and who is on another network */
	assert_int_equal(ports[3].counts.dropped, 0);
}

static void an_address_is_one_ports_on_a_network(void **state)
{
	const uint64_t before = fake_pages_taken();
	struct switch_port second = {.wake = wake, .mac = UINT64_C(0x020000000007)};

	(void)state;
	switch_detach(&ports[2]);
	ports[2] = (struct switch_port){.wake = wake, .mac = UINT64_C(0x020000000007)};
	assert_int_equal(switch_attach(&ports[2], "lan"), STATUS_OK);
	assert_int_equal(switch_attach(&second, same_name), STATUS_INVALID);
	assert_null(second.network);
	assert_int_equal(fake_pages_taken(), before);
	switch_detach(&second);
	assert_int_equal(switch_attach(&second, "la"), STATUS_OK);
	switch_detach(&second);
	switch_detach(&ports[2]);
	assert_int_equal(switch_attach(&second, "lan"), STATUS_OK);
	switch_detach(&second);
}

/* A sender of ever new addresses makes room among its own. */
static void addresses_are_forgotten_oldest_first(void **state)
{
	(void)state;
	send(1, 9, 100);
	for (uint8_t i = 1; i <= SWITCH_LEARNED; i++)
		send(2, 9, i);
	for (unsigned i = 0; i < 3; i++)
		taken(i);
	send(0, 1, 9);
	assert_taken("", "", "9", "");
	send(2, 99, SWITCH_LEARNED + 1);
	for (unsigned i = 0; i < 3; i++)
		taken(i);
	send(0, 1, 9);
	assert_taken("", "9", "9", "");
	send(0, 2, 9);
	assert_taken("", "", "9", "");
	send(0, 100, 9);
	assert_taken("", "9", "", "");
}

/* ---- frames ---- */

static void a_frame_comes_as_it_was_sent(void **state)
{
	static const size_t sizes[] = {SWITCH_FRAME_LEAST, 15, 60, 1500,
				       SWITCH_FRAME_MOST};
	uint8_t frame[SWITCH_FRAME_MOST + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		const struct switch_frame *got;

		make(frame, sizes[i], 0xff, (uint8_t)i);
		switch_send(&ports[0], frame, sizes[i]);
		memset(frame, 0xee, sizeof(frame));
		got = switch_next(&ports[1]);
		assert_non_null(got);
		make(frame, sizes[i], 0xff, (uint8_t)i);
		assert_int_equal(got->size, sizes[i]);
		assert_memory_equal(got->bytes, frame, sizes[i]);
		assert_ptr_equal(switch_next(&ports[1]), got);
		switch_done(&ports[1]);
		assert_null(switch_next(&ports[1]));
	}
}

static void what_is_no_frame_is_dropped(void **state)
{
	uint8_t frame[SWITCH_FRAME_MOST + 1];

	(void)state;
	make(frame, sizeof(frame), 0xff, 1);
	switch_send(&ports[0], frame, SWITCH_FRAME_LEAST - 1);
	switch_send(&ports[0], frame, 0);
	switch_send(&ports[0], frame, sizeof(frame));
	assert_int_equal(ports[0].counts.sent, 0);
	assert_int_equal(ports[0].learned[0], 0);
	assert_taken("", "", "", "");
}

static void a_full_queue_loses_what_comes_last(void **state)
{
	const unsigned more = 5;
	size_t length;

	(void)state;
	for (unsigned round = 1; round <= 3; round++) {
		for (unsigned i = 0; i < SWITCH_QUEUE_LIMIT + more; i++) {
			send(0, 0xff, i < SWITCH_QUEUE_LIMIT ? 1 : 2);
			taken(2);
		}
		assert_int_equal(ports[1].counts.dropped, round * more);
		assert_int_equal(ports[1].counts.received, round * SWITCH_QUEUE_LIMIT);
		assert_int_equal(ports[0].counts.sent,
				 round * (SWITCH_QUEUE_LIMIT + more));
		length = strlen(taken(1));
		assert_int_equal(length, SWITCH_QUEUE_LIMIT);
		assert_int_equal(ports[2].counts.dropped, 0);
	}
	send(0, 0xff, 3);
	assert_taken("", "3", "3", "");
}

/* The counts of frames are 32 bits wide, and go on from their end. */
static void counts_wrap(void **state)
{
	(void)state;
	ports[1].first = ports[1].end = UINT32_MAX - 1;
	for (uint8_t i = 1; i <= 5; i++)
		send(0, 0xff, i);
	assert_string_equal(taken(1), "12345");
}

/* ---- waking ---- */

static void whoever_got_a_frame_is_woken_once(void **state)
{
	(void)state;
	switch_deliver();
	send(0, 0xff, 1);
	send(0, 0xff, 1);
	assert_int_equal(wakes[1], 0);
	switch_deliver();
	assert_int_equal(wakes[0], 0);
	assert_int_equal(wakes[1], 1);
	assert_int_equal(wakes[2], 1);
	assert_int_equal(wakes[3], 0);
	switch_deliver();
	assert_int_equal(wakes[1], 1);
	assert_string_equal(taken(1), "11");
}

static void a_port_that_left_gets_nothing(void **state)
{
	(void)state;
	send(0, 0xff, 1);
	switch_detach(&ports[1]);
	switch_detach(&ports[1]);
	switch_deliver();
	assert_int_equal(wakes[1], 0);
	assert_int_equal(wakes[2], 1);
	send(0, 0xff, 1);
	attach(1, "lan");
	assert_string_equal(taken(1), "");
	send(1, 9, 2);
	assert_taken("2", "", "112", "");
}

static void a_port_off_the_switch_sends_nothing(void **state)
{
	(void)state;
	switch_detach(&ports[0]);
	send(0, 0xff, 1);
	assert_string_equal(taken(1), "");
}

/* ---- two harts ---- */

static void leave_while_woken(struct switch_port *port)
{
	assert_int_equal(port->wakers, 1);
	another_is_waking = true;
	switch_detach(port);
	assert_int_equal(port->wakers, 0);
	port->wakers = 1;
}

static void a_port_leaves_when_nobody_wakes_it(void **state)
{
	(void)state;
	ports[1].wake = leave_while_woken;
	send(0, 0xff, 1);
	switch_deliver();
	assert_null(ports[1].network);
}

/* A sender holds its own device's lock; nobody's else is wanted before it delivers. */
static void sending_wakes_nobody(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3 * SWITCH_QUEUE_LIMIT; i++)
		send(0, 0xff, 1);
	assert_int_equal(wakes[1] + wakes[2], 0);
}

static void more_ports_than_there_are_and_no_memory(void **state)
{
	static struct switch_port others[SWITCH_PORT_LIMIT];
	const uint64_t before = fake_pages_taken();

	(void)state;
	memset(others, 0, sizeof(others));
	fake_pages_allow(0);
	assert_int_equal(switch_attach(&others[0], "lan"), STATUS_NO_MEMORY);
	switch_detach(&others[0]);
	fake_pages_allow(UINT64_MAX);
	for (unsigned i = 0; i < SWITCH_PORT_LIMIT - PORTS; i++)
		assert_int_equal(switch_attach(&others[i], "far"), STATUS_OK);
	assert_int_equal(switch_attach(&others[SWITCH_PORT_LIMIT - PORTS], "far"),
			 STATUS_NO_MEMORY);
	for (unsigned i = 0; i < SWITCH_PORT_LIMIT; i++)
		switch_detach(&others[i]);
	assert_int_equal(fake_pages_taken(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(an_unknown_address_is_everywhere_but_behind_the_sender),
		TEST(what_was_learned_goes_to_one_port),
		TEST(what_is_for_many_goes_to_all),
		TEST(no_frame_comes_back),
		TEST(a_group_is_nobodys_address),
		TEST(who_moves_is_found_where_it_went),
		TEST(whoever_claims_an_address_does_not_get_it),
		TEST(an_address_is_one_ports_on_a_network),
		TEST(addresses_are_forgotten_oldest_first),
		TEST(a_frame_comes_as_it_was_sent),
		TEST(what_is_no_frame_is_dropped),
		TEST(a_full_queue_loses_what_comes_last),
		TEST(counts_wrap),
		TEST(whoever_got_a_frame_is_woken_once),
		TEST(a_port_that_left_gets_nothing),
		TEST(a_port_off_the_switch_sends_nothing),
		TEST(a_port_leaves_when_nobody_wakes_it),
		TEST(sending_wakes_nobody),
		TEST(more_ports_than_there_are_and_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
