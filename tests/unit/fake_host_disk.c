/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio disk for tests. See fake_host_disk.h. */
#include "tests/unit/fake_host_disk.h"

#include <string.h>

#include "core/arch.h"
#include "drivers/host_mmio.h"
#include "drivers/virtio_registers.h"

#define DONE 0

struct header {
	uint32_t type, reserved;
	uint64_t sector;
};

struct fake_host_disk fake_disk;

uint64_t arch_time(void)
{
	return fake_disk.time;
}

void *fake_host_queue_area(const struct fake_host_queue *queue, enum fake_host_area which)
{
	return (void *)(uintptr_t)(queue->area[which][0] | (uint64_t)queue->area[which][1]
								   << 32);
}

void fake_host_disk_create(void)
{
	fake_disk = (struct fake_host_disk){
		.magic = VIRTIO_MAGIC,
		.version = VIRTIO_MODERN,
		.id = 2,
		.features = UINT64_C(1) << 32 | 1U << 9 | 1U << 6 | 1U << 28,
		.queue_most = 256,
		.block_size = 512,
		.sectors = FAKE_DISK_SECTORS,
		.serial = "fake",
	};
	for (size_t i = 0; i < sizeof(fake_disk.data); i++)
		fake_disk.data[i] = (uint8_t)(i / 512 * 3 + i * 5);
}

/* ---- requests ---- */

void fake_host_queue_put(struct fake_host_queue *queue, uint32_t id, uint32_t length,
			 uint16_t further)
{
	uint16_t *ring = fake_host_queue_area(queue, FAKE_USED);
	const struct virtio_used_entry entry = {id, length};

	memcpy((char *)ring + 4 + queue->used % queue->size * sizeof(entry), &entry,
	       sizeof(entry));
	queue->used = (uint16_t)(queue->used + further);
	ring[1] = queue->used;
	fake_disk.interrupt |= VIRTIO_INTERRUPT_USED;
}

void fake_host_disk_lie(uint32_t id, uint32_t length, uint16_t further)
{
	fake_host_queue_put(&fake_disk.queues[0], id, length, further);
}

static uint32_t carry_out_data(const struct header *header,
			       const struct virtio_descriptor *part)
{
	void *memory = (void *)(uintptr_t)part->address;
	const bool is_in = part->flags & VIRTIO_DESCRIPTOR_WRITE;

	if (part->length > fake_disk.largest)
		fake_disk.largest = part->length;
	if (is_in && fake_disk.writes_nothing)
		return part->length;
	if (header->type == 8)
		strncpy(memory, fake_disk.serial, part->length);
	else if (is_in)
		memcpy(memory, fake_disk.data + header->sector * 512, part->length);
	else
		memcpy(fake_disk.data + header->sector * 512, memory, part->length);
	return is_in ? part->length : 0;
}

static void carry_out(uint16_t head)
{
	const struct virtio_descriptor *table =
		fake_host_queue_area(&fake_disk.queues[0], FAKE_DESCRIPTORS);
	const struct virtio_descriptor *part = &table[head];
	struct header header;
	uint32_t written = 0;

	memcpy(&header, (void *)(uintptr_t)part->address, sizeof(header));
	fake_disk.flushes += header.type == 4;
	for (part = &table[part->next]; part->flags & VIRTIO_DESCRIPTOR_NEXT;
	     part = &table[part->next])
		if (fake_disk.status == DONE)
			written += carry_out_data(&header, part);
	*(uint8_t *)(uintptr_t)part->address = fake_disk.status;
	fake_host_disk_lie(head, written + 1 - fake_disk.short_by, 1);
}

void fake_host_disk_answer(unsigned n)
{
	const uint16_t head = fake_disk.heads[n];

	fake_disk.asked--;
	memmove(&fake_disk.heads[n], &fake_disk.heads[n + 1],
		(fake_disk.asked - n) * sizeof(head));
	carry_out(head);
}

