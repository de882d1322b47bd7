/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/uart.c */
/*
 * The driver of DesignWare's UART against a model of what it has beyond a 16550: it is
 * busy for a while, loses writes of LCR meanwhile and interrupts because of them until
 * USR is read, and can be left with a receive timeout that only a read of RBR ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/host_mmio.h"
#include "drivers/ns16550.h"
#include "drivers/uart.h"

#define BASE UINT64_C(0x10000000)
#define USR  31u

static struct {
	unsigned busy; /* reads of USR until it is not */
	bool busy_interrupt;
	bool stale_timeout;
	unsigned line_control;
	unsigned received; /* bytes that wait: 'a', 'b', ... */
	unsigned comes;	   /* one more comes when IIR has been read so often; 0: none */
	char next;
	unsigned sent;
} chip;

static struct uart uart;

static unsigned register_at(uintptr_t address, unsigned width)
{
	assert_int_equal(width, 4);
	assert_int_equal(address % 4, 0);
	assert_true(address >= BASE && address <= BASE + 4 * USR);
	return (unsigned)(address - BASE) / 4;
}

static uint32_t read_rbr(void)
{
	assert_false(chip.line_control & NS16550_LCR_DLAB);
	chip.stale_timeout = false;
	if (chip.received == 0)
		return 0;
	chip.received--;
	return (uint32_t)chip.next++;
}

static uint32_t read_iir(void)
{
	uint32_t reason = NS16550_IIR_NONE;

	if (chip.received > 0)
		reason = NS16550_IIR_RECEIVED;
	else if (chip.stale_timeout)
		reason = NS16550_IIR_TIMEOUT;
	else if (chip.busy_interrupt)
		reason = 7;
	if (chip.comes > 0 && --chip.comes == 0)
		chip.received++;
	return reason | NS16550_IIR_FIFOS;
}

static uint32_t read_usr(void)
{
	chip.busy_interrupt = false;
	if (chip.busy == 0)
		return 0;
	chip.busy--;
	return 1;
}

uint32_t host_mmio_read(uintptr_t address, unsigned width)
{
	switch (register_at(address, width)) {
	case NS16550_RBR:
		return read_rbr();
	case NS16550_IIR:
		return read_iir();
	case NS16550_LCR:
		return chip.line_control;
	case NS16550_LSR:
		return NS16550_LSR_THR_EMPTY |
		       (chip.received > 0 ? NS16550_LSR_DATA_READY : 0);
	case USR:
		return read_usr();
	default:
		return 0;
	}
}

void host_mmio_write(uintptr_t address, unsigned width, uint32_t value)
{
	unsigned index = register_at(address, width);

	if (index == NS16550_THR)
		chip.sent++;
	if (index != NS16550_LCR)
		return;
	if (chip.busy > 0)
		chip.busy_interrupt = true;
	else
		chip.line_control = value;
}

static enum status start(void)
{
	static const char names[] = "snps,dw-apb-uart";
	const struct uart_driver *driver = uart_find_driver(names, sizeof(names));

	assert_ptr_equal(driver, &uart_designware);
	return uart_init(&uart, driver, BASE, 2, 4);
}

static int begin(void **state)
{
	(void)state;
	memset(&chip, 0, sizeof(chip));
	chip.line_control = 3;
	chip.next = 'a';
	return (int)start();
}

static void it_works_as_a_16550_does(void **state)
{
	(void)state;
	uart_interrupt_enable(&uart);
	uart_put(&uart, 'x');
	assert_int_equal(chip.sent, 1);
	chip.received = 2;
	assert_int_equal(uart_get(&uart), 'a');
	assert_int_equal(uart_get(&uart), 'b');
	assert_int_equal(uart_get(&uart), -1);
	uart_interrupt_pause(&uart, true);
	assert_int_equal(uart_init(&uart, &uart_designware, BASE, 1, 4),
			 STATUS_UNSUPPORTED);
}

static void a_busy_chip_is_waited_for(void **state)
{
	(void)state;
	chip.line_control = 3 | NS16550_LCR_DLAB;
	chip.busy = 40;
	assert_int_equal(start(), STATUS_OK);
	assert_int_equal(chip.line_control, 3);
	assert_false(chip.busy_interrupt);
	/* but not for ever */
	chip.line_control = 3 | NS16550_LCR_DLAB;
	chip.busy = UINT32_MAX;
	assert_int_equal(start(), STATUS_NOT_FOUND);
}

static void its_own_interrupts_are_taken_back(void **state)
{
	(void)state;
	chip.stale_timeout = true;
	assert_int_equal(uart_get(&uart), -1);
	assert_false(chip.stale_timeout);
	chip.busy_interrupt = true;
	assert_int_equal(uart_get(&uart), -1);
	assert_false(chip.busy_interrupt);
	/* the one behind the other, since only the first is told */
	chip.stale_timeout = true;
	chip.busy_interrupt = true;
	assert_int_equal(uart_get(&uart), -1);
	assert_int_equal(uart_get(&uart), -1);
	assert_false(chip.stale_timeout || chip.busy_interrupt);
}

static void a_byte_that_comes_meanwhile_is_not_lost(void **state)
{
	(void)state;
	chip.stale_timeout = true;
	chip.comes = 1;
	assert_int_equal(uart_get(&uart), 'a');
	assert_int_equal(uart_get(&uart), -1);
	assert_int_equal(chip.received, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_works_as_a_16550_does, begin),
		cmocka_unit_test_setup(a_busy_chip_is_waited_for, begin),
		cmocka_unit_test_setup(its_own_interrupts_are_taken_back, begin),
		cmocka_unit_test_setup(a_byte_that_comes_meanwhile_is_not_lost, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
