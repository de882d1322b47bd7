/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and answering split virtqueues. See virtio_queue.h.
 *
 * The areas were found to be RAM when the queue became ready, and a VM's RAM stays
 * where it is, so the offsets below need no check beyond the entry's number, which is
 * taken modulo the size. Ring and guest are both little-endian, as RISC-V is.
 */
#include "drivers/virtio_queue.h"
#include "drivers/virtio_registers.h"

/* VIRTIO 1.2, section 2.7: the areas, their entries and flags. */
#define DESCRIPTOR_SIZE	 16U
#define DESCRIPTOR_ALIGN 16U
#define DRIVER_ALIGN	 2U
#define DEVICE_ALIGN	 4U
#define RING_FLAGS	 0U /* of both rings */
#define RING_INDEX	 2U
#define RING_ENTRIES	 4U
#define AVAILABLE_SIZE	 2U
#define USED_SIZE	 8U

static bool is_ram(const struct virtio_memory *memory, uint64_t address, uint64_t size)
{
	return range_within(address, size, memory->ram->base.raw, memory->ram->size);
}

static bool is_area(const struct virtio_memory *memory, uint64_t address, uint64_t size,
		    uint64_t alignment)
{
	return is_aligned(address, alignment) && is_ram(memory, address, size);
}

const char *virtio_queue_enable(struct virtio_queue *queue,
				const struct virtio_memory *memory)
{
	const uint64_t size = queue->size;

	if (size == 0 || size > VIRTIO_QUEUE_SIZE_MAX || (size & (size - 1)) != 0)
		return "a queue's size is no power of two that it can have";
	if (!is_area(memory, queue->descriptor_area, size * DESCRIPTOR_SIZE,
		     DESCRIPTOR_ALIGN))
		return "a descriptor area is not aligned or not in RAM";
	if (!is_area(memory, queue->driver_area, RING_ENTRIES + size * AVAILABLE_SIZE,
		     DRIVER_ALIGN))
		return "a driver area is not aligned or not in RAM";
	if (!is_area(memory, queue->device_area, RING_ENTRIES + size * USED_SIZE,
		     DEVICE_ALIGN))
		return "a device area is not aligned or not in RAM";
	queue->is_ready = true;
	queue->next_available = queue->next_used = 0;
	return NULL;
}

/* In one step: another vCPU may be writing it. At a multiple of 2, in RAM. */
static uint16_t read16(const struct virtio_memory *memory, uint64_t address)
{
	hpa_t hpa;

	if (!guest_memory_find(memory->ram, GPA(address), sizeof(uint16_t), &hpa))
		return 0;
	return __atomic_load_n((const uint16_t *)hpa_pointer(hpa), __ATOMIC_ACQUIRE);
}

/* How the chain goes on; NULL: it does, or is complete. */
static const char *add_part(const struct virtio_queue *queue,
			    const struct virtio_memory *memory,
			    struct virtio_chain *chain,
			    const struct virtio_descriptor *from)
{
	const bool is_writable = from->flags & VIRTIO_DESCRIPTOR_WRITE;

	if (chain->count == queue->size)
		return "a chain of descriptors is a loop";
	if (from->flags & VIRTIO_DESCRIPTOR_INDIRECT)
		return "a descriptor is indirect, which was not offered";
	if (from->length == 0)
		return "a descriptor is empty";
	if (!is_ram(memory, from->address, from->length))
		return "a descriptor is not in RAM";
	if (!is_writable && chain->readable < chain->count)
		return "a readable descriptor is behind a writable one";
	if (chain->readable_size + chain->writable_size + from->length > UINT32_MAX)
		return "a chain of descriptors is longer than 4 GiB";
	chain->parts[chain->count++] =
		(struct virtio_part){GPA(from->address), from->length};
	if (is_writable) {
		chain->writable_size += from->length;
	} else {
		chain->readable++;
		chain->readable_size += from->length;
	}
	return NULL;
}

static const char *read_chain(const struct virtio_queue *queue,
			      const struct virtio_memory *memory,
			      struct virtio_chain *chain)
{
	struct virtio_descriptor descriptor = {.flags = VIRTIO_DESCRIPTOR_NEXT,
					       .next = chain->head};

