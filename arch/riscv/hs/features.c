/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probing of the machine, by behaviour and not by version. See features.h.
 *
 * CSR fields are written and read back; what only a guest can show is tried by
 * running one: a few instructions in VS-mode on a vCPU of the probe's own, with
 * no exception delegated, so that whatever they do ends in HS-mode. Runs before
 * any VM exists and leaves all H CSRs zero.
 */
#include "arch/riscv/features.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/seat.h"
#include "core/arch.h"
#include "core/machine.h"
#include "core/vcpu.h"
#include "mm/guest_memory.h"
#include "mm/page_alloc.h"
#include "mm/pte.h"

struct features features;

extern char probe_guest_satp_read[], probe_guest_satp_write[], probe_guest_load[];
extern char probe_guest_load_reserved[], probe_guest_store[], probe_guest_atomic[];
extern char probe_guest_jump[], probe_exit_vector[];

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

static void probe_csr_fields(void)
{
	const uint64_t sv39 = (uint64_t)SATP_SV39 << SATP_MODE_SHIFT;

	features.guest_modes = supported_modes(CSR_VSATP);
	features.gstage_modes = supported_modes(CSR_HGATP);
	features.asid_bits = count_bits(
		writable_bits(CSR_VSATP, sv39 | 0xfffful << SATP_ASID_SHIFT) & ~sv39);
	features.vmid_bits = count_bits(
		writable_bits(CSR_HGATP, sv39 | 0x3ffful << SATP_ASID_SHIFT) & ~sv39);
	csr_write(CSR_HEDELEG, 0);
}

static void probe_environment(void)
{
	const uint64_t clean = HENVCFG_CBIE_FLUSH | HENVCFG_CBCFE;
	unsigned long unused = 0;

	features.environment = guarded("csrw " CSR_TEXT(CSR_HENVCFG) ", %1", "r"(unused));
	if (!features.environment)
		return;
	features.sstc = writable_bits(CSR_HENVCFG, HENVCFG_STCE) != 0;
	features.cache_block_zero = writable_bits(CSR_HENVCFG, HENVCFG_CBZE) != 0;
	features.cache_block_manage = writable_bits(CSR_HENVCFG, clean) == clean;
}

/*
 * What has no field to try. Touching a CSR that is not there would be answered
 * too, but some firmware prints a line of its own about it first.
 */
static void read_device_tree(void)
{
	const struct host_hart *hart = &machine.fdt.harts[0];
	unsigned long unused = 0;

	features.svinval = host_fdt_has_extension(hart, "svinval");
	/* Firmware may keep it from us even then (mstateen0.SE0). */
	features.state_enable =
		(host_fdt_has_extension(hart, "smstateen") ||
		 host_fdt_has_extension(hart, "ssstateen")) &&
		guarded("csrw " CSR_TEXT(CSR_HSTATEEN0) ", %1", "r"(unused));
}

/* The firmware may keep them from us (mcounteren), or have none to give. */
static void probe_counters(void)
{
	unsigned long unused = 0;

	features.counters = guarded("csrr zero, " CSR_TEXT(CSR_CYCLE), "r"(unused)) &&
			    guarded("csrr zero, " CSR_TEXT(CSR_INSTRET), "r"(unused));
}

/* Run the guest code at pc with a0 until it traps; returns scause. */
static uint64_t run_probe(struct vcpu *vcpu, const void *pc, uint64_t a0, uint64_t atp)
{
	arch_vcpu_reset(vcpu, GPA((uintptr_t)pc), a0, 0);
	vcpu->arch.hstatus |= HSTATUS_VTVM;
	vcpu->arch.exit_vector = (uintptr_t)probe_exit_vector;
	csr_write(CSR_VSATP, atp);
	vcpu_enter(vcpu);
	csr_write(CSR_VSATP, 0);
	return csr_read(CSR_SCAUSE);
}

/* Where a probe finds its data: the fourth GiB behind that of its code. */
static uint64_t data_for(const void *pc)
{
	return align_down((uintptr_t)pc, GIB) + 4 * GIB;
}

/*
 * The GiB of the probe's code at identity, and as that of its data, this entry. scause
 * of what pc does to an address at this offset there.
 */
static uint64_t run_translated(struct vcpu *vcpu, pte_t *root, const void *pc,
			       pte_t entry, uint64_t offset)
{
	const uint64_t code = align_down((uintptr_t)pc, GIB);
	const uint64_t data = data_for(pc);
	const uint64_t atp =
		(uint64_t)SATP_SV39 << SATP_MODE_SHIFT | (uintptr_t)root >> PAGE_SHIFT;

	root[level_index(code, 2)] =
		pte_make(code, PTE_V | PTE_R | PTE_X | PTE_A | PTE_D);
	root[level_index(data, 2)] = entry;
	arch_shadow_fence_all();
	return run_probe(vcpu, pc, data + offset, atp);
}

