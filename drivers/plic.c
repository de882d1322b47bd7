/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's PLIC, as one context sees it. Enable registers hold 32 sources
 * each, so enabling is a read and a write; only this context's own registers
 * are touched that way, hence no lock.
 */
#include "drivers/plic.h"

#include "drivers/host_mmio.h"
#include "drivers/plic_layout.h"

/* PLIC specification, "Memory Map": the last context is number 15871. */
#define CONTEXTS_LIMIT 15872U

static uintptr_t enable_address(const struct plic *plic, unsigned source)
{
	return plic->base + PLIC_ENABLE + (uintptr_t)plic->context * PLIC_ENABLE_STRIDE +
	       source / 32 * 4;
}

static uintptr_t context_address(const struct plic *plic, unsigned offset)
{
	return plic->base + PLIC_CONTEXT +
	       (uintptr_t)plic->context * PLIC_CONTEXT_STRIDE + offset;
}

enum status plic_init(struct plic *plic, uintptr_t base, unsigned context,
		      unsigned sources)
{
	if (context >= CONTEXTS_LIMIT || sources >= PLIC_SOURCES_LIMIT)
		return STATUS_INVALID;
	*plic = (struct plic){.base = base, .context = context, .sources = sources};
	for (unsigned source = 0; source <= sources; source += 32)
		host_mmio_write(enable_address(plic, source), 4, 0);
	host_mmio_write(context_address(plic, PLIC_THRESHOLD), 4, 0);
	return STATUS_OK;
}

enum status plic_enable(struct plic *plic, unsigned source, unsigned priority)
{
	uintptr_t address = enable_address(plic, source);

	if (source < 1 || source > plic->sources)
		return STATUS_NOT_FOUND;
	host_mmio_write(address, 4,
			host_mmio_read(address, 4) | UINT32_C(1) << source % 32);
	/* Last: QEMU's looks for what is pending already when this is written alone. */
	host_mmio_write(plic->base + PLIC_PRIORITY + source * 4, 4, priority);
	return STATUS_OK;
}

unsigned plic_claim(struct plic *plic)
{
	return host_mmio_read(context_address(plic, PLIC_CLAIM), 4);
}

void plic_complete(struct plic *plic, unsigned source)
{
	host_mmio_write(context_address(plic, PLIC_CLAIM), 4, source);
}
