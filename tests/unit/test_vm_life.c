/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/vm_life.c core/vms.c core/reason.c core/log.c */
/*
 * The lives of VMs: who is made, started, taken down and made again, in which order, and
 * when all is over. A VM is a name here; what is done to it is written down in one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/canary.h"
#include "core/console_mux.h"
#include "core/exit_trace.h"
#include "core/harts.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/panic.h"
#include "core/scheduler.h"
#include "core/timer.h"
#include "core/vm.h"
#include "core/vm_life.h"
#include "core/vms.h"
#include "tests/unit/captured_console.h"

struct machine machine;

static struct {
	char notes[1024]; /* what was done: "make a, start a, " and so on */
	bool recalled;
	unsigned steps;
	void (*at_step[16])(void); /* what happens in the nth turn of the boot hart */
	void (*at_limit)(void);
	uint32_t refused; /* bit n: the nth to be made cannot be */
	unsigned makings;
	bool still_on_a_hart;
	bool canary_is_dead;
	bool clears_slowly; /* until the test says otherwise */
	bool finishes_not;
	void (*at_finish)(void);
	uint64_t now;
	const char *why;
} world;

static void note(const char *what, const struct vm *vm)
{
	size_t used = strlen(world.notes);

	snprintf(world.notes + used, sizeof(world.notes) - used, "%s %s, ", what,
		 vm->name);
}

static void expect(const char *notes)
{
	assert_string_equal(world.notes, notes);
	world.notes[0] = '\0';
}

/* ---- the rest of Gnomon ---- */

struct vm *vm_allocate(const struct vm_config *config)
{
	struct vm *vm = aligned_alloc(_Alignof(struct vm), sizeof(*vm));

	memset(vm, 0, sizeof(*vm));
	vm->name = config->name;
	vm->config = *config;
	vm->detail = "";
	return vm;
}

void vm_free(struct vm *vm)
{
	assert_false(vm->is_made || vm->is_begun);
	note("free", vm);
	free(vm);
}

static const struct paging_mode mode = {.name = "scripted"};

static enum status refuse_it(struct vm *vm, const char *why)
{
	vm->is_begun = false;
	if (!vm->ends) {
		vm->end = VM_STOPPED;
		vm->ends = 1;
		vm->detail = why;
	}
	return STATUS_NO_MEMORY;
}

/* Unless the test clears it, it is clear at once. */
enum status vm_begin(struct vm *vm)
{
	for (struct vm *other = vms_first(); other; other = vms_next(other))
		assert_false(other->is_begun);
	vm->end = VM_RUNNING;
	vm->ends = 0;
	vm->detail = "";
	vm->mode = &mode;
	vm->costs.zeroing = 7;
	if (world.refused >> world.makings++ & 1)
		return refuse_it(vm, "too large");
	note("take", vm);
	vm->is_begun = true;
	world.recalled |= !world.clears_slowly;
	return STATUS_OK;
}

bool vm_is_clear(const struct vm *vm)
{
	assert_true(vm->is_begun);
	return !world.clears_slowly;
}

enum status vm_finish(struct vm *vm)
{
	assert_true(vm_is_clear(vm));
	if (world.at_finish)
		world.at_finish();
	if (world.finishes_not)
		return refuse_it(vm, "no room");
	note("make", vm);
	vm->is_begun = false;
	vm->is_made = true;
	return STATUS_OK;
}

void vm_destroy(struct vm *vm)
{
	note("destroy", vm);
	vm->is_begun = vm->is_made = vm->is_paused = false;
}

void vm_start(struct vm *vm)
{
	note("start", vm);
}

void vm_end(struct vm *vm, enum vm_end end, const char *detail)
{
	if (vm->end != VM_RUNNING)
		return;
	note("end", vm);
	vm->end = end;
	vm->detail = detail;
	vm->ends = 1;
}

bool vm_is_over(struct vm *vm)
{
	return vm->end != VM_RUNNING && !world.still_on_a_hart;
}

void vm_set_detail(struct vm *vm, const char *detail)
{
	snprintf(vm->detail_text, sizeof(vm->detail_text), "%s", detail);
	vm->detail = vm->detail_text;
}

const char *vm_end_text(enum vm_end end)
{
	(void)end;
	return "ended";
}

uint64_t vm_exits(const struct vm *vm)
{
	(void)vm;
	return 0;
}

