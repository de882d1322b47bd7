/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device of the host's on the virtio-mmio transport, as its driver sees it
 * (VIRTIO 1.2, section 4.2; version 2 only), and its split queues.
 *
 * Rings and buffers are Gnomon's own pages, which the device reads and writes by itself.
 * What it answers is input from outside: an index, a number or a length that cannot be
 * ends its use. Every chain of a queue has the same number of descriptors, its own, so
 * that chain n is known by its number alone. Not locked: the driver in front is.
 */
#ifndef DRIVERS_HOST_VIRTIO_H
#define DRIVERS_HOST_VIRTIO_H

#include "core/types.h"

#define HOST_VIRTIO_NONE 0U
#define HOST_VIRTIO_NET	 1U
#define HOST_VIRTIO_BLK	 2U

#define HOST_QUEUE_SIZE	 64U /* descriptors at most */
#define HOST_CHAIN_PARTS 3U  /* of one chain, at most */

struct host_virtio {
	uintptr_t base;
	uint32_t id; /* what it is: HOST_VIRTIO_* or another of section 5 */
	uint64_t features;
};

/*
 * What is at base, 4-byte aligned. STATUS_NOT_FOUND: no virtio device, or an empty
 * place for one. STATUS_UNSUPPORTED: one that speaks the legacy interface only.
 */
enum status host_virtio_find(struct host_virtio *device, uintptr_t base);

/*
 * Reset it and agree on those of the features that it offers too; its queues are next,
 * then host_virtio_start(). NULL, or what is wrong with it in words.
 */
const char *host_virtio_begin(struct host_virtio *device, uint64_t features);
void host_virtio_start(struct host_virtio *device);

/* Reset it. True: it says that it has stopped, and so touches no memory any more. */
bool host_virtio_stop(struct host_virtio *device);

/* Take back its interrupt. False: the device says that it is broken. */
bool host_virtio_acknowledge(struct host_virtio *device);

/* Of its configuration space; width: 1, 2 or 4 bytes, as the field has them. */
uint32_t host_virtio_config(const struct host_virtio *device, unsigned offset,
			    unsigned width);
uint64_t host_virtio_config64(const struct host_virtio *device, unsigned offset);

/* ---- queues ---- */

struct host_part {
	void *data;
	uint32_t size; /* bytes, at least 1 */
	bool is_writable;
};

struct host_queue {
	const struct host_virtio *device;
	unsigned index;
	unsigned size;	 /* descriptors */
	unsigned chains; /* numbers 0 .. chains - 1 */
	unsigned parts;	 /* descriptors of each */
	struct host_ring *ring;
	uint16_t next_available;
	uint16_t next_used;
	bool is_out[HOST_QUEUE_SIZE];	    /* the chain is the device's now */
	uint32_t writable[HOST_QUEUE_SIZE]; /* bytes that it may write there */
};

/*
 * Make queue `index`, of up to `chains` chains of `parts` descriptors; fewer where the
 * device has not so many. Between begin and start. NULL, or what is wrong in words.
 */
const char *host_queue_make(struct host_queue *queue, const struct host_virtio *device,
			    unsigned index, unsigned chains, unsigned parts);

/* Its memory again, of a device that has stopped. */
void host_queue_free(struct host_queue *queue);

/* Hand the device a chain that it has not, of at most `parts` parts; and tell it so. */
void host_queue_put(struct host_queue *queue, unsigned chain,
		    const struct host_part *parts, unsigned count);
void host_queue_notify(const struct host_queue *queue);

/*
 * Whether the device is to interrupt for what it answers from now on, as it is at first.
 * What it has answered before is to be looked for behind this.
 */
void host_queue_want(struct host_queue *queue, bool interrupts);

enum host_queue_got {
	HOST_QUEUE_EMPTY,
	HOST_QUEUE_ANSWER, /* *chain is the driver's again, with *written bytes in it */
	HOST_QUEUE_WRONG,  /* what the device says cannot be: *wrong */
};
enum host_queue_got host_queue_get(struct host_queue *queue, unsigned *chain,
				   uint32_t *written, const char **wrong);

#endif
