/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random instructions: pure noise, and noise in the shape of every instruction
 * that means something to a hypervisor.
 */
#ifndef GUESTS_HOSTILE_GENERATE_H
#define GUESTS_HOSTILE_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

/* A CSR number, mostly of one that some mode of some chip has. */
unsigned random_csr(void);

/*
 * One instruction of 32 bits, or two of 16. Unless wild, what the trap
 * handler needs for its recovery is left alone: its CSRs are only read, and no
 * SBI call is made.
 */
uint32_t random_instruction(bool wild);

#endif
