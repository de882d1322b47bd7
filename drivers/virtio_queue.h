/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A split virtqueue as a device sees it (VIRTIO 1.2, section 2.7).
 *
 * Everything in the rings is a guest's word: each index, descriptor, address and length
 * is read once, into Gnomon's memory, and judged there, so nothing can change between
 * the judgement and the use. A chain that was found whole lies in RAM with all its
 * parts. Indirect descriptors are not offered and so refused. Not locked: the device is.
 */
#ifndef DRIVERS_VIRTIO_QUEUE_H
#define DRIVERS_VIRTIO_QUEUE_H

#include "mm/guest_memory.h"

#define VIRTIO_QUEUE_SIZE_MAX 128U

/*
 * The driver's memory. write() is the only way into it once the VM runs; an aligned
 * write of 2 bytes is one step for other vCPUs.
 */
struct virtio_memory {
	const struct guest_memory *ram;
	enum status (*write)(void *context, gpa_t to, const void *from, uint64_t size);
	void *context;
};

struct virtio_queue {
	/* The driver's, through the registers: whatever it wrote. */
	uint32_t size; /* entries */
	uint64_t descriptor_area;
	uint64_t driver_area;
	uint64_t device_area;
	/* While ready, all of the above is sound and does not change. */
	bool is_ready;
	uint16_t next_available; /* the entry to be looked at next */
	uint16_t next_used;
};

struct virtio_part {
	gpa_t address;
	uint32_t length; /* bytes, at least 1 */
};

/* One request: the parts the device may read, then those it may write. */
struct virtio_chain {
	uint16_t head;
	unsigned count;
	unsigned readable; /* parts */
	uint64_t readable_size;
	uint64_t writable_size; /* bytes; both together below 2^32 */
	struct virtio_part parts[VIRTIO_QUEUE_SIZE_MAX];
};

/* Make it ready, at its first entries. NULL, or what is wrong with it in words. */
const char *virtio_queue_enable(struct virtio_queue *queue,
				const struct virtio_memory *memory);

/*
 * The oldest chain that was not answered yet; the same again until it is. False: there
 * is none, and *wrong says why if the ring is malformed, and is NULL if it is empty.
 */
bool virtio_queue_next(const struct virtio_queue *queue,
		       const struct virtio_memory *memory, struct virtio_chain *chain,
		       const char **wrong);

/* The chain that virtio_queue_next() found is taken: the next one is behind it. */
void virtio_queue_take(struct virtio_queue *queue);

/* Answer a chain that it found, with so many bytes written to it. */
enum status virtio_queue_answer(struct virtio_queue *queue,
				const struct virtio_memory *memory,
				const struct virtio_chain *chain, uint32_t written);

/* Has the driver asked not to be interrupted? */
bool virtio_queue_is_silent(const struct virtio_queue *queue,
			    const struct virtio_memory *memory);

/*
 * Copy out of the readable parts, into the writable ones: `size` bytes from that offset
 * on, wherever parts begin and end. STATUS_INVALID if the chain has not so many.
 */
enum status virtio_chain_read(const struct virtio_chain *chain,
			      const struct virtio_memory *memory, uint64_t offset,
			      void *to, uint64_t size);
enum status virtio_chain_write(const struct virtio_chain *chain,
			       const struct virtio_memory *memory, uint64_t offset,
			       const void *from, uint64_t size);

#endif
