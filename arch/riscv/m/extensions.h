/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What harts have beyond what guests of seat m are shown, and a guest in S-mode could
 * come to: docs/seat-m.md has the list. What has a switch is off; of what has none, no
 * state is left to the next vCPU; and V = 1 leads nowhere.
 */
#ifndef ARCH_RISCV_M_EXTENSIONS_H
#define ARCH_RISCV_M_EXTENSIONS_H

#include "core/types.h"

/* Before anything on this hart may trap: nothing of it is left to do otherwise. */
void extensions_let_trap(void);

/*
 * Close this hart, once PMP is and the page allocator knows its pages, and while no VM
 * runs and no other hart is being closed. False if it has
 * the hypervisor extension and that cannot be closed; *why says so.
 */
bool extensions_close(const char **why);

/* Bits of mstatus that this hart sets in a trap of what is none of a guest's. */
uint64_t extensions_foreign(void);

/* Where the hypervisor extension is there for good, hgatp is as it was closed. */
bool extensions_are_closed(void);

/*
 * Where traps out of a guest have to go: guest_fast_vector or guest_exit_vector, or what
 * goes on there.
 */
uint64_t extensions_vector(bool fast);

/* For the boot checklist: what is done about the hypervisor extension. */
const char *extensions_hypervisor(void);

/* All CSRs that a guest may reach and Gnomon does not keep for it are as after a reset.
 */
void extensions_clear(void);

/* What menvcfg lets the guest use: the bits are HENVCFG_*. */
void extensions_set_environment(uint64_t bits);

#endif
