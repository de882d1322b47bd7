/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a PLIC's registers are, for the driver of the host's and for the one
 * shown to guests (RISC-V PLIC specification 1.0.0, "Memory Map").
 *
 * Offsets in bytes from the base. All registers are 32 bits wide. Source 0
 * means "no interrupt"; its priority and its bits do not exist.
 */
#ifndef DRIVERS_PLIC_LAYOUT_H
#define DRIVERS_PLIC_LAYOUT_H

#define PLIC_PRIORITY	    0x000000U /* one register per source */
#define PLIC_PENDING	    0x001000U /* one bit per source */
#define PLIC_ENABLE	    0x002000U /* per context, one bit per source */
#define PLIC_ENABLE_STRIDE  0x80U
#define PLIC_CONTEXT	    0x200000U /* per context, the registers below */
#define PLIC_CONTEXT_STRIDE 0x1000U
#define PLIC_THRESHOLD	    0x0U
#define PLIC_CLAIM	    0x4U /* read: claim; write: complete */

#define PLIC_SOURCES_LIMIT 1024U

#endif
