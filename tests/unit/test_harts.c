/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/harts.c core/log.c */
/* sanitizers: thread */
/* libs: -lpthread */
/*
 * The harts of core/harts.c as threads, which really run at once: how they come, ask
 * each other, run jobs and guests, and stop. A hart that waits sleeps until it is
 * kicked, and so does one in a guest: a kick that is lost hangs the test. What is
 * written without any lock on one side of a request and read on the other is watched by
 * the thread sanitizer.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arch/riscv/layout.h"
#include "core/arch.h"
#include "core/clearing.h"
#include "core/harts.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/panic.h"
#include "core/scheduler.h"
#include "core/spin_lock.h"
#include "core/timer.h"
#include "tests/unit/captured_console.h"

/* By index. Those that run guests are 0 to 3. */
enum { LACKS = 4, REFUSED = 5, MISSING = 6, LATE = 7 };

#define RUNNING	  0xfu
#define FIT_HARTS 4
#define ROUNDS	  1000

struct machine machine;

/* Memory that is to be cleared, in pieces, and how many each hart has cleared. */
static unsigned pieces;
static unsigned cleared[FIT_HARTS];

bool clearing_waits(void)
{
	return __atomic_load_n(&pieces, __ATOMIC_SEQ_CST) > 0;
}

bool clearing_step(void)
{
	unsigned left = __atomic_load_n(&pieces, __ATOMIC_SEQ_CST);

	while (left > 0 &&
	       !__atomic_compare_exchange_n(&pieces, &left, left - 1, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	if (left > 0)
		__atomic_fetch_add(&cleared[arch_hart_index()], 1, __ATOMIC_SEQ_CST);
	return left > 0;
}

/* Nothing else is to be done on these harts, and they have no devices. */
static _Thread_local bool runs_vcpus;

bool scheduler_step(void)
{
	return runs_vcpus;
}

bool scheduler_has_work(unsigned hart)
{
	(void)hart;
	return false;
}

void timer_idle_begin(void)
{
}

void timer_idle_end(void)
{
}

void interrupt_external(void)
{
}

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t kicked;
	bool pending;
	bool started;
	unsigned fences; /* the hart's own */
	uint64_t seen;	 /* the last message that a fence of it found */
	unsigned forgot; /* times, and whether its registers lead nowhere since */
	bool left;
} harts[HART_LIMIT];

static _Thread_local unsigned self;
static unsigned parked, wrong;
static bool prepared;
static uint64_t message; /* no atomic: requests order it */
static bool tells;
static pthread_mutex_t late = PTHREAD_MUTEX_INITIALIZER;

/* ---- the machine ---- */

void arch_translation_forget(bool leave)
{
	__atomic_fetch_add(&harts[self].forgot, 1, __ATOMIC_SEQ_CST);
	harts[self].left = leave;
}

unsigned arch_hart_index(void)
{
	sched_yield();
	return self;
}

/* Milliseconds. */
uint64_t arch_time(void)
{
	struct timespec now;

	sched_yield();
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void *come(void *index)
{
	self = (unsigned)(uintptr_t)index;
	if (self == LATE) {
		pthread_mutex_lock(&late);
		pthread_mutex_unlock(&late);
	}
	harts_arrive();
}

enum status arch_hart_start(unsigned index, const char **why)
{
	/* One at a time. */
	assert_true(index <= LACKS || __atomic_load_n(&prepared, __ATOMIC_SEQ_CST));
	if (index == REFUSED) {
		*why = "is refused";
		return STATUS_UNSUPPORTED;
	}
	if (index == MISSING)
		return STATUS_OK;
	harts[index].started = true;
	assert_int_equal(pthread_create(&harts[index].thread, NULL, come,
					(void *)(uintptr_t)index),
			 0);
	return STATUS_OK;
}

/* One of them needs longer than others would wait for it to come. */
const char *arch_hart_prepare(void)
{
	if (self != LACKS)
		return NULL;
	usleep(1500000);
	__atomic_store_n(&prepared, true, __ATOMIC_SEQ_CST);
	return "lacks something";
}

void arch_hart_kick(unsigned index)
{
	pthread_mutex_lock(&harts[index].lock);
	harts[index].pending = true;
	pthread_cond_signal(&harts[index].kicked);
	pthread_mutex_unlock(&harts[index].lock);
}

void arch_kick_received(void)
{
	pthread_mutex_lock(&harts[self].lock);
	harts[self].pending = false;
	pthread_mutex_unlock(&harts[self].lock);
}

void arch_hart_wait(void)
{
	pthread_mutex_lock(&harts[self].lock);
	while (!harts[self].pending)
		pthread_cond_wait(&harts[self].kicked, &harts[self].lock);
	pthread_mutex_unlock(&harts[self].lock);
}

_Noreturn void arch_hart_park(void)
{
	__atomic_fetch_add(&parked, 1, __ATOMIC_SEQ_CST);
	pthread_exit(NULL);
}

void arch_shadow_fence_all(void)
{
	harts[self].fences++;
	if (tells)
		harts[self].seen = message;
}

void arch_fence_i(void)
{
}

_Noreturn void assert_failed(const char *file, unsigned line, const char *text)
{
	fprintf(stderr, "%s:%u: assertion failed: %s\n", file, line, text);
	abort();
}

/* ---- arrival ---- */

static void those_that_can_come(void **state)
{
	(void)state;
	machine.fdt.timebase_frequency = 200; /* a bound of one second */
	machine.fdt.hart_count = HART_LIMIT;
	machine.fdt.harts_left_out = 3;
	machine.fdt.harts_without_mmu = 1;
	machine.fdt.hart_without_mmu = 9;
	for (unsigned i = 0; i < HART_LIMIT; i++) {
		machine.fdt.harts[i].id = 10 * i;
		pthread_mutex_init(&harts[i].lock, NULL);
		pthread_cond_init(&harts[i].kicked, NULL);
	}
	pthread_mutex_lock(&late);
	harts_start();
	assert_int_equal(harts_running(), RUNNING);
	assert_string_equal(
		captured,
		"gnomon: harts: hart 40 lacks something; it is left out\r\n"
		"gnomon: harts: hart 50 is refused; it is left out\r\n"
		"gnomon: harts: hart 60 does not arrive; it is left out\r\n"
		"gnomon: harts: hart 70 does not arrive; it is left out\r\n"
		"gnomon: harts: 4 of 12 run (hart 9 has no MMU)\r\n"
		"gnomon: harts: this Gnomon is built for 8, and leaves out 3\r\n");
}

static void one_that_comes_too_late_is_parked(void **state)
{
	(void)state;
	pthread_mutex_unlock(&late);
	assert_int_equal(pthread_join(harts[LATE].thread, NULL), 0);
	assert_int_equal(pthread_join(harts[LACKS].thread, NULL), 0);
	assert_int_equal(parked, 2);
	assert_int_equal(harts_running(), RUNNING);
}

/* ---- requests ---- */

static void on_all(void (*job)(void *argument))
{
	for (unsigned i = 1; i < FIT_HARTS; i++)
		assert_true(harts_run(i, job, NULL));
	job(NULL);
	for (unsigned i = 1; i < FIT_HARTS; i++)
		while (harts_is_busy(i))
			harts_serve();
	assert_int_equal(wrong, 0);
}

static void expect(bool right)
{
	if (!right)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

/* Those that do not run are asked too, and passed over. */
static void ask_all(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < ROUNDS; i++) {
		const enum hart_request request =
			i % 2 ? HART_FENCE_SHADOW : HART_FENCE_CODE;
		uint64_t before[FIT_HARTS];

		for (unsigned h = 0; h < FIT_HARTS; h++)
			before[h] = harts_served(h, request);
		harts_request(i % 3 ? ~0u : RUNNING & ~(1u << self), request);
		for (unsigned h = 0; h < FIT_HARTS; h++)
			expect(harts_served(h, request) != before[h] ||
			       (h == self && i % 3 == 0));
	}
}

static void harts_that_ask_each_other_are_all_heard(void **state)
{
	(void)state;
	on_all(ask_all);
}

/* What was written before it is asked for is seen by what is done, and that by us. */
static void a_request_orders_what_is_around_it(void **state)
{
	(void)state;
	tells = true;
	for (unsigned i = 1; i <= ROUNDS; i++) {
		message = i;
		harts_request(RUNNING, HART_FENCE_SHADOW);
		for (unsigned h = 0; h < FIT_HARTS; h++)
			assert_int_equal(harts[h].seen, i);
	}
	tells = false;
}

static struct spin_lock lock;
static uint64_t guarded;

static void ask_with_the_lock(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < ROUNDS / 4; i++) {
		spin_lock_take(&lock);
		guarded++;
		harts_request(RUNNING, HART_FENCE_SHADOW);
		spin_lock_give(&lock);
	}
}

static void who_holds_a_lock_may_ask_who_wants_it(void **state)
{
	(void)state;
	on_all(ask_with_the_lock);
	assert_int_equal(guarded, FIT_HARTS * (ROUNDS / 4));
}

/* ---- guests and jobs ---- */

static bool guests_end;

/* Only a kick ends a run. */
static void run_guest(void *argument)
{
	struct hart_box *box = harts_own_box();

	(void)argument;
	while (!__atomic_load_n(&guests_end, __ATOMIC_SEQ_CST)) {
		harts_enter_guest(box);
		arch_hart_wait();
		harts_leave_guest(box);
		arch_kick_received();
	}
}

static void run_guests(unsigned from)
{
	__atomic_store_n(&guests_end, false, __ATOMIC_SEQ_CST);
	for (unsigned i = from; i < FIT_HARTS; i++)
		assert_true(harts_run(i, run_guest, NULL));
}

static void end_guests(void)
{
	__atomic_store_n(&guests_end, true, __ATOMIC_SEQ_CST);
	for (unsigned i = 1; i < FIT_HARTS; i++)
		while (harts_is_busy(i))
			arch_hart_kick(i);
}

static void guests_are_kicked(void **state)
{
	(void)state;
	run_guests(1);
	assert_false(harts_run(1, run_guest, NULL));
	assert_true(harts_is_busy(1));
	ask_all(NULL);
	__atomic_store_n(&guests_end, true, __ATOMIC_SEQ_CST);
	harts_request(RUNNING, HART_FENCE_CODE);
	end_guests();
	assert_int_equal(wrong, 0);
}

/* ---- memory ---- */

/* One that sleeps is woken for it, or else this hangs; who has no part in it is not. */
static void idle_harts_clear_memory(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		__atomic_store_n(&pieces, 2, __ATOMIC_SEQ_CST);
		harts_wake_idle();
		while (clearing_waits())
			harts_serve();
	}
	assert_int_equal(cleared[0], 0);
}

