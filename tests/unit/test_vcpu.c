/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/vcpu.c core/timer.c core/counters.c core/sbi/sta.c core/vcpu_requests.c */
/* sources: mm/guest_memory.c tests/unit/prompt_scheduler.c tests/unit/fake_arch.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c core/pmu.c */
/*
 * What a vCPU finds on a hart that it comes to: its code, its tables, its timer, and
 * what it is told of the time in between; and what a reset takes from it.
 */
#include <string.h>

#include "core/console_mux.h"
#include "core/exit.h"
#include "core/harts.h"
#include "core/interrupt.h"
#include "core/machine.h"
#include "core/timer.h"
#include "core/vcpu_requests.h"
#include "core/vm.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/host_ram.h"
#include "tests/unit/prompt_scheduler.h"

#define RAM	 (2 * MIB)
#define STEAL_AT (GUEST_RAM_BASE.raw + 0x1000)

struct machine machine;

static struct vm vm;
static struct vcpu *const vcpu = &vm.vcpus[0];
static struct hart_box box;

static struct {
	unsigned loads, puts, fences;
	uint64_t satp;
	enum vcpu_leave leaves;
	bool has_timer; /* was it set at the first entry */
	uint8_t preempted;
} seen;

struct hart_box *harts_own_box(void)
{
	return &box;
}

bool interrupt_is_polled(void)
{
	return false;
}

void interrupt_poll(void)
{
}

uint64_t interrupt_next(void)
{
	return UINT64_MAX;
}

void interrupt_resume(uint64_t now)
{
	(void)now;
}

uint64_t mux_next_tick(void)
{
	return UINT64_MAX;
}

void mux_tick(void)
{
}

static uint8_t preempted(void)
{
	uint8_t byte;

	guest_memory_read(&vm.memory, &byte, GPA(STEAL_AT + 16), 1);
	return byte;
}

/* The guest's first exit: the last thing of it that is looked at. */
void exit_handle(struct vcpu *on, const struct vm_exit *exit)
{
	(void)exit;
	seen.has_timer = fake_machine.host_deadline == on->timer_deadline;
	seen.preempted = preempted();
	on->leave = seen.leaves;
}

static void mode_load(struct vcpu *on)
{
	(void)on;
	seen.loads++;
}

static void mode_put(struct vcpu *on)
{
	(void)on;
	seen.puts++;
}

static uint64_t satp_read(struct vcpu *on)
{
	(void)on;
	return seen.satp;
}

static void satp_write(struct vcpu *on, uint64_t value)
{
	(void)on;
	seen.satp = value;
}

static void fence(struct vcpu *on, const struct fence *which)
{
	(void)on;
	assert_false(which->has_address || which->has_asid);
	seen.fences++;
}

static const struct paging_mode mode = {
	.name = "seen",
	.load = mode_load,
	.put = mode_put,
	.satp_read = satp_read,
	.satp_write = satp_write,
	.fence = fence,
};

static void enter(struct vcpu *on, struct vm_exit *exit)
{
	(void)on;
	exit->cause = CAUSE_SOFTWARE;
}

static int setup(void **state)
{
	struct fake_profile profile = *fake_default();

	(void)state;
	profile.sstc = false;
	fake_arch_create(&profile);
	fake_machine.enter = enter;
	machine.fdt.timebase_frequency = 10000000;
	memset(&vm, 0, sizeof(vm));
	memset(&seen, 0, sizeof(seen));
	seen.leaves = VCPU_PREEMPTED;
	vm.mode = &mode;
	vm.vcpu_count = 1;
	vm.memory = (struct guest_memory){
		.base = GUEST_RAM_BASE,
		.size = RAM,
		.run_count = 1,
		.runs = {{GUEST_RAM_BASE, host_ram_map(RAM, RAM), RAM}},
	};
	vcpu->vm = &vm;
	vcpu->timer_deadline = UINT64_MAX;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_ram_unmap(vm.memory.runs[0].hpa, RAM);
	return 0;
}

static void run(void)
{
	const unsigned puts = seen.puts;

	assert_int_equal(vcpu_run(vcpu), seen.leaves);
	assert_int_equal(seen.puts, puts + 1);
	assert_int_equal(seen.loads, seen.puts);
}

/* What it stored where it was may be code that it goes on with. */
static void code_is_fetched_anew_on_another_hart(void **state)
{
	unsigned before = fake_machine.counts.instruction_fences;

	(void)state;
	vcpu->place.last = 0;
	run();
	assert_int_equal(fake_machine.counts.instruction_fences, before);
	vcpu->place.last = 1;
	run();
	assert_int_equal(fake_machine.counts.instruction_fences, before + 1);
	/* and where others of its VM have been before it started */
	vcpu->place.last = 0;
	vcpu->starting = true;
	run();
	assert_int_equal(fake_machine.counts.instruction_fences, before + 2);
	run();
	assert_int_equal(fake_machine.counts.instruction_fences, before + 2);
}

static void its_timer_comes_along(void **state)
{
	(void)state;
	vcpu->timer_deadline = 12345;
	fake_machine.host_deadline = 77;
	run();
	assert_true(seen.has_timer);
	assert_int_equal(fake_machine.host_deadline, 12345);
}

/* Nothing is said before it asks, nor once its VM has ended or it has been reset. */
static void it_is_told_that_it_was_preempted(void **state)
{
	(void)state;
	run();
	assert_int_equal(preempted(), 0);
	vcpu->steal = (struct vcpu_steal){.is_told = true, .at = GPA(STEAL_AT)};
	run();
	assert_int_equal(seen.preempted, 0);
	assert_int_equal(preempted(), 1);
	seen.leaves = VCPU_BLOCKED;
	run();
	assert_int_equal(seen.preempted, 0);
	assert_int_equal(preempted(), 0);
	seen.leaves = VCPU_PREEMPTED;
	vcpu_reset(vcpu, GUEST_RAM_BASE, 0, 0);
	run();
	assert_int_equal(preempted(), 0);
}

static void a_reset_leaves_nothing_of_before(void **state)
{
	(void)state;
	seen.satp = 42;
	vcpu->timer_deadline = 5;
	vcpu->pmu.counters[3].event = 7;
	vcpu->steal.is_told = true;
	vcpu_reset(vcpu, GUEST_RAM_BASE, 0, 0);
	run();
	assert_int_equal(seen.satp, 0);
	assert_int_equal(seen.fences, 1);
	assert_int_equal(vcpu->timer_deadline, UINT64_MAX);
	assert_int_equal(vcpu->pmu.counters[3].event, 0);
	assert_false(vcpu->steal.is_told);
	run();
	assert_int_equal(seen.fences, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(code_is_fetched_anew_on_another_hart),
		TEST(its_timer_comes_along),
		TEST(it_is_told_that_it_was_preempted),
		TEST(a_reset_leaves_nothing_of_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
