/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's console: formatted lines through the SBI.
 *
 * Whole pieces of text go out by the DBCN extension where it is offered (one
 * call for many bytes), else byte by byte through the legacy putchar. Both take
 * physical addresses, so printing works under any page table that maps the
 * guest's image at identity. One hart only.
 */
#ifndef GUESTS_LIB_CONSOLE_H
#define GUESTS_LIB_CONSOLE_H

#include <stdarg.h>
#include <stddef.h>

/* Choose the way out; before that print() uses the legacy call. */
void console_init(void);

/*
 * The conversions are %s %c %d %u %x %% with an optional l, field width and 0
 * flag. format_text() returns the length written, always terminates, and cuts
 * what does not fit.
 */
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);
__attribute__((format(printf, 3, 4))) size_t format_text(char *out, size_t size,
							 const char *format, ...);
__attribute__((format(printf, 3, 0))) size_t
format_arguments(char *out, size_t size, const char *format, va_list arguments);

#endif
