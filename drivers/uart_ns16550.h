/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's serial port, for any chip with the registers of an ns16550a.
 *
 * Transmits by polling before every byte, receives by polling or by interrupt.
 * Speed and format are left as the firmware set them. Reading the status
 * clears its error bits, so this driver must be the only one to read it.
 * Not locked: the console in front of it has the lock.
 */
#ifndef DRIVERS_UART_NS16550_H
#define DRIVERS_UART_NS16550_H

#include "core/types.h"

struct uart {
	uintptr_t base;
	unsigned shift;
	unsigned io_width;
	uint64_t overruns; /* times that the chip reported input lost */
};

/*
 * base: host physical; shift and io_width: as in the device tree's reg-shift
 * and reg-io-width (1 or 4 bytes). Leaves interrupts off.
 * STATUS_UNSUPPORTED: such a layout cannot be. STATUS_NOT_FOUND: nothing
 * answers there; the UART must not be used.
 */
enum status uart_init(struct uart *uart, uintptr_t base, unsigned shift,
		      unsigned io_width);

/* Transmit a byte, waiting for as long as the chip is not ready for it. */
void uart_put(struct uart *uart, uint8_t byte);

/* The next received byte; -1 if there is none. */
int uart_get(struct uart *uart);

/*
 * Interrupt from now on while received bytes wait. The interrupt is level
 * triggered: call uart_get() until it returns -1, then complete it.
 */
void uart_interrupt_enable(struct uart *uart);

/*
 * Stop and resume those interrupts, while there is no place for more bytes: they
 * wait in the chip, and with a sender that heeds RTS. Another one overruns it.
 */
void uart_interrupt_pause(struct uart *uart, bool paused);

#endif
