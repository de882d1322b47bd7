/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that matter to a TLB, told from their encodings: fences, writes of
 * the registers that translation hangs on, and the marks by which a guest says
 * what part of it is to be counted.
 *
 * The marks are HINTs designated for custom use ("RV32I ... HINT Instructions"): they
 * do nothing on any hart. No state, and nothing here knows QEMU.
 */
#ifndef SCRIPTS_PLUGIN_FENCES_H
#define SCRIPTS_PLUGIN_FENCES_H

#include "scripts/plugin/page_walk.h"

#define MARK_BEGIN UINT32_C(0x00102013) /* slti x0, x0, 1 */
#define MARK_END   UINT32_C(0x00202013) /* slti x0, x0, 2 */
#define MARK_PAUSE UINT32_C(0x00302013) /* slti x0, x0, 3; MARK_BEGIN goes on */

/* True for a fence; *kind as it is when executed with this V. */
bool code_is_fence(uint32_t code, bool is_virtual, enum fence_kind *kind);

/* Registers of a fence's operands, 0 for none. */
unsigned code_rs1(uint32_t code);
unsigned code_rs2(uint32_t code);

/* The fence, from its operands' values and hgatp. */
struct tlb_fence fence_from(uint32_t code, enum fence_kind kind, uint64_t rs1,
			    uint64_t rs2, uint64_t hgatp);

/* A CSR instruction of satp, vsatp or hgatp. */
bool code_is_translation_csr(uint32_t code);

/* csrrw with satp: all of its new value is in rs1. */
bool code_is_satp_write(uint32_t code);

bool code_is_mark(uint32_t code);

/* hlv, hlvx, hsv: accesses by another stage than the code's own. */
bool code_is_guest_access(uint32_t code);

#endif
