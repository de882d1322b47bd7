/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat hs: what the rest of arch/riscv needs of the world switch.
 */
#ifndef ARCH_RISCV_SEAT_HS_H
#define ARCH_RISCV_SEAT_HS_H

#include "core/vcpu.h"

/* switch.S: run the guest until it traps; the trap CSRs tell why. */
void vcpu_enter(struct vcpu *vcpu);

/* switch.S: 16 bits at a guest address; false if the access would fault. */
bool guarded_fetch_half(gva_t gva, uint16_t *half);
bool guarded_load_half(gva_t gva, uint16_t *half);

/* fp.S */
void fp_save(struct arch_vcpu *state);
void fp_restore(const struct arch_vcpu *state);

#endif
