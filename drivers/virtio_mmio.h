/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio-mmio transport shown to a guest: VIRTIO 1.2, section 4.2, version 2 only.
 *
 * A device on it is a virtio_class with functions that answer one chain of descriptors
 * each. Requests are served in the exit of the notification, up to a bound; what is left
 * then is served when the driver acknowledges the interrupt that it gets for the rest.
 * A driver that breaks the rules makes the device need a reset, until which it serves
 * nothing; Gnomon and the VM go on. Locked here, by one lock a device.
 */
#ifndef DRIVERS_VIRTIO_MMIO_H
#define DRIVERS_VIRTIO_MMIO_H

#include "core/spin_lock.h"
#include "drivers/mmio.h"
#include "drivers/virtio_queue.h"

#define VIRTIO_MMIO_SIZE   UINT64_C(0x1000)
#define VIRTIO_QUEUE_LIMIT 2U

/* Requests and bytes served in one exit, but for the last request's. */
#define VIRTIO_SERVE_CHAINS 64U
#define VIRTIO_SERVE_BYTES  MIB

struct virtio_device;

enum virtio_answer {
	VIRTIO_DONE,
	VIRTIO_LATER,	  /* not yet; the chain stays where it is */
	VIRTIO_UNDER_WAY, /* taken; virtio_complete() is to come */
	VIRTIO_MALFORMED, /* no request of this device has that shape */
};

struct virtio_class {
	const char *name;
	uint32_t id; /* section 5 */
	unsigned queues;
	/* The device is locked. *written: bytes, 0 unless set. */
	enum virtio_answer (*serve)(struct virtio_device *device, unsigned queue,
				    const struct virtio_chain *chain, uint32_t *written);
	/* Nothing under way is to be completed any more; the device is locked. NULL. */
	void (*forget)(struct virtio_device *device);
	/* After an access by the driver, the device not locked; NULL: nothing to do. */
	void (*settle)(struct virtio_device *device);
};

struct virtio_device {
	struct mmio_device device; /* first, so that one pointer serves for both */
	const struct virtio_class *class;
	struct virtio_memory memory;
	struct irq_line irq;
	uint64_t features;  /* offered */
	const void *config; /* never changes while the device is there */
	uint32_t config_size;
	struct spin_lock lock;
	/* The driver's. */
	uint64_t driver_features;
	uint32_t status;
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint32_t queue_sel;
	uint32_t interrupt_status;
	unsigned unfinished; /* queues with work left, one bit each */
	const char *wrong;   /* why it needs a reset; NULL: it does not */
	struct virtio_queue queues[VIRTIO_QUEUE_LIMIT];
	struct virtio_chain chain; /* the one being served */
};

/*
 * Set to the state after reset. features: beside VIRTIO_F_VERSION_1. config: the
 * device's configuration space, read in place.
 */
void virtio_init(struct virtio_device *device, const struct virtio_class *class,
		 gpa_t base, struct irq_line irq, const struct virtio_memory *memory);
void virtio_offer(struct virtio_device *device, uint64_t features, const void *config,
		  uint32_t config_size);

/* Serve a queue that waits for something other than its driver; with the lock held. */
void virtio_serve(struct virtio_device *device, unsigned queue);

/*
 * Answer a chain that was under way and has not been forgotten; with the lock held. Of a
 * device that needs a reset nothing is answered.
 */
void virtio_complete(struct virtio_device *device, unsigned queue,
		     const struct virtio_chain *chain, uint32_t written);

/* Has the driver set it up to be served? */
bool virtio_is_live(const struct virtio_device *device, unsigned queue);

#endif
