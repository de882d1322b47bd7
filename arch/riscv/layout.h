/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes that C, assembly and the linker script's sections agree on, and the
 * symbols of the image. Each hart's stack has an unmapped guard page below it.
 */
#ifndef ARCH_RISCV_LAYOUT_H
#define ARCH_RISCV_LAYOUT_H

#define HART_LIMIT	 8
#define STACK_SIZE	 16384
#define STACK_GUARD_SIZE 4096

#ifndef __ASSEMBLER__
extern char image_start[], text_end[], rodata_end[], image_end[], stacks[];
#endif
#endif
