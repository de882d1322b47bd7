/* SPDX-License-Identifier: BSD-2-Clause */
/* Two regions of PMP. See pmp.h. */
#include "arch/riscv/m/pmp.h"
#include "arch/riscv/csr.h"

#define NAPOT	   0x18
#define PERMIT_ALL 0x07

static char closed_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

/* Naturally aligned powers of two: the ones below the lowest 0 say how large. */
static uint64_t napot(uint64_t base, uint64_t size)
{
	return (base | (size / 2 - 1)) >> 2;
}

bool pmp_close(void)
{
	const uint64_t address = napot((uintptr_t)closed_page, PAGE_SIZE);
	const uint64_t config = NAPOT | (uint64_t)(NAPOT | PERMIT_ALL) << 8;

	csr_write(CSR_PMPCFG0, 0);
	csr_write(CSR_PMPADDR0, address);
	csr_write(CSR_PMPADDR1, UINT64_MAX >> 10);
	csr_write(CSR_PMPCFG0, config);
	__asm__ volatile("sfence.vma" ::: "memory");
	return csr_read(CSR_PMPADDR0) == address && csr_read(CSR_PMPCFG0) == config;
}

hpa_t pmp_closed_page(void)
{
	return HPA((uintptr_t)closed_page);
}
