/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's console. See console.h. What is typed is left in the UART, and with the
 * firmware, until somebody asks for it.
 */
#include "core/console.h"
#include "core/arch.h"
#include "core/spin_lock.h"
#include "drivers/uart.h"

static struct {
	struct uart *uart;
	bool in_line;
} console;

static struct {
	struct spin_lock lock;
	uint32_t holder; /* its hart's index + 1, while it is taken */
	unsigned depth;
} turn;

void console_hold(void)
{
	const uint32_t self = arch_hart_index() + 1;

	if (__atomic_load_n(&turn.holder, __ATOMIC_RELAXED) != self) {
		spin_lock_take(&turn.lock);
		__atomic_store_n(&turn.holder, self, __ATOMIC_RELAXED);
	}
	turn.depth++;
}

void console_release(void)
{
	if (--turn.depth > 0)
		return;
	__atomic_store_n(&turn.holder, 0, __ATOMIC_RELAXED);
	spin_lock_give(&turn.lock);
}

/* ---- output ---- */

static void put(uint8_t byte)
{
	console.in_line = byte != '\n';
	if (console.uart)
		uart_put(console.uart, byte);
	else
		arch_firmware_put(byte);
}

void console_put(uint8_t byte)
{
	console_hold();
	put(byte);
	console_release();
}

void console_write(const char *text)
{
	console_hold();
	while (*text)
		put((uint8_t)*text++);
	console_release();
}

void console_line_start(void)
{
	console_hold();
	if (console.in_line)
		console_write("\r\n");
	console_release();
}

bool console_is_in_line(void)
{
	return console.in_line;
}

/* ---- input ---- */

void console_use_uart(struct uart *uart)
{
	console.uart = uart;
}

int console_get(void)
{
	return console.uart ? uart_get(console.uart) : arch_firmware_get();
}

void console_pause(bool paused)
{
	if (console.uart)
		uart_interrupt_pause(console.uart, paused);
}
