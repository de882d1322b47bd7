/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probing of the machine from M-mode. See features.h. What a guest does is tried by one
 * (arch/riscv/probe.h), in S-mode, with PMP closed as it is for all that follow: its code
 * is copied to a page of guests' RAM, its tables lie in the pool.
 */
#include "arch/riscv/features.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/m/extensions.h"
#include "arch/riscv/m/pmp.h"
#include "arch/riscv/m/vector.h"
#include "arch/riscv/probe.h"
#include "core/arch.h"
#include "core/machine.h"
#include "core/string.h"
#include "mm/guest_memory.h"
#include "mm/page_alloc.h"
#include "mm/pte.h"

static unsigned count_bits(uint64_t value)
{
	unsigned count = 0;

	for (; value; value &= value - 1)
		count++;
	return count;
}

/* An unsupported MODE leaves satp as it was. */
static void probe_satp(struct features *found)
{
	for (uint64_t mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		csr_write(CSR_SATP, 0);
		csr_write(CSR_SATP, mode << SATP_MODE_SHIFT);
		if (csr_read(CSR_SATP) >> SATP_MODE_SHIFT == mode)
			found->guest_modes |= 1u << mode;
	}
	csr_write(CSR_SATP,
		  (uint64_t)SATP_SV39 << SATP_MODE_SHIFT | 0xfffful << SATP_ASID_SHIFT);
	found->asid_bits = count_bits(csr_read(CSR_SATP) >> SATP_ASID_SHIFT & 0xffff);
	csr_write(CSR_SATP, 0);
}

/* Bits of menvcfg that keep ones. */
static bool environment_has(uint64_t bits)
{
	uint64_t kept;

	csr_write(CSR_MENVCFG, bits);
	kept = csr_read(CSR_MENVCFG) & bits;
	csr_write(CSR_MENVCFG, 0);
	return kept == bits;
}

static void probe_environment(struct features *found)
{
	unsigned long unused = 0;

	found->environment = guarded("csrw " CSR_TEXT(CSR_MENVCFG) ", %1", "r"(unused));
	if (!found->environment)
		return;
	found->sstc = environment_has(HENVCFG_STCE);
	found->cache_block_zero = environment_has(HENVCFG_CBZE);
	found->cache_block_manage = environment_has(HENVCFG_CBIE_FLUSH | HENVCFG_CBCFE);
}

static void probe_with(const struct probe *probe, hpa_t denied, struct features *found)
{
	found->satp_traps = probe_traps(probe);
	found->access_faults = probe_access_fault(probe, denied);
	if (!(found->guest_modes & 1u << SATP_SV39))
		return;
	probe_load_reserved(probe, found);
	if (found->access_faults)
		probe_poison(probe, denied, found);
}

/* The code lies at the page's start; what is behind it is its data. */
static void probe_by_guest(hpa_t denied, struct features *found)
{
	const uint64_t enabled = csr_read(CSR_MIE);
	const size_t size = (uintptr_t)probe_guest_end - (uintptr_t)probe_guest_start;
	pte_t *tables = page_alloc_table(PROBE_TABLES_ORDER);
	char *page = page_alloc_kind(PAGES_GUESTS, 0);

	if (tables && page) {
		const struct probe probe = {
			.code = page,
			.data = HPA((uintptr_t)page + PAGE_SIZE / 2),
			.tables = tables,
		};

		memset(page, 0, PAGE_SIZE);
		memcpy(page, probe_guest_start, size);
		arch_fence_i();
		csr_write(CSR_MEDELEG, 0);
		csr_write(CSR_MIE, 0);
		probe_with(&probe, denied, found);
		csr_write(CSR_MIE, enabled);
		memset(page, 0, PAGE_SIZE);
	}
	if (tables)
		page_free(tables, PROBE_TABLES_ORDER);
	if (page)
		page_free(page, 0);
}

void features_probe(struct features *found)
{
	const struct host_hart *hart = &machine.fdt.harts[arch_hart_index()];
	const hpa_t denied = pmp_closed_page();
	unsigned long unused = 0;

	*found = (struct features){0};
	found->hypervisor = guarded("csrr zero, " CSR_TEXT(CSR_HGATP), "r"(unused));
	found->foreign = extensions_foreign();
	probe_satp(found);
	/*
	 * Harts that set A and D and harts that fault are the same here: no walk finds a
	 * leaf with A = 0, nor one with W = 1 and D = 0 (lsp/sync.h, protect_entries.c,
	 * checked by the debug build), and PMP lets no walk write to the pool.
	 */
	found->svade = true;
	found->counters = guarded("csrr zero, " CSR_TEXT(CSR_MCYCLE), "r"(unused)) &&
			  guarded("csrr zero, " CSR_TEXT(CSR_MINSTRET), "r"(unused));
	found->time = guarded("csrr zero, " CSR_TEXT(CSR_TIME), "r"(unused));
	probe_environment(found);
	found->vector_bytes = vector_probe();
	found->vector = found->vector_bytes != 0 && host_fdt_has_extension(hart, "v");
	found->svinval = host_fdt_has_extension(hart, "svinval");
	probe_by_guest(denied, found);
	arch_shadow_fence_all();
}
