/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls to the firmware below Gnomon (RISC-V SBI specification). Seat hs only;
 * every function may be called at any time, from the first instruction on.
 */
#ifndef ARCH_RISCV_SBI_CLIENT_H
#define ARCH_RISCV_SBI_CLIENT_H

#include "core/types.h"

struct sbi_return {
	int64_t error;
	uint64_t value;
};

struct sbi_return sbi_call(uint64_t extension, uint64_t function, uint64_t a0,
			   uint64_t a1, uint64_t a2);

/* The SBI version, major in bits 30:24, minor below. */
uint64_t sbi_version(void);

/* Hart Start, by its id: at that address, untranslated. */
struct sbi_return sbi_hart_start(uint64_t hart, hpa_t address);

/* A supervisor software interrupt for that hart. */
void sbi_interrupt(uint64_t hart);

void sbi_set_timer(uint64_t deadline);

#endif
