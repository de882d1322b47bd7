/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report of a VM that has ended: how, and its exits by reason, summed and
 * for each vCPU. The names of its members are an interface for scripts.
 */
#include "core/arch.h"
#include "core/canary.h"
#include "core/check.h"
#include "core/json.h"
#include "core/machine.h"
#include "core/scheduler.h"
#include "core/vm.h"

static uint64_t exits_for(const struct vm *vm, enum exit_reason reason)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		sum += vm->vcpus[i].counters.fast[reason] +
		       vm->vcpus[i].counters.full[reason];
	return sum;
}

static void report_reasons(struct json *json, const char *name, const uint64_t *counts)
{
	json_object(json, name);
	for (unsigned i = 0; i < REASON_COUNT; i++)
		if (counts[i] > 0)
			json_number(json, exit_reason_names[i], counts[i]);
	json_object_end(json);
}

static void report_times(struct json *json, const struct vcpu *vcpu)
{
	const struct vcpu_times times = scheduler_times(vcpu);

	json_number(json, "run_microseconds", machine_time(times.run, MICROSECONDS));
	json_number(json, "stolen_microseconds",
		    machine_time(times.stolen, MICROSECONDS));
	json_number(json, "moves", times.moves);
}

static void report_exits(const struct vm *vm, struct json *json)
{
	uint64_t sums[REASON_COUNT];
	uint64_t total = 0;

	for (unsigned i = 0; i < REASON_COUNT; i++)
		total += sums[i] = exits_for(vm, i);
	json_number(json, "exits_total", total);
	report_reasons(json, "exits", sums);
	json_array(json, "vcpus");
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		json_object(json, NULL);
		json_number(json, "id", i);
		report_times(json, &vm->vcpus[i]);
		report_reasons(json, "fast", vm->vcpus[i].counters.fast);
		report_reasons(json, "full", vm->vcpus[i].counters.full);
		json_number(json, "fence_kicks", vm->vcpus[i].kicks);
		json_object_end(json);
	}
	json_array_end(json);
}

static void report_head(struct json *json, const char *name, const char *paging,
			const char *reason, const char *detail, uint64_t memory)
{
	json_object(json, NULL);
	json_text(json, "vm", name);
	json_text(json, "seat", arch_seat());
	json_text(json, "paging", paging);
	json_text(json, "reason", reason);
	json_text(json, "detail", detail);
	json_number(json, "memory", memory);
}

void vm_report(const struct vm *vm)
{
	struct json json = {0};

	report_head(&json, vm->name, vm->mode ? vm->mode->name : "", vm_end_text(vm->end),
		    vm->detail, vm->memory.size);
	report_exits(vm, &json);
	json_number(&json, "checks", check_count());
	json_object(&json, "shadow");
	if (vm->is_made)
		vm->mode->report(vm, &json);
	json_object_end(&json);
	canary_report(&json);
	json_object_end(&json);
}

void vm_report_refusal(const char *name, const char *why)
{
	static const struct exit_counters none;
	struct json json = {0};

	report_head(&json, name, "", vm_end_text(VM_STOPPED), why, 0);
	json_number(&json, "exits_total", 0);
	report_reasons(&json, "exits", none.full);
	json_array(&json, "vcpus");
	json_array_end(&json);
	json_number(&json, "checks", check_count());
	json_object(&json, "shadow");
	json_object_end(&json);
	json_object_end(&json);
}
