/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * External interrupts of the host: the PLIC's sources, each with the driver that it is
 * for. Taken as VM exits; the boot hart is the only one to enable any, and the one that
 * serves them. A device whose interrupt leads nowhere is asked again and again instead.
 * One that interrupts on and on is served so many times in a tick, a hundredth of a
 * second, and is not heard until the next, if a guest has anything to do there meanwhile:
 * what the world sends is no reason for a guest to stand still.
 */
#ifndef CORE_INTERRUPT_H
#define CORE_INTERRUPT_H

#include "core/types.h"

struct plic;

/*
 * Interrupts come by this PLIC; tick: in ticks of the machine's time. Before any of those
 * below; without it none come.
 */
void interrupt_init(struct plic *plic, uint64_t tick);
bool interrupt_is_possible(void);

/* Of a device that others can make interrupt as they like. */
#define INTERRUPT_MOST 64U

/*
 * Have serve(context) called when this source interrupts; 0: it has none, or when there
 * is no PLIC: 100 times a second. most: times in a tick; 0: as often as it does, which is
 * for devices that a wire bounds. False: there is no room for one more.
 */
bool interrupt_add(unsigned source, unsigned most, void (*serve)(void *context),
		   void *context);

/* Claim and serve whatever is pending. */
void interrupt_external(void);

/*
 * When one that is not heard is to be heard again, UINT64_MAX: there is none; and do so
 * for all of those for whom it is time by then. UINT64_MAX: for all, since no guest runs.
 */
uint64_t interrupt_next(void);
void interrupt_resume(uint64_t now);

/* Is there anything to be asked, and do so. */
bool interrupt_is_polled(void);
void interrupt_poll(void);

#endif
