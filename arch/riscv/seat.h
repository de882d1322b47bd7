/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What both seats have in common of the world switch, each in its own way.
 */
#ifndef ARCH_RISCV_SEAT_H
#define ARCH_RISCV_SEAT_H

#include "core/arch.h"
#include "core/vcpu.h"

/* switch.S: run the guest until it traps; the trap CSRs tell why. */
void vcpu_enter(struct vcpu *vcpu);

/*
 * What a fault of translation was, for a vCPU whose pc and status registers are
 * current; false for any other exception.
 */
bool seat_describe_fault(struct vcpu *vcpu, uint64_t code, struct vm_exit *exit);

/* fault_kind.c: what the access was, on harts that do not always say so. */
enum access_kind seat_true_kind(struct vcpu *vcpu, enum access_kind reported,
				bool access_fault);

/* Panics if the trap just taken, whose hstatus is in the vCPU, was Gnomon's own. */
void seat_assert_guest(const struct vcpu *vcpu);

/* boot.c: a trap of Gnomon's own, with nothing to go on at. */
_Noreturn void host_trap_panic(uint64_t cause, uint64_t pc, uint64_t value, uint64_t sp);

/* exit_fast.c: nothing is known of the vCPU's code. */
void exit_fast_reset(struct vcpu *vcpu);

/*
 * The C of exit_fast.S: one of FAST_*, or whether the exit is finished and the guest
 * goes on behind the instruction.
 */
unsigned exit_fast_fault(struct vcpu *vcpu, uint64_t cause);
bool exit_fast_call(struct vcpu *vcpu);

/* switch.S: 16 bits at a guest address; false if the access would fault. */
bool guarded_fetch_half(gva_t gva, uint16_t *half);
bool guarded_load_half(gva_t gva, uint16_t *half);

/* fp.S */
void fp_save(struct float_state *state);
void fp_restore(const struct float_state *state);
void fp_write(unsigned number, uint64_t value);

/* NaN-boxing: a register holds a single with all bits above it set. */
static inline uint64_t float_box(unsigned width, uint64_t value)
{
	return width == 4 ? value | ~UINT64_C(0) << 32 : value;
}

#endif
