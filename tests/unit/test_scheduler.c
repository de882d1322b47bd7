/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/scheduler.c core/scheduler_queue.c core/line.c */
/* sources: tests/unit/scheduler_bench.c */
/*
 * Which vCPU runs where: turns, waiting and waking, pinned vCPUs and those that go to an
 * idle hart, stopping, the end of a VM, and what becomes of their time. Harts are numbers
 * here, and a vCPU's run is what the test says it came to.
 */
#include "tests/unit/scheduler_bench.h"

static void vcpus_have_their_turns(void **state)
{
	(void)state;
	bench.running = 1;
	bench.runs_for = TURN;
	assert_null(bench_run_on(0, VCPU_PREEMPTED));
	for (unsigned i = 0; i < 3; i++)
		scheduler_add(&bench_vm.vcpus[i]);
	for (unsigned i = 0; i < 9; i++)
		assert_ptr_equal(bench_run_on(0, VCPU_PREEMPTED), &bench_vm.vcpus[i % 3]);
	assert_int_equal(bench_vm.vcpus[0].hart, VCPU_NO_HART);
}

static void a_vcpu_goes_where_nobody_is(void **state)
{
	(void)state;
	scheduler_add(&bench_vm.vcpus[0]);
	assert_int_equal(bench.nudged, 1);
	scheduler_add(&bench_vm.vcpus[1]);
	assert_int_equal(bench.nudged, 3);
	assert_true(scheduler_has_work(0));
	assert_true(scheduler_has_work(1));
	assert_ptr_equal(bench_enter(1, VCPU_STAYS), &bench_vm.vcpus[0]);
	assert_ptr_equal(bench_enter(0, VCPU_STAYS), &bench_vm.vcpus[1]);
	for (unsigned hart = 0; hart < 2; hart++)
		assert_null(bench_enter(hart, VCPU_BLOCKED));
	/* and where it was, whoever looks first */
	for (unsigned i = 0; i < 2; i++)
		scheduler_nudge(&bench_vm.vcpus[i]);
	assert_ptr_equal(bench_enter(0, VCPU_STAYS), &bench_vm.vcpus[1]);
	assert_ptr_equal(bench_enter(1, VCPU_STAYS), &bench_vm.vcpus[0]);
}

/* It has memory to clear, too, and comes to it in time; others run on. */
static void the_boot_hart_has_turns_while_vms_are_made(void **state)
{
	(void)state;
	bench.clears = true;
	for (unsigned hart = 0; hart < 2; hart++) {
		struct vcpu *vcpu = &bench_vm.vcpus[hart];

		bench.hart = hart;
		vcpu->leave = VCPU_STAYS;
		scheduler_tick(vcpu);
		assert_int_equal(scheduler_next(), hart == 0 ? TURN : NEVER);
		assert_int_equal(bench.traps_wait, hart == 0);
		bench.now += TURN;
		scheduler_tick(vcpu);
		assert_int_equal(vcpu->leave, hart == 0 ? VCPU_PREEMPTED : VCPU_STAYS);
	}
}

/* Somebody who comes while it runs alone takes none of the time before. */
static void a_turn_begins_when_somebody_waits(void **state)
{
	struct vcpu *vcpu = &bench_vm.vcpus[0];

	(void)state;
	bench.running = 1;
	vcpu->leave = VCPU_STAYS;
	scheduler_tick(vcpu);
	assert_false(bench.traps_wait);
	assert_int_equal(scheduler_next(), NEVER);
	scheduler_add(&bench_vm.vcpus[1]);
	bench.now = 500;
	scheduler_tick(vcpu);
	assert_true(bench.traps_wait);
	assert_int_equal(scheduler_next(), 1500);
	bench.now = 1499;
	scheduler_tick(vcpu);
	assert_int_equal(vcpu->leave, VCPU_STAYS);
	bench.now = 1500;
	scheduler_tick(vcpu);
	assert_int_equal(vcpu->leave, VCPU_PREEMPTED);
}

/* Whoever runs is told of one that waits; only the first has to. */
static void those_that_run_are_told_of_one_that_waits(void **state)
{
	(void)state;
	for (unsigned hart = 0; hart < 2; hart++) {
		scheduler_add(&bench_vm.vcpus[hart]);
		bench_enter(hart, VCPU_STAYS);
	}
	bench.nudged = 0;
	scheduler_add(&bench_vm.vcpus[2]);
	assert_int_equal(bench.nudged, 3);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(vcpu_is_asked(&bench_vm.vcpus[i]));
		bench.hart = bench_vm.vcpus[i].hart;
		scheduler_tick(&bench_vm.vcpus[i]);
		assert_int_equal(scheduler_next(), TURN);
	}
	bench.nudged = 0;
	scheduler_add(&bench_vm.vcpus[3]);
	assert_int_equal(bench.nudged, 0);
}

