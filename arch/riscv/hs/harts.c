/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat hs: the other harts, which the firmware starts (SBI HSM), or has let in with the
 * boot hart. Either way they are held at first (held.S).
 */
#include "arch/riscv/csr.h"
#include "arch/riscv/features.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/hs/host_table.h"
#include "arch/riscv/hs/sbi_client.h"
#include "core/arch.h"
#include "core/reason.h"
#include "core/sbi_numbers.h"

extern char hart_entry[];

enum status arch_hart_start(unsigned index, const char **why)
{
	struct sbi_return started;

	hart_admit(index);
	started = sbi_hart_start(harts[index].id, HPA((uintptr_t)hart_entry));
	if (started.error == SBI_ERR_ALREADY_AVAILABLE)
		arch_hart_kick(index);
	else if (started.error != SBI_SUCCESS)
		return refuse(why, STATUS_UNSUPPORTED,
			      "is not started by the firmware (error %d)",
			      (int)started.error);
	return STATUS_OK;
}

const char *arch_hart_prepare(void)
{
	struct features found;

	if (!host_table_join())
		return "cannot translate as the boot hart does";
	arch_host_timer_set(UINT64_MAX);
	csr_write(CSR_SIE, INTERRUPT_SSI);
	features_probe(&found);
	return features_difference(&found);
}

void arch_hart_kick(unsigned index)
{
	arch_io_barrier();
	sbi_interrupt(harts[index].id);
}

void arch_kick_received(void)
{
	csr_clear(CSR_SIP, INTERRUPT_SSI);
	arch_io_barrier();
}

/* Interrupts are off, and end the wait where they are enabled all the same. */
void arch_hart_wait(void)
{
	csr_set(CSR_SIE, INTERRUPT_SSI);
	__asm__ volatile("wfi" ::: "memory");
}

_Noreturn void arch_hart_park(void)
{
	csr_write(CSR_SIE, 0);
	for (;;)
		__asm__ volatile("wfi");
}
