/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gnomon's own lines on the console. Each begins with "gnomon: " in the first
 * column, so that a reader and a script can tell them from a guest's output.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/types.h"
#include <stdarg.h>

/*
 * One line; the newline is added. Formats: %s %c %u %lu %d %x %lx %%, with a
 * width, `0` and `-`. Not for anything a guest can cause at will.
 */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same formats, to put, byte by byte. */
void format_list(void (*put)(char byte), const char *format, va_list *arguments);

/* The last LOG_KEPT bytes of those lines, without "gnomon: " and with '\n', to put. */
#define LOG_KEPT 4096
void log_recall(void (*put)(char byte));

/* The same formats, to memory: cut to size bytes with the final NUL. */
void format_text(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
