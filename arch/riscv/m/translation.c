/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat m: by whose tables the loaded vCPU is translated, which exceptions are its own
 * because of that, and the fences. The guest's satp is always a shadow table.
 */
#include "arch/riscv/csr.h"
#include "arch/riscv/errata.h"
#include "arch/riscv/features.h"
#include "arch/riscv/fence.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/m/extensions.h"
#include "core/arch.h"
#include "core/exit_trace.h"
#include "core/panic.h"
#include "core/vcpu.h"
#include "mm/pte.h"

#define EXCEPTION_BIT(number) (UINT64_C(1) << (number))

/* Never the hypervisor's business. Illegal instructions are: satp's are among them. */
#define DELEGATED_ALWAYS                                                                 \
	(EXCEPTION_BIT(0) | EXCEPTION_BIT(EXCEPTION_BREAKPOINT) |                        \
	 EXCEPTION_BIT(EXCEPTION_USER_ECALL))

#define DELEGATED_PAGE_FAULTS                                                            \
	(EXCEPTION_BIT(EXCEPTION_FETCH_PAGE) | EXCEPTION_BIT(EXCEPTION_LOAD_PAGE) |      \
	 EXCEPTION_BIT(EXCEPTION_STORE_PAGE))

const char *arch_faults(void)
{
	return features.poison.raw != 0 ? "poison" : "reflect";
}

hpa_t arch_detour_page(enum detour detour)
{
	return detour == DETOUR_ACCESS_FAULT ? features.poison : HPA(0);
}

/* There is no G-stage here, so the mode that needs one is never run. */
void arch_translate_nested(struct vcpu *vcpu, unsigned mode, hpa_t root, unsigned vmid)
{
	(void)vcpu;
	(void)mode;
	(void)root;
	(void)vmid;
	assert(false);
}

void arch_vector_choose(struct vcpu *vcpu)
{
	vcpu->arch.exit_vector =
		extensions_vector(c_keeps_registers && !exit_trace_is_on(vcpu));
}

void arch_translate_shadow(struct vcpu *vcpu, enum detour detour)
{
	(void)detour;
	arch_vector_choose(vcpu);
	csr_write(CSR_MEDELEG, DELEGATED_ALWAYS);
	arch_shadow_fence_all();
}

/* Their addresses have to be mended first. */
static uint64_t kept_faults(void)
{
	return errata_fetch_address ? EXCEPTION_BIT(EXCEPTION_FETCH_PAGE) : 0;
}

void arch_page_faults_delegate(bool delegate)
{
	if (delegate)
		csr_set(CSR_MEDELEG, DELEGATED_PAGE_FAULTS & ~kept_faults());
	else
		csr_clear(CSR_MEDELEG, DELEGATED_PAGE_FAULTS);
}

uint64_t arch_guest_satp(const struct vcpu *vcpu)
{
	(void)vcpu;
	return csr_read(CSR_SATP);
}

void arch_guest_satp_set(struct vcpu *vcpu, uint64_t value)
{
	(void)vcpu;
	csr_write(CSR_SATP, value);
}

void arch_shadow_root_set(unsigned mode, hpa_t root, unsigned asid)
{
	csr_write(CSR_SATP, satp_make(mode, asid, root.raw));
}

bool arch_shadow_root_is(unsigned mode, hpa_t root, unsigned asid)
{
	return csr_read(CSR_SATP) == satp_make(mode, asid, root.raw) &&
	       extensions_are_closed();
}

bool arch_gstage_root_is(unsigned mode, hpa_t root, unsigned vmid)
{
	(void)mode;
	(void)root;
	(void)vmid;
	return false;
}

void arch_shadow_fence_leaf(gva_t gva, unsigned asid)
{
	__asm__ volatile(NOTED_FENCE("sfence.vma %0, %1")::"r"(gva.raw),
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
	__asm__ volatile(NOTED_FENCE("sfence.vma %0, x0")::"r"(gva.raw) : "memory");
}

void arch_shadow_fence_asid(unsigned asid)
{
	__asm__ volatile(NOTED_FENCE("sfence.vma x0, %0")::"r"((uint64_t)asid)
			 : "memory");
}

void arch_shadow_fence_all(void)
{
	__asm__ volatile("sfence.vma x0, x0" ::: "memory");
}

void arch_gstage_fence(unsigned vmid)
{
	(void)vmid;
}

void arch_translation_forget(bool leave)
{
	if (leave)
		csr_write(CSR_SATP, 0);
	arch_shadow_fence_all();
}

uint32_t arch_gstage_modes(void)
{
	return 0;
}

unsigned arch_vmid_bits(void)
{
	return 0;
}
