/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All of the vector unit at once, for registers of up to VLENB_LIMIT bytes. sstatus.VS
 * must not be off. C code of guests never uses any of it, so it keeps what is loaded.
 */
#ifndef GUESTS_CONFORMANCE_VECTOR_REGISTERS_H
#define GUESTS_CONFORMANCE_VECTOR_REGISTERS_H

#define VLENB_LIMIT 1024

/* Offsets for assembly, checked in vectors.c. */
#define VECTOR_VL    0
#define VECTOR_VTYPE 8
#define VECTOR_VCSR  16
#define VECTOR_V     24

#ifndef __ASSEMBLER__

#include <stdint.h>

struct vector_registers {
	uint64_t vl;
	uint64_t vtype;
	uint64_t vcsr;
	uint64_t v[32 * VLENB_LIMIT / 8]; /* v0 to v31, of vlenb bytes each */
};

void vector_load(const struct vector_registers *from);
void vector_store(struct vector_registers *to);

#endif
#endif
