/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VM's own exits, by reason, as Gnomon offers them to a guest: SBI firmware
 * events of the PMU extension, which Linux makes raw perf events. Counted on
 * CPU 0 for all processes, so that children and kernel threads are in; a VM with
 * more vCPUs would need to pin its work there.
 */
#ifndef GUESTS_LINUX_WORKLOADS_EXITS_H
#define GUESTS_LINUX_WORKLOADS_EXITS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/counters.h"

struct exits {
	uint64_t total;
	uint64_t by_reason[REASON_COUNT];
};

extern const char *const exits_names[REASON_COUNT];

/* False where there is no such counter: natively, for one. */
bool exits_open(void);

/*
 * Read the counters. Reading takes exits itself; exits_between() leaves them out,
 * as measured when the counters were opened.
 */
void exits_read(struct exits *now);
void exits_between(const struct exits *begin, const struct exits *end,
		   struct exits *result);

#endif
