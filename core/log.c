/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatting, and the lines of Gnomon's own. See log.h. Formatting goes to a
 * function, byte by byte, so that no buffer limits a line's length.
 */
#include "core/log.h"
#include "core/console.h"
#include "core/panic.h"

struct output {
	void (*put)(struct output *output, char byte);
	void (*onward)(char byte); /* format_list only */
	char *buffer;		   /* format_text only */
	size_t room;
};

struct conversion {
	unsigned width;
	bool zero;
	bool left;
	bool is_long;
	char type;
};

static void put_text(struct output *output, const char *text, unsigned length,
		     const struct conversion *conversion)
{
	unsigned pad = conversion->width > length ? conversion->width - length : 0;

	for (; pad > 0 && !conversion->left; pad--)
		output->put(output, conversion->zero ? '0' : ' ');
	for (unsigned i = 0; i < length; i++)
		output->put(output, text[i]);
	for (; pad > 0; pad--)
		output->put(output, ' ');
}

static void put_number(struct output *output, uint64_t value, bool negative,
		       const struct conversion *conversion)
{
	char digits[24];
	unsigned at = sizeof(digits);
	unsigned base = conversion->type == 'x' ? 16 : 10;

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value > 0);
	if (negative)
		digits[--at] = '-';
	put_text(output, &digits[at], (unsigned)sizeof(digits) - at, conversion);
}

static void put_string(struct output *output, const char *text,
		       const struct conversion *conversion)
{
	unsigned length = 0;

	while (text[length])
		length++;
	put_text(output, text, length, conversion);
}

/* Reads one conversion after its '%'; returns what follows it. */
static const char *parse(const char *format, struct conversion *conversion)
{
	*conversion = (struct conversion){0};
	for (; *format == '0' || *format == '-'; format++) {
		conversion->zero |= *format == '0';
		conversion->left |= *format == '-';
	}
	for (; *format >= '0' && *format <= '9'; format++)
		conversion->width = conversion->width * 10 + (unsigned)(*format - '0');
	for (; *format == 'l'; format++)
		conversion->is_long = true;
	conversion->type = *format;
	return format + 1;
}

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

static void convert(struct output *output, const struct conversion *conversion,
		    va_list *arguments)
{
	int64_t number;

	switch (conversion->type) {
	case 's':
		put_string(output, va_arg(*arguments, const char *), conversion);
		break;
	case 'c':
		output->put(output, (char)va_arg(*arguments, int));
		break;
	case 'd':
		number = conversion->is_long ? va_arg(*arguments, long)
					     : va_arg(*arguments, int);
		put_number(output, magnitude(number), number < 0, conversion);
		break;
	case 'u':
	case 'x':
		put_number(output,
			   conversion->is_long ? va_arg(*arguments, unsigned long)
					       : va_arg(*arguments, unsigned),
			   false, conversion);
		break;
	default:
		output->put(output, conversion->type);
	}
}

static void format_to(struct output *output, const char *format, va_list *arguments)
{
	while (*format) {
		struct conversion conversion;

		if (*format != '%') {
			output->put(output, *format++);
			continue;
		}
		format = parse(format + 1, &conversion);
		convert(output, &conversion, arguments);
	}
}

/* The last lines, one after the other: with the console held. */
static struct {
	uint64_t count; /* bytes ever */
	char bytes[LOG_KEPT];
} kept;

static void keep(char byte)
{
	kept.bytes[kept.count++ % LOG_KEPT] = byte;
}

void log_recall(void (*put)(char byte))
{
	const uint64_t end = kept.count;
	uint64_t at = end > LOG_KEPT ? end - LOG_KEPT : 0;

	/* The oldest line has lost its beginning. */
	for (bool whole = at == 0; at < end; at++) {
		char byte = kept.bytes[at % LOG_KEPT];

		if (whole)
			put(byte);
		whole |= byte == '\n';
	}
}

static void put_console(struct output *output, char byte)
{
	(void)output;
	console_put((uint8_t)byte);
	keep(byte);
}

void log_line(const char *format, ...)
{
	struct output output = {.put = put_console};
	va_list arguments;

	console_hold();
	console_line_start();
	console_write("gnomon: ");
	va_start(arguments, format);
	format_to(&output, format, &arguments);
	va_end(arguments);
	console_write("\r\n");
	keep('\n');
	console_release();
}

static void put_onward(struct output *output, char byte)
{
	output->onward(byte);
}

void format_list(void (*put)(char byte), const char *format, va_list *arguments)
{
	struct output output = {.put = put_onward, .onward = put};

	format_to(&output, format, arguments);
}

static void put_buffer(struct output *output, char byte)
{
	if (output->room > 1) {
		*output->buffer++ = byte;
		output->room--;
	}
}

void format_text(char *buffer, size_t size, const char *format, ...)
{
	struct output output = {.put = put_buffer, .buffer = buffer, .room = size};
	va_list arguments;

	assert(size > 0);
	va_start(arguments, format);
	format_to(&output, format, &arguments);
	va_end(arguments);
	*output.buffer = '\0';
}
