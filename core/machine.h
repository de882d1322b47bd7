/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine Gnomon runs on: what its device tree says, and the drivers of
 * the devices Gnomon uses itself. Set up by the boot hart; read-only after.
 */
#ifndef CORE_MACHINE_H
#define CORE_MACHINE_H

#include "core/host_fdt.h"
#include "drivers/plic.h"
#include "drivers/uart.h"

struct machine {
	struct host_fdt fdt;
	struct uart uart;
	struct plic plic;
};

extern struct machine machine;

#define MICROSECONDS 1000000
#define NANOSECONDS  1000000000

/* Ticks of the time CSR in units of which a second has so many. */
static inline uint64_t machine_time(uint64_t ticks, uint64_t units)
{
	const uint64_t second = machine.fdt.timebase_frequency;

	return ticks / second * units + ticks % second * units / second;
}

/*
 * Call `each` for the parts of the machine's RAM that are free: outside the
 * image, the device tree, the bundle and everything reserved. Stops at the
 * first status that is not STATUS_OK, and returns it.
 */
enum status machine_for_each_free(struct host_range image,
				  enum status (*each)(struct host_range range,
						      void *context),
				  void *context);

/* The same for all RAM outside the image that may be mapped at all. */
enum status machine_for_each_mappable(struct host_range image,
				      enum status (*each)(struct host_range range,
							  void *context),
				      void *context);

/* Is the range in one of the machine's pieces of RAM, all of it? */
bool machine_is_ram(struct host_range range);

/*
 * Move the bundle to the upper end of free RAM. Loaders put it in the middle, and a VM's
 * memory could not be one run around it. It stays where there is no room above it, or,
 * where it is not in RAM, no room at all.
 */
void machine_move_bundle(struct host_range image);

/* Hand the free RAM to the page allocator, which divides it so; NULL: not at all. */
struct page_division;
enum status machine_memory_init(struct host_range image,
				const struct page_division *division, const char **why);

#endif
