/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of Gnomon's own state after each exit. There are two builds, of the
 * same objects but one: the release, with check_release.c, makes none; the
 * debug build, with check_debug.c, has the paging mode check the vCPU's tables,
 * some of them in turn (see mm/paging.h), and stops the machine with what it finds.
 * On the exiting vCPU's hart.
 */
#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include "core/types.h"

struct vcpu;

/*
 * Check after every so many exits, 0: after each; the boot checklist is told. False:
 * an interval was given, and this build makes no checks.
 */
bool check_begin(uint64_t interval);

/* The loaded vCPU's exit has been handled, and its guest is about to go on. */
void check_exit(struct vcpu *vcpu);

/* False where an exit may be handled with no call of check_exit(). */
bool check_wants_all(void);

/* How often the tables were looked at, and found right, of all vCPUs. */
uint64_t check_count(void);

#endif
