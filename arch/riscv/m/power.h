/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way to power the machine off, where Gnomon is the firmware: the finisher of QEMU
 * and of SiFive's tests, or a register that the device tree names (syscon-poweroff).
 * Found by the boot hart; read-only afterwards.
 */
#ifndef ARCH_RISCV_M_POWER_H
#define ARCH_RISCV_M_POWER_H

#include "core/types.h"

/* What cannot be understood of it is as if it were not there. */
void power_find(const void *tree);

/* False: nothing is known that does it. If true, the machine may go on for a moment. */
bool power_off(bool failure);

#endif
