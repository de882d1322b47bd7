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
#include "core/reason.h"
#include "core/scheduler.h"
#include "core/string.h"
#include "core/timer.h"
#include "core/vm.h"
#include "core/vms.h"

/* So often in succession a VM may reboot within so many seconds of its start. */
#define REBOOTS_MOST   5U
#define REBOOT_SECONDS 10U

static const struct life_plan *plan;
static bool went_well;
static bool is_one_left_out;
static bool is_ending; /* nothing is started any more */

/* The one that is begun, and not made yet. One at a time: each finds what others left. */
static struct vm *in_making;
static struct vm_costs last_costs; /* of its last life */

static const char by_monitor[] = "by the monitor";

enum status life_add(const struct vm_config *config, const char **why)
{
	struct vm *vm =
		vms_find(config->name) || vms_are_full() ? NULL : vm_allocate(config);

	if (!vm) {
		is_one_left_out = true;
		return refuse(why, STATUS_NO_MEMORY,
			      "left out: no memory to remember it, another of its name, "
			      "or %u are there already",
			      VMS_LIMIT);
	}
	vms_add(vm);
	return STATUS_OK;
}

/* ---- making ---- */

static bool was_told_to_end(const struct vm *vm)
{
	return vm->end == VM_STOPPED && strcmp(vm->detail, by_monitor) == 0;
}

/* It could not be made, or was ended before it was. The next may begin. */
static void end_unmade(struct vm *vm)
{
	const bool was_ended = vm->is_begun || was_told_to_end(vm);

	log_line("vm %s: %s%s%s", vm->name, was_ended ? "stopped: " : "", vm->detail,
		 was_ended ? ", before it was made" : "");
	plan->report(vm);
	went_well &= was_told_to_end(vm);
	if (vm->is_begun)
		vm_destroy(vm);
	vm->costs = last_costs;
	in_making = NULL;
	scheduler_recall(BOOT_HART);
}

static void begin(struct vm *vm)
{
	vm->wish = VM_WISH_NOTHING;
	last_costs = vm->costs;
	if (vm_begin(vm) == STATUS_OK)
		in_making = vm;
	else
		end_unmade(vm);
}

static void finish(struct vm *vm)
{
	if (vm_finish(vm) != STATUS_OK) {
		end_unmade(vm);
		return;
	}
	in_making = NULL;
	mux_open(&vm->screen);
	log_line("vm %s: %lu MiB of memory, paging mode %s", vm->name,
		 vm->memory.size / MIB, vm->mode->name);
	scheduler_recall(BOOT_HART);
}

/* Whoever was told to end meanwhile does, as one that runs. */
static void start(struct vm *vm)
{
	if (!vm_has_ended(vm))
		vm->is_kept = false;
	vm->began = arch_time();
	vm_start(vm);
}

/* One that is begun, as far as it can be made now; true: it is. */
static bool has_gone_on(struct vm *vm)
{
	if (vm_has_ended(vm))
		end_unmade(vm);
	else if (vm_is_clear(vm))
		finish(vm);
	return vm->is_made;
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

/*
 * One that is to be made again when it reboots. A guest that does little else would keep
 * the machine busy, and its log full, for ever: see REBOOTS_MOST.
 */
static void follow_reboot(struct vm *vm)
{
	const uint64_t soon = REBOOT_SECONDS * machine.fdt.timebase_frequency;
	char text[VM_DETAIL_LIMIT];

	if (vm->end != VM_REBOOT || !vm->config.restarts || vm->is_kept || is_ending)
		return;
	vm->reboots = arch_time() - vm->began < soon ? vm->reboots + 1 : 0;
	if (vm->reboots <= REBOOTS_MOST) {
		vm->wish = VM_WISH_START;
		return;
	}
	vm->reboots = 0;
	vm->end = VM_STOPPED;
	format_text(text, sizeof(text), "it rebooted %u times within %u s of its start",
		    REBOOTS_MOST + 1, REBOOT_SECONDS);
	vm_set_detail(vm, text);
}

static void take_down(struct vm *vm)
{
	uint64_t start;

	mux_close(&vm->screen);
	check(vm);
	follow_reboot(vm);
	log_end(vm);
	plan->report(vm);
	went_well &=
		was_told_to_end(vm) || vm->end == VM_POWER_OFF || vm->end == VM_REBOOT;
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
	else if (vm->is_begun && has_gone_on(vm))
		start(vm);
	if (vm->is_made || vm->is_begun)
		return;
	if (vm->wish == VM_WISH_START && !is_ending && !in_making)
		begin(vm);
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
		if (vm->is_made || vm->is_begun ||
		    (!is_ending && (vm->is_kept || vm->wish == VM_WISH_START)))
			return false;
	return true;
}

static void end_all(const char *why)
{
	is_ending = true;
	for (struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		if (vm->is_made || vm->is_begun)
			vm_end(vm, VM_STOPPED, why);
	scheduler_recall(BOOT_HART);
}

static void end_at_limit(void)
{
	end_all("time limit");
}

/* Nothing else runs as yet, but for the monitor, which may want it otherwise. */
static void make_at_once(struct vm *vm)
{
	if (is_ending || vm->wish == VM_WISH_REMOVE)
		return;
	for (begin(vm); vm->is_begun && !has_gone_on(vm);)
		harts_turn();
	if (vm->is_made)
		canary_surround(&vm->memory);
}

/*
 * Of the time before: this hart is as free for vCPUs then as any other. In one go nothing
 * is begun and finished, so that nothing runs yet.
 */
static void see_to_orders(void)
{
	if (scheduler_was_recalled())
		look_at_all();
	scheduler_step();
}

static void start_all(void)
{
	for (struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		make_at_once(vm);
	canary_fill();
	if (plan->seconds > 0)
		timer_limit(plan->seconds, end_at_limit);
	plan->begun();
	see_to_orders();
	for (struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		if (vm->is_made)
			start(vm);
}

bool life_run(const struct life_plan *with)
{
	plan = with;
	went_well = !is_one_left_out;
	is_one_left_out = is_ending = false;
	start_all();
	while (!is_over()) {
		if (scheduler_was_recalled())
			look_at_all();
		else
			harts_turn();
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
	if (vm->is_begun && !vm_has_ended(vm))
		return "it is starting";
	vm->wish = VM_WISH_START;
	vm->is_kept = true;
	scheduler_recall(BOOT_HART);
	return NULL;
}

static void end_for(struct vm *vm, enum vm_wish wish)
{
	vm->wish = wish;
	vm->is_kept = true;
	if (vm->is_made || vm->is_begun)
		vm_end(vm, VM_STOPPED, by_monitor);
	scheduler_recall(BOOT_HART);
}

const char *life_stop(struct vm *vm)
{
	if (!vm->is_made && !vm->is_begun && vm->wish != VM_WISH_START)
		return "it is not running";
	end_for(vm, VM_WISH_NOTHING);
	return NULL;
}

const char *life_restart(struct vm *vm)
{
	if (!vm->is_made)
		return vm->is_begun && !vm_has_ended(vm) ? NULL : life_start(vm);
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
	end_for(vm, VM_WISH_REMOVE);
	return NULL;
}

void life_end(void)
{
	end_all(by_monitor);
	for (struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		vm->is_kept = true;
}
