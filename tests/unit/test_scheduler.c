/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/scheduler.c */
/*
 * Which vCPU runs where: turns, slices, waiting and waking, vCPUs that go to an idle
 * hart, stopping, and the end of a VM. Harts are numbers here, and a vCPU's run is what
 * the test says it came to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/arch.h"
#include "core/machine.h"
#include "core/panic.h"
#include "core/scheduler.h"
#include "core/timer.h"
#include "core/vcpu_requests.h"
#include "core/vm.h"

#define NEVER UINT64_MAX

struct machine machine;

static struct {
	unsigned hart;
	uint32_t running;
	uint32_t nudged; /* harts, since the test last looked */
	uint64_t now;
	enum vcpu_leave leaves; /* what the next run comes to */
	struct vcpu *ran;
	enum vcpu_leave (*during)(struct vcpu *vcpu); /* its run, instead */
	bool traps_wait;
} world;

static struct vm vm;

unsigned arch_hart_index(void)
{
	return world.hart;
}

uint32_t harts_running(void)
{
	return world.running;
}

void harts_serve(void)
{
	fail_msg("a hart waits for a lock for ever");
}

bool harts_nudge(unsigned hart)
{
	world.nudged |= 1u << hart;
	return true;
}

uint64_t arch_time(void)
{
	return world.now;
}

void arch_wait_trap(struct vcpu *vcpu, bool trap)
{
	(void)vcpu;
	world.traps_wait = trap;
}

uint64_t timer_deadline(const struct vcpu *vcpu)
{
	return vcpu->timer_deadline;
}

void vm_note_end(struct vm *ended, enum vm_end end, const char *detail)
{
	ended->end = end;
	ended->detail = detail;
}

enum vcpu_leave vcpu_run(struct vcpu *vcpu)
{
	world.ran = vcpu;
	assert_int_equal(vcpu->hart, world.hart);
	return world.during ? world.during(vcpu) : world.leaves;
}

_Noreturn void assert_failed(const char *file, unsigned line, const char *text)
{
	print_error("%s:%u: %s\n", file, line, text);
	abort();
}

static struct vcpu *run_on(unsigned hart, enum vcpu_leave leaves)
{
	bool stepped;

	world.hart = hart;
	world.leaves = leaves;
	world.ran = NULL;
	stepped = scheduler_step();
	assert_int_equal(stepped, world.ran != NULL);
	return world.ran;
}

static int setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.running = 3;
	machine.fdt.timebase_frequency = 100000; /* a slice is 1000 ticks */
	scheduler_init();
	memset(&vm, 0, sizeof(vm));
	vm.vcpu_count = 4;
	for (unsigned i = 0; i < 4; i++) {
		vm.vcpus[i].vm = &vm;
		vm.vcpus[i].id = i;
		vm.vcpus[i].hart = VCPU_NO_HART;
		vm.vcpus[i].timer_deadline = NEVER;
	}
	return 0;
}

static void vcpus_have_their_turns(void **state)
{
	(void)state;
	world.running = 1;
	assert_null(run_on(0, VCPU_PREEMPTED));
	for (unsigned i = 0; i < 3; i++)
		scheduler_add(&vm.vcpus[i]);
	for (unsigned i = 0; i < 9; i++)
		assert_ptr_equal(run_on(0, VCPU_PREEMPTED), &vm.vcpus[i % 3]);
	assert_int_equal(vm.vcpus[0].hart, VCPU_NO_HART);
}

static void a_vcpu_goes_where_nobody_is(void **state)
{
	(void)state;
	scheduler_add(&vm.vcpus[0]);
	assert_int_equal(world.nudged, 1);
	scheduler_add(&vm.vcpus[1]);
	assert_int_equal(world.nudged, 3);
	assert_true(scheduler_has_work(0));
	assert_true(scheduler_has_work(1));
	assert_ptr_equal(run_on(1, VCPU_PREEMPTED), &vm.vcpus[1]);
	assert_ptr_equal(run_on(0, VCPU_PREEMPTED), &vm.vcpus[0]);
}

