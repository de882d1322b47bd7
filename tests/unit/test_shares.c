/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/scheduler.c core/scheduler_queue.c core/line.c */
/* sources: tests/unit/scheduler_bench.c */
/*
 * What vCPUs get of the harts in the long run, worked out event by event: those that
 * never wait share by their weights, however many harts there are; one that waits a
 * little and works a little has what it asks for; and nobody waits for ever.
 */
#include "tests/unit/scheduler_bench.h"

#define HARTS 4

/* A vCPU that works so long, and then waits so long; 0: it never waits. */
struct habit {
	uint64_t works;
	uint64_t waits;
};

static struct habit habits[VCPUS];
static uint64_t until[VCPUS]; /* it has worked, by its run time */
static uint64_t longest_wait; /* for a hart, of any vCPU that was ready */

static uint64_t run_of(const struct vcpu *vcpu)
{
	return scheduler_times(vcpu).run;
}

/* It may be kicked at once, and a kick costs nothing. */
static void answer_requests(void)
{
	for (unsigned hart = 0; hart < HARTS; hart++) {
		struct vcpu *vcpu = bench_on(hart);

		bench.hart = hart;
		if (vcpu && vcpu->requests) {
			vcpu->requests = 0;
			scheduler_tick(vcpu);
		}
	}
}

/* When something is next to happen on this hart. */
static uint64_t next_of(unsigned hart)
{
	struct vcpu *vcpu = bench_on(hart);
	uint64_t next, done;

	bench.hart = hart;
	next = scheduler_next();
	if (!vcpu || habits[vcpu->id].works == 0)
		return next;
	done = bench.now + until[vcpu->id] - run_of(vcpu);
	return done < next ? done : next;
}

static void happen(unsigned hart)
{
	struct vcpu *vcpu = bench_on(hart);
	const struct habit *habit = vcpu ? &habits[vcpu->id] : NULL;

	bench.hart = hart;
	scheduler_tick(vcpu);
	if (habit && habit->works > 0 && run_of(vcpu) >= until[vcpu->id]) {
		until[vcpu->id] += habit->works;
		vcpu->timer_deadline = bench.now + habit->waits;
		bench_enter(hart, VCPU_BLOCKED);
	} else if (!vcpu || vcpu->leave != VCPU_STAYS) {
		bench_enter(hart, VCPU_PREEMPTED);
	}
}

static void note_waits(void)
{
	for (unsigned i = 0; i < VCPUS; i++) {
		const struct vcpu_place *place = &bench_vm.vcpus[i].place;

		if (place->state == RUN_READY && bench.now - place->since > longest_wait)
			longest_wait = bench.now - place->since;
	}
}

static void go_on_for(uint64_t ticks)
{
	const uint64_t end = bench.now + ticks;

	for (unsigned i = 0; i < VCPUS; i++)
		until[i] = run_of(&bench_vm.vcpus[i]) + habits[i].works;
	while (bench.now < end) {
		uint64_t next = end;

		for (unsigned hart = 0; hart < HARTS; hart++)
			if (bench.running >> hart & 1)
				happen(hart);
		answer_requests();
		for (unsigned hart = 0; hart < HARTS; hart++)
			if (bench.running >> hart & 1 && next_of(hart) < next)
				next = next_of(hart);
		/* something may have come of what others did at the same time */
		bench.now = next > bench.now ? next : bench.now + 1;
		note_waits();
	}
}

static void begin(unsigned harts, unsigned vcpus, const unsigned *weights)
{
	bench.running = (1u << harts) - 1;
	memset(habits, 0, sizeof(habits));
	longest_wait = 0;
	for (unsigned i = 0; i < vcpus; i++) {
		scheduler_place(&bench_vm.vcpus[i], weights ? weights[i] : USUAL, ANY);
		scheduler_add(&bench_vm.vcpus[i]);
	}
}

/* In percent of one hart, over the time given. */
static void expect_share(unsigned vcpu, uint64_t ticks, double percent, double within)
{
	const double share =
		100.0 * (double)run_of(&bench_vm.vcpus[vcpu]) / (double)ticks;

	if (share < percent - within || share > percent + within)
		fail_msg("vCPU %u has %.1f %% of a hart, and not %.1f %%", vcpu, share,
			 percent);
}

static void shares_are_as_weights(void **state)
{
	static const unsigned weights[] = {100, 200, 10, 1000, 50};
	const uint64_t time = 5000 * TURN;

	(void)state;
	begin(1, 5, weights);
	go_on_for(time);
	for (unsigned i = 0; i < 5; i++)
		expect_share(i, time, 100.0 * weights[i] / 1360, 1);
	/* nobody waits for more than everybody else's turn */
	assert_true(longest_wait <= 14 * TURN);
}

