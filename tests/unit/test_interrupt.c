/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/interrupt.c */
/*
 * Which driver an interrupt of the host's is for, and that a device that interrupts on
 * and on is served so often in a tick and no more, whatever others do meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/arch.h"
#include "core/interrupt.h"
#include "drivers/plic.h"

#define TICK	1000U
#define FLOODS	5U /* interrupts whenever it may */
#define CONSOLE 6U
#define SHARED	7U

static struct plic plic;
static uint64_t now;
static unsigned pending, claimed; /* sources, one bit each */
static unsigned served[3], polls;

uint64_t arch_time(void)
{
	return now;
}

void arch_host_external_enable(void)
{
}

enum status plic_enable(struct plic *of, unsigned source, unsigned priority)
{
	assert_ptr_equal(of, &plic);
	assert_int_equal(priority, 1);
	return source > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

unsigned plic_claim(struct plic *of)
{
	assert_ptr_equal(of, &plic);
	for (unsigned i = 1; i < 32; i++)
		if (pending & ~claimed & 1U << i) {
			claimed |= 1U << i;
			return i;
		}
	return 0;
}

void plic_complete(struct plic *of, unsigned source)
{
	assert_ptr_equal(of, &plic);
	assert_true(claimed & 1U << source);
	claimed &= ~(1U << source);
}

/* The one that floods interrupts again at once; the others do once. */
static void serve(void *context)
{
	unsigned *count = context;

	++*count;
	if (count == &served[1])
		pending &= ~(1U << CONSOLE);
	if (count == &served[2])
		pending &= ~(1U << SHARED);
}

/* The devices are added once, for all tests. */
static int setup(void **state)
{
	(void)state;
	now += 100 * TICK;
	interrupt_resume(UINT64_MAX);
	pending = 0;
	served[0] = served[1] = served[2] = polls = 0;
	return 0;
}

static void serve_all(unsigned exits)
{
	for (unsigned i = 0; i < exits; i++)
		interrupt_external();
}

static void without_a_plic_all_is_polled(void **state)
{
	(void)state;
	assert_false(interrupt_is_possible());
	assert_false(interrupt_is_polled());
	interrupt_external();
	interrupt_init(&plic, TICK);
	assert_true(interrupt_is_possible());
	assert_true(interrupt_add(FLOODS, INTERRUPT_MOST, serve, &served[0]));
	assert_true(interrupt_add(CONSOLE, 0, serve, &served[1]));
	assert_true(interrupt_add(SHARED, 0, serve, &served[2]));
	assert_false(interrupt_is_polled());
	assert_true(interrupt_add(0, 0, serve, &polls));
	assert_true(interrupt_is_polled());
	interrupt_poll();
	assert_int_equal(polls, 1);
}

static void each_is_served_by_its_own(void **state)
{
	(void)state;
	pending = 1U << CONSOLE | 1U << SHARED;
	interrupt_external();
	assert_int_equal(served[0] + polls, 0);
	assert_int_equal(served[1], 1);
	assert_int_equal(served[2], 1);
	assert_int_equal(claimed, 0);
}

static void a_flood_is_served_so_often_in_a_tick(void **state)
{
	(void)state;
	pending = 1U << FLOODS;
	interrupt_external();
	assert_in_range(served[0], 1, INTERRUPT_MOST / 2); /* in one exit */
	assert_int_equal(interrupt_next(), UINT64_MAX);
	now += TICK / 2;
	serve_all(1000);
	assert_int_equal(served[0], INTERRUPT_MOST);
	assert_int_equal(interrupt_next(), now + TICK / 2);
	for (unsigned tick = 2; tick < 5; tick++) {
		now = interrupt_next() - 1;
		interrupt_resume(now);
		serve_all(1000);
		assert_int_equal(served[0], (tick - 1) * INTERRUPT_MOST);
		interrupt_resume(++now);
		serve_all(1000);
		assert_int_equal(served[0], tick * INTERRUPT_MOST);
	}
}

static void others_are_served_beside_a_flood(void **state)
{
	(void)state;
	pending = 1U << FLOODS;
	serve_all(1000);
	for (unsigned i = 0; i < 10 * INTERRUPT_MOST; i++) {
		pending |= 1U << CONSOLE;
		interrupt_external();
	}
	assert_int_equal(served[0], INTERRUPT_MOST);
	assert_int_equal(served[1], 10 * INTERRUPT_MOST);
}

/* Where nothing else is to be done, nothing is put off. */
static void a_hart_that_idles_hears_all(void **state)
{
	(void)state;
	pending = 1U << FLOODS;
	serve_all(1000);
	for (unsigned i = 1; i < 10; i++) {
		interrupt_resume(UINT64_MAX);
		assert_int_equal(interrupt_next(), UINT64_MAX);
		interrupt_external();
		assert_int_equal(served[0], INTERRUPT_MOST + i);
	}
}

static void there_is_room_for_so_many(void **state)
{
	unsigned count = 4;

	(void)state;
	while (interrupt_add(SHARED, 0, serve, &served[2]))
		count++;
	assert_int_equal(count, 16);
	pending = 1U << SHARED;
	interrupt_external();
	assert_int_equal(served[2], 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, setup)
		cmocka_unit_test(without_a_plic_all_is_polled),
		TEST(each_is_served_by_its_own),
		TEST(a_flood_is_served_so_often_in_a_tick),
		TEST(others_are_served_beside_a_flood),
		TEST(a_hart_that_idles_hears_all),
		TEST(there_is_room_for_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