static void notify(void)
{
	struct fake_host_queue *queue = &fake_disk.queues[0];
	const uint16_t *ring;

	fake_disk.notified++;
	if (fake_disk.forgets || !(fake_disk.driver_status & VIRTIO_STATUS_DRIVER_OK))
		return;
	ring = fake_host_queue_area(queue, FAKE_AVAILABLE);
	while (queue->seen != ring[1] && fake_disk.asked < FAKE_DISK_ASKED)
		fake_disk.heads[fake_disk.asked++] =
			ring[2 + queue->seen++ % queue->size];
	while (!fake_disk.holds && fake_disk.asked > 0)
		fake_host_disk_answer(0);
}

/* ---- registers ---- */

static uint32_t half(uint64_t value, uint32_t sel)
{
	return sel < 2 ? (uint32_t)(value >> 32 * sel) : 0;
}

uint32_t host_mmio_read(uintptr_t address, unsigned width)
{
	(void)width;
	switch (address - FAKE_DISK_BASE) {
	case VIRTIO_MAGIC_VALUE:
		return fake_disk.magic;
	case VIRTIO_VERSION:
		return fake_disk.version;
	case VIRTIO_DEVICE_ID:
		return fake_disk.id;
	case VIRTIO_DEVICE_FEATURES:
		return half(fake_disk.features, fake_disk.features_sel);
	case VIRTIO_QUEUE_NUM_MAX:
		return fake_disk.queue_most;
	case VIRTIO_QUEUE_READY:
		return fake_disk.ready >> fake_disk.queue_sel & 1;
	case VIRTIO_INTERRUPT_STATUS:
		return fake_disk.interrupt;
	case VIRTIO_STATUS:
		return fake_disk.driver_status;
	case VIRTIO_CONFIG:
		return (uint32_t)fake_disk.sectors;
	case VIRTIO_CONFIG + 4:
		return (uint32_t)(fake_disk.sectors >> 32);
	case VIRTIO_CONFIG + 8:
		return fake_disk.size_max;
	case VIRTIO_CONFIG + 20:
		return fake_disk.block_size;
	default:
		return 0;
	}
}

static void write_status(uint32_t value)
{
	if (value == 0 && !fake_disk.never_resets) {
		fake_disk.driver_status = fake_disk.ready = fake_disk.interrupt = 0;
		memset(fake_disk.queues, 0, sizeof(fake_disk.queues));
		fake_disk.asked = 0;
	}
	if (value == 0)
		return;
	if (fake_disk.refuses_features)
		value &= ~VIRTIO_STATUS_FEATURES_OK;
	fake_disk.driver_status = value;
}

void host_mmio_write(uintptr_t address, unsigned width, uint32_t value)
{
	const uint64_t offset = address - FAKE_DISK_BASE;
	const unsigned low = (unsigned)(offset - VIRTIO_QUEUE_DESC_LOW);
	struct fake_host_queue *queue =
		&fake_disk.queues[fake_disk.queue_sel % FAKE_DISK_QUEUES];

	(void)width;
	if (offset == VIRTIO_DEVICE_FEATURES_SEL)
		fake_disk.features_sel = value;
	else if (offset == VIRTIO_DRIVER_FEATURES_SEL)
		fake_disk.driver_sel = value;
	else if (offset == VIRTIO_DRIVER_FEATURES)
		fake_disk.driver_features |= (uint64_t)value << 32 * fake_disk.driver_sel;
	else if (offset == VIRTIO_QUEUE_SEL)
		fake_disk.queue_sel = value;
	else if (offset == VIRTIO_QUEUE_NUM)
		queue->size = value;
	else if (offset == VIRTIO_QUEUE_READY)
		fake_disk.ready |= value << fake_disk.queue_sel;
	else if (offset == VIRTIO_QUEUE_NOTIFY)
		notify();
	else if (offset == VIRTIO_INTERRUPT_ACK)
		fake_disk.interrupt &= ~value;
	else if (offset == VIRTIO_STATUS)
		write_status(value);
	else if (low < 0x30)
		queue->area[low / 16][low % 16 / 4] = value;
}
