/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio block device (VIRTIO 1.2, section 5.2) whose disk is in the host's RAM.
 *
 * A disk is read-only where it lies (in the bundle), or a copy of its own that the guest
 * may write and that lasts as long as the VM. Every request is complete when it is
 * answered, so a flush has nothing to do. What does not lie within the disk is answered
 * with an I/O error. Locked by its transport; the disk is its own.
 */
#ifndef DRIVERS_VIRTIO_BLK_H
#define DRIVERS_VIRTIO_BLK_H

#include "drivers/virtio_mmio.h"

#define VIRTIO_BLK_SECTOR  512U
#define VIRTIO_BLK_ID_SIZE 20U

/* Either data, read-only, or a copy; size is a multiple of a sector. */
struct virtio_disk {
	const char *name; /* what the guest is told as its serial number */
	const void *data;
	const struct guest_memory *copy; /* from GPA(0) on; NULL: there is none */
	uint64_t size;
};

/* The configuration space, as far as the features that are offered have it. */
struct virtio_blk_config {
	uint64_t capacity; /* sectors */
	uint32_t size_max;
	uint32_t seg_max;
	uint32_t geometry;
	uint32_t blk_size;
};

struct virtio_blk {
	struct virtio_device virtio; /* first, so that one pointer serves for both */
	struct virtio_disk disk;
	struct virtio_blk_config config;
};

void virtio_blk_init(struct virtio_blk *blk, gpa_t base, struct irq_line irq,
		     const struct virtio_memory *memory, const struct virtio_disk *disk);

#endif
