/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's console: a small formatter and two ways to the SBI.
 *
 * A line is formatted into a buffer on the stack and handed over whole. What
 * does not fit the buffer is cut, never overrun. DBCN may take only part of a
 * text; the rest is offered again.
 */
#include "guests/lib/console.h"

#include <stdbool.h>
#include <stdint.h>

#include "guests/lib/sbi.h"

struct output {
	char *text;
	size_t size;
	size_t length;
};

struct conversion {
	unsigned width;
	bool zero;
	bool is_long;
};

static bool have_dbcn;

void console_init(void)
{
	have_dbcn = sbi_has_extension(SBI_EXT_DBCN);
}

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->text[out->length++] = c;
}

static void put_number(struct output *out, uint64_t number, unsigned base, bool negative,
		       const struct conversion *conversion)
{
	char digits[24];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	if (negative)
		digits[count++] = '-';
	for (unsigned i = count; i < conversion->width; i++)
		put(out, conversion->zero ? '0' : ' ');
	while (count)
		put(out, digits[--count]);
}

static void put_string(struct output *out, const char *text)
{
	while (*text)
		put(out, *text++);
}

static const char *parse_conversion(const char *format, struct conversion *conversion)
{
	*conversion = (struct conversion){.zero = *format == '0'};
	for (; *format >= '0' && *format <= '9'; format++)
		conversion->width = conversion->width * 10 + (unsigned)(*format - '0');
	for (; *format == 'l'; format++)
		conversion->is_long = true;
	return format;
}

size_t format_arguments(char *text, size_t size, const char *format, va_list arguments)
{
	struct output out = {.text = text, .size = size};

	for (; *format; format++) {
		struct conversion conversion;
		uint64_t number;
		int64_t signed_number;

		if (*format != '%') {
			put(&out, *format);
			continue;
		}
		format = parse_conversion(format + 1, &conversion);
		switch (*format) {
		case 's':
			put_string(&out, va_arg(arguments, const char *));
			break;
		case 'c':
			put(&out, (char)va_arg(arguments, int));
			break;
		case 'd':
			signed_number = conversion.is_long ? va_arg(arguments, int64_t)
							   : va_arg(arguments, int);
			number = (uint64_t)signed_number;
			put_number(&out, signed_number < 0 ? -number : number, 10,
				   signed_number < 0, &conversion);
			break;
		case 'u':
		case 'x':
			number = conversion.is_long ? va_arg(arguments, uint64_t)
						    : va_arg(arguments, unsigned);
			put_number(&out, number, *format == 'x' ? 16 : 10, false,
				   &conversion);
			break;
		default:
			put(&out, *format);
		}
	}
	text[out.length] = '\0';
	return out.length;
}

size_t format_text(char *out, size_t size, const char *format, ...)
{
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = format_arguments(out, size, format, arguments);
	va_end(arguments);
	return length;
}

static void write_text(const char *text, size_t length)
{
	while (have_dbcn && length) {
		struct sbi_result result = SBI_CALL(SBI_EXT_DBCN, SBI_DBCN_WRITE, length,
						    (uintptr_t)text, 0);

		if (result.error)
			break;
		text += result.value;
		length -= result.value;
	}
	for (; length; length--)
		SBI_CALL(SBI_EXT_LEGACY_PUTCHAR, 0, (uint64_t)*text++);
}

void print(const char *format, ...)
{
	char text[512];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = format_arguments(text, sizeof(text), format, arguments);
	va_end(arguments);
	write_text(text, length);
}
