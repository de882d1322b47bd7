/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lives of VMs without any VM, for their tests: one is a name here, and what is done
 * to it is written down in one line. The test says what happens in each turn of the boot
 * hart.
 */
#ifndef TESTS_UNIT_LIFE_BENCH_H
#define TESTS_UNIT_LIFE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/machine.h"
#include "core/vm.h"
#include "core/vm_life.h"

extern struct life_bench {
	char notes[1024]; /* what was done: "make a, start a, " and so on */
	bool recalled;
	unsigned steps;
	void (*at_step[16])(void); /* what happens in the nth turn of the boot hart */
	void (*at_limit)(void);
	uint32_t refused; /* bit n: the nth to be made cannot be */
	unsigned makings;
	bool still_on_a_hart;
	bool canary_is_dead;
	bool clears_slowly; /* until the test says otherwise */
	bool finishes_not;
	void (*at_finish)(void);
	uint64_t now;
	const char *why;
} world;

/* Two VMs, a and b, that nobody has run yet. */
int life_setup(void **state);

enum status add(const char *name);

/* All of them, until none is left; true if all went well. */
bool run(unsigned seconds);

/* Since it was last asked exactly this was done. */
void expect(const char *notes);

/* On Gnomon's console, with more before and behind. */
bool was_said(const char *text);

/* By its name, or NULL. */
struct vm *vm_of(const char *name);

/* It ends by itself, which the boot hart hears of. */
void leave(const char *name, enum vm_end end);

/* ---- what may happen in a turn ---- */

void power_off_a(void);
void power_off_b(void);

/* Without a look at what came before. */
void restart_a(void);
void reach_limit(void);

#endif
