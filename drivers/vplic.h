/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller shown to a guest: a PLIC as the RISC-V PLIC
 * specification 1.0.0 describes it, with level-triggered gateways.
 *
 * Context n is the supervisor mode of vCPU n; there are no machine-mode
 * contexts. As a function of the registers, a context's output is high exactly
 * if a source is pending, enabled there and above the threshold there.
 * Not locked: with several vCPUs, vplic_set_level() and the two functions
 * behind device are the places to lock; nothing else changes state.
 */
#ifndef DRIVERS_VPLIC_H
#define DRIVERS_VPLIC_H

#include "drivers/mmio.h"

#define VPLIC_SIZE	   UINT64_C(0x600000) /* the window in bytes */
#define VPLIC_SOURCES_MAX  95U		      /* sources 1 to 95 */
#define VPLIC_CONTEXTS_MAX 8U
#define VPLIC_PRIORITY_MAX 7U
#define VPLIC_WORDS	   ((VPLIC_SOURCES_MAX + 32) / 32)

struct vplic {
	struct mmio_device device; /* first, so that one pointer serves for both */
	void (*notify)(void *argument, unsigned context, bool pending);
	void *argument;
	unsigned sources;
	unsigned contexts;
	uint32_t level[VPLIC_WORDS];   /* the wires; bit n of all these: source n */
	uint32_t pending[VPLIC_WORDS]; /* forwarded by the gateway, not yet claimed */
	uint32_t claimed[VPLIC_WORDS]; /* claimed, not yet completed */
	uint32_t enable[VPLIC_CONTEXTS_MAX][VPLIC_WORDS];
	uint32_t threshold[VPLIC_CONTEXTS_MAX];
	bool output[VPLIC_CONTEXTS_MAX];
	uint8_t priority[VPLIC_SOURCES_MAX + 1];
};

/*
 * Set to the state after reset: all registers 0, all outputs low.
 * sources: the highest source, 1 to VPLIC_SOURCES_MAX. contexts: 1 to
 * VPLIC_CONTEXTS_MAX. Beyond those: STATUS_INVALID.
 * notify is called each time a context's output changes, on the hart that
 * caused it; it must not call back into the vplic.
 */
enum status vplic_init(struct vplic *vplic, gpa_t base, unsigned sources,
		       unsigned contexts,
		       void (*notify)(void *argument, unsigned context, bool pending),
		       void *argument);

/* The wire from a device to a source. source must exist, or it leads nowhere. */
struct irq_line vplic_line(struct vplic *vplic, unsigned source);

/* Drive a source's wire; of no effect for a source that does not exist. */
void vplic_set_level(struct vplic *vplic, unsigned source, bool level);

#endif