	while (descriptor.flags & VIRTIO_DESCRIPTOR_NEXT) {
		const char *wrong;
		gpa_t at;

		if (descriptor.next >= queue->size)
			return "a descriptor's number is beyond the queue's size";
		at = GPA(queue->descriptor_area + descriptor.next * DESCRIPTOR_SIZE);
		if (guest_memory_read(memory->ram, &descriptor, at, sizeof(descriptor)) !=
		    STATUS_OK)
			return "a descriptor cannot be read";
		wrong = add_part(queue, memory, chain, &descriptor);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static uint64_t available_entry(const struct virtio_queue *queue)
{
	return queue->driver_area + RING_ENTRIES +
	       queue->next_available % queue->size * AVAILABLE_SIZE;
}

bool virtio_queue_next(const struct virtio_queue *queue,
		       const struct virtio_memory *memory, struct virtio_chain *chain,
		       const char **wrong)
{
	const uint16_t index = read16(memory, queue->driver_area + RING_INDEX);
	const uint16_t waiting = (uint16_t)(index - queue->next_available);

	*wrong = NULL;
	if (waiting == 0)
		return false;
	if (waiting > queue->size) {
		*wrong = "more chains are available than the queue has entries";
		return false;
	}
	chain->head = read16(memory, available_entry(queue));
	chain->count = chain->readable = 0;
	chain->readable_size = chain->writable_size = 0;
	*wrong = read_chain(queue, memory, chain);
	return *wrong == NULL;
}

void virtio_queue_take(struct virtio_queue *queue)
{
	queue->next_available++;
}

/* The entry has to be there before the index that tells of it. */
enum status virtio_queue_answer(struct virtio_queue *queue,
				const struct virtio_memory *memory,
				const struct virtio_chain *chain, uint32_t written)
{
	const struct virtio_used_entry entry = {chain->head, written};
	const uint64_t at = queue->device_area + RING_ENTRIES +
			    queue->next_used % queue->size * USED_SIZE;
	enum status status =
		memory->write(memory->context, GPA(at), &entry, sizeof(entry));

	if (status != STATUS_OK)
		return status;
	queue->next_used++;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return memory->write(memory->context, GPA(queue->device_area + RING_INDEX),
			     &queue->next_used, sizeof(queue->next_used));
}

bool virtio_queue_is_silent(const struct virtio_queue *queue,
			    const struct virtio_memory *memory)
{
	/* Behind the index: the driver sets the flag, then looks at the index. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return read16(memory, queue->driver_area + RING_FLAGS) &
	       VIRTIO_AVAILABLE_NO_INTERRUPT;
}

/* ---- copying ---- */

/* Skips parts until `offset` is in one; what of `size` is in that one. */
static uint64_t find_part(const struct virtio_part **part, uint64_t *offset,
			  uint64_t size)
{
	uint64_t length;

	while (*offset >= (*part)->length) {
		*offset -= (*part)->length;
		++*part;
	}
	length = (*part)->length - *offset;
	return length < size ? length : size;
}

enum status virtio_chain_read(const struct virtio_chain *chain,
			      const struct virtio_memory *memory, uint64_t offset,
			      void *to, uint64_t size)
{
	const struct virtio_part *part = chain->parts;
	uint8_t *bytes = to;
	enum status status = STATUS_OK;

	if (!range_within(offset, size, 0, chain->readable_size))
		return STATUS_INVALID;
	while (status == STATUS_OK && size > 0) {
		uint64_t length = find_part(&part, &offset, size);

		status = guest_memory_read(memory->ram, bytes,
					   GPA(part->address.raw + offset), length);
		bytes += length;
		offset += length;
		size -= length;
	}
	return status;
}

enum status virtio_chain_write(const struct virtio_chain *chain,
			       const struct virtio_memory *memory, uint64_t offset,
			       const void *from, uint64_t size)
{
	const struct virtio_part *part = chain->parts + chain->readable;
	const uint8_t *bytes = from;
	enum status status = STATUS_OK;

	if (!range_within(offset, size, 0, chain->writable_size))
		return STATUS_INVALID;
	while (status == STATUS_OK && size > 0) {
		uint64_t length = find_part(&part, &offset, size);

		status = memory->write(memory->context, GPA(part->address.raw + offset),
				       bytes, length);
		bytes += length;
		offset += length;
		size -= length;
	}
	return status;
}
