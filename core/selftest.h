/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Gnomon tries of itself where its boot arguments ask for it. selftest=harts has
 * the harts ask each other for fences, all at once, at first by themselves and then
 * while a VM runs on the boot hart: a deadlock shows as silence, a loss is counted.
 * selftest=panic has another hart find something wrong, which ends the machine.
 * selftest=migrate takes each vCPU to another hart every millisecond.
 */
#ifndef CORE_SELFTEST_H
#define CORE_SELFTEST_H

#include "core/types.h"

enum selftest { SELFTEST_NONE, SELFTEST_HARTS, SELFTEST_PANIC, SELFTEST_MIGRATE };

/* Before there is a VM. False, and *why: it failed, or cannot be done here. */
bool selftest_alone(enum selftest selftest, const char **why);

/* The others go on, asking the calling hart too, until the end; it may run a guest. */
void selftest_begin(enum selftest selftest);

/* As selftest_alone(). */
bool selftest_end(enum selftest selftest, const char **why);

#endif