static void a_blocked_vcpu_waits_for_its_timer(void **state)
{
	(void)state;
	bench.running = 1;
	scheduler_add(&bench_vm.vcpus[0]);
	bench_vm.vcpus[0].timer_deadline = 700;
	assert_ptr_equal(bench_run_on(0, VCPU_BLOCKED), &bench_vm.vcpus[0]);
	assert_null(bench_run_on(0, VCPU_BLOCKED));
	assert_int_equal(scheduler_next(), 700);
	bench.now = 699;
	scheduler_tick(NULL);
	assert_false(scheduler_has_work(0));
	bench.now = 700;
	scheduler_tick(NULL);
	assert_true(scheduler_has_work(0));
	assert_int_equal(scheduler_next(), NEVER);
}

static void a_blocked_vcpu_is_woken_by_a_request(void **state)
{
	(void)state;
	scheduler_add(&bench_vm.vcpus[0]);
	bench_run_on(0, VCPU_BLOCKED);
	assert_null(bench_run_on(0, VCPU_BLOCKED));
	bench.nudged = 0;
	assert_false(scheduler_kick(&bench_vm.vcpus[0]));
	assert_false(scheduler_has_work(0));
	scheduler_nudge(&bench_vm.vcpus[0]);
	assert_int_equal(bench.nudged, 1);
	assert_true(scheduler_has_work(0));
	/* One that was asked before it was put does not wait at all. */
	bench_vm.vcpus[0].requests = 1u << REQUEST_SOFTWARE;
	bench_run_on(0, VCPU_BLOCKED);
	assert_true(scheduler_has_work(0));
	/* But with a fence it can wait. */
	bench_vm.vcpus[0].requests = 1u << REQUEST_FENCES;
	assert_ptr_equal(bench_run_on(0, VCPU_BLOCKED), &bench_vm.vcpus[0]);
	assert_false(scheduler_has_work(0));
}

static void who_runs_is_kicked_alone(void **state)
{
	(void)state;
	bench_vm.vcpus[2].hart = 1;
	assert_true(scheduler_nudge(&bench_vm.vcpus[2]));
	assert_int_equal(bench.nudged, 2);
	bench.nudged = 0;
	assert_false(scheduler_nudge(&bench_vm.vcpus[3])); /* stopped: nobody */
	assert_int_equal(bench.nudged, 0);
	assert_true(scheduler_kick(&bench_vm.vcpus[2]));
	assert_int_equal(bench.nudged, 2);
	assert_false(scheduler_kick(&bench_vm.vcpus[3]));
}

static void the_last_one_to_stop_ends_the_vm(void **state)
{
	(void)state;
	bench.running = 1;
	for (unsigned i = 2; i < VCPUS; i++)
		bench_vm.vcpus[i].state = VCPU_STOPPED;
	scheduler_add(&bench_vm.vcpus[0]);
	scheduler_add(&bench_vm.vcpus[1]);
	bench_vm.vcpus[0].state = VCPU_STOP_PENDING;
	bench_run_on(0, VCPU_HALTED);
	assert_int_equal(bench_vm.vcpus[0].state, VCPU_STOPPED);
	assert_int_equal(bench_vm.end, VM_RUNNING);
	bench_vm.vcpus[1].state = VCPU_STOP_PENDING;
	bench_run_on(0, VCPU_HALTED);
	assert_int_equal(bench_vm.end, VM_STOPPED);
	/* and it may be started again, as long as the VM runs */
	bench_vm.end = VM_RUNNING;
	assert_true(scheduler_was_recalled());
	scheduler_add(&bench_vm.vcpus[0]);
	assert_ptr_equal(bench_run_on(0, VCPU_PREEMPTED), &bench_vm.vcpus[0]);
}

