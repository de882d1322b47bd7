/* SPDX-License-Identifier: BSD-2-Clause */
/* External interrupts of the host. See interrupt.h. */
#include "core/interrupt.h"
#include "core/arch.h"
#include "drivers/plic.h"

#define USES_LIMIT 16U

/* Served in one exit: what interrupts on and on leaves time for others. */
#define CLAIMS_AT_ONCE 8U

struct use {
	unsigned source; /* 0: polled */
	unsigned most;	 /* times in a tick; 0: no matter */
	unsigned served; /* in the tick that began at `tick` */
	bool is_held;	 /* claimed, and not completed before the next */
	uint64_t tick;
	void (*serve)(void *context);
	void *context;
};

static struct {
	struct plic *plic;
	uint64_t tick;
	unsigned count;
	struct use uses[USES_LIMIT];
} interrupt;

void interrupt_init(struct plic *plic, uint64_t tick)
{
	interrupt.plic = plic;
	interrupt.tick = tick;
	arch_host_external_enable();
}

bool interrupt_is_possible(void)
{
	return interrupt.plic != NULL;
}

bool interrupt_add(unsigned source, unsigned most, void (*serve)(void *context),
		   void *context)
{
	if (interrupt.count == USES_LIMIT)
		return false;
	if (!interrupt.plic || plic_enable(interrupt.plic, source, 1) != STATUS_OK)
		source = 0;
	interrupt.uses[interrupt.count++] = (struct use){
		.source = source, .most = most, .serve = serve, .context = context};
	return true;
}

static void serve(unsigned source)
{
	for (unsigned i = 0; i < interrupt.count; i++)
		if (interrupt.uses[i].source == source)
			interrupt.uses[i].serve(interrupt.uses[i].context);
}

static struct use *find(unsigned source)
{
	for (unsigned i = 0; i < interrupt.count; i++)
		if (interrupt.uses[i].source == source)
			return &interrupt.uses[i];
	return NULL;
}

/*
 * An interrupt that is not completed does not come again (PLIC specification, "Interrupt
 * Completion"): others do. The first of those that share a source counts for all.
 */
static bool is_to_be_held(unsigned source)
{
	const uint64_t now = arch_time();
	struct use *use = find(source);

	if (!use)
		return false;
	if (now - use->tick >= interrupt.tick) {
		use->tick = now;
		use->served = 0;
	}
	use->served++;
	use->is_held = use->most > 0 && use->served >= use->most;
	return use->is_held;
}

void interrupt_external(void)
{
	if (!interrupt.plic)
		return;
	for (unsigned i = 0; i < CLAIMS_AT_ONCE; i++) {
		unsigned source = plic_claim(interrupt.plic);

		if (source == 0)
			return;
		serve(source);
		if (!is_to_be_held(source))
			plic_complete(interrupt.plic, source);
	}
}

uint64_t interrupt_next(void)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < interrupt.count; i++) {
		const struct use *use = &interrupt.uses[i];

		if (use->is_held && use->tick + interrupt.tick < next)
			next = use->tick + interrupt.tick;
	}
	return next;
}

void interrupt_resume(uint64_t now)
{
	for (unsigned i = 0; i < interrupt.count; i++) {
		struct use *use = &interrupt.uses[i];

		if (!use->is_held || use->tick + interrupt.tick > now)
			continue;
		use->is_held = false;
		plic_complete(interrupt.plic, use->source);
	}
}

bool interrupt_is_polled(void)
{
	for (unsigned i = 0; i < interrupt.count; i++)
		if (interrupt.uses[i].source == 0)
			return true;
	return false;
}

void interrupt_poll(void)
{
	serve(0);
}
