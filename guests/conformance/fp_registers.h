/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All floating-point registers at once. sstatus.FS must not be off. C code of
 * guests never uses them (rv64imac, lp64), so they keep what is loaded.
 */
#ifndef GUESTS_CONFORMANCE_FP_REGISTERS_H
#define GUESTS_CONFORMANCE_FP_REGISTERS_H

#include <stdint.h>

struct fp_registers {
	uint64_t f[32];
	uint64_t fcsr;
};

void fp_load(const struct fp_registers *from);
void fp_store(struct fp_registers *to);

#endif
