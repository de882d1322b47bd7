/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timer of a machine and the interrupts between its harts: SiFive's CLINT, or the
 * devices that RISC-V's ACLINT specification makes of it. Which register is whose, the
 * device tree says by the order of interrupts-extended, whatever the harts' ids are.
 * Found by the boot hart; read-only afterwards. Harts are meant by their index.
 */
#ifndef ARCH_RISCV_M_ACLINT_H
#define ARCH_RISCV_M_ACLINT_H

#include "core/host_fdt.h"

/*
 * Look for the devices of the harts in fdt, which was read from this tree.
 * STATUS_NOT_FOUND: none that is known, or not for the boot hart; *why says so.
 */
enum status aclint_find(const void *tree, const struct host_fdt *fdt, const char **why);

/* The machine's time, for the fast vector too. */
extern volatile uint64_t *clint_time;

/* True if the hart has registers of both kinds. */
bool aclint_has(unsigned hart);

/* The hart's timer interrupt from then on; UINT64_MAX: never. */
void aclint_timer_set(unsigned hart, uint64_t deadline);

/* A software interrupt for a hart, or the end of one; in order with memory. */
void aclint_kick(unsigned hart, bool pending);

#endif
