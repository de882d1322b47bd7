/* SPDX-License-Identifier: BSD-2-Clause */
/* Tracing of exits, on and off. See exit_trace.h. */
#include "core/exit_trace.h"
#include "core/vm.h"
#include "mm/page_alloc.h"

static void set(struct vcpu *vcpu, bool on)
{
	vcpu->trace->on = on;
	arch_vector_choose(vcpu);
}

/* A vCPU may run meanwhile, and must find a ring that is whole. */
static enum status give_ring(struct vcpu *vcpu)
{
	struct exit_trace *trace;

	if (vcpu->trace)
		return STATUS_OK;
	trace = page_alloc_zeroed(0);
	if (!trace)
		return STATUS_NO_MEMORY;
	__atomic_store_n(&vcpu->trace, trace, __ATOMIC_RELEASE);
	return STATUS_OK;
}

enum status exit_trace_start(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (give_ring(&vm->vcpus[i]) != STATUS_OK)
			return STATUS_NO_MEMORY;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		set(&vm->vcpus[i], true);
	return STATUS_OK;
}

void exit_trace_stop(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i].trace)
			set(&vm->vcpus[i], false);
}

void exit_trace_free(struct vm *vm)
{
	exit_trace_stop(vm);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (vm->vcpus[i].trace)
			page_free(vm->vcpus[i].trace, 0);
		vm->vcpus[i].trace = NULL;
	}
}
