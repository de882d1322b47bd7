/* SPDX-License-Identifier: BSD-2-Clause */
/* Exit counters: names, the increment of the full path, and the sum. */
#include "core/counters.h"
#include "core/exit_trace.h"
#include "core/vcpu.h"

#define EXIT_REASON_NAME(enumerator, name) [enumerator] = name,
const char *const exit_reason_names[REASON_COUNT] = {EXIT_REASONS(EXIT_REASON_NAME)};
#undef EXIT_REASON_NAME

void counters_count(struct vcpu *vcpu, enum exit_reason reason)
{
	vcpu->counters.full[reason]++;
	exit_trace_reason(vcpu, reason);
}

void counters_count_fast(struct vcpu *vcpu, enum exit_reason reason)
{
	vcpu->counters.fast[reason]++;
}

uint64_t counters_total(const struct exit_counters *counters)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < REASON_COUNT; i++)
		total += counters->fast[i] + counters->full[i];
	return total;
}
