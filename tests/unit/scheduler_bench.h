/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Harts without a machine, for tests of the scheduler: time is a number, and a vCPU's run
 * comes to what the test says. Either at once (bench_run_on), or each hart is a stack of
 * its own, on which it runs a vCPU while others go on (bench_enter).
 */
#ifndef TESTS_UNIT_SCHEDULER_BENCH_H
#define TESTS_UNIT_SCHEDULER_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/arch.h"
#include "core/bundle.h"
#include "core/machine.h"
#include "core/scheduler.h"
#include "core/timer.h"
#include "core/vcpu_requests.h"
#include "core/vm.h"

#define NEVER UINT64_MAX
#define TURN  1000 /* ticks, of the usual weight */
#define USUAL BUNDLE_DEFAULT_WEIGHT
#define VCPUS 8
#define ANY   UINT32_MAX

extern struct bench {
	unsigned hart; /* that all calls are on */
	uint32_t running;
	uint32_t nudged; /* harts, since the test last looked */
	uint64_t now;
	uint64_t runs_for;	/* ticks of each run that comes to its end at once */
	enum vcpu_leave leaves; /* what it comes to */
	struct vcpu *ran;
	bool traps_wait;
	bool clears; /* there is memory to be cleared */
} bench;

extern struct vm bench_vm;

/* Two harts; all vCPUs of the usual weight, and free to go anywhere. */
int bench_setup(void **state);

/* Who ran there, and has left again; NULL: nobody. */
struct vcpu *bench_run_on(unsigned hart, enum vcpu_leave leaves);

/* Who is on it leaves so, and another enters; that one, or NULL. */
struct vcpu *bench_enter(unsigned hart, enum vcpu_leave leaves);

/* Who is on it. */
struct vcpu *bench_on(unsigned hart);

#endif
