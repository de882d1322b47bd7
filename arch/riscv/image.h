/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the first hart does to the image before C runs, in both seats: relocations for
 * where it was loaded, and bss. For assembly only; changes t0 to t4.
 * Invariant: no relocated pointer is used before.
 */
#ifndef ARCH_RISCV_IMAGE_H
#define ARCH_RISCV_IMAGE_H

#ifdef __ASSEMBLER__
.macro prepare_image
	/* R_RISCV_RELATIVE: *(base + offset) = base + addend. */
	lla	t0, relocations_start
	lla	t1, relocations_end
	lla	t2, image_start
1:
	bgeu	t0, t1, 2f
	ld	t3, 0(t0)
	ld	t4, 16(t0)
	add	t3, t3, t2
	add	t4, t4, t2
	sd	t4, 0(t3)
	addi	t0, t0, 24
	j	1b
2:
	lla	t0, bss_start
	lla	t1, image_end
3:	sd	zero, 0(t0)
	addi	t0, t0, 8
	bltu	t0, t1, 3b
.endm
#endif

#endif
