/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio block device (VIRTIO 1.2, section 5.2).
 *
 * A disk is read-only where it lies (in the bundle), or a copy of its own that the guest
 * may write and that lasts as long as the VM: there every request is complete when it is
 * answered, so a flush has nothing to do. Or it is a part of a disk of the host's: see
 * virtio_blk_host.h. What does not lie within the disk is answered with an I/O error.
 * Locked by its transport; the disk is its own.
 */
#ifndef DRIVERS_VIRTIO_BLK_H
#define DRIVERS_VIRTIO_BLK_H

#include "drivers/virtio_mmio.h"

#define VIRTIO_BLK_SECTOR  512U
#define VIRTIO_BLK_ID_SIZE 20U

struct virtio_blk_host;

/* One of data, read-only, a copy and host; size is a multiple of a sector. */
struct virtio_disk {
	const char *name; /* what the guest is told as its serial number */
	const void *data;
	const struct guest_memory *copy; /* from GPA(0) on; NULL: there is none */
	uint64_t size;
	struct virtio_blk_host *host;
};

/* What a request begins with, and the byte that it ends with (section 5.2.6). */
struct virtio_blk_header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};
#define VIRTIO_BLK_DONE	       0U
#define VIRTIO_BLK_FAILED      1U
#define VIRTIO_BLK_UNSUPPORTED 2U

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
