/* SPDX-License-Identifier: BSD-2-Clause */
/* What the lives of VMs ask of the rest of Gnomon, written down. See life_bench.h. */
#include "tests/unit/life_bench.h"

#include <stdio.h>

#include "core/canary.h"
#include "core/console_mux.h"
#include "core/exit_trace.h"
#include "core/harts.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/scheduler.h"
#include "core/timer.h"
#include "core/vms.h"
#include "tests/unit/captured_console.h"

struct machine machine;
struct life_bench world;

static void note(const char *what, const struct vm *vm)
{
	size_t used = strlen(world.notes);

	snprintf(world.notes + used, sizeof(world.notes) - used, "%s %s, ", what,
		 vm->name);
}

void expect(const char *notes)
{
	assert_string_equal(world.notes, notes);
	world.notes[0] = '\0';
}

bool was_said(const char *text)
{
	return strstr(captured, text);
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

/* ---- what tests begin with ---- */

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

bool run(unsigned seconds)
{
	const struct life_plan plan = {seconds, begun, checked, report};
	bool well = life_run(&plan);

	assert_null(vms_first());
	return well;
}

struct vm *vm_of(const char *name)
{
	return vms_find(name);
}

void leave(const char *name, enum vm_end end)
{
	vm_end(vm_of(name), end, "");
	world.recalled = true;
}

void power_off_a(void)
{
	leave("a", VM_POWER_OFF);
}

void power_off_b(void)
{
	leave("b", VM_POWER_OFF);
}

enum status add(const char *name)
{
	return life_add(&(struct vm_config){.name = name}, &world.why);
}

int life_setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	captured_clear();
	assert_int_equal(add("a"), STATUS_OK);
	assert_int_equal(add("b"), STATUS_OK);
	return 0;
}

void restart_a(void)
{
	world.notes[0] = '\0';
	assert_null(life_restart(vm_of("a")));
}

void reach_limit(void)
{
	world.at_limit();
}