/* How many pieces come between it and the next. */
static void run_a_vcpu(void *count)
{
	const unsigned before = cleared[arch_hart_index()];

	__atomic_store_n(&pieces, ROUNDS, __ATOMIC_SEQ_CST);
	runs_vcpus = true;
	harts_turn();
	runs_vcpus = false;
	*(unsigned *)count = cleared[arch_hart_index()] - before;
	__atomic_store_n(&pieces, 0, __ATOMIC_SEQ_CST);
}

/* While all others are busy: VMs come to be all the same. */
static void the_boot_hart_alone_clears_between_vcpus(void **state)
{
	unsigned here = 0, there = 0;

	(void)state;
	run_guests(2);
	assert_true(harts_run(1, run_a_vcpu, &there));
	while (harts_is_busy(1))
		harts_serve();
	assert_int_equal(there, 0);
	assert_true(harts_run(1, run_guest, NULL));
	run_a_vcpu(&here);
	assert_in_range(here, 1, ROUNDS);
	end_guests();
}

/* Where a vCPU is loaded the registers are its own. */
static void all_forget_what_they_translated(void **state)
{
	(void)state;
	harts_own_box()->has_vcpu = true;
	harts_request(RUNNING, HART_FORGET);
	harts_own_box()->has_vcpu = false;
	for (unsigned i = 0; i < FIT_HARTS; i++) {
		assert_int_equal(harts[i].forgot, 1);
		assert_int_equal(harts[i].left, i != 0);
	}
}

