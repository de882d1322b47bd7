/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: tests/unit/life_bench.c core/vm_life.c core/vms.c core/reason.c core/log.c */
/*
 * The lives of VMs: who is made, started, taken down and made again, in which order, and
 * when all is over.
 */
#include <stdio.h>

#include "core/vms.h"
#include "tests/unit/life_bench.h"

static void fail_b(void)
{
	leave("b", VM_FAILURE);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_run_until_each_has_ended, life_setup),
		cmocka_unit_test_setup(names_are_of_one_each, life_setup),
		cmocka_unit_test_setup(one_that_is_left_out_is_no_success, life_setup),
		cmocka_unit_test_setup(one_that_cannot_be_made_is_reported, life_setup),
		cmocka_unit_test_setup(a_failure_is_told, life_setup),
		cmocka_unit_test_setup(nothing_is_taken_from_who_still_runs, life_setup),
		cmocka_unit_test_setup(a_vm_is_stopped_and_started_again, life_setup),
		cmocka_unit_test_setup(one_that_cannot_start_again_stays, life_setup),
		cmocka_unit_test_setup(a_vm_is_restarted_and_removed, life_setup),
		cmocka_unit_test_setup(all_end_with_the_machine, life_setup),
		cmocka_unit_test_setup(all_end_at_the_limit, life_setup),
		cmocka_unit_test_setup(what_has_changed_is_told_at_the_next_end,
				       life_setup),
		cmocka_unit_test_setup(a_failure_that_is_stopped_is_one, life_setup),
		cmocka_unit_test_setup(a_reboot_is_an_end, life_setup),
		cmocka_unit_test_setup(one_that_reboots_is_made_again, life_setup),
		cmocka_unit_test_setup(one_that_does_nothing_but_reboot_is_stopped,
				       life_setup),
		cmocka_unit_test_setup(who_stops_it_is_heard_before, life_setup),
		cmocka_unit_test_setup(none_reboots_as_all_end, life_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
