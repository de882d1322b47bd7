/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat hs: by whose tables the loaded vCPU is translated, which exceptions are
 * its own because of that, and the fences of both stages (privileged
 * specification, "Hypervisor Memory-Management Fence Instructions").
 */
#include "arch/riscv/csr.h"
#include "arch/riscv/errata.h"
#include "arch/riscv/features.h"
#include "arch/riscv/fence.h"
#include "arch/riscv/hart.h"
#include "core/arch.h"
#include "core/exit_trace.h"
#include "core/machine.h"
#include "core/vcpu.h"
#include "mm/pte.h"

extern char guest_exit_vector[], guest_fast_vector[];

#define EXCEPTION_BIT(number) (UINT64_C(1) << (number))

/* Never the hypervisor's business, whatever the paging mode. */
#define DELEGATED_ALWAYS                                                                 \
	(EXCEPTION_BIT(0) | EXCEPTION_BIT(EXCEPTION_ILLEGAL_INSTRUCTION) |               \
	 EXCEPTION_BIT(EXCEPTION_BREAKPOINT) |                                           \
	 EXCEPTION_BIT(EXCEPTION_LOAD_MISALIGNED) |                                      \
	 EXCEPTION_BIT(EXCEPTION_STORE_MISALIGNED) |                                     \
	 EXCEPTION_BIT(EXCEPTION_USER_ECALL))

/* The guest's own where shadow tables do not bring them about. */
#define DELEGATED_ACCESS_FAULTS                                                          \
	(EXCEPTION_BIT(EXCEPTION_FETCH_ACCESS) | EXCEPTION_BIT(EXCEPTION_LOAD_ACCESS) |  \
	 EXCEPTION_BIT(EXCEPTION_STORE_ACCESS))

/* ... where it translates by its own tables, or shadow tables remember its faults. */
#define DELEGATED_PAGE_FAULTS                                                            \
	(EXCEPTION_BIT(EXCEPTION_FETCH_PAGE) | EXCEPTION_BIT(EXCEPTION_LOAD_PAGE) |      \
	 EXCEPTION_BIT(EXCEPTION_STORE_PAGE))

/* hgatp, and the fence that every change of its MODE needs, Bare included. */
static void set_gstage(uint64_t hgatp, unsigned vmid)
{
	csr_write(CSR_HGATP, hgatp);
	arch_gstage_fence(vmid);
	/* A VMID that others have had: their entries, under ASIDs of their own. */
	if (hgatp != 0 || features.vmid_bits == 0)
		arch_shadow_fence_all();
}

/*
 * A G-stage of 1 GiB leaves where everything is as it is in the host, but for the last
 * GiB of all, which is not there.
 */
static pte_t hole_table[4 * PTE_PER_TABLE] __attribute__((aligned(4 * PAGE_SIZE)));

#define HOLE HPA((ARRAY_LENGTH(hole_table) - 1) * GIB)

static uint64_t hole_hgatp(void)
{
	return satp_make(SATP_SV39, 0, (uintptr_t)hole_table);
}

static bool hole_is_possible(void)
{
	const uint64_t flags = PTE_V | PTE_R | PTE_W | PTE_X | PTE_U | PTE_A | PTE_D;

	for (unsigned i = 0; i < ARRAY_LENGTH(hole_table) - 1; i++)
		hole_table[i] = pte_make(i * GIB, flags);
	for (unsigned i = 0; i < machine.fdt.memory_count; i++)
		if (machine.fdt.memory[i].base.raw + machine.fdt.memory[i].size >
		    HOLE.raw)
			return false;
	return (features.gstage_modes & 1u << SATP_SV39) != 0;
}

const char *arch_faults(void)
{
	return "reflect";
}

hpa_t arch_detour_page(enum detour detour)
{
	if (detour == DETOUR_ACCESS_FAULT)
		return features.poison;
	if (detour == DETOUR_GSTAGE && hole_is_possible())
		return HOLE;
	return HPA(0);
}

void arch_vector_choose(struct vcpu *vcpu)
{
	const bool fast = (vcpu->arch.hstatus & HSTATUS_VTVM) != 0 && c_keeps_registers &&
			  !exit_trace_is_on(vcpu);

	vcpu->arch.exit_vector =
		(uintptr_t)(fast ? guest_fast_vector : guest_exit_vector);
}

void arch_translate_nested(struct vcpu *vcpu, unsigned mode, hpa_t root, unsigned vmid)
{
	vcpu->arch.hstatus &= ~(uint64_t)HSTATUS_VTVM;
	arch_vector_choose(vcpu);
	csr_write(CSR_HEDELEG,
		  DELEGATED_ALWAYS | DELEGATED_ACCESS_FAULTS | DELEGATED_PAGE_FAULTS);
	set_gstage(satp_make(mode, vmid, root.raw), vmid);
	csr_write(CSR_VSATP, vcpu->arch.csrs.atp);
}

