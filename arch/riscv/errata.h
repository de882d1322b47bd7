/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Defects of known harts, and what is done about them. A guest is told of none, since
 * it is not told whose chip it is on, so that Gnomon keeps them from it. Settled once by
 * the boot hart, before any fence of a guest's; read-only afterwards. The harts of one
 * machine are taken to be alike.
 */
#ifndef ARCH_RISCV_ERRATA_H
#define ARCH_RISCV_ERRATA_H

#include "core/types.h"

/* mvendorid, marchid, mimpid */
struct hart_identity {
	uint64_t vendor, architecture, implementation;
};

/* Numbers of bits. */
enum erratum {
	ERRATUM_CIP_453,  /* SiFive: bits 63:39 of the address of a fetch that faulted */
	ERRATUM_CIP_1200, /* SiFive: a fence with an address or an ASID may do too little
			   */
};

/* Those of a hart, as bits. */
uint32_t errata_of(const struct hart_identity *identity);

/* Names with commas between them, as bits; false: one is unknown. */
bool errata_parse(const char *names, uint32_t *errata);

/*
 * Find those of this machine, add those that the boot arguments pretend, act by them,
 * and log a line. Writes to Gnomon's own code: before that is made read-only.
 */
void errata_begin(const struct hart_identity *identity);

/* Addresses of faults cannot be believed if they are a fetch's. */
extern bool errata_fetch_address;

/*
 * The address of a fetch that faulted, from what the hart says it is: the instruction's
 * first half or its second, and so bit 1 of how far it is from pc tells.
 */
static inline uint64_t errata_fetched(uint64_t value, uint64_t pc)
{
	return errata_fetch_address ? pc + ((value - pc) & 2) : value;
}

#endif
