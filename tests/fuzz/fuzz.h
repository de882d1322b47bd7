/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all fuzz targets share: taking values from the fuzzer's bytes, and the
 * check that ends the process where an invariant does not hold.
 *
 * A target is one tests/fuzz/fuzz_*.c. Each execution must leave its state as it
 * found it, so that a finding is reproduced by its input alone.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "core/types.h"

/* libFuzzer's entry points. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant of the code under test; in a release build too. */
#define require(condition)                                                               \
	((condition) ? (void)0 : require_failed(__FILE__, __LINE__, #condition))

__attribute__((noinline, cold, unused)) _Noreturn static void
require_failed(const char *file, unsigned line, const char *text)
{
	fprintf(stderr, "%s:%u: does not hold: %s\n", file, line, text);
	abort();
}

/* The fuzzer's bytes, taken from the front. */
struct input {
	const uint8_t *at;
	size_t left;
};

/* The next bytes (at most 8) as a little-endian number; 0 stands for missing ones. */
static inline uint64_t input_take(struct input *input, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes && input->left > 0; i++) {
		value |= (uint64_t)*input->at++ << (8 * i);
		input->left--;
	}
	return value;
}

static inline uint8_t input_byte(struct input *input)
{
	return (uint8_t)input_take(input, 1);
}

#endif