static void a_vm_that_has_ended_is_in_no_queue(void **state)
{
	(void)state;
	bench.running = 1;
	for (unsigned i = 0; i < 3; i++)
		scheduler_add(&bench_vm.vcpus[i]);
	bench_run_on(0, VCPU_BLOCKED);
	bench_vm.end = VM_POWER_OFF;
	assert_true(scheduler_remove(bench_vm.vcpus, VCPUS));
	assert_null(bench_run_on(0, VCPU_PREEMPTED));
	assert_false(scheduler_has_work(0) || scheduler_has_work(1));
	bench_vm.vcpus[1].place.state = RUN_RUNNING;
	assert_false(scheduler_remove(bench_vm.vcpus, VCPUS));
}

/* It goes nowhere else, though there is nothing to do there. */
static void a_pinned_vcpu_goes_nowhere_else(void **state)
{
	struct vcpu *vcpus = bench_vm.vcpus;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		scheduler_place(&vcpus[i], USUAL, 1u << 1);
		scheduler_add(&vcpus[i]);
	}
	assert_int_equal(bench.nudged, 1u << 1);
	assert_false(scheduler_has_work(0));
	assert_null(bench_enter(0, VCPU_STAYS));
	assert_ptr_equal(bench_enter(1, VCPU_STAYS), &vcpus[0]);
	assert_null(bench_enter(0, VCPU_STAYS));
	bench.now = TURN;
	assert_ptr_equal(bench_enter(1, VCPU_PREEMPTED), &vcpus[1]);
	assert_null(bench_enter(0, VCPU_STAYS));
	/* nor does a hart that is its own wait for what another one may do */
	bench.nudged = 0;
	scheduler_add(&vcpus[2]);
	assert_int_equal(bench.nudged, 1u << 0);
	assert_ptr_equal(bench_enter(0, VCPU_STAYS), &vcpus[2]);
	/* and of what waits and what wakes, too */
	assert_ptr_equal(bench_enter(1, VCPU_BLOCKED), &vcpus[0]);
	bench.nudged = 0;
	assert_ptr_equal(bench_enter(0, VCPU_BLOCKED), NULL);
	scheduler_nudge(&vcpus[1]);
	assert_int_equal(bench.nudged, 1u << 1);
	assert_null(bench_enter(0, VCPU_STAYS));
}

/* It has a turn to its credit, and no more; who gave way goes on behind it. */
static void one_that_wakes_interrupts_a_turn(void **state)
{
	struct vcpu *vcpus = bench_vm.vcpus;

	(void)state;
	bench.running = 1;
	scheduler_add(&vcpus[0]);
	bench_enter(0, VCPU_STAYS);
	assert_null(bench_enter(0, VCPU_BLOCKED));
	for (unsigned i = 1; i < 3; i++)
		scheduler_add(&vcpus[i]);
	for (unsigned i = 0; i < 7; i++) {
		assert_ptr_equal(bench_enter(0, VCPU_PREEMPTED), &vcpus[1 + i % 2]);
		bench.now += i < 6 ? TURN : 300;
	}
	assert_false(vcpu_is_asked(&vcpus[1]));
	scheduler_nudge(&vcpus[0]);
	assert_true(vcpu_is_asked(&vcpus[1]));
	scheduler_tick(&vcpus[1]);
	assert_int_equal(vcpus[1].leave, VCPU_PREEMPTED);
	assert_ptr_equal(bench_enter(0, VCPU_PREEMPTED), &vcpus[0]);
	assert_int_equal(vcpus[0].leave, VCPU_STAYS);
	bench.now += TURN;
	scheduler_tick(&vcpus[0]);
	assert_int_equal(vcpus[0].leave, VCPU_PREEMPTED);
	assert_ptr_equal(bench_enter(0, VCPU_PREEMPTED), &vcpus[2]);
	bench.now += TURN;
	assert_ptr_equal(bench_enter(0, VCPU_PREEMPTED), &vcpus[0]);
	bench.now += TURN;
	assert_ptr_equal(bench_enter(0, VCPU_PREEMPTED), &vcpus[1]);
}

static void expect_times(const struct vcpu *vcpu, uint64_t run, uint64_t stolen)
{
	const struct vcpu_times times = scheduler_times(vcpu);

	assert_int_equal(times.run, run);
	assert_int_equal(times.stolen, stolen);
}