static void a_slice_begins_when_somebody_waits(void **state)
{
	(void)state;
	world.running = 1;
	vm.vcpus[0].leave = VCPU_STAYS;
	scheduler_tick(&vm.vcpus[0]);
	assert_false(world.traps_wait);
	assert_int_equal(scheduler_next(), NEVER);
	scheduler_add(&vm.vcpus[1]);
	world.now = 500;
	scheduler_tick(&vm.vcpus[0]);
	assert_true(world.traps_wait);
	assert_int_equal(scheduler_next(), 1500);
	world.now = 1499;
	scheduler_tick(&vm.vcpus[0]);
	assert_int_equal(vm.vcpus[0].leave, VCPU_STAYS);
	world.now = 1500;
	scheduler_tick(&vm.vcpus[0]);
	assert_int_equal(vm.vcpus[0].leave, VCPU_PREEMPTED);
}

static void a_blocked_vcpu_waits_for_its_timer(void **state)
{
	(void)state;
	world.running = 1;
	scheduler_add(&vm.vcpus[0]);
	vm.vcpus[0].timer_deadline = 700;
	assert_ptr_equal(run_on(0, VCPU_BLOCKED), &vm.vcpus[0]);
	assert_null(run_on(0, VCPU_BLOCKED));
	assert_int_equal(scheduler_next(), 700);
	world.now = 699;
	scheduler_tick(NULL);
	assert_false(scheduler_has_work(0));
	world.now = 700;
	scheduler_tick(NULL);
	assert_true(scheduler_has_work(0));
	assert_int_equal(scheduler_next(), NEVER);
}

static void a_blocked_vcpu_is_woken_by_a_request(void **state)
{
	(void)state;
	scheduler_add(&vm.vcpus[0]);
	run_on(0, VCPU_BLOCKED);
	world.nudged = 0;
	scheduler_nudge(&vm.vcpus[0]);
	assert_int_equal(world.nudged, 1);
	assert_true(scheduler_has_work(0));
	/* One that was asked before it was put does not wait at all. */
	vm.vcpus[0].requests = 1;
	run_on(0, VCPU_BLOCKED);
	assert_true(scheduler_has_work(0));
}

static void who_runs_is_kicked_alone(void **state)
{
	(void)state;
	vm.vcpus[2].hart = 1;
	assert_true(scheduler_nudge(&vm.vcpus[2]));
	assert_int_equal(world.nudged, 2);
	world.nudged = 0;
	assert_false(scheduler_nudge(&vm.vcpus[3])); /* stopped: nobody */
	assert_int_equal(world.nudged, 0);
}

static void the_last_one_to_stop_ends_the_vm(void **state)
{
	(void)state;
	world.running = 1;
	for (unsigned i = 2; i < 4; i++)
		vm.vcpus[i].state = VCPU_STOPPED;
	scheduler_add(&vm.vcpus[0]);
	scheduler_add(&vm.vcpus[1]);
	vm.vcpus[0].state = VCPU_STOP_PENDING;
	run_on(0, VCPU_HALTED);
	assert_int_equal(vm.vcpus[0].state, VCPU_STOPPED);
	assert_int_equal(vm.end, VM_RUNNING);
	vm.vcpus[1].state = VCPU_STOP_PENDING;
	run_on(0, VCPU_HALTED);
	assert_int_equal(vm.end, VM_STOPPED);
	/* and it may be started again, as long as the VM runs */
	vm.end = VM_RUNNING;
	assert_true(scheduler_was_recalled());
	scheduler_add(&vm.vcpus[0]);
	assert_ptr_equal(run_on(0, VCPU_PREEMPTED), &vm.vcpus[0]);
}

static void a_vm_that_has_ended_is_in_no_queue(void **state)
{
	(void)state;
	world.running = 1;
	for (unsigned i = 0; i < 3; i++)
		scheduler_add(&vm.vcpus[i]);
	run_on(0, VCPU_BLOCKED);
	vm.end = VM_POWER_OFF;
	assert_true(scheduler_remove(vm.vcpus, 4));
	assert_null(run_on(0, VCPU_PREEMPTED));
	vm.vcpus[1].place.state = RUN_RUNNING;
	assert_false(scheduler_remove(vm.vcpus, 4));
}

/* The boot hart is to take it down. */
static void the_end_of_a_vm_recalls_the_boot_hart(void **state)
{
	(void)state;
	scheduler_add(&vm.vcpus[0]);
	scheduler_add(&vm.vcpus[1]);
	scheduler_add(&vm.vcpus[2]);
	vm.end = VM_POWER_OFF;
	world.nudged = 0;
	run_on(1, VCPU_PREEMPTED);
	assert_true(world.nudged & 1);
	assert_true(scheduler_has_work(0));
	assert_null(run_on(0, VCPU_PREEMPTED));
	assert_true(scheduler_was_recalled());
	assert_false(scheduler_was_recalled());
	assert_ptr_equal(run_on(0, VCPU_PREEMPTED), &vm.vcpus[0]);
}

