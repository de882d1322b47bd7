/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of a vCPU, without the SBI calls around them. See pmu.h.
 *
 * cycle and instret can be neither stopped nor set for one guest alone, so while
 * the guest has given one of them an event, its reads of that CSR are exits, and
 * find the value that the guest's counter would have. Otherwise they cost nothing
 * and find the hart's own.
 */
#include "core/pmu.h"
#include "core/arch.h"
#include "core/sbi_numbers.h"
#include "core/vcpu.h"

#define EVENT_CYCLES SBI_PMU_EVENT(SBI_PMU_TYPE_HARDWARE, SBI_PMU_HARDWARE_CYCLES)
#define EVENT_INSTRUCTIONS                                                               \
	SBI_PMU_EVENT(SBI_PMU_TYPE_HARDWARE, SBI_PMU_HARDWARE_INSTRUCTIONS)

uint64_t pmu_counters(void)
{
	uint64_t hart = UINT64_C(1) << PMU_CYCLE | UINT64_C(1) << PMU_INSTRET;
	uint64_t firmware = UINT64_MAX << PMU_FIRMWARE_FIRST;

	return arch_has_counters() ? hart | firmware : firmware;
}

static enum hart_counter hart_counter(unsigned index)
{
	return (enum hart_counter)index;
}

/* The standard events that Gnomon sees all of; others are the firmware's below. */
static bool is_seen(uint64_t code)
{
	return code >= SBI_PMU_FIRMWARE_SET_TIMER && code < PMU_SEEN_LIMIT;
}

bool pmu_can_count(unsigned index, uint64_t event)
{
	uint64_t code = event & 0xffff;

	if (!pmu_is_firmware(index))
		return event == (index == PMU_CYCLE ? EVENT_CYCLES : EVENT_INSTRUCTIONS);
	return event >> 16 == SBI_PMU_TYPE_FIRMWARE &&
	       (is_seen(code) ||
		(code >= PMU_EXITS && code < PMU_EXITS_FOR(REASON_COUNT)));
}

/* What an event has come to since the vCPU, or the hart, was started. */
static uint64_t count(const struct vcpu *vcpu, unsigned index)
{
	unsigned code = vcpu->pmu.counters[index].event & 0xffff;

	if (!pmu_is_firmware(index))
		return arch_counter(hart_counter(index));
	if (is_seen(code))
		return __atomic_load_n(&vcpu->pmu.seen[code], __ATOMIC_RELAXED);
	if (code == PMU_EXITS)
		return counters_total(&vcpu->counters);
	code -= PMU_EXITS_FOR(0);
	return vcpu->counters.fast[code] + vcpu->counters.full[code];
}

uint64_t pmu_value(const struct vcpu *vcpu, unsigned index)
{
	const struct pmu_counter *counter = &vcpu->pmu.counters[index];

	if (counter->event == 0 && !pmu_is_firmware(index))
		return arch_counter(hart_counter(index));
	return counter->value + (counter->started ? count(vcpu, index) : 0);
}

void pmu_assign(struct vcpu *vcpu, unsigned index, uint32_t event)
{
	struct pmu_counter *counter = &vcpu->pmu.counters[index];

	counter->value = pmu_value(vcpu, index);
	counter->event = event;
	if (!pmu_is_firmware(index))
		arch_counter_trap(vcpu, hart_counter(index), true);
}

void pmu_release(struct vcpu *vcpu, unsigned index)
{
	pmu_stop(vcpu, index);
	vcpu->pmu.counters[index].event = 0;
	if (!pmu_is_firmware(index))
		arch_counter_trap(vcpu, hart_counter(index), false);
}

void pmu_start(struct vcpu *vcpu, unsigned index)
{
	struct pmu_counter *counter = &vcpu->pmu.counters[index];

	if (!counter->started)
		counter->value -= count(vcpu, index);
	counter->started = true;
}

void pmu_stop(struct vcpu *vcpu, unsigned index)
{
	struct pmu_counter *counter = &vcpu->pmu.counters[index];

	if (counter->started)
		counter->value += count(vcpu, index);
	counter->started = false;
}

void pmu_set(struct vcpu *vcpu, unsigned index, uint64_t value)
{
	struct pmu_counter *counter = &vcpu->pmu.counters[index];

	counter->value = value - (counter->started ? count(vcpu, index) : 0);
}

void pmu_load(struct vcpu *vcpu)
{
	for (unsigned i = 0; i < PMU_FIRMWARE_FIRST; i++)
		if (vcpu->pmu.counters[i].started)
			vcpu->pmu.counters[i].value -= count(vcpu, i);
}

void pmu_put(struct vcpu *vcpu)
{
	for (unsigned i = 0; i < PMU_FIRMWARE_FIRST; i++)
		if (vcpu->pmu.counters[i].started)
			vcpu->pmu.counters[i].value += count(vcpu, i);
}

/* csrrs, csrrc and their immediate forms, of cycle or instret, that do not write. */
static bool reads_counter(uint32_t instruction)
{
	return (instruction & 0xffdfa07f) == 0xc0002073;
}

bool pmu_emulate_read(struct vcpu *vcpu, uint32_t instruction)
{
	unsigned index = instruction >> 20 & 3;

	if (!reads_counter(instruction) || !arch_has_counters() ||
	    !arch_counter_permitted(vcpu, hart_counter(index)))
		return false;
	vcpu_set_register(vcpu, instruction >> 7 & 31, pmu_value(vcpu, index));
	return true;
}

void pmu_saw(struct vcpu *vcpu, unsigned event)
{
	__atomic_fetch_add(&vcpu->pmu.seen[event], 1, __ATOMIC_RELAXED);
}