/* Equal ones, whatever their number: no hart is a better home than another. */
static void equal_shares_on_several_harts(void **state)
{
	static const unsigned cases[][2] = {{2, 3}, {2, 4}, {2, 5}, {3, 4}, {3, 8},
					    {4, 5}, {4, 7}, {4, 8}, {3, 5}, {2, 7}};
	const uint64_t time = 1000 * TURN;

	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		bench_setup(state);
		begin(cases[i][0], cases[i][1], NULL);
		go_on_for(time);
		for (unsigned vcpu = 0; vcpu < cases[i][1]; vcpu++)
			expect_share(vcpu, time, 100.0 * cases[i][0] / cases[i][1], 3);
	}
}

/* As many as there are harts, or twice: nobody goes about for nothing. */
static void those_at_home_stay(void **state)
{
	uint64_t moves = 0;

	(void)state;
	begin(2, 4, NULL);
	go_on_for(1000 * TURN);
	for (unsigned i = 0; i < 4; i++)
		moves += scheduler_times(&bench_vm.vcpus[i]).moves;
	assert_true(moves < 50);
}

static void weights_on_several_harts(void **state)
{
	static const unsigned weights[] = {400, 200, 200, 100, 100};
	const uint64_t time = 2000 * TURN;

	(void)state;
	begin(2, 5, weights);
	go_on_for(time);
	for (unsigned i = 0; i < 5; i++)
		expect_share(i, time, 2 * weights[i] / 10.0, 8);
}

/* A weight that asks for more than a hart leaves the others theirs of the rest. */
static void more_than_one_hart_is_not_to_be_had(void **state)
{
	static const unsigned weights[] = {1000, 100, 100};
	const uint64_t time = 2000 * TURN;

	(void)state;
	begin(2, 3, weights);
	go_on_for(time);
	expect_share(0, time, 95, 6);
	expect_share(1, time, 52, 6);
	expect_share(2, time, 52, 6);
}

/* What is free is nobody's loss, and is no claim to more later. */
static void those_that_come_late_have_their_share(void **state)
{
	const uint64_t time = 500 * TURN;
	uint64_t before;

	(void)state;
	begin(1, 1, NULL);
	go_on_for(time);
	assert_int_equal(run_of(&bench_vm.vcpus[0]), time);
	before = run_of(&bench_vm.vcpus[0]);
	scheduler_add(&bench_vm.vcpus[1]);
	go_on_for(time);
	expect_share(1, time, 50, 1);
	assert_true(run_of(&bench_vm.vcpus[0]) - before >= time / 2 - 2 * TURN);
}

/* Beside three that spin it is woken for a tenth of a turn, each second turn. */
static void a_sleeper_beside_spinners(void **state)
{
	const uint64_t time = 1000 * TURN;

	(void)state;
	begin(1, 4, NULL);
	habits[0] = (struct habit){.works = TURN / 10, .waits = 2 * TURN};
	go_on_for(time);
	expect_share(0, time, 4.7, 0.7);
	for (unsigned i = 1; i < 4; i++)
		expect_share(i, time, 31.7, 1);
	/* mostly at once: what it waited is little against what it would in line */
	assert_true(scheduler_times(&bench_vm.vcpus[0]).stolen < time * 3 / 20);
}

/* Sleepers that wake all the time take no more than their share from one that spins. */
static void a_spinner_beside_sleepers(void **state)
{
	const uint64_t time = 1000 * TURN;

	(void)state;
	begin(1, 4, NULL);
	for (unsigned i = 1; i < 4; i++)
		habits[i] = (struct habit){.works = TURN / 20, .waits = 1};
	go_on_for(time);
	assert_true(run_of(&bench_vm.vcpus[0]) >= time * 24 / 100);
	assert_true(longest_wait <= 4 * TURN);
}

/* Pinned to one hart, they share that; the free one has the other to itself. */
static void pinned_ones_share_their_hart(void **state)
{
	const uint64_t time = 1000 * TURN;

	(void)state;
	begin(2, 0, NULL);
	for (unsigned i = 0; i < 3; i++) {
		scheduler_place(&bench_vm.vcpus[i], i == 0 ? 2 * USUAL : USUAL, 1u << 1);
		scheduler_add(&bench_vm.vcpus[i]);
	}
	scheduler_add(&bench_vm.vcpus[3]);
	go_on_for(time);
	expect_share(0, time, 50, 2);
	expect_share(1, time, 25, 2);
	expect_share(2, time, 25, 2);
	expect_share(3, time, 100, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(shares_are_as_weights, bench_setup),
		cmocka_unit_test_setup(equal_shares_on_several_harts, bench_setup),
		cmocka_unit_test_setup(those_at_home_stay, bench_setup),
		cmocka_unit_test_setup(weights_on_several_harts, bench_setup),
		cmocka_unit_test_setup(more_than_one_hart_is_not_to_be_had, bench_setup),
		cmocka_unit_test_setup(those_that_come_late_have_their_share,
				       bench_setup),
		cmocka_unit_test_setup(a_sleeper_beside_spinners, bench_setup),
		cmocka_unit_test_setup(a_spinner_beside_sleepers, bench_setup),
		cmocka_unit_test_setup(pinned_ones_share_their_hart, bench_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
