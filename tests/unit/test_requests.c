/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/vcpu_requests.c */
/*
 * What is asked of a vCPU from other harts, from the moment that it is asked to the one
 * that its hart does it: nothing is lost, added or done twice, however much comes
 * together. The scheduler here only notes that it was told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/arch.h"
#include "core/harts.h"
#include "core/scheduler.h"
#include "core/timer.h"
#include "core/vcpu_requests.h"
#include "core/vm.h"

static struct vm vm;
static struct vcpu *const self = &vm.vcpus[0], *const target = &vm.vcpus[1];

static struct {
	unsigned hart, nudged, ticks, code_fences, fences;
	struct fence last;
	int level[3]; /* by enum guest_interrupt: -1, it was not set */
} seen;

unsigned arch_hart_index(void)
{
	return seen.hart;
}

void arch_fence_i(void)
{
	seen.code_fences++;
}

void arch_guest_interrupt_set(struct vcpu *vcpu, enum guest_interrupt which, bool pending)
{
	(void)vcpu;
	seen.level[which] = pending;
}

void timer_tick(struct vcpu *vcpu)
{
	assert_ptr_equal(vcpu, target);
	seen.ticks++;
}

bool scheduler_nudge(struct vcpu *vcpu)
{
	assert_ptr_equal(vcpu, target);
	seen.nudged++;
	return true;
}

/* Whoever waits lets others get on: so the target's hart does what it was asked. */
void harts_serve(void)
{
	vcpu_serve(target);
}

static void fence(struct vcpu *vcpu, const struct fence *fence)
{
	assert_ptr_equal(vcpu, target);
	seen.fences++;
	seen.last = *fence;
}

static const struct paging_mode mode = {.name = "scripted", .fence = fence};

static int setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	memset(seen.level, 0xff, sizeof(seen.level));
	memset(&vm, 0, sizeof(vm));
	vm.mode = &mode;
	self->vm = target->vm = &vm;
	self->hart = 0;
	target->hart = 1;
	return 0;
}

static uint32_t post(uint64_t page)
{
	return vcpu_fence_post(self, target,
			       &(struct fence){.has_address = true,
					       .start = GVA(page << PAGE_SHIFT),
					       .size = PAGE_SIZE});
}

static void fences_are_done_once_and_in_their_order(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= VCPU_FENCES_KEPT; i++)
		post(i);
	assert_int_equal(self->kicks, VCPU_FENCES_KEPT);
	assert_int_equal(seen.fences, 0);
	vcpu_serve(target);
	assert_int_equal(seen.fences, VCPU_FENCES_KEPT);
	assert_int_equal(seen.last.start.raw, VCPU_FENCES_KEPT << PAGE_SHIFT);
	assert_int_equal(seen.code_fences, 0);
	vcpu_serve(target);
	assert_int_equal(seen.fences, VCPU_FENCES_KEPT);
}

/* One of everything stands for those that there was no room for, and for the others. */
static void too_many_fences_are_one_of_everything(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= VCPU_FENCES_KEPT; i++)
		post(i);
	vcpu_serve(target);
	assert_int_equal(seen.fences, 1);
	assert_false(seen.last.has_address || seen.last.has_asid);
	/* And the next ones are themselves again. */
	post(5);
	vcpu_serve(target);
	assert_int_equal(seen.fences, 2);
	assert_true(seen.last.has_address);
}

static void code_fences_are_no_others(void **state)
{
	(void)state;
	vcpu_fence_post(self, target, NULL);
	vcpu_serve(target);
	assert_int_equal(seen.code_fences, 1);
	assert_int_equal(seen.fences, 0);
}

static void who_waits_has_what_was_posted_done(void **state)
{
	uint32_t ticket;

	(void)state;
	post(1);
	ticket = post(2);
	vcpu_fences_wait(self, target, ticket);
	assert_int_equal(seen.fences, 2);
	/* One that is on no hart does it before it goes on. */
	target->hart = VCPU_NO_HART;
	ticket = post(3);
	vcpu_fences_wait(self, target, ticket);
	assert_int_equal(seen.fences, 2);
}

/* The last one says, whenever it is looked at. */
static void external_interrupts_are_a_level(void **state)
{
	(void)state;
	vcpu_set_external(target, true);
	vcpu_serve(target);
	assert_int_equal(seen.level[GUEST_EXTERNAL], 1);
	vcpu_set_external(target, true);
	vcpu_set_external(target, false);
	vcpu_serve(target);
	assert_int_equal(seen.level[GUEST_EXTERNAL], 0);
	seen.level[GUEST_EXTERNAL] = -1;
	vcpu_serve(target);
	assert_int_equal(seen.level[GUEST_EXTERNAL], -1);
	assert_int_equal(seen.nudged, 3);
	/* On its own hart nobody has to be told. */
	seen.hart = 1;
	vcpu_set_external(target, true);
	assert_int_equal(seen.level[GUEST_EXTERNAL], 1);
	assert_int_equal(seen.nudged, 3);
}

static void other_requests_are_what_they_say(void **state)
{
	(void)state;
	vcpu_raise_software(target);
	vcpu_request(target, REQUEST_SHARE);
	vcpu_request(target, REQUEST_LEAVE);
	assert_true(vcpu_is_asked(target));
	target->leave = VCPU_STAYS;
	vcpu_serve(target);
	assert_false(vcpu_is_asked(target));
	assert_int_equal(seen.level[GUEST_SOFTWARE], 1);
	assert_int_equal(seen.level[GUEST_EXTERNAL], -1);
	assert_int_equal(seen.ticks, 1);
	assert_int_equal(target->leave, VCPU_PREEMPTED);
	/* Who leaves for another reason leaves for that. */
	target->leave = VCPU_HALTED;
	vcpu_request(target, REQUEST_LEAVE);
	vcpu_serve(target);
	assert_int_equal(target->leave, VCPU_HALTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(fences_are_done_once_and_in_their_order, setup),
		cmocka_unit_test_setup(too_many_fences_are_one_of_everything, setup),
		cmocka_unit_test_setup(code_fences_are_no_others, setup),
		cmocka_unit_test_setup(who_waits_has_what_was_posted_done, setup),
		cmocka_unit_test_setup(external_interrupts_are_a_level, setup),
		cmocka_unit_test_setup(other_requests_are_what_they_say, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
