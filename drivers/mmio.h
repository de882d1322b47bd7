/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices shown to a guest, as its memory-mapped registers.
 *
 * A device is a window of guest physical addresses and two functions. They see
 * an offset into the window, a width of 1, 2, 4 or 8 bytes and a naturally
 * aligned address; they answer false where the real device would answer a bus
 * error, which the guest then gets as an access fault. Called on the hart that
 * runs the accessing vCPU; a device that several vCPUs reach does its own
 * locking.
 */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include "core/types.h"

struct mmio_device {
	const char *name;
	gpa_t base;
	uint64_t size;
	bool (*read)(struct mmio_device *device, uint64_t offset, unsigned width,
		     uint64_t *value);
	bool (*write)(struct mmio_device *device, uint64_t offset, unsigned width,
		      uint64_t value);
};

/*
 * The device whose window holds [gpa, gpa + width) wholly; NULL where there is
 * none, the address is not naturally aligned or width is not 1, 2, 4 or 8.
 * Windows must not overlap.
 */
struct mmio_device *mmio_find(struct mmio_device *const *devices, size_t count, gpa_t gpa,
			      unsigned width);

/*
 * A load or store of width bytes by the guest. False: the guest gets an access
 * fault, and *value is untouched. Only the low width bytes of a value count;
 * those above read as 0.
 */
bool mmio_read(struct mmio_device *const *devices, size_t count, gpa_t gpa,
	       unsigned width, uint64_t *value);
bool mmio_write(struct mmio_device *const *devices, size_t count, gpa_t gpa,
		unsigned width, uint64_t value);

/* A level-sensitive interrupt wire from a device to an interrupt controller. */
struct irq_line {
	void (*set)(struct irq_line *line, bool level);
	void *controller;
	unsigned source;
};

static inline void irq_line_set(struct irq_line *line, bool level)
{
	if (line->set)
		line->set(line, level);
}

#endif