/* Stolen is what it waits for a hart, and not what it waits for an interrupt. */
static void time_is_run_stolen_or_neither(void **state)
{
	struct vcpu *vcpus = bench_vm.vcpus;

	(void)state;
	bench.running = 1;
	bench.now = 5000;
	scheduler_add(&vcpus[0]);
	scheduler_add(&vcpus[1]);
	bench_enter(0, VCPU_STAYS);
	bench.now += 100;
	expect_times(&vcpus[0], 100, 0);
	expect_times(&vcpus[1], 0, 100);
	expect_times(&vcpus[2], 0, 0);
	bench_enter(0, VCPU_BLOCKED);
	bench.now += 50;
	expect_times(&vcpus[0], 100, 0);
	expect_times(&vcpus[1], 50, 100);
	scheduler_nudge(&vcpus[0]);
	bench.now += 7;
	expect_times(&vcpus[0], 100, 7);
	assert_ptr_equal(bench_enter(0, VCPU_HALTED), &vcpus[0]);
	bench.now += 7;
	expect_times(&vcpus[1], 57, 100);
	expect_times(&vcpus[0], 107, 7);
}

/* Each run on another hart than the last, and no longer than that. */
static void vcpus_hop(void **state)
{
	struct vcpu *vcpus = bench_vm.vcpus;

	(void)state;
	scheduler_hop(10);
	scheduler_place(&vcpus[1], USUAL, 1u << 1);
	scheduler_add(&vcpus[0]);
	for (unsigned i = 0; i < 20; i++) {
		const unsigned hart = i % 2 == 0;

		assert_null(bench_enter(!hart, VCPU_PREEMPTED));
		assert_ptr_equal(bench_enter(hart, VCPU_PREEMPTED), &vcpus[0]);
		assert_int_equal(scheduler_next(), bench.now + 10);
		bench.now += 10;
		scheduler_tick(&vcpus[0]);
		assert_int_equal(vcpus[0].leave, VCPU_PREEMPTED);
	}
	assert_int_equal(scheduler_times(&vcpus[0]).moves, 19);
	/* who is pinned stays, and still has its turns */
	scheduler_add(&vcpus[1]);
	bench_enter(0, VCPU_HALTED);
	for (unsigned i = 0; i < 5; i++) {
		assert_ptr_equal(bench_enter(1, VCPU_PREEMPTED), &vcpus[1]);
		bench.now += 10;
	}
}

/* The boot hart is to take it down. */
static void the_end_of_a_vm_recalls_the_boot_hart(void **state)
{
	struct vcpu *vcpus = bench_vm.vcpus;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		scheduler_add(&vcpus[i]);
	bench_vm.end = VM_POWER_OFF;
	bench.nudged = 0;
	bench_run_on(1, VCPU_PREEMPTED);
	assert_true(bench.nudged & 1);
	assert_true(scheduler_has_work(0));
	assert_null(bench_run_on(0, VCPU_PREEMPTED));
	assert_true(scheduler_was_recalled());
	assert_false(scheduler_was_recalled());
	assert_ptr_equal(bench_run_on(0, VCPU_PREEMPTED), &vcpus[1]);
}

static void who_runs_leaves_when_its_hart_is_recalled(void **state)
{
	struct vcpu *vcpu = &bench_vm.vcpus[0];

	(void)state;
	scheduler_add(vcpu);
	bench_enter(0, VCPU_STAYS);
	assert_int_equal(vcpu->requests, 0);
	scheduler_recall(0);
	assert_int_equal(vcpu->requests, 1u << REQUEST_LEAVE);
	assert_null(bench_enter(0, VCPU_PREEMPTED));
}

/* What the boot hart does between its vCPUs may take long. */
static void others_take_what_waits_for_a_busy_hart(void **state)
{
	struct vcpu *vcpus = bench_vm.vcpus;

	(void)state;
	scheduler_add(&vcpus[0]);
	scheduler_recall(0);
	bench.hart = 0;
	bench.nudged = 0;
	assert_true(scheduler_was_recalled());
	assert_true(bench.nudged & 2);
	assert_ptr_equal(bench_run_on(1, VCPU_BLOCKED), &vcpus[0]);
	assert_null(bench_run_on(1, VCPU_BLOCKED));
	/* Nor is it idle for one that becomes ready. */
	bench.nudged = 0;
	scheduler_add(&vcpus[1]);
	assert_int_equal(bench.nudged, 2);
	assert_ptr_equal(bench_run_on(1, VCPU_BLOCKED), &vcpus[1]);
	assert_null(bench_run_on(0, VCPU_BLOCKED));
	bench.nudged = 0;
	scheduler_add(&vcpus[2]);
	assert_int_equal(bench.nudged, 1);
}

