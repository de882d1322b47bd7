/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat m: the other harts, which came with the boot hart's first stage, or its reset,
 * and are held (held.S). An interrupt of the ACLINT says that they may look again.
 */
#include "arch/riscv/csr.h"
#include "arch/riscv/features.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/m/aclint.h"
#include "arch/riscv/m/extensions.h"
#include "arch/riscv/m/pmp.h"
#include "core/arch.h"
#include "core/reason.h"

enum status arch_hart_start(unsigned index, const char **why)
{
	if (!aclint_has(index))
		return refuse(why, STATUS_UNSUPPORTED,
			      "has no timer and interrupt in the device tree");
	hart_admit(index);
	arch_hart_kick(index);
	return STATUS_OK;
}

/* Each hart has its own PMP, and all of them must be closed before a guest runs. */
const char *arch_hart_prepare(void)
{
	struct features found;
	struct pmp_abilities abilities;
	const char *why;

	extensions_let_trap();
	csr_write(CSR_MEDELEG, 0);
	csr_write(CSR_MIDELEG, 0);
	csr_write(CSR_MCOUNTEREN, 0);
	csr_write(CSR_SATP, 0);
	arch_host_timer_set(UINT64_MAX);
	csr_write(CSR_MIE, INTERRUPT_MSI);
	if (pmp_probe(&abilities, &why) != STATUS_OK ||
	    pmp_close_again(&why) != STATUS_OK || !extensions_close(&why))
		return why;
	features_probe(&found);
	return features_difference(&found);
}

void arch_hart_kick(unsigned index)
{
	aclint_kick(index, true);
}

void arch_kick_received(void)
{
	aclint_kick(arch_hart_index(), false);
}

/* Interrupts are off, and end the wait where they are enabled all the same. */
void arch_hart_wait(void)
{
	csr_set(CSR_MIE, INTERRUPT_MSI);
	__asm__ volatile("wfi" ::: "memory");
}

_Noreturn void arch_hart_park(void)
{
	csr_write(CSR_MIE, 0);
	for (;;)
		__asm__ volatile("wfi");
}
