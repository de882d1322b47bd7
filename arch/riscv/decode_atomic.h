/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding of what stores to memory in one step with something else: the AMOs and
 * sc of the A extension (unprivileged specification, "RV64A Standard Extension"); and
 * of lr. Their address is x[base] and no more, and must be aligned. Pure functions.
 */
#ifndef ARCH_RISCV_DECODE_ATOMIC_H
#define ARCH_RISCV_DECODE_ATOMIC_H

#include "mm/guest_store.h"

struct atomic_access {
	enum store_operation operation;
	uint8_t width; /* bytes: 4 or 8 */
	uint8_t base;
	uint8_t operand; /* register */
	uint8_t rd;
};

/* False for anything else, lr too; *access means nothing then. */
bool decode_atomic(uint32_t instruction, struct atomic_access *access);

/* An lr: its width, base and rd. */
bool decode_load_reserved(uint32_t instruction, struct atomic_access *access);

#endif
