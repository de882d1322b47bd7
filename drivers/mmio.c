/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a guest physical address to the register of a device.
 *
 * The one place that checks a guest's access before a device sees it: a device
 * may rely on natural alignment, on a legal width and on an offset inside its
 * window. No state, so nothing to lock.
 */
#include "drivers/mmio.h"

static bool width_is_legal(unsigned width)
{
	return width == 1 || width == 2 || width == 4 || width == 8;
}

static uint64_t low_bytes(uint64_t value, unsigned width)
{
	return width == 8 ? value : value & ((UINT64_C(1) << (8 * width)) - 1);
}

struct mmio_device *mmio_find(struct mmio_device *const *devices, size_t count, gpa_t gpa,
			      unsigned width)
{
	if (!width_is_legal(width) || !is_aligned(gpa.raw, width))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct mmio_device *device = devices[i];

		if (range_within(gpa.raw, width, device->base.raw, device->size))
			return device;
	}
	return NULL;
}

bool mmio_read(struct mmio_device *const *devices, size_t count, gpa_t gpa,
	       unsigned width, uint64_t *value)
{
	struct mmio_device *device = mmio_find(devices, count, gpa, width);
	uint64_t raw = 0;

	if (!device || !device->read(device, gpa.raw - device->base.raw, width, &raw))
		return false;
	*value = low_bytes(raw, width);
	return true;
}

bool mmio_write(struct mmio_device *const *devices, size_t count, gpa_t gpa,
		unsigned width, uint64_t value)
{
	struct mmio_device *device = mmio_find(devices, count, gpa, width);

	if (!device)
		return false;
	return device->write(device, gpa.raw - device->base.raw, width,
			     low_bytes(value, width));
}
