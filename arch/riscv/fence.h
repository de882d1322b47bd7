/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fences of less than everything, which some harts do not obey (CIP-1200). Each notes
 * where it is, so that all of them can be made full ones at boot, by clearing the
 * registers that they name, and cost nothing on harts that do.
 */
#ifndef ARCH_RISCV_FENCE_H
#define ARCH_RISCV_FENCE_H

#ifdef __ASSEMBLER__

/* clang-format off */
.macro noted_fence instruction:vararg
771:	\instruction
	.pushsection .fences, "a"
	.balign	4
	.word	771b - .
	.popsection
.endm
/* clang-format on */

#else
#include "core/types.h"

/* As the first and only instruction of an asm statement. */
#define NOTED_FENCE(instruction)                                                         \
	"771:\t" instruction "\n\t"                                                      \
	".pushsection .fences, \"a\"\n\t"                                                \
	".balign 4\n\t"                                                                  \
	".word 771b - .\n\t"                                                             \
	".popsection"

/* Notes: how far from itself each says that its fence is, in bytes. See link.ld. */
extern const int32_t fences_start[], fences_end[];

#endif
#endif
