/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's console: Gnomon's own lines and the guest's bytes, out and in.
 *
 * Before console_use_uart() everything goes through the firmware, so the first
 * line can be printed before anything else is known; input is polled then.
 * Afterwards the UART's receive interrupt brings it. Any hart may call each
 * function; they take turns.
 */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include "core/types.h"

struct uart;
struct virtio_console;
struct vuart;

/* Output. console_line_start() begins a new line if one is unfinished. */
void console_put(uint8_t byte);
void console_write(const char *text);
void console_line_start(void);

/*
 * No other hart's output comes between the two. May be nested, so that a hart that finds
 * itself wrong in between can still say so.
 */
void console_hold(void);
void console_release(void);

/* Drive the console by this UART from now on. */
void console_use_uart(struct uart *uart);

/* True while input has to be polled through the firmware. */
bool console_is_polled(void);

/* Which guest UART gets the input; NULL: it waits. */
void console_attach(struct vuart *vuart);

/* And its virtio console, which gets it while a driver works there; NULL: none. */
void console_attach_virtio(struct virtio_console *virtio);

/* Take what the host has received and hand it to the attached guest. */
void console_receive(void);

#endif