void mux_add(struct screen *screen, const char *name, struct vuart *vuart)
{
	(void)screen;
	(void)name;
	(void)vuart;
}

void mux_remove(struct screen *screen)
{
	(void)screen;
}

static struct vm *of_screen(struct screen *screen)
{
	return (struct vm *)((char *)screen - offsetof(struct vm, screen));
}

void mux_open(struct screen *screen)
{
	note("open", of_screen(screen));
}

void mux_close(struct screen *screen)
{
	note("close", of_screen(screen));
}

void exit_trace_free(struct vm *vm)
{
	assert_true(vm->is_made);
}

bool canary_check(void)
{
	return !world.canary_is_dead;
}

void canary_surround(const struct guest_memory *memory)
{
	(void)memory;
}

void canary_fill(void)
{
}

uint32_t harts_running(void)
{
	return 3;
}

void harts_request(uint32_t targets, enum hart_request request)
{
	assert_int_equal(targets, 3);
	assert_int_equal(request, HART_FORGET);
	strcat(world.notes, "forget, ");
}

uint64_t arch_time(void)
{
	return world.now;
}

void timer_limit(uint64_t seconds, void (*expired)(void))
{
	assert_int_equal(seconds, 9);
	world.at_limit = expired;
}

void scheduler_recall(unsigned hart)
{
	assert_int_equal(hart, 0);
	world.recalled = true;
}

bool scheduler_was_recalled(void)
{
	bool recalled = world.recalled;

	world.recalled = false;
	return recalled;
}

void scheduler_pause(struct vm *vm)
{
	note("pause", vm);
	vm->is_paused = true;
}

void scheduler_resume(struct vm *vm)
{
	note("resume", vm);
	vm->is_paused = false;
}

bool scheduler_step(void)
{
	return false;
}

void harts_turn(void)
{
	assert_true(world.steps < ARRAY_LENGTH(world.at_step));
	if (world.at_step[world.steps])
		world.at_step[world.steps]();
	world.steps++;
}

_Noreturn void assert_failed(const char *file, unsigned line, const char *text)
{
	print_error("%s:%u: %s\n", file, line, text);
	abort();
}

/* ---- the plan ---- */

static void begun(void)
{
	strcat(world.notes, "begun, ");
}

static bool checked(const char **why)
{
	(void)why;
	strcat(world.notes, "checked, ");
	return true;
}

static void report(const struct vm *vm)
{
	note(vm->detail[0] ? vm->detail : "report", vm);
}

static bool run(unsigned seconds)
{
	const struct life_plan plan = {seconds, begun, checked, report};
	bool well = life_run(&plan);

	assert_null(vms_first());
	return well;
}

static struct vm *vm_of(const char *name)
{
	return vms_find(name);
}

static void leave(const char *name, enum vm_end end)
{
	vm_end(vm_of(name), end, "");
	world.recalled = true;
}

static void power_off_a(void)
{
	leave("a", VM_POWER_OFF);
}

static void power_off_b(void)
{
	leave("b", VM_POWER_OFF);
}

static void fail_b(void)
{
	leave("b", VM_FAILURE);
}

static enum status add(const char *name)
{
	return life_add(&(struct vm_config){.name = name}, &world.why);
}

static int setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	captured_clear();
	assert_int_equal(add("a"), STATUS_OK);
	assert_int_equal(add("b"), STATUS_OK);
	return 0;
}

static void all_run_until_each_has_ended(void **state)
{
	(void)state;
	world.at_step[0] = power_off_b;
	world.at_step[1] = power_off_a;
	assert_true(run(0));
	expect("take a, make a, open a, take b, make b, open b, begun, start a, start b, "
	       "end b, close b, report b, forget, destroy b, "
	       "end a, close a, checked, report a, forget, destroy a, free a, free b, ");
}

static void names_are_of_one_each(void **state)
{
	static char names[VMS_LIMIT][4];

	(void)state;
	assert_int_equal(add("b"), STATUS_NO_MEMORY);
	assert_non_null(strstr(world.why, "left out: "));
	for (unsigned i = 2; i < VMS_LIMIT; i++) {
		snprintf(names[i], sizeof(names[i]), "v%u", i);
		assert_int_equal(add(names[i]), STATUS_OK);
	}
	assert_int_equal(add("c"), STATUS_NO_MEMORY);
	world.refused = UINT32_MAX;
	assert_false(run(0));
}

