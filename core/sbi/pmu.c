/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBI PMU: what a guest may ask about its performance counters (core/pmu.h).
 *
 * A set of counters is a base and a mask. It is looked at whole before anything
 * is done, so a set with a counter that is not there changes nothing. Snapshots
 * in shared memory are not offered, which the specification leaves to us.
 */
#include "core/sbi/sbi.h"

#define CSR_CYCLE	 0xc00
#define INFO_WIDTH	 (UINT64_C(63) << 12) /* one less than the number of bits */
#define INFO_IS_FIRMWARE (UINT64_C(1) << 63)

/* False if the set names a counter that is not there. */
static bool read_set(const uint64_t *argument, uint64_t *set)
{
	uint64_t base = argument[0], mask = argument[1];

	*set = 0;
	if (mask == 0)
		return true;
	if (base >= PMU_COUNTERS)
		return false;
	*set = mask << base;
	return *set >> base == mask && (*set & ~pmu_counters()) == 0;
}

static bool counter_exists(uint64_t index)
{
	return index < PMU_COUNTERS && (pmu_counters() >> index & 1);
}

static void counter_info(uint64_t index, struct sbi_answer *answer)
{
	if (!counter_exists(index))
		answer->error = SBI_ERR_INVALID_PARAM;
	else if (pmu_is_firmware((unsigned)index))
		answer->value = INFO_IS_FIRMWARE | INFO_WIDTH;
	else
		answer->value = INFO_WIDTH | (CSR_CYCLE + index);
}

/* One that has no event yet; whom matching is skipped for says which, or its own. */
static bool is_eligible(const struct vcpu *vcpu, unsigned index, uint64_t event,
			bool skip_match)
{
	const struct pmu_counter *counter = &vcpu->pmu.counters[index];

	return !counter->started && (counter->event == 0 || skip_match) &&
	       pmu_can_count(index, event);
}

static unsigned find_counter(const struct vcpu *vcpu, uint64_t set, uint64_t event,
			     bool skip_match)
{
	for (unsigned i = 0; i < PMU_COUNTERS; i++) {
		if (!(set >> i & 1))
			continue;
		if (is_eligible(vcpu, i, event, skip_match))
			return i;
		if (skip_match)
			break;
	}
	return PMU_COUNTERS;
}

static void config_matching(struct vcpu *vcpu, const uint64_t *argument,
			    struct sbi_answer *answer)
{
	uint64_t flags = argument[2], event = argument[3], data = argument[4], set;
	unsigned index;

	if (!read_set(argument, &set)) {
		answer->error = SBI_ERR_INVALID_PARAM;
		return;
	}
	index = find_counter(vcpu, set, event, flags & SBI_PMU_CONFIG_SKIP_MATCH);
	/* None of our events has data: what is not 0 is reserved. */
	if (index == PMU_COUNTERS || data != 0) {
		answer->error = SBI_ERR_NOT_SUPPORTED;
		return;
	}
	pmu_assign(vcpu, index, (uint32_t)event);
	if (flags & SBI_PMU_CONFIG_CLEAR_VALUE)
		pmu_set(vcpu, index, 0);
	if (flags & SBI_PMU_CONFIG_AUTO_START)
		pmu_start(vcpu, index);
	answer->value = index;
}

static bool set_has_event(const struct vcpu *vcpu, uint64_t set)
{
	for (unsigned i = 0; i < PMU_COUNTERS; i++)
		if ((set >> i & 1) && vcpu->pmu.counters[i].event == 0)
			return false;
	return true;
}

/* A counter without an event is none that could be started. */
static int64_t start(struct vcpu *vcpu, const uint64_t *argument)
{
	uint64_t flags = argument[2], initial = argument[3], set;
	int64_t error = SBI_SUCCESS;

	if (!read_set(argument, &set) || !set_has_event(vcpu, set))
		return SBI_ERR_INVALID_PARAM;
	if (flags & SBI_PMU_START_SNAPSHOT)
		return SBI_ERR_NO_SHMEM;
	for (unsigned i = 0; i < PMU_COUNTERS; i++) {
		if (!(set >> i & 1))
			continue;
		if (vcpu->pmu.counters[i].started) {
			error = SBI_ERR_ALREADY_STARTED;
			continue;
		}
		if (flags & SBI_PMU_START_SET_VALUE)
			pmu_set(vcpu, i, initial);
		pmu_start(vcpu, i);
	}
	return error;
}

/* Linux takes the events away from counters it never started: that works too. */
static int64_t stop(struct vcpu *vcpu, const uint64_t *argument)
{
	uint64_t flags = argument[2], set;
	int64_t error = SBI_SUCCESS;

	if (!read_set(argument, &set))
		return SBI_ERR_INVALID_PARAM;
	if (flags & SBI_PMU_STOP_SNAPSHOT)
		return SBI_ERR_NO_SHMEM;
	for (unsigned i = 0; i < PMU_COUNTERS; i++) {
		if (!(set >> i & 1))
			continue;
		if (!vcpu->pmu.counters[i].started)
			error = SBI_ERR_ALREADY_STOPPED;
		pmu_stop(vcpu, i);
		if (flags & SBI_PMU_STOP_RESET)
			pmu_release(vcpu, i);
	}
	return error;
}

static void firmware_read(struct vcpu *vcpu, const struct sbi_request *request,
			  struct sbi_answer *answer)
{
	uint64_t index = request->argument[0];

	if (!counter_exists(index) || !pmu_is_firmware((unsigned)index))
		answer->error = SBI_ERR_INVALID_PARAM;
	else if (request->function == SBI_PMU_FIRMWARE_READ)
		answer->value = pmu_value(vcpu, (unsigned)index);
}

static void handle(struct vcpu *vcpu, const struct sbi_request *request,
		   struct sbi_answer *answer)
{
	switch (request->function) {
	case SBI_PMU_NUM_COUNTERS:
		answer->value = PMU_COUNTERS;
		break;
	case SBI_PMU_COUNTER_INFO:
		counter_info(request->argument[0], answer);
		break;
	case SBI_PMU_CONFIG_MATCHING:
		config_matching(vcpu, request->argument, answer);
		break;
	case SBI_PMU_START:
		answer->error = start(vcpu, request->argument);
		break;
	case SBI_PMU_STOP:
		answer->error = stop(vcpu, request->argument);
		break;
	case SBI_PMU_FIRMWARE_READ:
	case SBI_PMU_FIRMWARE_READ_HIGH:
		firmware_read(vcpu, request, answer);
		break;
	default:
		answer->error = SBI_ERR_NOT_SUPPORTED;
	}
}

const struct sbi_extension sbi_pmu = {
	.first = SBI_EXTENSION_PMU,
	.last = SBI_EXTENSION_PMU,
	.reason = REASON_SBI_PMU,
	.handle = handle,
};
