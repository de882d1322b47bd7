/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * External interrupts of the host: the PLIC's sources, each with the driver that it is
 * for. Taken as VM exits; the boot hart is the only one to enable any, and the one that
 * serves them. A device whose interrupt leads nowhere is asked again and again instead.
 */
#ifndef CORE_INTERRUPT_H
#define CORE_INTERRUPT_H

#include "core/types.h"

struct plic;

/* Interrupts come by this PLIC. Before any of those below; without it none come. */
void interrupt_init(struct plic *plic);
bool interrupt_is_possible(void);

/*
 * Have serve(context) called when this source interrupts; 0: it has none, or when there
 * is no PLIC: 100 times a second. False: there is no room for one more.
 */
bool interrupt_add(unsigned source, void (*serve)(void *context), void *context);

/* Claim and serve whatever is pending. */
void interrupt_external(void);

/* Is there anything to be asked, and do so. */
bool interrupt_is_polled(void);
void interrupt_poll(void);

#endif
