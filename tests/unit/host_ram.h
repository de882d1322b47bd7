/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host RAM for tests: an aligned stretch of this process's memory, in which
 * "host physical" addresses and pointers are the same numbers, as in Gnomon.
 * Also the end of an assertion: a test that expects one gets to see it, any
 * other fails by it. Not for tests that bring their own assert_failed().
 */
#ifndef TESTS_UNIT_HOST_RAM_H
#define TESTS_UNIT_HOST_RAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/types.h"

/* size bytes at a multiple of alignment, all zero; pages cost when touched. */
hpa_t host_ram_map(uint64_t size, uint64_t alignment);
void host_ram_unmap(hpa_t base, uint64_t size);

/* Where an assertion that the running test expects is to continue. */
extern jmp_buf *expected_assertion;

/* The statement must end in an assertion of Gnomon's. */
#define expect_assertion(statement)                                                      \
	do {                                                                             \
		jmp_buf here_;                                                           \
		expected_assertion = &here_;                                             \
		if (setjmp(here_) == 0) {                                                \
			statement;                                                       \
			expected_assertion = NULL;                                       \
			fail_msg("no assertion: %s", #statement);                        \
		}                                                                        \
	} while (0)

/* A generator whose sequence is the same everywhere; never 0 as a state. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static inline unsigned random_below(uint64_t *state, unsigned limit)
{
	return (unsigned)(random_next(state) % limit);
}

#endif
