/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding of the loads and stores that Gnomon carries out for a guest: integer ones
 * that reach an emulated device, and all that are misaligned.
 *
 * All of RV64I's, the F, D and the C extension's forms (stack-pointer-relative ones and
 * Zcb's byte and half forms included); anything else (AMO, LR, SC, vector) is reported
 * as not decodable. Also understands htinst's transformed instructions (privileged
 * specification, section "Transformed Instruction or Pseudoinstruction for
 * mtinst or htinst"). Pure functions: no CSR, compiled on the build host too.
 */
#ifndef ARCH_RISCV_DECODE_H
#define ARCH_RISCV_DECODE_H

#include "core/types.h"

struct memory_access {
	bool is_store;
	bool sign_extend; /* loads narrower than 8 bytes */
	uint8_t width;	  /* bytes: 1, 2, 4 or 8 */
	uint8_t reg;	  /* rd of a load, rs2 of a store */
	uint8_t length;	  /* bytes of the instruction: 2 or 4 */
};

/*
 * Integer loads and stores. instruction: as fetched; for a 16-bit form the upper bits
 * are ignored. On false, here and below, what the result points to means nothing.
 */
bool decode_memory_access(uint32_t instruction, struct memory_access *access);

/* flw, fld, fsw, fsd and their compressed forms: reg is one of f0 to f31. */
bool decode_float_access(uint32_t instruction, struct memory_access *access);

/* Where an instruction takes its address from: x[base] + offset. */
struct memory_operand {
	uint8_t base;
	int16_t offset;
};

/*
 * For the instructions of both functions above. A fault's address is
 * the first byte that could not be reached, which in a misaligned access is not
 * always the first byte of the access: compare.
 */
bool decode_memory_operand(uint32_t instruction, struct memory_operand *operand);

/*
 * htinst: as read from the CSR. False for 0, for pseudoinstructions and for
 * anything but a transformed integer load or store; also where the fault came
 * in the middle of a misaligned access ("Addr. Offset" not 0).
 */
bool decode_transformed(uint64_t htinst, struct memory_access *access);

/* True for lr.w and lr.d, which are loads, though some harts report them as stores. */
bool decode_is_load_reserved(uint32_t instruction);

/* True for whatever may store: those above, AMOs and sc, vector stores and cbo.zero. */
bool decode_is_store(uint32_t instruction);

/* What a load writes to its register, from the raw bytes the device gave. */
uint64_t memory_access_extend(const struct memory_access *access, uint64_t raw);

/* Length in bytes of the instruction that starts with these 16 bits. */
static inline unsigned instruction_length(uint16_t first_half)
{
	return (first_half & 3) == 3 ? 4 : 2;
}

#endif
