/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat hs: by whose tables the loaded vCPU is translated, which exceptions are
 * its own because of that, and the fences of both stages (privileged
 * specification, "Hypervisor Memory-Management Fence Instructions").
 */
#include "arch/riscv/csr.h"
#include "arch/riscv/features.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/sbi_client.h"
#include "core/arch.h"
#include "core/vcpu.h"
#include "mm/pte.h"

extern char guest_exit_vector[], guest_fast_vector[];

#define EXCEPTION_BIT(number) (UINT64_C(1) << (number))

/* Never the hypervisor's business, whatever the paging mode. */
#define DELEGATED_ALWAYS                                                                 \
	(EXCEPTION_BIT(0) | EXCEPTION_BIT(EXCEPTION_FETCH_ACCESS) |                      \
	 EXCEPTION_BIT(EXCEPTION_ILLEGAL_INSTRUCTION) |                                  \
	 EXCEPTION_BIT(EXCEPTION_BREAKPOINT) |                                           \
	 EXCEPTION_BIT(EXCEPTION_LOAD_MISALIGNED) |                                      \
	 EXCEPTION_BIT(EXCEPTION_LOAD_ACCESS) |                                          \
	 EXCEPTION_BIT(EXCEPTION_STORE_MISALIGNED) |                                     \
	 EXCEPTION_BIT(EXCEPTION_STORE_ACCESS) | EXCEPTION_BIT(EXCEPTION_USER_ECALL))

/* The guest's own when it translates by its own tables. */
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

void arch_translate_nested(struct vcpu *vcpu, unsigned mode, hpa_t root, unsigned vmid)
{
	vcpu->arch.hstatus &= ~(uint64_t)HSTATUS_VTVM;
	vcpu->arch.exit_vector = (uintptr_t)guest_exit_vector;
	csr_write(CSR_HEDELEG, DELEGATED_ALWAYS | DELEGATED_PAGE_FAULTS);
	set_gstage(satp_make(mode, vmid, root.raw), vmid);
	csr_write(CSR_VSATP, vcpu->arch.csrs.atp);
}

void arch_translate_shadow(struct vcpu *vcpu)
{
	vcpu->arch.hstatus |= HSTATUS_VTVM;
	vcpu->arch.exit_vector = (uintptr_t)guest_fast_vector;
	csr_write(CSR_HEDELEG, DELEGATED_ALWAYS);
	set_gstage(0, 0);
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
	return csr_read(CSR_VSATP) == satp_make(mode, asid, root.raw) &&
	       csr_read(CSR_HGATP) == 0;
}

bool arch_gstage_root_is(unsigned mode, hpa_t root, unsigned vmid)
{
	return csr_read(CSR_HGATP) == satp_make(mode, vmid, root.raw);
}

void arch_shadow_fence_leaf(gva_t gva, unsigned asid)
{
	/* hfence.vvma gva, asid */
	__asm__ volatile(".insn r 0x73, 0, 0x11, x0, %0, %1" ::"r"(gva.raw),
			 "r"((uint64_t)asid)
			 : "memory");
}

void arch_shadow_fence_leaf_all(gva_t gva)
{
	__asm__ volatile(".insn r 0x73, 0, 0x11, x0, %0, x0" ::"r"(gva.raw) : "memory");
}

void arch_shadow_fence_asid(unsigned asid)
{
	__asm__ volatile(".insn r 0x73, 0, 0x11, x0, x0, %0" ::"r"((uint64_t)asid)
			 : "memory");
}

void arch_shadow_fence_all(void)
{
	__asm__ volatile(".insn r 0x73, 0, 0x11, x0, x0, x0" ::: "memory");
}

/*
 * The firmware does it: its interrupts reach a hart wherever it is, in the guest or
 * waiting for a lock. Hart ids may be sparse, so it is asked for one at a time.
 */
void arch_shadow_fence_remote(uint32_t targets)
{
	for (unsigned i = 0; i < HART_LIMIT; i++)
		if (targets >> i & 1)
			sbi_fence_shadow(harts[i].id);
}

void arch_gstage_fence(unsigned vmid)
{
	/* hfence.gvma x0, vmid: rs2 = a register, so VMID 0 means VMID 0. */
	__asm__ volatile(".insn r 0x73, 0, 0x31, x0, x0, %0" ::"r"((uint64_t)vmid)
			 : "memory");
}

uint32_t arch_translation_modes(void)
{
	return features.guest_modes;
}

uint32_t arch_gstage_modes(void)
{
	return features.gstage_modes;
}

bool arch_satp_traps(void)
{
	return features.satp_traps;
}

bool arch_guest_svade(void)
{
	return features.svade;
}

unsigned arch_asid_bits(void)
{
	return features.asid_bits;
}

unsigned arch_vmid_bits(void)
{
	return features.vmid_bits;
}
