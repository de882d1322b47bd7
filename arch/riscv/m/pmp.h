/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory protection (privileged specification, "Physical Memory Protection"):
 * what S- and U-mode may reach of the machine, and the page tables walked for them.
 */
#ifndef ARCH_RISCV_M_PMP_H
#define ARCH_RISCV_M_PMP_H

#include "core/types.h"

/* Close Gnomon's own memory on this hart; false: the hart does not keep what it is told. */
bool pmp_close(void);

/* A page that S-mode may not touch. */
hpa_t pmp_closed_page(void);

#endif
