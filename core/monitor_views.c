/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the monitor shows of exits, translation, memory and harts. Everything is read
 * while its owner goes on with it: numbers are of about now.
 */
#include "arch/riscv/layout.h"
#include "core/exit_trace.h"
#include "core/harts.h"
#include "core/json.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/monitor.h"
#include "core/string.h"
#include "core/vm.h"
#include "core/vms.h"
#include "mm/page_alloc.h"

#define TRACE_USUAL 20
#define MICROSECOND 1000000

/* ---- trace ---- */

static void print_exit(const struct vcpu *vcpu, const struct traced_exit *exit)
{
	const uint64_t second = machine.fdt.timebase_frequency;
	const char *reason =
		exit->reason < REASON_COUNT ? exit_reason_names[exit->reason] : "-";

	monitor_print("%6lu.%06lu %4u %-20s 0x%016lx 0x%016lx\n", exit->time / second,
		      exit->time % second * MICROSECOND / second, vcpu->id, reason,
		      exit->pc, exit->address);
}

static void print_trace(const struct vcpu *vcpu, uint64_t count)
{
	const struct exit_trace *trace = vcpu->trace;
	const uint64_t end = trace ? trace->count : 0;

	if (count > end)
		count = end;
	for (uint64_t at = end - count; at < end; at++)
		print_exit(vcpu, &trace->exits[at % EXIT_TRACE_ENTRIES]);
}

bool monitor_trace(unsigned count, char **words)
{
	const bool has_name = count > 0 && (words[0][0] < '0' || words[0][0] > '9');
	uint64_t number = TRACE_USUAL;
	const struct vm *vm;

	if (count > has_name + 1U ||
	    (count > has_name &&
	     !monitor_number(words[has_name], EXIT_TRACE_ENTRIES, &number)))
		return false;
	vm = monitor_vm(has_name ? words[0] : NULL);
	if (!vm)
		return true;
	if (vm->vcpu_count == 0 || !vm->vcpus[0].trace) {
		monitor_print("no exits of %s were traced: `trace on` begins\n",
			      vm->name);
		return true;
	}
	monitor_print("%13s %4s %-20s %-18s %s\n", "SECONDS", "VCPU", "REASON", "PC",
		      "ADDRESS");
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		print_trace(&vm->vcpus[i], number);
	return true;
}

bool monitor_trace_on(unsigned count, char **words)
{
	struct vm *vm;

	if (count > 1)
		return false;
	vm = monitor_vm(count > 0 ? words[0] : NULL);
	if (vm && !vm->is_made)
		monitor_print("%s: it is off\n", vm->name);
	else if (vm && exit_trace_start(vm) != STATUS_OK)
		monitor_print("there is no memory for it\n");
	else if (vm)
		monitor_print("the last %u exits of each vCPU of %s are kept\n",
			      EXIT_TRACE_ENTRIES, vm->name);
	return true;
}

bool monitor_trace_off(unsigned count, char **words)
{
	struct vm *vm;

	if (count > 1)
		return false;
	vm = monitor_vm(count > 0 ? words[0] : NULL);
	if (!vm)
		return true;
	exit_trace_stop(vm);
	monitor_print("exits of %s are no longer traced\n", vm->name);
	return true;
}

/* ---- translation ---- */

static void print_number(struct json *json, const char *name, const uint64_t *number)
{
	for (unsigned i = 0; i < json->depth; i++)
		monitor_print("  ");
	if (number)
		monitor_print("  %-24s %12lu\n", name, *number);
	else
		monitor_print("  %s\n", name ? name : "one");
}

bool monitor_shadow(unsigned count, char **words)
{
	struct json json = {.each = print_number};
	const struct vm *vm;

	if (count > 1)
		return false;
	vm = monitor_vm(count > 0 ? words[0] : NULL);
	if (!vm)
		return true;
	monitor_print("translation of %s: paging mode %s%s\n", vm->name,
		      vm->config.paging, vm->is_made ? "" : ", but it is off");
	if (vm->is_made)
		vm->mode->report(vm, &json);
	return true;
}

/* ---- memory ---- */

struct table_memory {
	struct json json; /* first */
	uint64_t pages;
};

static void add_pages(struct json *json, const char *name, const uint64_t *number)
{
	struct table_memory *memory = (struct table_memory *)json;

	if (json->depth == 0 && number && name &&
	    (strcmp(name, "pages") == 0 || strcmp(name, "state_pages") == 0))
		memory->pages += *number;
}

static void print_vm_memory(const struct vm *vm)
{
	struct table_memory memory = {.json = {.each = add_pages}};

	if (vm->is_made)
		vm->mode->report(vm, &memory.json);
	monitor_print("  %-22s %10lu KiB, and %lu KiB to translate it\n", vm->name,
		      vm->memory.size >> 10, memory.pages << (PAGE_SHIFT - 10));
}

static void print_kind(const char *name, enum page_kind kind)
{
	const uint64_t pages = page_alloc_pages_of(kind);
	const uint64_t free = page_alloc_free_of(kind);

	monitor_print("  %-22s %10lu KiB, %lu KiB of it free\n", name,
		      pages << (PAGE_SHIFT - 10), free << (PAGE_SHIFT - 10));
}

bool monitor_memory(unsigned count, char **words)
{
	static const char *const names[PAGE_KINDS] = {
		[PAGES_OWN] = "Gnomon's own",
		[PAGES_TABLES] = "translation tables",
		[PAGES_GUESTS] = "VMs",
	};

	(void)words;
	if (count > 0)
		return false;
	monitor_print("pages for\n");
	if (!page_alloc_is_divided())
		print_kind("all uses", PAGES_OWN);
	for (unsigned i = 0; i < PAGE_KINDS && page_alloc_is_divided(); i++)
		print_kind(names[i], (enum page_kind)i);
	monitor_print("taken by VMs\n");
	for (const struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		print_vm_memory(vm);
	return true;
}

/* ---- harts ---- */

static const char *place_of(unsigned index)
{
	static const char *const places[] = {
		[HART_IN_GNOMON] = "in Gnomon",
		[HART_IN_GUEST] = "in a guest",
		[HART_WAITS] = "idle",
	};

	if (!(harts_running() >> index & 1))
		return "left out";
	return index == arch_hart_index() ? "the monitor's" : places[harts_place(index)];
}

bool monitor_harts(unsigned count, char **words)
{
	(void)words;
	if (count > 0)
		return false;
	monitor_print("%6s %-14s %14s %14s\n", "HART", "STATE", "SHADOW FENCES",
		      "CODE FENCES");
	for (unsigned i = 0; i < machine.fdt.hart_count && i < HART_LIMIT; i++)
		monitor_print("%6lu %-14s %14lu %14lu\n", machine.fdt.harts[i].id,
			      place_of(i), harts_served(i, HART_FENCE_SHADOW),
			      harts_served(i, HART_FENCE_CODE));
	return true;
}