void arch_translate_shadow(struct vcpu *vcpu, enum detour detour)
{
	vcpu->arch.hstatus |= HSTATUS_VTVM;
	arch_vector_choose(vcpu);
	csr_write(CSR_HEDELEG,
		  DELEGATED_ALWAYS |
			  (detour == DETOUR_ACCESS_FAULT ? 0 : DELEGATED_ACCESS_FAULTS));
	set_gstage(detour == DETOUR_GSTAGE ? hole_hgatp() : 0, 0);
}

/* Their addresses have to be mended first. */
static uint64_t kept_faults(void)
{
	return errata_fetch_address ? EXCEPTION_BIT(EXCEPTION_FETCH_PAGE) : 0;
}

void arch_page_faults_delegate(bool delegate)
{
	if (delegate)
		csr_set(CSR_HEDELEG, DELEGATED_PAGE_FAULTS & ~kept_faults());
	else
		csr_clear(CSR_HEDELEG, DELEGATED_PAGE_FAULTS);
}

uint64_t arch_guest_satp(const struct vcpu *vcpu)
{
	(void)vcpu;
	return csr_read(CSR_VSATP);
}

void arch_guest_satp_set(struct vcpu *vcpu, uint64_t value)
{
	(void)vcpu;
	csr_write(CSR_VSATP, value);
}

void arch_shadow_root_set(unsigned mode, hpa_t root, unsigned asid)
{
	csr_write(CSR_VSATP, satp_make(mode, asid, root.raw));
}

bool arch_shadow_root_is(unsigned mode, hpa_t root, unsigned asid)
{
	uint64_t hgatp = csr_read(CSR_HGATP);

	return csr_read(CSR_VSATP) == satp_make(mode, asid, root.raw) &&
	       (hgatp == 0 || hgatp == hole_hgatp());
}

bool arch_gstage_root_is(unsigned mode, hpa_t root, unsigned vmid)
{
	return csr_read(CSR_HGATP) == satp_make(mode, vmid, root.raw);
}

void arch_shadow_fence_leaf(gva_t gva, unsigned asid)
{
	/* hfence.vvma gva, asid */
	__asm__ volatile(NOTED_FENCE(".insn r 0x73, 0, 0x11, x0, %0, %1")::"r"(gva.raw),
			 "r"((uint64_t)asid)
			 : "memory");
}

void arch_shadow_fence_leaves(gva_t gva, uint64_t pages, unsigned asid)
{
	for (; pages > 0; pages--, gva.raw += PAGE_SIZE)
		arch_shadow_fence_leaf(gva, asid);
}

void arch_shadow_fence_leaf_all(gva_t gva)
{
	__asm__ volatile(NOTED_FENCE(".insn r 0x73, 0, 0x11, x0, %0, x0")::"r"(gva.raw)
			 : "memory");
}

void arch_shadow_fence_asid(unsigned asid)
{
	__asm__ volatile(
		NOTED_FENCE(".insn r 0x73, 0, 0x11, x0, x0, %0")::"r"((uint64_t)asid)
		: "memory");
}

void arch_shadow_fence_all(void)
{
	__asm__ volatile(".insn r 0x73, 0, 0x11, x0, x0, x0" ::: "memory");
}

void arch_gstage_fence(unsigned vmid)
{
	/* hfence.gvma x0, vmid: rs2 = a register, so VMID 0 means VMID 0. */
	__asm__ volatile(".insn r 0x73, 0, 0x31, x0, x0, %0" ::"r"((uint64_t)vmid)
			 : "memory");
}

/* hfence.gvma x0, x0 */
static void fence_gstages(void)
{
	__asm__ volatile(".insn r 0x73, 0, 0x31, x0, x0, x0" ::: "memory");
}

/*
 * hfence.vvma is of the VMID in hgatp alone ("Hypervisor Memory-Management Fence
 * Instructions"): shadow translations have 0, those of nested paging another. No walk
 * may begin meanwhile from a vsatp that belongs to the other.
 */
void arch_translation_forget(bool leave)
{
	const uint64_t vsatp = csr_read(CSR_VSATP), hgatp = csr_read(CSR_HGATP);

	csr_write(CSR_VSATP, 0);
	arch_shadow_fence_all();
	csr_write(CSR_HGATP, 0);
	arch_shadow_fence_all();
	fence_gstages();
	if (leave)
		return;
	csr_write(CSR_HGATP, hgatp);
	fence_gstages();
	csr_write(CSR_VSATP, vsatp);
}

uint32_t arch_gstage_modes(void)
{
	return features.gstage_modes;
}

unsigned arch_vmid_bits(void)
{
	return features.vmid_bits;
}
