/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's console. See console.h.
 *
 * Input waits in a ring until the attached guest has room. When the ring is full
 * the rest is left in the UART, its interrupt off, and with the firmware: a long
 * paste into a slow guest waits where it came from instead of being lost.
 */
#include "core/console.h"
#include "core/arch.h"
#include "core/spin_lock.h"
#include "drivers/uart.h"
#include "drivers/virtio_console.h"
#include "drivers/vuart.h"

#define INPUT_SIZE 1024

static struct {
	struct uart *uart;
	struct vuart *attached;
	struct virtio_console *virtio; /* of the same guest */
	bool in_line;
	bool paused;	/* the ring is full: the UART may not interrupt */
	unsigned head;	/* oldest byte of input */
	unsigned count; /* bytes of input */
	uint8_t input[INPUT_SIZE];
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

/* ---- input ---- */

void console_use_uart(struct uart *uart)
{
	console.uart = uart;
}

bool console_is_polled(void)
{
	return console.uart == NULL;
}

static void set_paused(bool paused)
{
	console.paused = paused;
	if (console.uart)
		uart_interrupt_pause(console.uart, paused);
}

/* A guest that has a driver for its virtio console at work listens there. */
static bool hand_over(uint8_t byte)
{
	if (console.virtio && virtio_console_is_open(console.virtio))
		return virtio_console_receive(console.virtio, byte);
	return console.attached && vuart_receive(console.attached, byte);
}

static void move_to_guest(void)
{
	while (console.count > 0 && hand_over(console.input[console.head])) {
		console.head = (console.head + 1) % INPUT_SIZE;
		console.count--;
	}
}

/* Also called by the attached vuart itself, when it has room again. */
static void deliver(void *context)
{
	(void)context;
	console_hold();
	move_to_guest();
	if (console.paused && console.count <= INPUT_SIZE / 2)
		set_paused(false);
	console_release();
}

static int receive_byte(void)
{
	return console.uart ? uart_get(console.uart) : arch_firmware_get();
}

void console_receive(void)
{
	console_hold();
	while (console.count < INPUT_SIZE) {
		int byte = receive_byte();

		if (byte < 0)
			break;
		console.input[(console.head + console.count++) % INPUT_SIZE] =
			(uint8_t)byte;
	}
	if (console.count == INPUT_SIZE)
		set_paused(true);
	deliver(NULL);
	console_release();
}

void console_attach_virtio(struct virtio_console *virtio)
{
	console_hold();
	console.virtio = virtio;
	if (virtio)
		virtio_console_on_room(virtio, deliver);
	console_release();
}

void console_attach(struct vuart *vuart)
{
	console_hold();
	console.attached = vuart;
	if (vuart)
		vuart_on_room(vuart, deliver);
	console_release();
}
