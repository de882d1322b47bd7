/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fake of the scheduler was asked, and what it says. See prompt_scheduler.c. */
#ifndef TESTS_UNIT_PROMPT_SCHEDULER_H
#define TESTS_UNIT_PROMPT_SCHEDULER_H

#include "core/scheduler.h"

extern struct prompt_scheduler {
	unsigned added;
	unsigned nudged;
	unsigned ticks;
	uint64_t next; /* of scheduler_next(); 0: never */
} prompt_scheduler;

#endif
