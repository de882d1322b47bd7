/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The string functions a freestanding guest needs.
 *
 * Simple byte loops, built with -fno-tree-loop-distribute-patterns so that the
 * compiler does not turn them into calls of themselves.
 */
#include "guests/lib/string.h"

void *memset(void *to, int byte, size_t size)
{
	unsigned char *out = to;

	while (size--)
		*out++ = (unsigned char)byte;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	unsigned char *out = to;
	const unsigned char *in = from;

	while (size--)
		*out++ = *in++;
	return to;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const unsigned char *a = left;
	const unsigned char *b = right;

	for (; size; size--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

int strcmp(const char *left, const char *right)
{
	while (*left && *left == *right) {
		left++;
		right++;
	}
	return (unsigned char)*left - (unsigned char)*right;
}
