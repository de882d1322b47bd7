/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot checklists of both seats say in the same words: of the machine, as
 * pieces of a line, and of what guests will find. Boot hart alone.
 */
#ifndef ARCH_RISCV_CHECKLIST_H
#define ARCH_RISCV_CHECKLIST_H

#include "core/host_fdt.h"

/* All RAM that the device tree lists. */
uint64_t memory_mib(void);

/* " Sv39 Sv48" for MODEs as bits, each with the suffix; it lasts for two more calls. */
const char *mode_names(uint32_t modes, const char *suffix);

/* "rv64imafdch": what follows the first '_' is too long for a line. Lasts for one. */
const char *base_letters(const struct host_hart *hart);

/* The extensions that guests are shown, and which paging modes there are. */
void log_guest(void);

/* What harts report of a fault in another way than they should, if they do. */
void log_faults(void);

#endif
