/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading what a guest executes, for the hart that does not tell in htinst or
 * stval, and what it points to in its own virtual memory.
 */
#ifndef CORE_GUEST_CODE_H
#define CORE_GUEST_CODE_H

#include "core/vcpu.h"

/*
 * The instruction at the vCPU's pc, with its own execute permission; the upper
 * half is 0 for a 16-bit one. False: not readable now, so let the guest fetch
 * it again, and fault on it if that is what it comes to.
 */
bool guest_code_fetch(struct vcpu *vcpu, uint32_t *instruction);

/*
 * True if that instruction is an lr; false too where it cannot be read: for a hart
 * that reports the faults of an lr as a store's.
 */
bool guest_code_is_load_reserved(struct vcpu *vcpu);

/*
 * True if it is an instruction that stores, an AMO or sc too: for a hart that reports a
 * store's access faults as a load's.
 */
bool guest_code_is_store(struct vcpu *vcpu);

/* 8 bytes at an even gva, as the vCPU could load them. */
bool guest_load_u64(struct vcpu *vcpu, gva_t gva, uint64_t *value);

#endif
