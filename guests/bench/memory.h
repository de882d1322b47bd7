/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The start of the benchmark guest's memory: which paging modes there are, the
 * frames, the kernel's tables. What the benchmarks use of it is in bench.h.
 */
#ifndef GUESTS_BENCH_MEMORY_H
#define GUESTS_BENCH_MEMORY_H

/* satp must be Bare; enters nothing. */
void memory_init(void);

#endif
