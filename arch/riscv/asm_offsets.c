/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offsets of C structures for assembly. Compiled to assembly only; the build
 * turns each marked line into a #define in build/asm_offsets.h.
 */
#include "arch/riscv/hart.h"
#include "core/vcpu.h"

#define CONSTANT(name, value)	   __asm__ volatile("\n.ascii \"->" #name " %0\"" ::"i"(value))
#define OFFSET(name, type, member) CONSTANT(name, offsetof(type, member))

void asm_offsets(void);

void asm_offsets(void)
{
	OFFSET(HART_GUARD, struct hart, guard);
	CONSTANT(HART_SIZE, sizeof(struct hart));
	OFFSET(VCPU_X, struct vcpu, arch.x);
	OFFSET(VCPU_PC, struct vcpu, arch.pc);
	OFFSET(VCPU_STATUS, struct vcpu, arch.status);
	OFFSET(VCPU_HSTATUS, struct vcpu, arch.hstatus);
	OFFSET(VCPU_HOST_SP, struct vcpu, arch.host_sp);
	OFFSET(VCPU_HOST_TP, struct vcpu, arch.host_tp);
	OFFSET(VCPU_EXIT_VECTOR, struct vcpu, arch.exit_vector);
	OFFSET(VCPU_SITES, struct vcpu, arch.sites);
	OFFSET(VCPU_FENCES, struct vcpu, arch.fences);
	OFFSET(VCPU_LAST_FENCE, struct vcpu, last_fence);
	OFFSET(VCPU_FENCE_REPEATS, struct vcpu, fence_repeats);
	OFFSET(VCPU_TREE, struct vcpu, arch.fast.tree);
	OFFSET(VCPU_SATP, struct vcpu, arch.fast.satp);
	OFFSET(VCPU_REQUESTS, struct vcpu, requests);
	OFFSET(VCPU_SWITCHES, struct vcpu, arch.fast.switches);
	OFFSET(VCPU_ROOTS, struct vcpu, arch.fast.roots);
	OFFSET(VCPU_FAST_SATP_WRITES, struct vcpu, counters.fast[REASON_SATP_WRITE]);
	OFFSET(VCPU_FAST_FENCES_PAGE, struct vcpu, counters.fast[REASON_FENCE_ADDRESS]);
	OFFSET(VCPU_FAST_FENCES_PAGE_ASID, struct vcpu,
	       counters.fast[REASON_FENCE_ADDRESS_ASID]);
	OFFSET(VCPU_FAST_TIME_READS, struct vcpu, counters.fast[REASON_TIME_READ]);
	OFFSET(FENCES_STAMP, struct fast_fences, stamp);
	OFFSET(FENCES_ASID, struct fast_fences, asid);
	OFFSET(FENCES_REAL_ASID, struct fast_fences, real_asid);
	OFFSET(FENCES_RUN_FIRST, struct fast_fences, run.first);
	OFFSET(FENCES_RUN_PAGES, struct fast_fences, run.pages);
	OFFSET(FENCES_RUN_OFFSET, struct fast_fences, run.offset);
	OFFSET(FENCES_LOG_HEAD, struct fast_fences, log_head);
	OFFSET(FENCES_LOG, struct fast_fences, log);
	OFFSET(FENCES_PATHS, struct fast_fences, paths);
	OFFSET(PATH_PREFIX, struct fast_path, prefix);
	OFFSET(PATH_STAMP, struct fast_path, stamp);
	OFFSET(PATH_SHADOW, struct fast_path, shadow);
	OFFSET(PATH_GUEST, struct fast_path, guest);
	OFFSET(PATH_NEEDED, struct fast_path, needed);
	OFFSET(PATH_VACANT, struct fast_path, vacant);
	OFFSET(PATH_SHARED, struct fast_path, shared);
	OFFSET(PATH_DELEGATES, struct fast_path, delegates);
	OFFSET(PATH_MORE, struct fast_path, more);
	OFFSET(PATH_STEPS, struct fast_path, steps);
	CONSTANT(PAGE_SHIFT, PAGE_SHIFT);
	CONSTANT(PTE_PER_TABLE, PTE_PER_TABLE);
	CONSTANT(PTE_PPN_SHIFT, PTE_PPN_SHIFT);
	CONSTANT(PTE_VALID, PTE_V);
	CONSTANT(PTE_WD, PTE_W | PTE_D);
	CONSTANT(PTE_G_RSW, PTE_G | PTE_RSW);
	OFFSET(FLOAT_REGISTERS, struct float_state, f);
	OFFSET(FLOAT_FCSR, struct float_state, fcsr);
	OFFSET(VECTOR_START, struct vector_state, start);
	OFFSET(VECTOR_TYPE, struct vector_state, type);
	OFFSET(VECTOR_LENGTH, struct vector_state, length);
	OFFSET(VECTOR_CSR, struct vector_state, csr);
	OFFSET(VECTOR_REGISTERS, struct vector_state, registers);
}
