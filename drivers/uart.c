/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's serial port: which driver is whose. See uart.h. */
#include "drivers/uart.h"
#include "core/string.h"

static const struct {
	const char *compatible;
	const struct uart_driver *driver;
} drivers[] = {
	{"ns16550a", &uart_ns16550},
	{"ns16550", &uart_ns16550},
	{"snps,dw-apb-uart", &uart_designware},
	{"sifive,uart0", &uart_sifive},
};

static const struct uart_driver *driver_of(const char *compatible)
{
	for (size_t i = 0; i < ARRAY_LENGTH(drivers); i++)
		if (strcmp(drivers[i].compatible, compatible) == 0)
			return drivers[i].driver;
	return NULL;
}

const struct uart_driver *uart_find_driver(const char *compatible, size_t size)
{
	const struct uart_driver *driver = NULL;

	for (size_t at = 0; at < size && !driver; at += strlen(compatible + at) + 1)
		driver = driver_of(compatible + at);
	return driver;
}

enum status uart_init(struct uart *uart, const struct uart_driver *driver, uintptr_t base,
		      unsigned shift, unsigned io_width)
{
	if (!driver)
		return STATUS_NOT_FOUND;
	*uart = (struct uart){
		.driver = driver, .base = base, .shift = shift, .io_width = io_width};
	return driver->init(uart);
}

void uart_put(struct uart *uart, uint8_t byte)
{
	uart->driver->put(uart, byte);
}

int uart_get(struct uart *uart)
{
	return uart->driver->get(uart);
}

void uart_interrupt_enable(struct uart *uart)
{
	uart->driver->interrupt_enable(uart);
}

void uart_interrupt_pause(struct uart *uart, bool paused)
{
	uart->driver->interrupt_pause(uart, paused);
}
