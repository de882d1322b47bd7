/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Gnomon tries of itself where its boot arguments ask for it: selftest=harts has
 * the harts ask each other for fences, all at once, at first by themselves and then
 * while a VM runs on the boot hart. A deadlock shows as silence, a loss is counted.
 */
#ifndef CORE_SELFTEST_H
#define CORE_SELFTEST_H

#include "core/types.h"

/* Each hart that runs asks the others a few thousand times. False: one was not heard. */
bool selftest_harts(void);

/* The others go on, asking the calling hart too, until the end; it may run a guest. */
void selftest_harts_begin(void);
bool selftest_harts_end(void);

#endif
