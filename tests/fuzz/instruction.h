/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Integer loads and stores, read a second time: case by case from the listings of
 * the unprivileged specification, where arch/riscv/decode.c has a table. And the
 * check that both read the same.
 */
#ifndef TESTS_FUZZ_INSTRUCTION_H
#define TESTS_FUZZ_INSTRUCTION_H

#include "core/types.h"

struct fields {
	bool is_store;
	unsigned funct3; /* of the 32-bit instruction that does the same */
	unsigned reg;
	unsigned base;
	int offset;
	unsigned length;
};

/* False, and *fields means nothing, if the word is no integer load or store. */
bool read_fields(uint32_t word, struct fields *fields);

/* What a hart writes to htinst for it, when the access itself faulted. */
uint32_t transformed(const struct fields *fields);

/* And back: the fields of an access whose htinst this is. */
bool read_transformed(uint64_t htinst, struct fields *fields);

unsigned width_of(const struct fields *fields);

/* What a load writes to its register when the device answers with raw. */
uint64_t extended(const struct fields *fields, uint64_t raw);

/* Ends the process where arch/riscv/decode.c says anything else of this word. */
void check_decoding(uint32_t word);
void check_transformed(uint64_t htinst);

#endif