static void jobs_are_for_harts_that_run_and_wait(void **state)
{
	(void)state;
	assert_false(harts_run(0, run_guest, NULL));
	assert_false(harts_run(LACKS, run_guest, NULL));
	assert_false(harts_run(MISSING, run_guest, NULL));
	assert_false(harts_is_busy(1));
}

/* ---- the end ---- */

static struct spin_lock console_lock;
static uint32_t lines; /* that were there before */

/* As core/console.c. */
static void take_turn(bool taken)
{
	static _Thread_local unsigned depth;

	if (taken && depth++ == 0)
		spin_lock_take(&console_lock);
	else if (!taken && --depth == 0)
		spin_lock_give(&console_lock);
}

static uint32_t in_line(void)
{
	return __atomic_load_n(&console_lock.next, __ATOMIC_SEQ_CST) - lines;
}

/* Until the boot hart wants to print too, or would have the one before stop. */
static void print_for_long(void *argument)
{
	(void)argument;
	console_hold();
	while (in_line() < 3 && __atomic_load_n(&parked, __ATOMIC_SEQ_CST) <= 2)
		sched_yield();
	console_release();
}

static void print(void *argument)
{
	(void)argument;
	log_line("a line");
}

/* None of them stops with its place in the line, which nobody would get past. */
static void all_others_stop(void **state)
{
	(void)state;
	captured_turn = take_turn;
	lines = console_lock.next;
	assert_true(harts_run(1, print_for_long, NULL));
	while (in_line() < 1)
		sched_yield();
	assert_true(harts_run(2, print, NULL));
	while (in_line() < 2)
		sched_yield();
	harts_stop_others();
	captured_clear();
	log_line("the last");
	assert_string_equal(captured, "gnomon: the last\r\n");
	for (unsigned i = 1; i < FIT_HARTS; i++)
		assert_int_equal(pthread_join(harts[i].thread, NULL), 0);
	assert_int_equal(parked, 2 + FIT_HARTS - 1);
	harts_stop_others();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_can_come),
		cmocka_unit_test(one_that_comes_too_late_is_parked),
		cmocka_unit_test(harts_that_ask_each_other_are_all_heard),
		cmocka_unit_test(a_request_orders_what_is_around_it),
		cmocka_unit_test(who_holds_a_lock_may_ask_who_wants_it),
		cmocka_unit_test(guests_are_kicked),
		cmocka_unit_test(idle_harts_clear_memory),
		cmocka_unit_test(the_boot_hart_alone_clears_between_vcpus),
		cmocka_unit_test(all_forget_what_they_translated),
		cmocka_unit_test(jobs_are_for_harts_that_run_and_wait),
		cmocka_unit_test(all_others_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
