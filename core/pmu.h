/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The performance counters of one vCPU, as the SBI's PMU extension shows them:
 * two of the hart's own (cycle, instret), and firmware counters of what Gnomon
 * does for this vCPU.
 *
 * A counter that runs is its source's count and an offset, so nothing has to be
 * done while it runs. All is touched by the hart that runs the vCPU alone, but
 * for pmu.seen, to which other vCPUs' requests may add.
 */
#ifndef CORE_PMU_H
#define CORE_PMU_H

#include "core/arch.h"
#include "core/types.h"

/* As many as one mask can name. Index 1, time's, is no counter. */
#define PMU_COUNTERS	   64
#define PMU_CYCLE	   COUNTER_CYCLE
#define PMU_INSTRET	   COUNTER_INSTRET
#define PMU_FIRMWARE_FIRST 3

/* Standard firmware events, by their codes. */
#define PMU_SEEN_LIMIT 14

/* Events of our own: all exits, and then one for each reason, in its order. */
#define PMU_EXITS	      256
#define PMU_EXITS_FOR(reason) (PMU_EXITS + 1 + (reason))

struct pmu_counter {
	uint32_t event; /* event_idx; 0: none */
	bool started;
	uint64_t value; /* when started and loaded: less the count of its source */
};

struct pmu {
	struct pmu_counter counters[PMU_COUNTERS];
	uint64_t seen[PMU_SEEN_LIMIT];
};

struct vcpu;

/* Bit n set: there is a counter n. */
uint64_t pmu_counters(void);

static inline bool pmu_is_firmware(unsigned index)
{
	return index >= PMU_FIRMWARE_FIRST;
}

/* True if this counter can count this event (an event_idx). */
bool pmu_can_count(unsigned index, uint64_t event);

/* What a counter stands at; of a hardware counter without an event: the CSR. */
uint64_t pmu_value(const struct vcpu *vcpu, unsigned index);

/* The loaded vCPU's counter: give it an event it can count, or take that away. */
void pmu_assign(struct vcpu *vcpu, unsigned index, uint32_t event);
void pmu_release(struct vcpu *vcpu, unsigned index);

/* Counting, of a counter with an event, and what to count from. */
void pmu_start(struct vcpu *vcpu, unsigned index);
void pmu_stop(struct vcpu *vcpu, unsigned index);
void pmu_set(struct vcpu *vcpu, unsigned index, uint64_t value);

/* The vCPU comes to a hart, or leaves it: each has a count of its own. */
void pmu_load(struct vcpu *vcpu);
void pmu_put(struct vcpu *vcpu);

/*
 * If that is an instruction that reads cycle or instret, and may, do it; false, and
 * nothing done, otherwise.
 */
bool pmu_emulate_read(struct vcpu *vcpu, uint32_t instruction);

/* A standard firmware event has happened to this vCPU, loaded or not. */
void pmu_saw(struct vcpu *vcpu, unsigned event);

#endif
