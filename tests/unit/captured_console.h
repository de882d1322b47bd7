/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A console that keeps what is printed, for tests of code that prints.
 */
#ifndef TESTS_UNIT_CAPTURED_CONSOLE_H
#define TESTS_UNIT_CAPTURED_CONSOLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/console.h"

static char captured[8192];
static unsigned captured_length;

void console_put(uint8_t byte)
{
	assert_true(captured_length + 1 < sizeof(captured));
	captured[captured_length++] = (char)byte;
	captured[captured_length] = '\0';
}

void console_write(const char *text)
{
	while (*text)
		console_put((uint8_t)*text++);
}

/* The harts of a test take turns by themselves, or by this. */
static void (*captured_turn)(bool taken);

void console_hold(void)
{
	if (captured_turn)
		captured_turn(true);
}

void console_release(void)
{
	if (captured_turn)
		captured_turn(false);
}

void console_line_start(void)
{
	if (captured_length > 0 && captured[captured_length - 1] != '\n')
		console_write("\r\n");
}

static inline void captured_clear(void)
{
	captured_length = 0;
	captured[0] = '\0';
}

#endif