static void one_that_is_left_out_is_no_success(void **state)
{
	(void)state;
	assert_int_equal(add("b"), STATUS_NO_MEMORY);
	world.at_step[0] = power_off_b;
	world.at_step[1] = power_off_a;
	assert_false(run(0));
}

static void a_was_made_as_before(void)
{
	assert_int_equal(vm_of("a")->costs.zeroing, 3);
	power_off_b();
}

static void one_that_cannot_be_made_is_reported(void **state)
{
	(void)state;
	world.refused = 1;
	vm_of("a")->costs = (struct vm_costs){.making = 9, .zeroing = 3};
	world.at_step[0] = a_was_made_as_before;
	assert_false(run(0));
	expect("too large a, take b, make b, open b, begun, start b, end b, close b, "
	       "checked, "
	       "report b, forget, destroy b, free a, free b, ");
}

static void a_failure_is_told(void **state)
{
	(void)state;
	world.at_step[0] = fail_b;
	world.at_step[1] = power_off_a;
	assert_false(run(0));
}

static void a_vcpu_is_left(void)
{
	expect("take a, make a, open a, take b, make b, open b, begun, start a, start b, "
	       "end a, ");
	world.still_on_a_hart = false;
	world.recalled = true;
}

static void nothing_is_taken_from_who_still_runs(void **state)
{
	(void)state;
	world.still_on_a_hart = true;
	world.at_step[0] = power_off_a;
	world.at_step[1] = a_vcpu_is_left;
	world.at_step[2] = power_off_b;
	assert_true(run(0));
}

static void stop_a(void)
{
	assert_null(life_stop(vm_of("a")));
	assert_true(world.recalled);
	expect("take a, make a, open a, take b, make b, open b, begun, start a, start b, "
	       "end a, ");
}

static void start_a(void)
{
	expect("close a, by the monitor a, forget, destroy a, ");
	assert_string_equal(life_stop(vm_of("a")), "it is not running");
	assert_string_equal(life_pause(vm_of("a")), "it is not running");
	assert_null(life_start(vm_of("a")));
}

static void a_runs_again(void)
{
	expect("take a, make a, open a, start a, ");
	assert_string_equal(life_start(vm_of("a")), "it is running");
	power_off_a();
}

/* One that its user has stopped may be started again: it is not over before. */
static void a_vm_is_stopped_and_started_again(void **state)
{
	(void)state;
	world.at_step[0] = stop_a;
	world.at_step[1] = start_a;
	world.at_step[2] = a_runs_again;
	world.at_step[3] = power_off_b;
	assert_true(run(0));
	expect("end a, close a, report a, forget, destroy a, end b, close b, checked, "
	       "report b, forget, destroy b, free a, free b, ");
}

static void a_is_off_after_all(void)
{
	expect("too large a, ");
	power_off_b();
}

static void start_a_again(void)
{
	expect("end b, close b, checked, report b, forget, destroy b, ");
	assert_null(life_start(vm_of("a")));
}

/* There may be room for it later, and what it has on its disks is wanted still. */
static void one_that_cannot_start_again_stays(void **state)
{
	(void)state;
	world.refused = 1u << 2;
	world.at_step[0] = stop_a;
	world.at_step[1] = start_a;
	world.at_step[2] = a_is_off_after_all;
	world.at_step[3] = start_a_again;
	world.at_step[4] = power_off_a;
	assert_false(run(0));
	expect("take a, make a, open a, start a, end a, close a, checked, report a, "
	       "forget, "
	       "destroy a, free a, free b, ");
}

static void restart_a(void)
{
	world.notes[0] = '\0';
	assert_null(life_restart(vm_of("a")));
}

static void remove_a(void)
{
	expect("end a, close a, by the monitor a, forget, destroy a, take a, make a, "
	       "open a, "
	       "start a, ");
	assert_null(life_remove(vm_of("a")));
}

static void a_is_gone(void)
{
	expect("end a, close a, by the monitor a, forget, destroy a, free a, ");
	assert_null(vm_of("a"));
	power_off_b();
}

static void a_vm_is_restarted_and_removed(void **state)
{
	(void)state;
	world.at_step[0] = restart_a;
	world.at_step[1] = remove_a;
	world.at_step[2] = a_is_gone;
	assert_true(run(0));
}

