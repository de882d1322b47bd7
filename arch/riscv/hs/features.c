/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probing of the machine, by behaviour and not by version. See features.h.
 *
 * CSR fields are written and read back; what only a guest can show is tried by
 * running one, in VS-mode (see arch/riscv/probe.h). Runs before any VM exists and
 * leaves all H CSRs zero.
 */
#include "arch/riscv/features.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/probe.h"
#include "core/arch.h"
#include "core/machine.h"
#include "mm/guest_memory.h"
#include "mm/page_alloc.h"
#include "mm/pte.h"


/* Bits of a field that keep ones when all of them are written. */
#define writable_bits(csr, bits)                                                         \
	({                                                                               \
		csr_write(csr, bits);                                                    \
		uint64_t kept_ = csr_read(csr) & (bits);                                 \
		csr_write(csr, 0);                                                       \
		kept_;                                                                   \
	})

static unsigned count_bits(uint64_t value)
{
	unsigned count = 0;

	for (; value; value &= value - 1)
		count++;
	return count;
}

/* An unsupported MODE leaves vsatp, and hgatp, with what they had. */
#define supported_modes(csr)                                                             \
	({                                                                               \
		uint32_t modes_ = 0;                                                     \
		for (uint64_t mode_ = SATP_SV39; mode_ <= SATP_SV57; mode_++) {          \
			csr_write(csr, 0);                                               \
			csr_write(csr, mode_ << SATP_MODE_SHIFT);                        \
			if (csr_read(csr) >> SATP_MODE_SHIFT == mode_)                   \
				modes_ |= 1u << mode_;                                   \
		}                                                                        \
		csr_write(csr, 0);                                                       \
		modes_;                                                                  \
	})

static void probe_csr_fields(struct features *found)
{
	const uint64_t sv39 = (uint64_t)SATP_SV39 << SATP_MODE_SHIFT;

	found->guest_modes = supported_modes(CSR_VSATP);
	found->gstage_modes = supported_modes(CSR_HGATP);
	found->asid_bits = count_bits(
		writable_bits(CSR_VSATP, sv39 | 0xfffful << SATP_ASID_SHIFT) & ~sv39);
	found->vmid_bits = count_bits(
		writable_bits(CSR_HGATP, sv39 | 0x3ffful << SATP_ASID_SHIFT) & ~sv39);
	csr_write(CSR_HEDELEG, 0);
}

static void probe_environment(struct features *found)
{
	const uint64_t clean = HENVCFG_CBIE_FLUSH | HENVCFG_CBCFE;
	unsigned long unused = 0;

	found->environment = guarded("csrw " CSR_TEXT(CSR_HENVCFG) ", %1", "r"(unused));
	if (!found->environment)
		return;
	found->sstc = writable_bits(CSR_HENVCFG, HENVCFG_STCE) != 0;
	found->cache_block_zero = writable_bits(CSR_HENVCFG, HENVCFG_CBZE) != 0;
	found->cache_block_manage = writable_bits(CSR_HENVCFG, clean) == clean;
}

/*
 * What has no field to try. Touching a CSR that is not there would be answered
 * too, but some firmware prints a line of its own about it first.
 */
static void read_device_tree(struct features *found)
{
	const struct host_hart *hart = &machine.fdt.harts[arch_hart_index()];
	unsigned long unused = 0;

	found->svinval = host_fdt_has_extension(hart, "svinval");
	/* Firmware may keep it from us even then (mstateen0.SE0). */
	found->state_enable =
		(host_fdt_has_extension(hart, "smstateen") ||
		 host_fdt_has_extension(hart, "ssstateen")) &&
		guarded("csrw " CSR_TEXT(CSR_HSTATEEN0) ", %1", "r"(unused));
}

/* The firmware may keep them from us (mcounteren), or have none to give. */
static void probe_counters(struct features *found)
{
	unsigned long unused = 0;

	found->counters = guarded("csrr zero, " CSR_TEXT(CSR_CYCLE), "r"(unused)) &&
			  guarded("csrr zero, " CSR_TEXT(CSR_INSTRET), "r"(unused));
}

/*
 * Emulators that satp does not trap in (QEMU 7.2) can lose the interrupt of vstimecmp
 * for good: at every return to the guest they look at it before they take their lock,
 * and forget what came in between. The bits of hvip are not treated like that.
 */
static void distrust_guest_timer(struct features *found)
{
	if (!found->satp_traps)
		found->sstc = false;
}

/* A page that the firmware closes: it says so by "no-map". 0 if there is none. */
static hpa_t denied_address(void)
{
	for (unsigned i = 0; i < machine.fdt.reserved_count; i++) {
		const struct host_reserved *reserved = &machine.fdt.reserved[i];

		if (reserved->no_map && is_aligned(reserved->base.raw, PAGE_SIZE) &&
		    reserved->size >= PAGE_SIZE)
			return reserved->base;
	}
	return HPA(0);
}

static void probe_by_guest(hpa_t denied, struct features *found)
{
	pte_t *tables = page_alloc_zeroed(PROBE_TABLES_ORDER);
	/* Its code runs where it is, and any of our memory will do. */
	const struct probe probe = {
		.code = probe_guest_start,
		.data = pointer_hpa(tables),
		.tables = tables,
	};

	found->satp_traps = probe_traps(&probe);
	distrust_guest_timer(found);
	if (denied.raw != 0)
		found->access_faults = probe_access_fault(&probe, denied);
	if (tables && found->guest_modes & 1u << SATP_SV39) {
		found->svade = probe_svade(&probe);
		probe_load_reserved(&probe, found);
		if (found->access_faults)
			probe_poison(&probe, denied, found);
	}
	if (tables)
		page_free(tables, PROBE_TABLES_ORDER);
	arch_shadow_fence_all();
}

void features_probe(struct features *found)
{
	unsigned long unused = 0;

	*found = (struct features){0};
	/* Not as the device tree says: those of FPGA boards leave it out. */
	found->hypervisor = guarded("csrw " CSR_TEXT(CSR_HGATP) ", %1", "r"(unused));
	if (!found->hypervisor)
		return;
	csr_write(CSR_HIDELEG, 0);
	csr_write(CSR_HIE, 0);
	csr_write(CSR_HVIP, 0);
	probe_csr_fields(found);
	/* hgatp.MODE was changed, and not only by us. */
	arch_gstage_fence(0);
	arch_shadow_fence_all();
	probe_environment(found);
	probe_counters(found);
	read_device_tree(found);
	probe_by_guest(denied_address(), found);
}
