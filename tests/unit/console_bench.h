/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the console multiplexer share: two guests with a port each, the
 * monitor, whose keys are written down, and what is typed at them and comes out. The
 * escape is Ctrl-]. What is typed and said is the fake machine's (fake_arch.h).
 */
#ifndef TESTS_UNIT_CONSOLE_BENCH_H
#define TESTS_UNIT_CONSOLE_BENCH_H

#include "core/console_mux.h"
#include "drivers/vuart.h"

extern struct vuart first_port, second_port;
extern struct screen first, second, monitor;

/* What the monitor was given to do. */
extern char keys[64];
extern unsigned key_count, times_shown, times_hidden, ticks;

int console_bench_setup(void **state);
int console_bench_teardown(void **state);

/* The first guest is there; both are. */
void add_first(void);
void add_both(void);

/* A key that the guest finds in its port; -1: none. */
int guest_reads(struct vuart *port);

/* These keys and no more are what it finds. */
void assert_reads(struct vuart *port, const char *text);

/* All of this is typed, and taken. */
void receive(const char *text);

/* A guest says this; and what has come out since the last time. */
void put(struct screen *screen, const char *text);
const char *output(void);

#endif
