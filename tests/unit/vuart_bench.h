/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's serial port on the bench: the wire, the line and a guest that does
 * single-byte accesses, for the tests that include this. Everything goes
 * through mmio_read() and mmio_write(), as a guest's accesses do.
 */
#ifndef TESTS_UNIT_VUART_BENCH_H
#define TESTS_UNIT_VUART_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/vuart.h"

#define BASE UINT64_C(0x10000000)

/* The outside: the wire, what came out, and what waits to go in. */
static struct {
	struct vuart vuart;
	bool wire;
	unsigned wire_changes;
	uint8_t sent[65536];
	unsigned sent_count;
	unsigned room_calls;
	unsigned input_next;
	unsigned input_end;
} outside;

static struct mmio_device *devices[1];

static inline void set_wire(struct irq_line *line, bool level)
{
	assert_ptr_equal(line->controller, &outside);
	assert_int_equal(line->source, 10);
	assert_int_not_equal(outside.wire, level);
	outside.wire = level;
	outside.wire_changes++;
}

static inline void transmit(void *context, uint8_t byte)
{
	assert_ptr_equal(context, &outside);
	assert_true(outside.sent_count < sizeof(outside.sent));
	outside.sent[outside.sent_count++] = byte;
}

static inline int setup(void **state)
{
	struct irq_line line = {.set = set_wire, .controller = &outside, .source = 10};

	(void)state;
	memset(&outside, 0, sizeof(outside));
	vuart_init(&outside.vuart, GPA(BASE), line, transmit, &outside);
	devices[0] = &outside.vuart.device;
	return 0;
}

static inline unsigned in(unsigned index)
{
	uint64_t value = UINT64_MAX;

	assert_true(mmio_read(devices, 1, GPA(BASE + index), 1, &value));
	assert_true(value <= 0xff);
	return (unsigned)value;
}

static inline void out(unsigned index, unsigned byte)
{
	assert_true(mmio_write(devices, 1, GPA(BASE + index), 1, byte));
}

static inline void receive(const char *text)
{
	for (; *text; text++)
		assert_true(vuart_receive(&outside.vuart, (uint8_t)*text));
}

static inline void assert_sent(const char *text)
{
	assert_int_equal(outside.sent_count, strlen(text));
	assert_memory_equal(outside.sent, text, strlen(text));
	outside.sent_count = 0;
}

#endif
