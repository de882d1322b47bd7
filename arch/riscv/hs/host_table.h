/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gnomon's own page table: everything at identity, nothing both writable and
 * executable, no page below a stack.
 */
#ifndef ARCH_RISCV_HOST_TABLE_H
#define ARCH_RISCV_HOST_TABLE_H

#include "core/host_fdt.h"

/* The range of the image, bss and stacks included. */
struct host_range host_image(void);

/* Build the table and run on it. The page allocator is up; once, at boot. */
enum status host_table_enable(const char **why);

/* Run on it on this hart too. False: the hart cannot. */
bool host_table_join(void);

#endif
