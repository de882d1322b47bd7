/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's serial port, whichever chip it is: see uart_ns16550.c, uart_designware.c,
 * uart_sifive.c.
 *
 * Transmits by polling before every byte, receives by polling or by interrupt.
 * Speed and format are left as the firmware set them.
 * Not locked: the console in front of it has the lock.
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include "core/types.h"

struct uart {
	const struct uart_driver *driver;
	uintptr_t base;
	unsigned shift;
	unsigned io_width;
	uint64_t overruns; /* times that the chip reported input lost */
};

/* What uart_init() and those below it come down to, for one kind of chip. */
struct uart_driver {
	enum status (*init)(struct uart *uart);
	void (*put)(struct uart *uart, uint8_t byte);
	int (*get)(struct uart *uart);
	void (*interrupt_enable)(struct uart *uart);
	void (*interrupt_pause)(struct uart *uart, bool paused);
};

extern const struct uart_driver uart_ns16550, uart_designware, uart_sifive;

/*
 * compatible: the device tree's strings, back to back in so many bytes.
 * NULL: none of them names a chip that is known.
 */
const struct uart_driver *uart_find_driver(const char *compatible, size_t size);

/*
 * base: host physical; shift and io_width: as in the device tree's reg-shift
 * and reg-io-width (bytes). Leaves interrupts off.
 * STATUS_UNSUPPORTED: such a layout cannot be. STATUS_NOT_FOUND: there is no driver,
 * or nothing answers there; the UART must not be used.
 */
enum status uart_init(struct uart *uart, const struct uart_driver *driver, uintptr_t base,
		      unsigned shift, unsigned io_width);

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
 * wait in the chip, and with a sender that is told so. Another one overruns it.
 */
void uart_interrupt_pause(struct uart *uart, bool paused);

#endif
