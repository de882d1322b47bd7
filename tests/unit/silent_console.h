/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What core/log.c needs of the rest, for tests of code that only formats text:
 * a console that nobody may use, and assertions that end the test.
 */
#ifndef TESTS_UNIT_SILENT_CONSOLE_H
#define TESTS_UNIT_SILENT_CONSOLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/console.h"
#include "core/panic.h"

void console_put(uint8_t byte)
{
	fail_msg("printed 0x%x", byte);
}

void console_write(const char *text)
{
	fail_msg("printed '%s'", text);
}

/* The harts of a test take turns. */
void console_hold(void)
{
}

void console_release(void)
{
}

void console_line_start(void)
{
	fail_msg("began a line");
}

_Noreturn void assert_failed(const char *file, unsigned line, const char *text)
{
	fprintf(stderr, "%s:%u: assertion failed: %s\n", file, line, text);
	abort();
}

#endif
