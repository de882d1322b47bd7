/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's PLIC, as one context sees it (RISC-V PLIC specification 1.0.0).
 *
 * A context is a privilege mode of a hart, numbered by the position of its
 * entry in the device tree's interrupts-extended. Each hart that takes
 * interrupts has a struct plic of its own, so nothing here needs a lock;
 * priorities are shared by all contexts and set once, at start.
 */
#ifndef DRIVERS_PLIC_H
#define DRIVERS_PLIC_H

#include "core/types.h"

struct plic {
	uintptr_t base;
	unsigned context;
	unsigned sources;
};

/*
 * base: host physical; sources: the highest source (riscv,ndev). Disables all
 * sources for this context, whatever was left enabled, and sets its threshold
 * to 0. STATUS_INVALID: no PLIC can have that context or that many sources.
 */
enum status plic_init(struct plic *plic, uintptr_t base, unsigned context,
		      unsigned sources);

/* STATUS_NOT_FOUND: there is no such source. priority: 1 (lowest) upwards. */
enum status plic_enable(struct plic *plic, unsigned source, unsigned priority);

/* Take the most urgent interrupt: its source, or 0 if there is none. */
unsigned plic_claim(struct plic *plic);

/* The source just claimed has been served and may interrupt again. */
void plic_complete(struct plic *plic, unsigned source);

#endif
