/* SPDX-License-Identifier: BSD-2-Clause */
/* Probing of the machine from M-mode. See features.h. */
#include "arch/riscv/features.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/hart.h"
#include "core/arch.h"
#include "core/machine.h"
#include "mm/pte.h"

struct features features;

static unsigned count_bits(uint64_t value)
{
	unsigned count = 0;

	for (; value; value &= value - 1)
		count++;
	return count;
}

/* An unsupported MODE leaves satp as it was. */
static void probe_satp(void)
{
	for (uint64_t mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		csr_write(CSR_SATP, 0);
		csr_write(CSR_SATP, mode << SATP_MODE_SHIFT);
		if (csr_read(CSR_SATP) >> SATP_MODE_SHIFT == mode)
			features.guest_modes |= 1u << mode;
	}
	csr_write(CSR_SATP,
		  (uint64_t)SATP_SV39 << SATP_MODE_SHIFT | 0xfffful << SATP_ASID_SHIFT);
	features.asid_bits = count_bits(csr_read(CSR_SATP) >> SATP_ASID_SHIFT & 0xffff);
	csr_write(CSR_SATP, 0);
}

/* misa's bits may be read-only. */
static bool has_hypervisor_for_good(void)
{
	csr_clear(CSR_MISA, MISA_H);
	return (csr_read(CSR_MISA) & MISA_H) != 0;
}

void features_probe(hpa_t denied)
{
	unsigned long unused = 0;

	features.hypervisor = has_hypervisor_for_good();
	probe_satp();
	features.satp_traps = true;
	features.access_faults = denied.raw != 0;
	features.poison = denied;
	features.svade = true;
	features.counters = guarded("csrr zero, " CSR_TEXT(CSR_MCYCLE), "r"(unused)) &&
			    guarded("csrr zero, " CSR_TEXT(CSR_MINSTRET), "r"(unused));
	features.time = guarded("csrr zero, " CSR_TEXT(CSR_TIME), "r"(unused));
	features.environment = guarded("csrw " CSR_TEXT(CSR_MENVCFG) ", %1", "r"(unused));
	features.svinval = host_fdt_has_extension(&machine.fdt.harts[0], "svinval");
	arch_shadow_fence_all();
}
