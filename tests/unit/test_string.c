/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: */
/*
 * core/string.c against the build host's own library, at every alignment and
 * overlap that takes another path. The hypervisor's functions are compiled into
 * this file under other names, and work on blocks of exactly the right size, so
 * that the address sanitizer sees any byte too far.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define memcpy	own_memcpy
#define memmove own_memmove
#define memset	own_memset
#define memcmp	own_memcmp
#define memchr	own_memchr
#define strlen	own_strlen
#define strnlen own_strnlen
#define strcmp	own_strcmp
#define strncmp own_strncmp
#define strchr	own_strchr
#define strrchr own_strrchr
#define strtoul own_strtoul
#include "core/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strtoul

#include "core/types.h"

#define ROOM   160
#define LENGTH 75

static void fill(unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i * 7 + 1);
}

/* The last `size` bytes of a block, behind an offset that shifts alignment. */
static unsigned char *block(size_t offset, size_t size)
{
	unsigned char *start = malloc(offset + size);

	assert_non_null(start);
	fill(start, offset + size);
	return start;
}

static void memcpy_copies_exactly(void **state)
{
	(void)state;
	for (size_t to = 0; to < 9; to++) {
		for (size_t from = 0; from < 9; from++) {
			for (size_t size = 0; size < LENGTH; size++) {
				unsigned char *source = block(from, size);
				unsigned char *target = block(to, size);
				unsigned char *expected = block(to, size);

				memset(source, 0xaa, from);
				memcpy(expected + to, source + from, size);
				assert_ptr_equal(
					own_memcpy(target + to, source + from, size),
					target + to);
				assert_memory_equal(target, expected, to + size);
				free(source);
				free(target);
				free(expected);
			}
		}
	}
}

static void memmove_survives_every_overlap(void **state)
{
	unsigned char own[ROOM], expected[ROOM];

	(void)state;
	for (size_t to = 0; to < 80; to++) {
		for (size_t from = 30; from < 46; from++) {
			for (size_t size = 0; size < LENGTH; size++) {
				fill(own, ROOM);
				fill(expected, ROOM);
				memmove(expected + to, expected + from, size);
				assert_ptr_equal(own_memmove(own + to, own + from, size),
						 own + to);
				assert_memory_equal(own, expected, ROOM);
			}
		}
	}
}

static void memset_writes_exactly(void **state)
{
	(void)state;
	for (size_t offset = 0; offset < 9; offset++) {
		for (size_t size = 0; size < LENGTH; size++) {
			unsigned char *own = block(offset, size + 1);
			unsigned char *expected = block(offset, size + 1);

			memset(expected + offset, 0x1a5, size);
			assert_ptr_equal(own_memset(own + offset, 0x1a5, size),
					 own + offset);
			assert_memory_equal(own, expected, offset + size + 1);
			free(own);
			free(expected);
		}
	}
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void memcmp_finds_each_difference(void **state)
{
	(void)state;
	for (size_t offset = 0; offset < 9; offset++) {
		unsigned char *left = block(0, LENGTH);
		unsigned char *right = block(offset, LENGTH);

		memcpy(right + offset, left, LENGTH);
		assert_int_equal(own_memcmp(left, right + offset, LENGTH), 0);
		for (size_t at = 0; at < LENGTH; at++) {
			right[offset + at] ^= 0x80;
			assert_int_equal(sign(own_memcmp(left, right + offset, LENGTH)),
					 sign(memcmp(left, right + offset, LENGTH)));
			assert_int_equal(own_memcmp(left, right + offset, at), 0);
			right[offset + at] ^= 0x80;
		}
		free(left);
		free(right);
	}
}

static void searching_is_as_in_the_library(void **state)
{
	static const char text[] = "a/b/c:d\xff";

	(void)state;
	for (int character = -1; character < 256; character++) {
		assert_ptr_equal(own_strchr(text, character), strchr(text, character));
		assert_ptr_equal(own_strrchr(text, character), strrchr(text, character));
		for (size_t size = 0; size <= sizeof(text); size++)
			assert_ptr_equal(own_memchr(text, character, size),
					 memchr(text, character, size));
	}
	for (size_t limit = 0; limit < 12; limit++)
		assert_int_equal(own_strnlen(text, limit), strnlen(text, limit));
	assert_int_equal(own_strlen(text), 8);
	assert_int_equal(own_strlen(""), 0);
	/* No NUL within the limit: nothing behind it is read. */
	assert_int_equal(own_strnlen((const char[]){'x', 'y'}, 2), 2);
}

static void comparing_is_as_in_the_library(void **state)
{
	static const char *const texts[] = {"",	 "a", "ab",   "abc",   "abd",
					    "b", "A", "\xff", "ab\x80"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		for (size_t j = 0; j < ARRAY_LENGTH(texts); j++) {
			assert_int_equal(sign(own_strcmp(texts[i], texts[j])),
					 sign(strcmp(texts[i], texts[j])));
			for (size_t limit = 0; limit < 5; limit++)
				assert_int_equal(
					sign(own_strncmp(texts[i], texts[j], limit)),
					sign(strncmp(texts[i], texts[j], limit)));
		}
	}
}

static void numbers_are_as_in_the_library(void **state)
{
	static const char *const texts[] = {
		"",
		"0",
		"7",
		" \t\n42k",
		"-1",
		"+9",
		"- 1",
		"0x1F",
		"0X1f",
		"0x",
		"0xg",
		"08",
		"0779",
		"zz",
		"Zz9!",
		"18446744073709551615",
		"18446744073709551616",
		"-18446744073709551615",
		"-99999999999999999999",
		"0xffffffffffffffff",
		"0x10000000000000000",
		"1010102",
	};
	static const int bases[] = {0, 2, 8, 10, 16, 36};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		for (size_t j = 0; j < ARRAY_LENGTH(bases); j++) {
			char *own_end = NULL, *end = NULL;
			unsigned long own = own_strtoul(texts[i], &own_end, bases[j]);

			assert_int_equal(own, strtoul(texts[i], &end, bases[j]));
			assert_ptr_equal(own_end, end);
		}
	}
	assert_int_equal(own_strtoul("12", NULL, 10), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memcpy_copies_exactly),
		cmocka_unit_test(memmove_survives_every_overlap),
		cmocka_unit_test(memset_writes_exactly),
		cmocka_unit_test(memcmp_finds_each_difference),
		cmocka_unit_test(searching_is_as_in_the_library),
		cmocka_unit_test(comparing_is_as_in_the_library),
		cmocka_unit_test(numbers_are_as_in_the_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
