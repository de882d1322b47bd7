/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C library functions of core/string.h for the hypervisor.
 *
 * Blocks go eight bytes at a time when both sides allow it, four when only that
 * much is shared (data inside a device tree is four-byte aligned), else one by
 * one: many cores trap on misaligned words, and no byte outside the operands is
 * ever touched. To be compiled with -fno-builtin and without loop idiom
 * recognition, or memcpy() would be compiled into a call of itself.
 */
#include "core/string.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* Words that may overlay objects of any type. */
typedef uint64_t __attribute__((may_alias)) word64_t;
typedef uint32_t __attribute__((may_alias)) word32_t;

/* The widest unit, 8, 4 or 1 bytes, at which both addresses are equally off. */
static size_t shared_unit(const void *left, const void *right)
{
	uintptr_t difference = (uintptr_t)left ^ (uintptr_t)right;

	if ((difference & (sizeof(word64_t) - 1)) == 0)
		return sizeof(word64_t);
	return (difference & (sizeof(word32_t) - 1)) == 0 ? sizeof(word32_t) : 1;
}

static size_t at_most(size_t value, size_t limit)
{
	return value < limit ? value : limit;
}

static void copy_bytes(unsigned char *to, const unsigned char *from, size_t size)
{
	while (size-- > 0)
		*to++ = *from++;
}

static void copy_words(word64_t *to, const word64_t *from, size_t count)
{
	for (; count >= 4; count -= 4, to += 4, from += 4) {
		uint64_t a = from[0], b = from[1], c = from[2], d = from[3];

		to[0] = a;
		to[1] = b;
		to[2] = c;
		to[3] = d;
	}
	while (count-- > 0)
		*to++ = *from++;
}

static void copy_halves(word32_t *to, const word32_t *from, size_t count)
{
	while (count-- > 0)
		*to++ = *from++;
}

/* Also right where the ranges overlap, as long as to is below from. */
static void copy_forwards(unsigned char *to, const unsigned char *from, size_t size)
{
	size_t unit = shared_unit(to, from);
	size_t head = at_most(-(uintptr_t)to & (unit - 1), size);
	size_t body = (size - head) & ~(unit - 1);

	copy_bytes(to, from, head);
	if (unit == sizeof(word64_t))
		copy_words((word64_t *)(to + head), (const word64_t *)(from + head),
			   body / unit);
	else if (unit == sizeof(word32_t))
		copy_halves((word32_t *)(to + head), (const word32_t *)(from + head),
			    body / unit);
	else
		copy_bytes(to + head, from + head, body);
	copy_bytes(to + head + body, from + head + body, size - head - body);
}

static void copy_backwards(unsigned char *to, const unsigned char *from, size_t size)
{
	if (shared_unit(to, from) == sizeof(word64_t)) {
		for (; size > 0 && (uintptr_t)(to + size) % sizeof(word64_t) != 0; size--)
			to[size - 1] = from[size - 1];
		for (; size >= sizeof(word64_t); size -= sizeof(word64_t))
			*(word64_t *)(to + size - sizeof(word64_t)) =
				*(const word64_t *)(from + size - sizeof(word64_t));
	}
	for (; size > 0; size--)
		to[size - 1] = from[size - 1];
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	copy_forwards(to, from, size);
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	if ((uintptr_t)to - (uintptr_t)from >= size)
		copy_forwards(to, from, size);
	else
		copy_backwards(to, from, size);
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	unsigned char *at = to;
	uint64_t pattern = (unsigned char)byte * UINT64_C(0x0101010101010101);

	for (; size > 0 && (uintptr_t)at % sizeof(word64_t) != 0; size--)
		*at++ = (unsigned char)byte;
#pragma GCC unroll 8
	for (; size >= sizeof(word64_t); size -= sizeof(word64_t), at += sizeof(word64_t))
		*(word64_t *)at = pattern;
	while (size-- > 0)
		*at++ = (unsigned char)byte;
	return to;
}

/* How many leading bytes are certainly equal: whole words, cheaply found. */
static size_t equal_words(const unsigned char *left, const unsigned char *right,
			  size_t size)
{
	size_t done = 0;

	if ((((uintptr_t)left | (uintptr_t)right) & (sizeof(word64_t) - 1)) != 0)
		return 0;
	while (size - done >= sizeof(word64_t) &&
	       *(const word64_t *)(left + done) == *(const word64_t *)(right + done))
		done += sizeof(word64_t);
	return done;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const unsigned char *a = left, *b = right;

	for (size_t i = equal_words(a, b, size); i < size; i++) {
		if (a[i] != b[i])
			return a[i] - b[i];
	}
	return 0;
}

void *memchr(const void *from, int byte, size_t size)
{
	const unsigned char *at = from;

	for (; size > 0; size--, at++) {
		if (*at == (unsigned char)byte)
			return (void *)(uintptr_t)at;
	}
	return NULL;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length] != '\0')
		length++;
	return length;
}

size_t strnlen(const char *text, size_t limit)
{
	size_t length = 0;

	while (length < limit && text[length] != '\0')
		length++;
	return length;
}

int strcmp(const char *left, const char *right)
{
	return strncmp(left, right, PTRDIFF_MAX);
}

int strncmp(const char *left, const char *right, size_t limit)
{
	for (size_t i = 0; i < limit; i++) {
		unsigned char a = (unsigned char)left[i], b = (unsigned char)right[i];

		if (a != b || a == '\0')
			return a - b;
	}
	return 0;
}

char *strchr(const char *text, int character)
{
	return memchr(text, character, strlen(text) + 1);
}

char *strrchr(const char *text, int character)
{
	for (size_t i = strlen(text) + 1; i > 0; i--) {
		if (text[i - 1] == (char)character)
			return (char *)(uintptr_t)&text[i - 1];
	}
	return NULL;
}

/* The value of a digit in any base up to 36; 36 for what is no digit. */
static unsigned digit_value(char character)
{
	if (character >= '0' && character <= '9')
		return (unsigned)(character - '0');
	if (character >= 'a' && character <= 'z')
		return (unsigned)(character - 'a') + 10;
	if (character >= 'A' && character <= 'Z')
		return (unsigned)(character - 'A') + 10;
	return 36;
}

static bool has_hexadecimal_prefix(const char *text)
{
	return text[0] == '0' && (text[1] == 'x' || text[1] == 'X') &&
	       digit_value(text[2]) < 16;
}

/* Settle base 0 and step over the prefix 0x where there is one. */
static const char *skip_prefix(const char *text, unsigned *base)
{
	if ((*base == 0 || *base == 16) && has_hexadecimal_prefix(text)) {
		*base = 16;
		return text + 2;
	}
	if (*base == 0)
		*base = text[0] == '0' ? 8 : 10;
	return text;
}

unsigned long strtoul(const char *restrict text, char **restrict end, int base)
{
	const char *at = text, *digits;
	unsigned radix = (unsigned)base;
	unsigned long value = 0;
	bool negative, saturated = false;

	while (*at == ' ' || (*at >= '\t' && *at <= '\r'))
		at++;
	negative = *at == '-';
	if (*at == '-' || *at == '+')
		at++;
	digits = at = skip_prefix(at, &radix);
	for (; digit_value(*at) < radix; at++) {
		saturated |= __builtin_mul_overflow(value, radix, &value);
		saturated |= __builtin_add_overflow(value, digit_value(*at), &value);
	}
	if (end)
		*end = (char *)(uintptr_t)(at == digits ? text : at);
	if (saturated)
		return ULONG_MAX;
	return negative ? -value : value;
}
