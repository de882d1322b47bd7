/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encodings of the instructions that checks put together at run time, and
 * running them.
 *
 * Used where every register has to be tried, or where code must lie at a given
 * address; everything else is written in assembly. Formats are those of the
 * unprivileged specification.
 */
#ifndef GUESTS_CONFORMANCE_INSTRUCTIONS_H
#define GUESTS_CONFORMANCE_INSTRUCTIONS_H

#include <stdint.h>

#include "guests/lib/context.h"

#define EBREAK	   0x00100073U
#define ECALL	   0x00000073U
#define SRET	   0x10200073U
#define MRET	   0x30200073U
#define WFI	   0x10500073U
#define SFENCE_VMA 0x12000073U

enum csr_form { CSRRW = 1, CSRRS, CSRRC, CSRRWI = 5, CSRRSI, CSRRCI };

#define CSR_SATP     0x180
#define CSR_STIMECMP 0x14d

static inline uint32_t encode_sfence_vma(unsigned rs1, unsigned rs2)
{
	return SFENCE_VMA | rs1 << 15 | rs2 << 20;
}

/* source: a register, or the immediate of the I forms. */
static inline uint32_t encode_csr(enum csr_form form, unsigned rd, unsigned csr,
				  unsigned source)
{
	return 0x73 | rd << 7 | (unsigned)form << 12 | source << 15 | csr << 20;
}

static inline uint32_t encode_addi(unsigned rd, unsigned rs1, int immediate)
{
	return 0x13 | rd << 7 | rs1 << 15 | (uint32_t)immediate << 20;
}

static inline uint32_t encode_add(unsigned rd, unsigned rs1, unsigned rs2)
{
	return 0x33 | rd << 7 | rs1 << 15 | rs2 << 20;
}

/* offset: bytes, even, -4096 to 4094. */
static inline uint32_t encode_bne(unsigned rs1, unsigned rs2, int offset)
{
	uint32_t o = (uint32_t)offset;

	return 0x1063 | rs1 << 15 | rs2 << 20 | (o >> 12 & 1) << 31 |
	       (o >> 5 & 63) << 25 | (o >> 1 & 15) << 8 | (o >> 11 & 1) << 7;
}

/* Fill all registers with values that tell which is which. */
void registers_pattern(struct context *context);

/*
 * Fail unless every register but those in `except` (bit n: x[n]) is the same in
 * both contexts. Names the first that is not.
 */
void expect_registers(const char *what, const struct context *seen,
		      const struct context *expected, uint32_t except);

/*
 * Run these instructions, with an ebreak behind them, as probe_sstatus(how) says
 * and with the context's registers. In S-mode from a scratch page in memory all
 * spaces map; in U-mode only while satp is Bare. Returns the address they ran at.
 */
uint64_t run_instructions(struct context *context, const uint32_t *instructions,
			  unsigned count, unsigned how);

#endif
