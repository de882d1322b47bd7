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

#include "arch/riscv/csr.h"
#include "core/arch.h"
#include "core/harts.h"
#include "core/scheduler.h"
#include "core/timer.h"
#include "core/vcpu_requests.h"
#include "core/vm.h"

static struct vm vm;
static struct vcpu *const self = &vm.vcpus[0], *const target = &vm.vcpus[1];

static struct {
	unsigned hart, nudged, kicked, ticks, code_fences, fences;
	struct fence last;
	uint64_t satp;
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

bool scheduler_kick(struct vcpu *vcpu)
{
	assert_ptr_equal(vcpu, target);
	seen.kicked++;
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

static void (*meanwhile)(void); /* while satp is written */

static void satp_write(struct vcpu *vcpu, uint64_t value)
{
	assert_ptr_equal(vcpu, target);
	seen.satp = value;
	if (meanwhile)
		meanwhile();
}

static uint64_t satp_read(struct vcpu *vcpu)
{
	assert_ptr_equal(vcpu, target);
	return seen.satp;
}

static const struct paging_mode mode = {
	.name = "scripted",
	.fence = fence,
	.satp_traps = true,
	.satp_read = satp_read,
	.satp_write = satp_write,
};
static const struct paging_mode blind = {.name = "blind", .fence = fence};

static int setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	meanwhile = NULL;
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
	const struct fence fence = {
		.has_address = true,
		.start = GVA(page << PAGE_SHIFT),
		.size = PAGE_SIZE,
	};
	uint32_t ticket;

	assert_true(vcpu_fence_post(self, target, &fence, &ticket));
	return ticket;
}

static uint64_t space(uint16_t asid)
{
	return (uint64_t)SATP_SV39 << SATP_MODE_SHIFT |
	       (uint64_t)asid << SATP_ASID_SHIFT | 0x80000;
}

/* True: it is to be waited for. */
static bool post_to_space(uint16_t asid, uint64_t page)
{
	const struct fence fence = {
		.has_address = true,
		.start = GVA(page << PAGE_SHIFT),
		.size = PAGE_SIZE,
		.has_asid = true,
		.asid = asid,
	};
	uint32_t ticket;

	return vcpu_fence_post(self, target, &fence, &ticket);
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
	uint32_t ticket;

	(void)state;
	assert_true(vcpu_fence_post(self, target, NULL, &ticket));
	vcpu_serve(target);
	assert_int_equal(seen.code_fences, 1);
	assert_int_equal(seen.fences, 0);
}

/* ---- of address spaces ---- */

static void a_space_that_is_not_run_is_fenced_before_it_is(void **state)
{
	(void)state;
	vcpu_satp_write(target, space(1));
	assert_false(post_to_space(2, 7));
	assert_int_equal(seen.kicked + seen.nudged, 0);
	vcpu_satp_write(target, space(2));
	assert_int_equal(seen.fences, 1);
	assert_int_equal(seen.last.start.raw, 7 << PAGE_SHIFT);
	/* It is done, and the vector has nothing to stop for. */
	assert_false(vcpu_is_asked(target));
	assert_true(post_to_space(2, 8));
	assert_int_equal(seen.kicked, 1);
	assert_int_equal(self->kicks, 1);
}

/* Nobody waits for the hart, but what it has left is done by whatever brings it here. */
static void what_was_left_is_done_on_any_occasion(void **state)
{
	(void)state;
	vcpu_satp_write(target, space(1));
	assert_false(post_to_space(2, 7));
	assert_true(vcpu_is_asked(target));
	vcpu_serve(target);
	assert_int_equal(seen.fences, 1);
	vcpu_satp_write(target, space(2));
	assert_int_equal(seen.fences, 1);
}

static void post_meanwhile(void)
{
	assert_false(post_to_space(2, 7));
}

/* The fence comes between the look at what there is and the word that it runs there. */
static void a_fence_amid_the_switch_is_not_lost(void **state)
{
	(void)state;
	vcpu_satp_write(target, space(1));
	meanwhile = post_meanwhile;
	vcpu_satp_write(target, space(2));
	assert_int_equal(seen.fences, 1);
}

/* Counts wrap, with nobody on a hart who would serve in between. */
static void fences_are_not_lost_when_their_count_wraps(void **state)
{
	(void)state;
	post(1);
	target->fences.posted = target->fences.served;
	vcpu_serve(target);
	assert_int_equal(seen.fences, 1);
}

/* Other requests wait for the interrupt that comes with them. */
static void a_switch_serves_fences_alone(void **state)
{
	(void)state;
	vcpu_raise_software(target);
	vcpu_satp_write(target, space(2));
	assert_true(vcpu_is_asked(target));
	assert_int_equal(seen.level[GUEST_SOFTWARE], -1);
}

static void many_fences_left_are_called_for_once(void **state)
{
	(void)state;
	vcpu_satp_write(target, space(1));
	for (unsigned i = 1; i < VCPU_FENCES_KEPT; i++)
		assert_false(post_to_space(2, i));
	assert_int_equal(seen.kicked, 0);
	assert_false(post_to_space(3, 1));
	assert_int_equal(seen.kicked, 1);
	/* Those that there is no room for take another's place, of the same space. */
	assert_false(post_to_space(3, 2));
	assert_int_equal(seen.kicked, 1);
	vcpu_serve(target);
	assert_int_equal(seen.fences, VCPU_FENCES_KEPT);
	assert_int_equal(seen.last.asid, 3);
	assert_true(seen.last.has_asid && !seen.last.has_address);
}

/* Too many of too many spaces. */
static void no_place_at_all_is_one_of_everything(void **state)
{
	(void)state;
	vcpu_satp_write(target, space(1));
	for (unsigned i = 0; i <= VCPU_FENCES_KEPT; i++)
		assert_false(post_to_space((uint16_t)(2 + i), i));
	vcpu_serve(target);
	assert_int_equal(seen.fences, 1);
	assert_false(seen.last.has_address || seen.last.has_asid);
}

static void what_is_of_no_space_or_unknown_is_waited_for(void **state)
{
	uint32_t ticket;

	(void)state;
	vcpu_satp_write(target, space(1));
	post(1);
	assert_true(vcpu_fence_post(self, target, NULL, &ticket));
	vm.mode = &blind;
	assert_true(post_to_space(2, 1));
	assert_int_equal(self->kicks, 3);
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
		cmocka_unit_test_setup(a_space_that_is_not_run_is_fenced_before_it_is,
				       setup),
		cmocka_unit_test_setup(what_was_left_is_done_on_any_occasion, setup),
		cmocka_unit_test_setup(a_fence_amid_the_switch_is_not_lost, setup),
		cmocka_unit_test_setup(fences_are_not_lost_when_their_count_wraps, setup),
		cmocka_unit_test_setup(a_switch_serves_fences_alone, setup),
		cmocka_unit_test_setup(many_fences_left_are_called_for_once, setup),
		cmocka_unit_test_setup(no_place_at_all_is_one_of_everything, setup),
		cmocka_unit_test_setup(what_is_of_no_space_or_unknown_is_waited_for,
				       setup),
		cmocka_unit_test_setup(who_waits_has_what_was_posted_done, setup),
		cmocka_unit_test_setup(external_interrupts_are_a_level, setup),
		cmocka_unit_test_setup(other_requests_are_what_they_say, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