/* A leaf that leads to the table itself. */
static uint64_t run_on_leaf(struct vcpu *vcpu, pte_t *root, const void *pc,
			    uint64_t flags)
{
	return run_translated(vcpu, root, pc,
			      pte_make(align_down((uintptr_t)root, GIB), flags),
			      (uintptr_t)root & (GIB - 1));
}

/*
 * Every kind of access that a pointer leads to a page of the firmware's, by its first
 * entry or its last: it must come here with the cause of its kind and its address,
 * before the walk looks at any leaf.
 */
static bool is_poison_at(struct vcpu *vcpu, pte_t *root, hpa_t page, uint64_t offset)
{
	static const struct {
		const char *pc;
		uint64_t cause;
	} accesses[] = {
		{probe_guest_load, EXCEPTION_LOAD_ACCESS},
		{probe_guest_store, EXCEPTION_STORE_ACCESS},
		{probe_guest_atomic, EXCEPTION_STORE_ACCESS},
		{probe_guest_jump, EXCEPTION_FETCH_ACCESS},
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(accesses); i++) {
		const void *pc = accesses[i].pc;
		uint64_t cause =
			run_translated(vcpu, root, pc, pte_make(page.raw, PTE_V), offset);

		if (cause != accesses[i].cause ||
		    csr_read(CSR_STVAL) != data_for(pc) + offset)
			return false;
	}
	return true;
}

static bool is_poison(struct vcpu *vcpu, pte_t *root, hpa_t page)
{
	return is_poison_at(vcpu, root, page, 0) &&
	       is_poison_at(vcpu, root, page, GIB - PAGE_SIZE);
}

/*
 * lr is a load and faults as one (unprivileged specification, "Zalrsc"). Where it
 * does not, its misses may be reported as a store's and no more; or the hart asks
 * for a store's permission too, and then it is in earnest.
 */
static void probe_translation(struct vcpu *vcpu, pte_t *root, hpa_t denied)
{
	const void *lr = probe_guest_load_reserved;
	bool as_store;

	features.svade = run_on_leaf(vcpu, root, probe_guest_load, PTE_V | PTE_R) ==
			 EXCEPTION_LOAD_PAGE;
	as_store = run_on_leaf(vcpu, root, lr, 0) == EXCEPTION_STORE_PAGE;
	features.lr_needs_write = run_on_leaf(vcpu, root, lr, PTE_V | PTE_R | PTE_A) ==
				  EXCEPTION_STORE_PAGE;
	features.lr_as_store = as_store && !features.lr_needs_write;
	if (features.access_faults && is_poison(vcpu, root, denied))
		features.poison = denied;
}

/*
 * Emulators that satp does not trap in (QEMU 7.2) can lose the interrupt of vstimecmp
 * for good: at every return to the guest they look at it before they take their lock,
 * and forget what came in between. The bits of hvip are not treated like that.
 */
static void distrust_guest_timer(void)
{
	if (!features.satp_traps)
		features.sstc = false;
}

static void probe_by_guest(hpa_t denied)
{
	static struct vcpu vcpu;
	pte_t *root = page_alloc_zeroed(0);

	features.satp_traps = run_probe(&vcpu, probe_guest_satp_read, 0, 0) ==
				      EXCEPTION_VIRTUAL_INSTRUCTION &&
			      run_probe(&vcpu, probe_guest_satp_write, 0, 0) ==
				      EXCEPTION_VIRTUAL_INSTRUCTION;
	distrust_guest_timer();
	if (denied.raw != 0)
		features.access_faults = run_probe(&vcpu, probe_guest_load, denied.raw,
						   0) == EXCEPTION_LOAD_ACCESS;
	if (root) {
		if (features.guest_modes & 1u << SATP_SV39)
			probe_translation(&vcpu, root, denied);
		page_free(root, 0);
	}
	arch_shadow_fence_all();
}

void features_probe(hpa_t denied)
{
	unsigned long unused = 0;

	/* Not as the device tree says: those of FPGA boards leave it out. */
	features.hypervisor = guarded("csrw " CSR_TEXT(CSR_HGATP) ", %1", "r"(unused));
	if (!features.hypervisor)
		return;
	csr_write(CSR_HIDELEG, 0);
	csr_write(CSR_HIE, 0);
	csr_write(CSR_HVIP, 0);
	probe_csr_fields();
	/* hgatp.MODE was changed, and not only by us. */
	arch_gstage_fence(0);
	arch_shadow_fence_all();
	probe_environment();
	probe_counters();
	read_device_tree();
	probe_by_guest(denied);
}
