/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/uart.c drivers/vuart.c drivers/mmio.c */
/*
 * The host's serial driver against a serial chip: the one shown to guests,
 * behind the layouts of real boards, and made slow to transmit. Every access
 * must be of the board's width and at a register's own address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/host_mmio.h"
#include "drivers/ns16550.h"
#include "drivers/uart.h"
#include "drivers/vuart.h"

#define BASE UINT64_C(0x10010000)

static struct {
	struct vuart chip;
	unsigned shift;
	unsigned width;
	unsigned busy; /* reads of LSR until the last byte is out */
	bool absent;
	unsigned writes;
	uint8_t sent[4096];
	unsigned sent_count;
	bool wire;
} board;

static struct uart uart;

static uint64_t chip_register(uintptr_t address, unsigned width)
{
	uint64_t index = (address - BASE) >> board.shift;

	assert_int_equal(width, board.width);
	assert_int_equal(address, BASE + (index << board.shift));
	assert_true(index < NS16550_REGISTERS);
	return index;
}

uint32_t host_mmio_read(uintptr_t address, unsigned width)
{
	uint64_t index = chip_register(address, width);
	struct mmio_device *devices[] = {&board.chip.device};
	uint64_t value;

	if (board.absent)
		return width == 4 ? UINT32_MAX : 0xff;
	assert_true(mmio_read(devices, 1, GPA(index), 1, &value));
	if (index == NS16550_LSR && board.busy > 0) {
		board.busy--;
		value &= ~(uint64_t)(NS16550_LSR_THR_EMPTY | NS16550_LSR_IDLE);
	}
	return (uint32_t)value | (width == 4 ? 0xabcdef00 : 0); /* junk above */
}

void host_mmio_write(uintptr_t address, unsigned width, uint32_t value)
{
	uint64_t index = chip_register(address, width);
	struct mmio_device *devices[] = {&board.chip.device};

	assert_false(board.absent);
	assert_true(value <= 0xff);
	board.writes++;
	assert_true(mmio_write(devices, 1, GPA(index), 1, value));
}

static void set_wire(struct irq_line *line, bool level)
{
	(void)line;
	board.wire = level;
}

/* A byte that comes while the one before is on its way would be lost. */
static void transmit(void *context, uint8_t byte)
{
	(void)context;
	assert_int_equal(board.busy, 0);
	assert_true(board.sent_count < sizeof(board.sent));
	board.sent[board.sent_count++] = byte;
	board.busy = 3;
}

static void power_on(unsigned shift, unsigned width)
{
	struct irq_line line = {.set = set_wire};

	memset(&board, 0, sizeof(board));
	board.shift = shift;
	board.width = width;
	vuart_init(&board.chip, GPA(0), line, transmit, NULL);
}

static int setup(void **state)
{
	(void)state;
	power_on(0, 1);
	return (int)uart_init(&uart, &uart_ns16550, BASE, 0, 1);
}

