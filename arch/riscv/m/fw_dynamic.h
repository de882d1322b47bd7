/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct fw_dynamic_info, by which a first stage tells OpenSBI what comes next, and
 * Gnomon in its place: U-Boot's SPL and QEMU hand its address over in a2. Six words of
 * 8 bytes; it need not be in RAM, nor stay after the entry.
 */
#ifndef ARCH_RISCV_M_FW_DYNAMIC_H
#define ARCH_RISCV_M_FW_DYNAMIC_H

#define FW_DYNAMIC_MAGIC	0
#define FW_DYNAMIC_VERSION	8
#define FW_DYNAMIC_NEXT_ADDRESS 16
#define FW_DYNAMIC_BOOT_HART	40 /* from version 2 on; -1: any */

#define FW_DYNAMIC_IS_ONE	0x4942534f /* "OSBI" */
#define FW_DYNAMIC_LAST_VERSION 2

#endif
