/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, running and ending of VMs. See vm_life.h. */
#include "core/vm_life.h"
#include "core/arch.h"
#include "core/canary.h"
#include "core/console_mux.h"
#include "core/exit_trace.h"
#include "core/harts.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/scheduler.h"
#include "core/timer.h"
#include "core/vm.h"
#include "core/vms.h"

#define BOOT_HART 0

static const struct life_plan *plan;
static bool went_well;
static bool is_one_left_out;
static bool is_ending; /* nothing is started any more */

static const char by_monitor[] = "by the monitor";

bool life_add(const struct vm_config *config)
{
	struct vm *vm =
		vms_find(config->name) || vms_are_full() ? NULL : vm_allocate(config);

	if (!vm) {
		log_line("vm %s: left out: no memory to remember it, another of its "
			 "name, or %u are there already",
			 config->name, VMS_LIMIT);
		is_one_left_out = true;
		return false;
	}
	vms_add(vm);
	return true;
}

/* ---- making ---- */

static bool make(struct vm *vm)
{
	const struct vm_costs last = vm->costs;
	const uint64_t start = arch_time();

	if (vm_create(vm) != STATUS_OK) {
		vm->costs = last;
		log_line("vm %s: %s", vm->name, vm->detail);
		plan->report(vm);
		went_well = false;
		return false;
	}
	mux_open(&vm->screen);
	log_line("vm %s: %lu MiB of memory, paging mode %s", vm->name,
		 vm->memory.size / MIB, vm->mode->name);
	vm->costs.making = arch_time() - start;
	return true;
}

static void start_again(struct vm *vm)
{
	vm->wish = VM_WISH_NOTHING;
	if (!make(vm))
		return;
	vm->is_kept = false;
	vm_start(vm);
}

/* ---- taking down ---- */

static void log_end(const struct vm *vm)
{
	if (vm->mode->log)
		vm->mode->log(vm);
	log_line("vm %s: %s%s%s, after %lu exits", vm->name, vm_end_text(vm->end),
		 vm->detail[0] ? ": " : "", vm->detail, vm_exits(vm));
}

static void check(struct vm *vm)
{
	const char *why = "memory that is not its own has changed";

	if (!canary_check() || (vms_made() == 1 && !plan->checked(&why))) {
		vm->end = VM_STOPPED;
		vm_set_detail(vm, why);
		vm->is_kept = false;
	}
}

static void take_down(struct vm *vm)
{
	uint64_t start;

	mux_close(&vm->screen);
	check(vm);
	log_end(vm);
	plan->report(vm);
	went_well &= vm->is_kept || vm->end == VM_POWER_OFF || vm->end == VM_REBOOT;
	start = arch_time();
	exit_trace_free(vm);
	harts_request(harts_running(), HART_FORGET);
	vm_destroy(vm);
	vm->costs.ending = arch_time() - start;
}

static void forget(struct vm *vm)
{
	vms_remove(vm);
	vm_free(vm);
}

/* ---- the boot hart ---- */

static void look_at(struct vm *vm)
{
	if (vm->is_made && vm_is_over(vm))
		take_down(vm);
	if (vm->is_made)
		return;
	if (vm->wish == VM_WISH_START && !is_ending)
		start_again(vm);
	else if (vm->wish == VM_WISH_REMOVE)
		forget(vm);
}

static void look_at_all(void)
{
	struct vm *next;

	for (struct vm *vm = vms_first(); vm; vm = next) {
		next = vms_next(vm);
		look_at(vm);
	}
}

static bool is_over(void)
{
	for (const struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		if (vm->is_made || (vm->is_kept && !is_ending))
			return false;
	return true;
}

static void end_all(const char *why)
{
	is_ending = true;
	for (struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		if (vm->is_made)
			vm_end(vm, VM_STOPPED, why);
	scheduler_recall(BOOT_HART);
}

static void end_at_limit(void)
{
	end_all("time limit");
}

static void start_all(void)
{
	for (struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		if (make(vm))
			canary_surround(&vm->memory);
	canary_fill();
	if (plan->seconds > 0)
		timer_limit(plan->seconds, end_at_limit);
	plan->begun();
	for (struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		if (vm->is_made)
			vm_start(vm);
}

bool life_run(const struct life_plan *with)
{
	plan = with;
	went_well = !is_one_left_out;
	is_one_left_out = false;
	start_all();
	while (!is_over()) {
		if (scheduler_was_recalled())
			look_at_all();
		else if (!scheduler_step())
			harts_idle();
	}
	while (vms_first())
		forget(vms_first());
	return went_well;
}

/* ---- what the monitor wants ---- */

const char *life_start(struct vm *vm)
{
	if (vm->is_made)
		return "it is running";
	vm->wish = VM_WISH_START;
	vm->is_kept = true;
	scheduler_recall(BOOT_HART);
	return NULL;
}

static void end_for(struct vm *vm, enum vm_wish wish)
{
	vm->wish = wish;
	vm->is_kept = true;
	vm_end(vm, VM_STOPPED, by_monitor);
	scheduler_recall(BOOT_HART);
}

const char *life_stop(struct vm *vm)
{
	if (!vm->is_made)
		return "it is not running";
	end_for(vm, VM_WISH_NOTHING);
	return NULL;
}

const char *life_restart(struct vm *vm)
{
	if (!vm->is_made)
		return life_start(vm);
	end_for(vm, VM_WISH_START);
	return NULL;
}

const char *life_pause(struct vm *vm)
{
	if (!vm->is_made || vm_has_ended(vm))
		return "it is not running";
	if (vm->is_paused)
		return "it is paused";
	scheduler_pause(vm);
	return NULL;
}

const char *life_resume(struct vm *vm)
{
	if (!vm->is_paused)
		return "it is not paused";
	scheduler_resume(vm);
	return NULL;
}

const char *life_remove(struct vm *vm)
{
	if (vm->is_made)
		end_for(vm, VM_WISH_REMOVE);
	else
		vm->wish = VM_WISH_REMOVE;
	scheduler_recall(BOOT_HART);
	return NULL;
}

void life_end(void)
{
	end_all(by_monitor);
	for (struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		vm->is_kept = true;
}
