/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's console: the one line that all that is printed goes out by, and all that
 * is typed comes in by. Whose it is at a time, core/console_mux.h says.
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

/* The next byte that was received; -1: there is none. */
int console_get(void);

/* Have no interrupts for received bytes, while there is no place for more. */
void console_pause(bool paused);

/* True if the line that was printed last has no end yet. */
bool console_is_in_line(void);

#endif
