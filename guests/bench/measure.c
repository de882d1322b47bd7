/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measuring of the benchmark guest. See measure.h.
 *
 * Exits are counted by firmware counters of the SBI's PMU, which run all the
 * time. Reading them takes exits too: all those are of a reason of their own, and
 * instret is read on the inner side of them, so none is in a result.
 */
#include "guests/bench/measure.h"

#include "core/pmu.h"
#include "core/sbi_numbers.h"
#include "guests/bench/bench.h"
#include "guests/lib/marks.h"
#include "guests/lib/sbi.h"

#define PMU(function, ...)                                                               \
	sbi_call(SBI_EXTENSION_PMU, function, (const uint64_t[6]){__VA_ARGS__})

static struct {
	bool sees_exits;
	uint64_t counters[REASON_COUNT];
	struct measured begun;
	struct measured result;
} measure;

static bool start_counters(void)
{
	/* To anybody else, events from 256 on may mean anything. */
	if (SBI_CALL(SBI_EXT_BASE, SBI_BASE_IMPL_ID, 0).value !=
	    SBI_IMPLEMENTATION_GNOMON)
		return false;
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		struct sbi_result got =
			PMU(SBI_PMU_CONFIG_MATCHING, 0, UINT64_MAX << PMU_FIRMWARE_FIRST,
			    SBI_PMU_CONFIG_CLEAR_VALUE | SBI_PMU_CONFIG_AUTO_START,
			    SBI_PMU_EVENT(SBI_PMU_TYPE_FIRMWARE, PMU_EXITS_FOR(i)));

		if (got.error != SBI_SUCCESS)
			return false;
		measure.counters[i] = got.value;
	}
	return true;
}

void measure_init(void)
{
	measure.sees_exits = start_counters();
}

bool measure_sees_exits(void)
{
	return measure.sees_exits;
}

static uint64_t exits_for(unsigned reason)
{
	return PMU(SBI_PMU_FIRMWARE_READ, measure.counters[reason]).value;
}

void measure_resume(void)
{
	for (unsigned i = 0; measure.sees_exits && i < REASON_COUNT; i++)
		measure.begun.exits[i] = exits_for(i);
	measure.begun.instructions = csr_read(instret);
	mark_begin();
}

void measure_pause(void)
{
	uint64_t now;

	mark_pause();
	now = csr_read(instret);
	measure.result.instructions += now - measure.begun.instructions;
	for (unsigned i = 0; measure.sees_exits && i < REASON_COUNT; i++)
		if (i != REASON_SBI_PMU)
			measure.result.exits[i] += exits_for(i) - measure.begun.exits[i];
}

void measure_total(struct measured *measured)
{
	measured->instructions = csr_read(instret);
	for (unsigned i = 0; measure.sees_exits && i < REASON_COUNT; i++)
		measured->exits[i] = exits_for(i);
}

void measure_reset(void)
{
	measure.result = (struct measured){0};
}

const struct measured *measure_result(void)
{
	mark_end();
	return &measure.result;
}
