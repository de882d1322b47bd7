/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/uart.c */
/*
 * The driver of SiFive's UART against a model of it: two FIFOs of 8 bytes, nothing
 * sent or received until that is switched on, a receive register that a read empties,
 * and a level-triggered interrupt. Every access must be of 32 bits, at a register.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/host_mmio.h"
#include "drivers/uart.h"

#define BASE  UINT64_C(0x10010000)
#define FIFO  8u
#define EMPTY (UINT32_C(1) << 31)
#define FULL  (UINT32_C(1) << 31)

enum { TXDATA, RXDATA, TXCTRL, RXCTRL, IE, IP, DIV, REGISTERS };

static struct {
	uint32_t registers[REGISTERS];
	unsigned queued;   /* bytes that are still to be sent */
	unsigned patience; /* reads of TXDATA until one is */
	uint8_t received[FIFO];
	unsigned waiting;
	uint8_t sent[4096];
	unsigned sent_count;
	unsigned writes;
	bool absent;
} chip;

static struct uart uart;

static unsigned register_at(uintptr_t address, unsigned width)
{
	assert_int_equal(width, 4);
	assert_int_equal(address % 4, 0);
	assert_true(address >= BASE && address < BASE + 4 * REGISTERS);
	return (unsigned)(address - BASE) / 4;
}

/* A byte goes out while the driver looks on, and the junk above means nothing. */
static uint32_t read_txdata(void)
{
	if (chip.queued > 0 && chip.patience-- == 0) {
		chip.queued--;
		chip.patience = 3;
	}
	return (chip.queued == FIFO ? FULL : 0) | 0x00abcd00;
}

static uint32_t read_rxdata(void)
{
	uint32_t byte;

	if (chip.waiting == 0)
		return EMPTY | 0x5a;
	byte = chip.received[0];
	memmove(chip.received, chip.received + 1, --chip.waiting);
	return byte | 0x7fffff00;
}

uint32_t host_mmio_read(uintptr_t address, unsigned width)
{
	unsigned index = register_at(address, width);

	if (chip.absent)
		return UINT32_MAX;
	if (index == TXDATA)
		return read_txdata();
	return index == RXDATA ? read_rxdata() : chip.registers[index];
}

void host_mmio_write(uintptr_t address, unsigned width, uint32_t value)
{
	unsigned index = register_at(address, width);

	assert_false(chip.absent);
	assert_true(index != RXDATA && index != IP && index != DIV);
	chip.writes++;
	if (index != TXDATA) {
		chip.registers[index] = value;
		return;
	}
	assert_true(chip.registers[TXCTRL] & 1);
	assert_true(chip.queued < FIFO);
	assert_true(value <= 0xff);
	assert_true(chip.sent_count < sizeof(chip.sent));
	chip.queued++;
	chip.sent[chip.sent_count++] = (uint8_t)value;
}

static bool chip_receives(uint8_t byte)
{
	if (!(chip.registers[RXCTRL] & 1) || chip.waiting == FIFO)
		return false;
	chip.received[chip.waiting++] = byte;
	return true;
}

static bool wire(void)
{
	return (chip.registers[IE] & 2 &&
		chip.waiting > (chip.registers[RXCTRL] >> 16 & 7)) ||
	       chip.registers[IE] & 1;
}

/* As a reset leaves it, but for the speed and two stop bits that firmware has set. */
static int setup(void **state)
{
	(void)state;
	memset(&chip, 0, sizeof(chip));
	chip.registers[DIV] = 289;
	chip.registers[TXCTRL] = 2;
	chip.registers[RXCTRL] = 3u << 16;
	chip.registers[IE] = 3;
	return (int)uart_init(&uart, &uart_sifive, BASE, 0, 1);
}

static void is_found_by_its_name(void **state)
{
	static const char names[] = "maker,first\0sifive,uart0";
	static const char unknown[] = "sifive,uart\0\0sifive,uart00";

	(void)state;
	assert_ptr_equal(uart_find_driver(names, sizeof(names)), &uart_sifive);
	assert_null(uart_find_driver(names, sizeof("maker,first")));
	assert_null(uart_find_driver(unknown, sizeof(unknown)));
	assert_null(uart_find_driver("", 0));
	assert_int_equal(uart_init(&uart, NULL, BASE, 0, 1), STATUS_NOT_FOUND);
}

static void starts_sending_and_receiving_and_interrupts_off(void **state)
{
	(void)state;
	assert_int_equal(chip.registers[TXCTRL], 3); /* the stop bits as they were */
	assert_int_equal(chip.registers[RXCTRL],
			 1); /* an interrupt from the first byte */
	assert_int_equal(chip.registers[IE], 0);
	assert_int_equal(chip.registers[DIV], 289);
}

static void an_absent_chip_is_not_used(void **state)
{
	(void)state;
	chip.absent = true;
	chip.writes = 0;
	assert_int_equal(uart_init(&uart, &uart_sifive, BASE, 0, 1), STATUS_NOT_FOUND);
	assert_int_equal(uart_init(&uart, &uart_sifive, BASE + 2, 0, 1),
			 STATUS_UNSUPPORTED);
	assert_int_equal(chip.writes, 0);
}

static void waits_while_the_fifo_is_full(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		uart_put(&uart, (uint8_t)i);
	assert_int_equal(chip.sent_count, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(chip.sent[i], i & 0xff);
}

static void receives_by_interrupt(void **state)
{
	unsigned expected = 0;

	(void)state;
	assert_int_equal(uart_get(&uart), -1);
	assert_true(chip_receives(0xfe));
	assert_false(wire());
	assert_int_equal(uart_get(&uart), 0xfe);
	uart_interrupt_enable(&uart);
	assert_false(wire());
	for (unsigned burst = 1; burst <= FIFO; burst++) {
		for (unsigned i = 0; i < burst; i++) {
			assert_true(chip_receives((uint8_t)(expected + i)));
			assert_true(wire());
		}
		for (unsigned i = 0; i < burst; i++)
			assert_int_equal(uart_get(&uart), expected++);
		assert_false(wire());
		assert_int_equal(uart_get(&uart), -1);
	}
	uart_put(&uart, 'x'); /* sending must not interrupt */
	assert_false(wire());
}

/* Paused, received bytes wait in the chip; resumed, they interrupt at once. */
static void interrupts_pause(void **state)
{
	(void)state;
	uart_interrupt_enable(&uart);
	uart_interrupt_pause(&uart, true);
	assert_true(chip_receives('p'));
	assert_false(wire());
	uart_interrupt_pause(&uart, false);
	assert_true(wire());
	assert_int_equal(uart_get(&uart), 'p');
	assert_false(wire());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(is_found_by_its_name, setup),
		cmocka_unit_test_setup(starts_sending_and_receiving_and_interrupts_off,
				       setup),
		cmocka_unit_test_setup(an_absent_chip_is_not_used, setup),
		cmocka_unit_test_setup(waits_while_the_fifo_is_full, setup),
		cmocka_unit_test_setup(receives_by_interrupt, setup),
		cmocka_unit_test_setup(interrupts_pause, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