static void layouts(void **state)
{
	static const struct {
		unsigned shift;
		unsigned width;
		enum status status;
	} cases[] = {
		{0, 1, STATUS_OK},	    {2, 4, STATUS_OK},
		{2, 1, STATUS_OK},	    {3, 4, STATUS_OK},
		{0, 4, STATUS_UNSUPPORTED}, {1, 4, STATUS_UNSUPPORTED},
		{2, 2, STATUS_UNSUPPORTED}, {2, 8, STATUS_UNSUPPORTED},
		{2, 0, STATUS_UNSUPPORTED}, {64, 4, STATUS_UNSUPPORTED},
		{12, 4, STATUS_OK},	    {13, 4, STATUS_UNSUPPORTED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		power_on(cases[i].shift, cases[i].width);
		assert_int_equal(uart_init(&uart, &uart_ns16550, BASE, cases[i].shift, cases[i].width),
				 cases[i].status);
		if (cases[i].status)
			continue;
		uart_put(&uart, 'p');
		assert_int_equal(board.sent[0], 'p');
		assert_true(vuart_receive(&board.chip, 0xfe));
		assert_int_equal(uart_get(&uart), 0xfe);
		assert_int_equal(uart_get(&uart), -1);
	}
	assert_int_equal(uart_init(&uart, &uart_ns16550, BASE + 2, 2, 4), STATUS_UNSUPPORTED);
}

static void leaves_the_speed_alone(void **state)
{
	(void)state;
	power_on(0, 1);
	host_mmio_write(BASE + NS16550_LCR, 1, 0x83);
	host_mmio_write(BASE + NS16550_DLL, 1, 0x0d);
	host_mmio_write(BASE + NS16550_DLM, 1, 0x01);
	assert_int_equal(uart_init(&uart, &uart_ns16550, BASE, 0, 1), STATUS_OK);
	uart_put(&uart, 'x'); /* DLAB was left set: it must not hit the divisor */
	uart_interrupt_enable(&uart);
	assert_int_equal(board.sent_count, 1);
	assert_int_equal(host_mmio_read(BASE + NS16550_LCR, 1), 0x03);
	host_mmio_write(BASE + NS16550_LCR, 1, 0x83);
	assert_int_equal(host_mmio_read(BASE + NS16550_DLL, 1), 0x0d);
	assert_int_equal(host_mmio_read(BASE + NS16550_DLM, 1), 0x01);
}

static void starts_with_interrupts_off(void **state)
{
	(void)state;
	host_mmio_write(BASE + NS16550_IER, 1, NS16550_IER_ALL);
	assert_true(board.wire);
	assert_int_equal(uart_init(&uart, &uart_ns16550, BASE, 0, 1), STATUS_OK);
	assert_false(board.wire);
}

static void an_absent_chip_is_not_used(void **state)
{
	(void)state;
	power_on(0, 1);
	board.absent = true;
	assert_int_equal(uart_init(&uart, &uart_ns16550, BASE, 0, 1), STATUS_NOT_FOUND);
	power_on(2, 4);
	board.absent = true;
	assert_int_equal(uart_init(&uart, &uart_ns16550, BASE, 2, 4), STATUS_NOT_FOUND);
	assert_int_equal(board.writes, 0);
}

static void waits_before_every_byte(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		uart_put(&uart, (uint8_t)i);
	assert_int_equal(board.sent_count, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(board.sent[i], i & 0xff);
}

static void receives_by_interrupt(void **state)
{
	unsigned expected = 0;

	(void)state;
	assert_true(vuart_receive(&board.chip, 'e'));
	assert_false(board.wire);
	assert_int_equal(uart_get(&uart), 'e');
	uart_interrupt_enable(&uart);
	assert_false(board.wire);
	for (unsigned burst = 1; burst <= 16; burst++) {
		for (unsigned i = 0; i < burst; i++) {
			assert_true(vuart_receive(&board.chip, (uint8_t)(expected + i)));
			assert_true(board.wire); /* from the first byte on */
		}
		for (unsigned i = 0; i < burst; i++)
			assert_int_equal(uart_get(&uart), expected++);
		assert_false(board.wire);
		assert_int_equal(uart_get(&uart), -1);
	}
	uart_put(&uart, 'x'); /* sending must not interrupt */
	assert_false(board.wire);
	assert_int_equal(host_mmio_read(BASE + NS16550_MCR, 1), 0x0b);
}

/* Paused, received bytes wait in the chip; resumed, they interrupt at once. */
static void interrupts_pause(void **state)
{
	(void)state;
	uart_interrupt_enable(&uart);
	uart_interrupt_pause(&uart, true);
	assert_int_equal(host_mmio_read(BASE + NS16550_MCR, 1), 0x09); /* no RTS */
	assert_true(vuart_receive(&board.chip, 'p'));
	assert_false(board.wire);
	uart_interrupt_pause(&uart, false);
	assert_int_equal(host_mmio_read(BASE + NS16550_MCR, 1), 0x0b);
	assert_true(board.wire);
	assert_int_equal(uart_get(&uart), 'p');
	assert_false(board.wire);
}

/* An overrun is counted by whoever sees it first, the sender included. */
static void overruns_are_counted(void **state)
{
	(void)state;
	uart_interrupt_enable(&uart);
	for (unsigned round = 0; round < 2; round++) {
		host_mmio_write(BASE + NS16550_MCR, 1, NS16550_MCR_LOOP);
		for (unsigned i = 0; i < 18; i++)
			host_mmio_write(BASE + NS16550_THR, 1, i);
		host_mmio_write(BASE + NS16550_MCR, 1, 0);
		if (round == 1)
			uart_put(&uart, 'x');
		for (int i = 0; i < 16; i++)
			assert_int_equal(uart_get(&uart), i);
		assert_int_equal(uart_get(&uart), -1);
		assert_int_equal(uart.overruns, round + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(layouts, setup),
		cmocka_unit_test_setup(leaves_the_speed_alone, setup),
		cmocka_unit_test_setup(starts_with_interrupts_off, setup),
		cmocka_unit_test_setup(an_absent_chip_is_not_used, setup),
		cmocka_unit_test_setup(waits_before_every_byte, setup),
		cmocka_unit_test_setup(receives_by_interrupt, setup),
		cmocka_unit_test_setup(interrupts_pause, setup),
		cmocka_unit_test_setup(overruns_are_counted, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
