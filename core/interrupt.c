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
	void (*serve)(void *context);
	void *context;
};

static struct {
	struct plic *plic;
	unsigned count;
	struct use uses[USES_LIMIT];
} interrupt;

void interrupt_init(struct plic *plic)
{
	interrupt.plic = plic;
	arch_host_external_enable();
}

bool interrupt_is_possible(void)
{
	return interrupt.plic != NULL;
}

bool interrupt_add(unsigned source, void (*serve)(void *context), void *context)
{
	if (interrupt.count == USES_LIMIT)
		return false;
	if (!interrupt.plic || plic_enable(interrupt.plic, source, 1) != STATUS_OK)
		source = 0;
	interrupt.uses[interrupt.count++] = (struct use){source, serve, context};
	return true;
}

static void serve(unsigned source)
{
	for (unsigned i = 0; i < interrupt.count; i++)
		if (interrupt.uses[i].source == source)
			interrupt.uses[i].serve(interrupt.uses[i].context);
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
		plic_complete(interrupt.plic, source);
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
