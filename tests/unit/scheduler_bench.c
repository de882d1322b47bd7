/* SPDX-License-Identifier: BSD-2-Clause */
/* Harts for the tests of the scheduler. See scheduler_bench.h. */
#include "tests/unit/scheduler_bench.h"

#include <ucontext.h>

#include "arch/riscv/layout.h"
#include "core/clearing.h"
#include "core/panic.h"

#define STACK (256 * 1024)

struct machine machine;
struct bench bench;
struct vm bench_vm;

static struct hart {
	ucontext_t context;
	bool is_made;
	bool is_inside; /* its stack is the one in use */
	struct vcpu *vcpu;
	enum vcpu_leave leaves;
	char stack[STACK];
} harts[HART_LIMIT];

static ucontext_t outside;

/* ---- what the scheduler asks of the machine ---- */

unsigned arch_hart_index(void)
{
	return bench.hart;
}

uint32_t harts_running(void)
{
	return bench.running;
}

void harts_serve(void)
{
	fail_msg("a hart waits for a lock for ever");
}

bool harts_nudge(unsigned hart)
{
	bench.nudged |= 1u << hart;
	return true;
}

uint64_t arch_time(void)
{
	return bench.now;
}

void arch_wait_trap(struct vcpu *vcpu, bool trap)
{
	(void)vcpu;
	bench.traps_wait = trap;
}

bool clearing_waits(void)
{
	return bench.clears;
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

_Noreturn void assert_failed(const char *file, unsigned line, const char *text)
{
	print_error("%s:%u: %s\n", file, line, text);
	abort();
}

/* ---- runs ---- */

static void go_outside(struct hart *hart)
{
	hart->is_inside = false;
	swapcontext(&hart->context, &outside);
	hart->is_inside = true;
}

enum vcpu_leave vcpu_run(struct vcpu *vcpu)
{
	struct hart *hart = &harts[bench.hart];

	assert_int_equal(vcpu->hart, bench.hart);
	vcpu->leave = VCPU_STAYS;
	scheduler_tick(vcpu);
	bench.ran = vcpu;
	if (hart->is_inside) {
		hart->vcpu = vcpu;
		go_outside(hart);
		return hart->leaves;
	}
	bench.now += bench.runs_for;
	return bench.leaves;
}

static void loop(void)
{
	struct hart *hart = &harts[bench.hart];

	hart->is_inside = true;
	for (;;) {
		hart->vcpu = NULL;
		if (!scheduler_step())
			go_outside(hart);
	}
}

struct vcpu *bench_run_on(unsigned hart, enum vcpu_leave leaves)
{
	bool stepped;

	bench.hart = hart;
	bench.leaves = leaves;
	bench.ran = NULL;
	stepped = scheduler_step();
	assert_int_equal(stepped, bench.ran != NULL);
	return bench.ran;
}

struct vcpu *bench_enter(unsigned index, enum vcpu_leave leaves)
{
	struct hart *hart = &harts[index];

	bench.hart = index;
	hart->leaves = leaves;
	if (!hart->is_made) {
		getcontext(&hart->context);
		hart->context.uc_stack.ss_sp = hart->stack;
		hart->context.uc_stack.ss_size = sizeof(hart->stack);
		makecontext(&hart->context, loop, 0);
		hart->is_made = true;
	}
	swapcontext(&outside, &hart->context);
	return hart->vcpu;
}

struct vcpu *bench_on(unsigned hart)
{
	return harts[hart].vcpu;
}

int bench_setup(void **state)
{
	(void)state;
	memset(&bench, 0, sizeof(bench));
	bench.running = 3;
	for (unsigned i = 0; i < HART_LIMIT; i++) {
		harts[i].is_made = harts[i].is_inside = false;
		harts[i].vcpu = NULL;
	}
	machine.fdt.timebase_frequency = 100 * TURN;
	scheduler_init();
	memset(&bench_vm, 0, sizeof(bench_vm));
	bench_vm.vcpu_count = VCPUS;
	for (unsigned i = 0; i < VCPUS; i++) {
		struct vcpu *vcpu = &bench_vm.vcpus[i];

		vcpu->vm = &bench_vm;
		vcpu->id = i;
		vcpu->hart = VCPU_NO_HART;
		vcpu->timer_deadline = NEVER;
		scheduler_place(vcpu, USUAL, ANY);
	}
	return 0;
}
