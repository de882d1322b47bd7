/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a row of the benchmark guest has measured: instructions that the hart has
 * retired, and VM exits by reason where the SBI counts them (docs/pmu.md).
 */
#ifndef GUESTS_BENCH_MEASURE_H
#define GUESTS_BENCH_MEASURE_H

#include "core/counters.h"

struct measured {
	uint64_t instructions;
	uint64_t exits[REASON_COUNT];
};

/* Find out what can be counted, and begin to. */
void measure_init(void);

/* True if exits are counted: there is a Gnomon below us. */
bool measure_sees_exits(void);

/* All exits since measure_init(), those of its own and of printing rows included. */
void measure_total(struct measured *measured);

/* All of a row, from measure_reset() on; between two measured stretches. */
void measure_reset(void);
const struct measured *measure_result(void);

#endif