static void pause_and_end(void)
{
	world.notes[0] = '\0';
	assert_null(life_pause(vm_of("a")));
	assert_string_equal(life_pause(vm_of("a")), "it is paused");
	assert_string_equal(life_resume(vm_of("b")), "it is not paused");
	assert_null(life_resume(vm_of("a")));
	assert_null(life_stop(vm_of("b")));
	assert_null(life_pause(vm_of("a")));
	expect("pause a, resume a, end b, pause a, ");
	life_end();
	expect("end a, ");
	/* Not now. */
	life_start(vm_of("b"));
}

static void all_end_with_the_machine(void **state)
{
	(void)state;
	world.at_step[0] = pause_and_end;
	assert_true(run(0));
}

static void reach_limit(void)
{
	world.at_limit();
}

static void all_end_at_the_limit(void **state)
{
	(void)state;
	world.at_step[0] = stop_a;
	world.at_step[1] = reach_limit;
	assert_false(run(9));
	expect("close a, by the monitor a, forget, destroy a, end b, close b, checked, "
	       "time limit b, forget, destroy b, free a, free b, ");
}

static void what_has_changed_is_told_at_the_next_end(void **state)
{
	(void)state;
	world.canary_is_dead = true;
	world.at_step[0] = power_off_a;
	world.at_step[1] = power_off_b;
	assert_false(run(0));
}

/* ---- while one is being made ---- */

static void clear_slowly(void)
{
	world.notes[0] = '\0';
	world.clears_slowly = true;
}

static void restart_a_slowly(void)
{
	clear_slowly();
	assert_null(life_restart(vm_of("a")));
}

#define ENDED_AND_BEGUN "end a, close a, by the monitor a, forget, destroy a, take a, "

static void a_is_starting(void)
{
	expect(ENDED_AND_BEGUN);
	assert_true(vm_of("a")->is_begun);
	assert_string_equal(life_start(vm_of("a")), "it is starting");
	assert_string_equal(life_pause(vm_of("a")), "it is not running");
	assert_string_equal(life_resume(vm_of("a")), "it is not paused");
	assert_null(life_restart(vm_of("a")));
	world.recalled = true;
}

static void it_is_clear(void)
{
	expect("");
	world.clears_slowly = false;
	world.recalled = true;
}

static void a_has_started(void)
{
	expect("make a, open a, start a, ");
	assert_false(vm_of("a")->is_kept);
	power_off_a();
}

static void others_run_on_while_one_is_made(void **state)
{
	(void)state;
	world.at_step[0] = restart_a_slowly;
	world.at_step[1] = a_is_starting;
	world.at_step[2] = it_is_clear;
	world.at_step[3] = a_has_started;
	world.at_step[4] = power_off_b;
	assert_true(run(0));
}

static void stop_a_while_it_starts(void)
{
	expect(ENDED_AND_BEGUN);
	captured_clear();
	assert_null(life_stop(vm_of("a")));
	assert_true(vm_of("a")->is_begun);
}

static void a_is_off_and_starts_again(void)
{
	expect("end a, by the monitor a, destroy a, ");
	assert_non_null(strstr(captured, "vm a: stopped: by the monitor, before it was "
					 "made"));
	assert_false(vm_of("a")->is_begun);
	assert_int_equal(vm_of("a")->costs.making, 5);
	assert_string_equal(life_stop(vm_of("a")), "it is not running");
	assert_null(life_start(vm_of("a")));
	world.clears_slowly = false;
}

static void set_costs_and_restart(void)
{
	vm_of("a")->costs.making = 5;
	restart_a_slowly();
}

/* What it cost to be made is what it cost when it was. */
static void one_that_is_made_can_be_stopped(void **state)
{
	(void)state;
	world.at_step[0] = set_costs_and_restart;
	world.at_step[1] = stop_a_while_it_starts;
	world.at_step[2] = a_is_off_and_starts_again;
	world.at_step[3] = power_off_b;
	world.at_step[4] = power_off_a;
	assert_true(run(0));
	expect("take a, make a, open a, start a, end b, close b, report b, "
	       "forget, destroy b, end a, close a, checked, report a, forget, destroy a, "
	       "free a, free b, ");
}

