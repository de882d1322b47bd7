/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's virtio devices: registers. See host_virtio.h, and host_queue.c for queues.
 */
#include "drivers/host_virtio.h"

#include "drivers/host_mmio.h"
#include "drivers/virtio_registers.h"

/* Reads until a reset, or a configuration that changes, is given up. */
#define PATIENCE 100000U

static uint32_t read_register(const struct host_virtio *device, unsigned offset)
{
	return host_mmio_read(device->base + offset, 4);
}

static void write_register(const struct host_virtio *device, unsigned offset,
			   uint32_t value)
{
	host_mmio_write(device->base + offset, 4, value);
}

static void add_status(const struct host_virtio *device, uint32_t status)
{
	write_register(device, VIRTIO_STATUS,
		       read_register(device, VIRTIO_STATUS) | status);
}

enum status host_virtio_find(struct host_virtio *device, uintptr_t base)
{
	*device = (struct host_virtio){.base = base};
	if (!is_aligned(base, 4) ||
	    read_register(device, VIRTIO_MAGIC_VALUE) != VIRTIO_MAGIC)
		return STATUS_NOT_FOUND;
	device->id = read_register(device, VIRTIO_DEVICE_ID);
	if (device->id == HOST_VIRTIO_NONE)
		return STATUS_NOT_FOUND;
	return read_register(device, VIRTIO_VERSION) == VIRTIO_MODERN
		       ? STATUS_OK
		       : STATUS_UNSUPPORTED;
}

bool host_virtio_stop(struct host_virtio *device)
{
	write_register(device, VIRTIO_STATUS, 0);
	for (unsigned i = 0; i < PATIENCE; i++)
		if (read_register(device, VIRTIO_STATUS) == 0)
			return true;
	return false;
}

static uint64_t offered(const struct host_virtio *device)
{
	uint64_t features = 0;

	for (uint32_t half = 0; half < 2; half++) {
		write_register(device, VIRTIO_DEVICE_FEATURES_SEL, half);
		features |= (uint64_t)read_register(device, VIRTIO_DEVICE_FEATURES)
			    << 32 * half;
	}
	return features;
}

static void accept(const struct host_virtio *device)
{
	for (uint32_t half = 0; half < 2; half++) {
		write_register(device, VIRTIO_DRIVER_FEATURES_SEL, half);
		write_register(device, VIRTIO_DRIVER_FEATURES,
			       (uint32_t)(device->features >> 32 * half));
	}
}

/* VIRTIO 1.2, section 3.1.1. */
const char *host_virtio_begin(struct host_virtio *device, uint64_t features)
{
	if (!host_virtio_stop(device))
		return "it does not end a reset";
	add_status(device, VIRTIO_STATUS_ACKNOWLEDGE);
	add_status(device, VIRTIO_STATUS_DRIVER);
	device->features = offered(device) & (features | VIRTIO_F_VERSION_1);
	if (!(device->features & VIRTIO_F_VERSION_1))
		return "it does not offer VIRTIO_F_VERSION_1";
	accept(device);
	add_status(device, VIRTIO_STATUS_FEATURES_OK);
	if (!(read_register(device, VIRTIO_STATUS) & VIRTIO_STATUS_FEATURES_OK))
		return "it refuses the features that it offers";
	return NULL;
}

void host_virtio_start(struct host_virtio *device)
{
	add_status(device, VIRTIO_STATUS_DRIVER_OK);
}

bool host_virtio_acknowledge(struct host_virtio *device)
{
	uint32_t causes = read_register(device, VIRTIO_INTERRUPT_STATUS);

	if (causes == 0)
		return true;
	write_register(device, VIRTIO_INTERRUPT_ACK, causes);
	return !(causes & VIRTIO_INTERRUPT_CONFIG) ||
	       !(read_register(device, VIRTIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

uint32_t host_virtio_config(const struct host_virtio *device, unsigned offset,
			    unsigned width)
{
	return host_mmio_read(device->base + VIRTIO_CONFIG + offset, width);
}

/* Section 2.5.1: its halves belong together if the generation is the same around them. */
uint64_t host_virtio_config64(const struct host_virtio *device, unsigned offset)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < PATIENCE; i++) {
		uint32_t before = read_register(device, VIRTIO_CONFIG_GENERATION);

		value = host_virtio_config(device, offset, 4);
		value |= (uint64_t)host_virtio_config(device, offset + 4, 4) << 32;
		if (read_register(device, VIRTIO_CONFIG_GENERATION) == before)
			break;
	}
	return value;
}