/* Their time may come long before the hart looks again; wfi may end at any time. */
static void others_take_who_waits_for_its_time_there(void **state)
{
	struct vcpu *vcpus = bench_vm.vcpus;

	(void)state;
	scheduler_place(&vcpus[1], USUAL, 1u << 0);
	for (unsigned i = 0; i < 3; i++) {
		vcpus[i].timer_deadline = i < 2 ? 700 : NEVER;
		scheduler_add(&vcpus[i]);
		bench_run_on(0, VCPU_BLOCKED);
	}
	assert_null(bench_run_on(1, VCPU_BLOCKED));
	scheduler_recall(0);
	bench.hart = 0;
	bench.nudged = 0;
	assert_true(scheduler_was_recalled());
	assert_int_equal(bench.nudged, 1u << 1);
	assert_ptr_equal(bench_run_on(1, VCPU_BLOCKED), &vcpus[0]);
	assert_int_equal(scheduler_next(), 700);
	assert_null(bench_run_on(1, VCPU_BLOCKED));
	/* not who may go nowhere else, or waits for no time */
	assert_null(bench_run_on(0, VCPU_BLOCKED));
	for (unsigned i = 1; i < 3; i++)
		assert_int_equal(vcpus[i].place.state, RUN_BLOCKED);
}

static void a_paused_vm_runs_nowhere(void **state)
{
	struct vcpu *vcpus = bench_vm.vcpus;
	unsigned came = 0;

	(void)state;
	bench.running = 1;
	for (unsigned i = 0; i < 3; i++)
		scheduler_add(&vcpus[i]);
	bench_enter(0, VCPU_STAYS);
	assert_ptr_equal(bench_enter(0, VCPU_BLOCKED), &vcpus[1]);
	scheduler_pause(&bench_vm);
	assert_int_equal(vcpus[1].requests >> REQUEST_LEAVE & 1, 1);
	assert_null(bench_enter(0, VCPU_BLOCKED));
	/* What comes for them waits, and so does one that is started. */
	scheduler_nudge(&vcpus[0]);
	scheduler_add(&vcpus[3]);
	assert_null(bench_enter(0, VCPU_STAYS));
	scheduler_resume(&bench_vm);
	for (unsigned i = 0; i < 4; i++)
		came |= 1u << bench_enter(0, VCPU_HALTED)->id;
	assert_int_equal(came, 0xf);
	/* Its end need not wait for it. */
	scheduler_pause(&bench_vm);
	bench_vm.end = VM_STOPPED;
	assert_null(bench_enter(0, VCPU_PREEMPTED));
	assert_true(scheduler_remove(vcpus, VCPUS));
	for (unsigned i = 0; i < VCPUS; i++)
		assert_int_equal(vcpus[i].place.state, RUN_STOPPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(vcpus_have_their_turns, bench_setup),
		cmocka_unit_test_setup(a_vcpu_goes_where_nobody_is, bench_setup),
		cmocka_unit_test_setup(a_turn_begins_when_somebody_waits, bench_setup),
		cmocka_unit_test_setup(the_boot_hart_has_turns_while_vms_are_made,
				       bench_setup),
		cmocka_unit_test_setup(those_that_run_are_told_of_one_that_waits,
				       bench_setup),
		cmocka_unit_test_setup(a_pinned_vcpu_goes_nowhere_else, bench_setup),
		cmocka_unit_test_setup(one_that_wakes_interrupts_a_turn, bench_setup),
		cmocka_unit_test_setup(time_is_run_stolen_or_neither, bench_setup),
		cmocka_unit_test_setup(vcpus_hop, bench_setup),
		cmocka_unit_test_setup(a_blocked_vcpu_waits_for_its_timer, bench_setup),
		cmocka_unit_test_setup(a_blocked_vcpu_is_woken_by_a_request, bench_setup),
		cmocka_unit_test_setup(who_runs_is_kicked_alone, bench_setup),
		cmocka_unit_test_setup(the_last_one_to_stop_ends_the_vm, bench_setup),
		cmocka_unit_test_setup(a_vm_that_has_ended_is_in_no_queue, bench_setup),
		cmocka_unit_test_setup(the_end_of_a_vm_recalls_the_boot_hart,
				       bench_setup),
		cmocka_unit_test_setup(who_runs_leaves_when_its_hart_is_recalled,
				       bench_setup),
		cmocka_unit_test_setup(others_take_what_waits_for_a_busy_hart,
				       bench_setup),
		cmocka_unit_test_setup(others_take_who_waits_for_its_time_there,
				       bench_setup),
		cmocka_unit_test_setup(a_paused_vm_runs_nowhere, bench_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
