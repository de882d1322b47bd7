/* SPDX-License-Identifier: BSD-2-Clause */
/* External interrupts of the host. See interrupt.h. */
#include "core/interrupt.h"
#include "core/arch.h"
#include "core/console_mux.h"
#include "drivers/plic.h"

static struct {
	struct plic *plic;
	unsigned console_source;
} interrupt;

void interrupt_init(struct plic *plic, unsigned console_source)
{
	interrupt.plic = plic;
	interrupt.console_source = console_source;
	plic_enable(plic, console_source, 1);
	arch_host_external_enable();
}

void interrupt_external(void)
{
	unsigned source;

	if (!interrupt.plic)
		return;
	while ((source = plic_claim(interrupt.plic)) != 0) {
		if (source == interrupt.console_source)
			mux_receive();
		plic_complete(interrupt.plic, source);
	}
}