static void stop_and_restart_a(void)
{
	expect(ENDED_AND_BEGUN);
	assert_null(life_stop(vm_of("a")));
	assert_null(life_restart(vm_of("a")));
}

static void a_begins_anew(void)
{
	expect("end a, by the monitor a, destroy a, take a, ");
	world.clears_slowly = false;
	world.recalled = true;
	world.notes[0] = '\0';
}

static void what_was_said_last_counts(void **state)
{
	(void)state;
	world.at_step[0] = restart_a_slowly;
	world.at_step[1] = stop_and_restart_a;
	world.at_step[2] = a_begins_anew;
	world.at_step[3] = a_has_started;
	world.at_step[4] = power_off_b;
	assert_true(run(0));
}

static void remove_a_while_it_starts(void)
{
	expect(ENDED_AND_BEGUN);
	assert_null(life_remove(vm_of("a")));
}

static void a_was_removed(void)
{
	expect("end a, by the monitor a, destroy a, free a, ");
	power_off_b();
}

static void one_that_is_made_can_be_removed(void **state)
{
	(void)state;
	world.at_step[0] = restart_a_slowly;
	world.at_step[1] = remove_a_while_it_starts;
	world.at_step[2] = a_was_removed;
	assert_true(run(0));
}

static void end_while_a_starts(void)
{
	expect(ENDED_AND_BEGUN);
	life_end();
	expect("end a, end b, ");
}

static void all_end_while_one_is_made(void **state)
{
	(void)state;
	world.at_step[0] = restart_a_slowly;
	world.at_step[1] = end_while_a_starts;
	assert_true(run(0));
	expect("by the monitor a, destroy a, close b, checked, by the monitor b, forget, "
	       "destroy b, free a, free b, ");
}

static void the_limit_comes_while_one_is_made(void **state)
{
	(void)state;
	world.at_step[0] = restart_a_slowly;
	world.at_step[1] = reach_limit;
	assert_false(run(9));
}

static void restart_both(void)
{
	clear_slowly();
	assert_null(life_restart(vm_of("b")));
	assert_null(life_restart(vm_of("a")));
}

static void a_is_begun_and_b_waits(void)
{
	assert_true(vm_of("a")->is_begun);
	assert_false(vm_of("b")->is_begun || vm_of("b")->is_made);
	world.notes[0] = '\0';
	world.clears_slowly = false;
	world.recalled = true;
}

static void both_have_started(void)
{
	expect("make a, open a, start a, take b, make b, open b, start b, ");
	power_off_a();
	power_off_b();
}

/* Each is to find what memory the other has left. */
static void one_is_made_at_a_time(void **state)
{
	(void)state;
	world.at_step[0] = restart_both;
	world.at_step[1] = a_is_begun_and_b_waits;
	world.at_step[2] = both_have_started;
	assert_true(run(0));
}

static void b_does_not_want_to(void)
{
	assert_null(life_stop(vm_of("b")));
	assert_string_equal(life_stop(vm_of("b")), "it is not running");
	a_is_begun_and_b_waits();
}

static void only_a_has_started(void)
{
	expect("make a, open a, start a, ");
	assert_null(life_remove(vm_of("b")));
	power_off_a();
}

static void one_that_waits_to_be_made_can_be_stopped(void **state)
{
	(void)state;
	world.at_step[0] = restart_both;
	world.at_step[1] = b_does_not_want_to;
	world.at_step[2] = only_a_has_started;
	assert_true(run(0));
}

static void there_is_no_room(void)
{
	world.finishes_not = true;
	it_is_clear();
}

static void a_could_not_be_made(void)
{
	expect("no room a, ");
	assert_false(vm_of("a")->is_begun);
	power_off_b();
	assert_null(life_remove(vm_of("a")));
}

static void expect_begun(void)
{
	expect(ENDED_AND_BEGUN);
}

static void one_that_cannot_be_finished_is_reported(void **state)
{
	(void)state;
	world.at_step[0] = restart_a_slowly;
	world.at_step[1] = expect_begun;
	world.at_step[2] = there_is_no_room;
	world.at_step[3] = a_could_not_be_made;
	assert_false(run(0));
}

static void stop_a_at_once(void)
{
	assert_null(life_stop(vm_of("a")));
	world.at_finish = NULL;
}

static void restart_a_to_stop_it(void)
{
	world.at_finish = stop_a_at_once;
	restart_a();
}