static enum vcpu_leave recall_while_it_runs(struct vcpu *vcpu)
{
	assert_int_equal(vcpu->requests, 0);
	scheduler_recall(0);
	assert_int_equal(vcpu->requests, 1u << REQUEST_LEAVE);
	return VCPU_PREEMPTED;
}

static void who_runs_leaves_when_its_hart_is_recalled(void **state)
{
	(void)state;
	world.during = recall_while_it_runs;
	scheduler_add(&vm.vcpus[0]);
	assert_ptr_equal(run_on(0, VCPU_STAYS), &vm.vcpus[0]);
	world.during = NULL;
	assert_null(run_on(0, VCPU_PREEMPTED));
}

/* What the boot hart does between its vCPUs may take long. */
static void others_take_what_waits_for_a_busy_hart(void **state)
{
	(void)state;
	scheduler_add(&vm.vcpus[0]);
	scheduler_recall(0);
	world.hart = 0;
	world.nudged = 0;
	assert_true(scheduler_was_recalled());
	assert_true(world.nudged & 2);
	assert_ptr_equal(run_on(1, VCPU_BLOCKED), &vm.vcpus[0]);
	/* Nor is it idle for one that becomes ready. */
	world.nudged = 0;
	scheduler_add(&vm.vcpus[1]);
	assert_int_equal(vm.vcpus[1].place.home, 1);
	world.hart = 0;
	scheduler_step();
	scheduler_add(&vm.vcpus[2]);
	assert_int_equal(vm.vcpus[2].place.home, 0);
}

static enum vcpu_leave pause_while_it_runs(struct vcpu *vcpu)
{
	scheduler_pause(vcpu->vm);
	assert_int_equal(vcpu->requests, 1u << REQUEST_LEAVE);
	return world.leaves;
}

static void a_paused_vm_runs_nowhere(void **state)
{
	(void)state;
	world.running = 1;
	for (unsigned i = 0; i < 3; i++)
		scheduler_add(&vm.vcpus[i]);
	run_on(0, VCPU_BLOCKED);
	world.during = pause_while_it_runs;
	assert_ptr_equal(run_on(0, VCPU_BLOCKED), &vm.vcpus[1]);
	assert_null(run_on(0, VCPU_PREEMPTED));
	/* What comes for them waits, and so does one that is started. */
	scheduler_nudge(&vm.vcpus[0]);
	scheduler_add(&vm.vcpus[3]);
	assert_null(run_on(0, VCPU_PREEMPTED));
	world.during = NULL;
	scheduler_resume(&vm);
	for (unsigned i = 0; i < 4; i++)
		assert_ptr_equal(run_on(0, VCPU_PREEMPTED), &vm.vcpus[i]);
	/* Its end need not wait for it. */
	scheduler_pause(&vm);
	vm.end = VM_STOPPED;
	assert_true(scheduler_remove(vm.vcpus, 4));
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(vm.vcpus[i].place.state, RUN_STOPPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(vcpus_have_their_turns, setup),
		cmocka_unit_test_setup(a_vcpu_goes_where_nobody_is, setup),
		cmocka_unit_test_setup(a_slice_begins_when_somebody_waits, setup),
		cmocka_unit_test_setup(a_blocked_vcpu_waits_for_its_timer, setup),
		cmocka_unit_test_setup(a_blocked_vcpu_is_woken_by_a_request, setup),
		cmocka_unit_test_setup(who_runs_is_kicked_alone, setup),
		cmocka_unit_test_setup(the_last_one_to_stop_ends_the_vm, setup),
		cmocka_unit_test_setup(a_vm_that_has_ended_is_in_no_queue, setup),
		cmocka_unit_test_setup(the_end_of_a_vm_recalls_the_boot_hart, setup),
		cmocka_unit_test_setup(who_runs_leaves_when_its_hart_is_recalled, setup),
		cmocka_unit_test_setup(others_take_what_waits_for_a_busy_hart, setup),
		cmocka_unit_test_setup(a_paused_vm_runs_nowhere, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
