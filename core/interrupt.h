/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * External interrupts of the host: the PLIC's sources, of which Gnomon itself
 * uses the console's. Taken as VM exits; the boot hart is the only one to
 * enable any.
 */
#ifndef CORE_INTERRUPT_H
#define CORE_INTERRUPT_H

#include "core/types.h"

struct plic;

/* Route the console's source through this PLIC. */
void interrupt_init(struct plic *plic, unsigned console_source);

/* Claim and serve whatever is pending. */
void interrupt_external(void);

#endif
