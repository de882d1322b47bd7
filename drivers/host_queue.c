/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split queues of the host's virtio devices (VIRTIO 1.2, section 2.7), as their driver
 * sees them. See host_virtio.h.
 *
 * Chain n has the descriptors from n times `parts` on. The device can write to the used
 * ring alone, as far as it keeps to the rules; what is read of it is read once.
 */
#include "core/string.h"
#include "drivers/host_mmio.h"
#include "drivers/host_virtio.h"
#include "drivers/virtio_registers.h"
#include "mm/page_alloc.h"

/* All of a queue, in one page. */
struct host_ring {
	struct virtio_descriptor descriptors[HOST_QUEUE_SIZE];
	struct {
		uint16_t flags, index;
		uint16_t ring[HOST_QUEUE_SIZE];
	} available;
	struct {
		uint16_t flags, index;
		struct virtio_used_entry ring[HOST_QUEUE_SIZE];
	} used __attribute__((aligned(4)));
};
_Static_assert(sizeof(struct host_ring) <= PAGE_SIZE, "a queue is one page");

static void write_register(const struct host_queue *queue, unsigned offset,
			   uint32_t value)
{
	host_mmio_write(queue->device->base + offset, 4, value);
}

static void write_address(const struct host_queue *queue, unsigned low, const void *area)
{
	const uint64_t address = (uintptr_t)area;

	write_register(queue, low, (uint32_t)address);
	write_register(queue, low + 4, (uint32_t)(address >> 32));
}

/* A power of two that has room for all chains, or the largest that the device has. */
static unsigned choose_size(const struct host_queue *queue, unsigned wanted)
{
	const uint32_t most =
		host_mmio_read(queue->device->base + VIRTIO_QUEUE_NUM_MAX, 4);
	unsigned size = 1;

	while (size < wanted && 2 * size <= most)
		size *= 2;
	return most == 0 ? 0 : size;
}

const char *host_queue_make(struct host_queue *queue, const struct host_virtio *device,
			    unsigned index, unsigned chains, unsigned parts)
{
	*queue = (struct host_queue){.device = device, .index = index, .parts = parts};
	write_register(queue, VIRTIO_QUEUE_SEL, index);
	if (host_mmio_read(device->base + VIRTIO_QUEUE_READY, 4) != 0)
		return "a queue of it is in use after a reset";
	queue->size = choose_size(queue, chains * parts);
	queue->chains = queue->size / parts < chains ? queue->size / parts : chains;
	if (queue->chains == 0)
		return "a queue of it is too short";
	queue->ring = page_alloc_zeroed(0);
	if (!queue->ring)
		return "there is no memory for its queues";
	write_register(queue, VIRTIO_QUEUE_NUM, queue->size);
	write_address(queue, VIRTIO_QUEUE_DESC_LOW, queue->ring->descriptors);
	write_address(queue, VIRTIO_QUEUE_DRIVER_LOW, &queue->ring->available);
	write_address(queue, VIRTIO_QUEUE_DEVICE_LOW, &queue->ring->used);
	write_register(queue, VIRTIO_QUEUE_READY, 1);
	return NULL;
}

void host_queue_free(struct host_queue *queue)
{
	if (queue->ring)
		page_free(queue->ring, 0);
	queue->ring = NULL;
}

void host_queue_put(struct host_queue *queue, unsigned chain,
		    const struct host_part *parts, unsigned count)
{
	struct host_ring *ring = queue->ring;
	const unsigned head = chain * queue->parts;

	queue->is_out[chain] = true;
	queue->writable[chain] = 0;
	for (unsigned i = 0; i < count; i++) {
		const bool is_last = i + 1 == count;

		ring->descriptors[head + i] = (struct virtio_descriptor){
			.address = (uintptr_t)parts[i].data,
			.length = parts[i].size,
			.flags =
				(uint16_t)((is_last ? 0 : VIRTIO_DESCRIPTOR_NEXT) |
					   (parts[i].is_writable ? VIRTIO_DESCRIPTOR_WRITE
								 : 0)),
			.next = (uint16_t)(is_last ? 0 : head + i + 1),
		};
		if (parts[i].is_writable)
			queue->writable[chain] += parts[i].size;
	}
	ring->available.ring[queue->next_available++ % queue->size] = (uint16_t)head;
	__atomic_store_n(&ring->available.index, queue->next_available, __ATOMIC_RELEASE);
}

void host_queue_notify(const struct host_queue *queue)
{
	write_register(queue, VIRTIO_QUEUE_NOTIFY, queue->index);
}

/* The device reads the flag behind its index, so the index is read behind the flag. */
void host_queue_want(struct host_queue *queue, bool interrupts)
{
	__atomic_store_n(&queue->ring->available.flags,
			 interrupts ? 0 : VIRTIO_AVAILABLE_NO_INTERRUPT,
			 __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* A chain that is out, by the number of its first descriptor. */
static bool find_chain(const struct host_queue *queue, uint32_t id, unsigned *chain)
{
	*chain = id / queue->parts;
	return id % queue->parts == 0 && *chain < queue->chains && queue->is_out[*chain];
}

static unsigned count_out(const struct host_queue *queue)
{
	unsigned count = 0;

	for (unsigned i = 0; i < queue->chains; i++)
		count += queue->is_out[i];
	return count;
}

enum host_queue_got host_queue_get(struct host_queue *queue, unsigned *chain,
				   uint32_t *written, const char **wrong)
{
	const uint16_t index =
		__atomic_load_n(&queue->ring->used.index, __ATOMIC_ACQUIRE);
	struct virtio_used_entry entry;

	if (index == queue->next_used)
		return HOST_QUEUE_EMPTY;
	if ((uint16_t)(index - queue->next_used) > count_out(queue)) {
		*wrong = "it answers more than it was asked";
		return HOST_QUEUE_WRONG;
	}
	memcpy(&entry, &queue->ring->used.ring[queue->next_used % queue->size],
	       sizeof(entry));
	if (!find_chain(queue, entry.id, chain)) {
		*wrong = "it answers what it was not asked";
		return HOST_QUEUE_WRONG;
	}
	if (entry.length > queue->writable[*chain]) {
		*wrong = "it says it wrote more than it may";
		return HOST_QUEUE_WRONG;
	}
	queue->next_used++;
	queue->is_out[*chain] = false;
	*written = entry.length;
	return HOST_QUEUE_ANSWER;
}