static void a_was_stopped(void)
{
	expect("end a, close a, by the monitor a, forget, destroy a, take a, end a, "
	       "make a, open a, start a, close a, by the monitor a, forget, destroy a, ");
	assert_true(vm_of("a")->is_kept);
	power_off_b();
	assert_null(life_remove(vm_of("a")));
}

/* The last of it takes a while, in which the monitor may be asked. */
static void one_is_stopped_as_it_is_finished(void **state)
{
	(void)state;
	world.at_step[0] = restart_a_to_stop_it;
	world.at_step[1] = a_was_stopped;
	assert_true(run(0));
}

static void end_all_at_once(void)
{
	world.at_finish = NULL;
	life_end();
}

static void all_end_before_all_are_made(void **state)
{
	(void)state;
	world.at_finish = end_all_at_once;
	assert_true(run(0));
	expect("take a, end a, make a, open a, begun, close a, checked, "
	       "by the monitor a, forget, destroy a, free a, free b, ");
}

static void remove_b_at_once(void)
{
	world.at_finish = NULL;
	assert_null(life_remove(vm_of("b")));
}

static void one_is_removed_before_it_is_made(void **state)
{
	(void)state;
	world.at_finish = remove_b_at_once;
	world.at_step[0] = power_off_a;
	assert_true(run(0));
	expect("take a, make a, open a, begun, free b, start a, end a, close a, checked, "
	       "report a, forget, destroy a, free a, ");
}

/* ---- how it ended ---- */

static void b_fails_and_is_stopped(void)
{
	fail_b();
	assert_null(life_stop(vm_of("b")));
	assert_null(life_stop(vm_of("a")));
}

static void remove_both(void)
{
	assert_null(life_remove(vm_of("a")));
	assert_null(life_remove(vm_of("b")));
}

/* Whoever stops it then finds it failed. */
static void a_failure_that_is_stopped_is_one(void **state)
{
	(void)state;
	world.at_step[0] = b_fails_and_is_stopped;
	world.at_step[1] = remove_both;
	assert_false(run(0));
}

static void reboot_a(void)
{
	world.notes[0] = '\0';
	leave("a", VM_REBOOT);
}

static void a_rebooted(void)
{
	expect("end a, close a, report a, forget, destroy a, take a, make a, open a, "
	       "start a, ");
	reboot_a();
}

static void a_reboots_after_a_while(void)
{
	world.now += 10 * machine.fdt.timebase_frequency;
	a_rebooted();
}

static void let_a_restart(void)
{
	machine.fdt.timebase_frequency = 100;
	vm_of("a")->config.restarts = true;
}

static void a_reboot_is_an_end(void **state)
{
	(void)state;
	world.at_step[0] = reboot_a;
	world.at_step[1] = power_off_b;
	assert_true(run(0));
	expect("end a, close a, report a, forget, destroy a, end b, close b, checked, "
	       "report b, forget, destroy b, free a, free b, ");
}

static void power_off_b_and_a(void)
{
	world.notes[0] = '\0';
	power_off_b();
	power_off_a();
}

/* As often as it wants, where each life is as long as those of guests are. */
static void one_that_reboots_is_made_again(void **state)
{
	(void)state;
	let_a_restart();
	world.at_step[0] = reboot_a;
	for (unsigned i = 1; i < 10; i++)
		world.at_step[i] = i % 3 ? a_rebooted : a_reboots_after_a_while;
	world.at_step[10] = power_off_b_and_a;
	assert_true(run(0));
}

static void a_has_rebooted_too_often(void)
{
	expect("end a, close a, it rebooted 6 times within 10 s of its start a, forget, "
	       "destroy a, ");
	power_off_b();
}

static void one_that_does_nothing_but_reboot_is_stopped(void **state)
{
	(void)state;
	let_a_restart();
	world.at_step[0] = reboot_a;
	for (unsigned i = 1; i <= 5; i++)
		world.at_step[i] = a_rebooted;
	world.at_step[6] = a_has_rebooted_too_often;
	assert_false(run(0));
}

static void stop_a_as_it_reboots(void)
{
	reboot_a();
	assert_null(life_stop(vm_of("a")));
}

static void a_stays_off(void)
{
	expect("end a, close a, report a, forget, destroy a, ");
	power_off_b();
	assert_null(life_remove(vm_of("a")));
}

