/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vector unit on seat m. sstatus.VS is a view of mstatus.VS, so that a guest in
 * S-mode switches the unit on whenever it likes: where a hart has it, every vCPU has it,
 * and its registers go with the vCPU. Gnomon itself uses none of them.
 */
#ifndef ARCH_RISCV_M_VECTOR_H
#define ARCH_RISCV_M_VECTOR_H

#include "arch/riscv/vcpu_state.h"

/* The size of this hart's registers, in bytes, of whatever extension; 0: there are none.
 */
unsigned vector_probe(void);

/*
 * Memory for a vCPU's registers, all 0. Nothing where there are none, by
 * features.vector_bytes, as for the others.
 */
enum status vector_create(struct arch_vcpu *vcpu);
void vector_destroy(struct arch_vcpu *vcpu);

/* Between the hart and that memory. */
void vector_save(struct arch_vcpu *vcpu);
void vector_restore(const struct arch_vcpu *vcpu);

#endif
