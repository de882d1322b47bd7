/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutation of device trees that keeps them device trees. Random bytes would
 * hardly ever get past the check of the tree's form, so most mutations
 * change a property, a node or a name instead; bytes behind the tree (a
 * bundle's external data) and trees within properties are mutated too.
 */
#ifndef TESTS_FUZZ_FDT_MUTATOR_H
#define TESTS_FUZZ_FDT_MUTATOR_H

#include "core/types.h"

/* Names and texts worth trying, NULL at the end: each target has its own. */
extern const char *const fdt_words[];

/* libFuzzer's. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned seed);

#endif
