/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: tests/unit/life_bench.c core/vm_life.c core/vms.c core/reason.c core/log.c */
/*
 * The lives of VMs while one of them is being made, which takes a while: the others run,
 * and whatever the monitor is asked for meanwhile happens in the end.
 */
#include "core/vms.h"
#include "tests/unit/life_bench.h"

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
	assert_null(life_stop(vm_of("a")));
	assert_true(vm_of("a")->is_begun);
}

static void a_is_off_and_starts_again(void)
{
	expect("end a, by the monitor a, destroy a, ");
	assert_true(was_said("vm a: stopped: by the monitor, before it was made"));
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
		cmocka_unit_test_setup(others_run_on_while_one_is_made, life_setup),
		cmocka_unit_test_setup(one_that_is_made_can_be_stopped, life_setup),
		cmocka_unit_test_setup(what_was_said_last_counts, life_setup),
		cmocka_unit_test_setup(one_that_is_made_can_be_removed, life_setup),
		cmocka_unit_test_setup(all_end_while_one_is_made, life_setup),
		cmocka_unit_test_setup(the_limit_comes_while_one_is_made, life_setup),
		cmocka_unit_test_setup(one_is_made_at_a_time, life_setup),
		cmocka_unit_test_setup(one_that_waits_to_be_made_can_be_stopped,
				       life_setup),
		cmocka_unit_test_setup(one_that_cannot_be_finished_is_reported,
				       life_setup),
		cmocka_unit_test_setup(one_is_stopped_as_it_is_finished, life_setup),
		cmocka_unit_test_setup(all_end_before_all_are_made, life_setup),
		cmocka_unit_test_setup(one_is_removed_before_it_is_made, life_setup),
		cmocka_unit_test_setup(one_is_restarted_before_all_are_made, life_setup),
		cmocka_unit_test_setup(one_ends_at_boot_before_its_memory_is_clear,
				       life_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