static void who_stops_it_is_heard_before(void **state)
{
	(void)state;
	let_a_restart();
	world.at_step[0] = stop_a_as_it_reboots;
	world.at_step[1] = a_stays_off;
	assert_true(run(0));
}

static void end_as_a_reboots(void)
{
	reboot_a();
	life_end();
}

static void none_reboots_as_all_end(void **state)
{
	(void)state;
	let_a_restart();
	world.at_step[0] = end_as_a_reboots;
	assert_true(run(0));
}

static unsigned finished;

static void restart_a_as_b_is_finished(void)
{
	if (++finished == 2)
		assert_null(life_restart(vm_of("a")));
}

/* It is begun before all begin, and starts once, when it is made again. */
static void one_is_restarted_before_all_are_made(void **state)
{
	(void)state;
	finished = 0;
	world.at_finish = restart_a_as_b_is_finished;
	world.at_step[0] = life_end;
	run(0);
	expect("take a, make a, open a, take b, end a, make b, open b, begun, close a, "
	       "by the monitor a, forget, destroy a, take a, start b, make a, open a, "
	       "start a, end a, end b, close a, by the monitor a, forget, destroy a, "
	       "close b, checked, by the monitor b, forget, destroy b, free a, free b, ");
}

static void end_all_as_it_is_cleared(void)
{
	life_end();
}

/* Nobody waits for its memory, nor is anything loaded. */
static void one_ends_at_boot_before_its_memory_is_clear(void **state)
{
	(void)state;
	world.clears_slowly = true;
	world.at_step[0] = end_all_as_it_is_cleared;
	run(0);
	expect("take a, end a, by the monitor a, destroy a, begun, free a, free b, ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_run_until_each_has_ended, setup),
		cmocka_unit_test_setup(names_are_of_one_each, setup),
		cmocka_unit_test_setup(one_that_is_left_out_is_no_success, setup),
		cmocka_unit_test_setup(one_that_cannot_be_made_is_reported, setup),
		cmocka_unit_test_setup(a_failure_is_told, setup),
		cmocka_unit_test_setup(nothing_is_taken_from_who_still_runs, setup),
		cmocka_unit_test_setup(a_vm_is_stopped_and_started_again, setup),
		cmocka_unit_test_setup(one_that_cannot_start_again_stays, setup),
		cmocka_unit_test_setup(a_vm_is_restarted_and_removed, setup),
		cmocka_unit_test_setup(all_end_with_the_machine, setup),
		cmocka_unit_test_setup(all_end_at_the_limit, setup),
		cmocka_unit_test_setup(what_has_changed_is_told_at_the_next_end, setup),
		cmocka_unit_test_setup(others_run_on_while_one_is_made, setup),
		cmocka_unit_test_setup(one_that_is_made_can_be_stopped, setup),
		cmocka_unit_test_setup(what_was_said_last_counts, setup),
		cmocka_unit_test_setup(one_that_is_made_can_be_removed, setup),
		cmocka_unit_test_setup(all_end_while_one_is_made, setup),
		cmocka_unit_test_setup(the_limit_comes_while_one_is_made, setup),
		cmocka_unit_test_setup(one_is_made_at_a_time, setup),
		cmocka_unit_test_setup(one_that_waits_to_be_made_can_be_stopped, setup),
		cmocka_unit_test_setup(one_that_cannot_be_finished_is_reported, setup),
		cmocka_unit_test_setup(one_is_stopped_as_it_is_finished, setup),
		cmocka_unit_test_setup(all_end_before_all_are_made, setup),
		cmocka_unit_test_setup(one_is_removed_before_it_is_made, setup),
		cmocka_unit_test_setup(a_failure_that_is_stopped_is_one, setup),
		cmocka_unit_test_setup(a_reboot_is_an_end, setup),
		cmocka_unit_test_setup(one_that_reboots_is_made_again, setup),
		cmocka_unit_test_setup(one_that_does_nothing_but_reboot_is_stopped,
				       setup),
		cmocka_unit_test_setup(who_stops_it_is_heard_before, setup),
		cmocka_unit_test_setup(none_reboots_as_all_end, setup),
		cmocka_unit_test_setup(one_is_restarted_before_all_are_made, setup),
		cmocka_unit_test_setup(one_ends_at_boot_before_its_memory_is_clear,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
