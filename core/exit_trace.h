/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last exits of a vCPU: when, where and why.
 *
 * Off, it costs one load in exits after the full save, and nothing in others. On, the
 * trap vector finishes no exit by itself (arch_vector_choose), so that all of them come
 * by here. Written by the hart that runs the vCPU alone; others may read it meanwhile,
 * and find the oldest entry half overwritten at worst. A ring, once there, stays until
 * the VM goes.
 */
#ifndef CORE_EXIT_TRACE_H
#define CORE_EXIT_TRACE_H

#include "core/arch.h"
#include "core/vcpu.h"

#define EXIT_TRACE_ENTRIES 127

struct traced_exit {
	uint64_t time; /* of arch_time() */
	uint64_t pc;
	uint64_t address;	 /* of a translation fault; else what stval was */
	enum exit_reason reason; /* REASON_COUNT: it was not counted */
};

struct exit_trace {
	bool on;
	uint64_t count; /* ever */
	struct traced_exit exits[EXIT_TRACE_ENTRIES];
};

_Static_assert(sizeof(struct exit_trace) <= PAGE_SIZE, "a page each");

/* All of the VM's vCPUs. STATUS_NO_MEMORY: nothing is changed. */
enum status exit_trace_start(struct vm *vm);
void exit_trace_stop(struct vm *vm);

/* Give back its memory; its vCPUs do not run. */
void exit_trace_free(struct vm *vm);

static inline bool exit_trace_is_on(const struct vcpu *vcpu)
{
	const struct exit_trace *trace = vcpu->trace;

	return trace && trace->on;
}

static inline void exit_trace_begin(const struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct exit_trace *trace = vcpu->trace;

	if (!trace || !trace->on)
		return;
	trace->exits[trace->count++ % EXIT_TRACE_ENTRIES] = (struct traced_exit){
		.time = arch_time(),
		.pc = vcpu->arch.pc,
		.address = exit->cause == CAUSE_TRANSLATION ? exit->access.gva.raw
							    : exit->value,
		.reason = REASON_COUNT,
	};
}

/* Of the exit that began last. */
static inline void exit_trace_reason(const struct vcpu *vcpu, enum exit_reason reason)
{
	struct exit_trace *trace = vcpu->trace;

	if (trace && trace->on && trace->count > 0)
		trace->exits[(trace->count - 1) % EXIT_TRACE_ENTRIES].reason = reason;
}

#endif
