/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's disk that is a part of a disk of the host's.
 *
 * A request of the guest's is carried out in pieces of a slot's buffer, one after the
 * other, and answered when the host's disk has answered the last: until then it keeps
 * its descriptors, and other requests go on beside it. The data of each piece is copied
 * between the buffer and the guest's RAM by Gnomon; the host's disk comes to no guest's
 * RAM. A guest that resets its device, or ends, is answered no more. Locked as the
 * virtio device is, whose lock virtio_blk_host_answered() takes.
 */
#ifndef DRIVERS_VIRTIO_BLK_HOST_H
#define DRIVERS_VIRTIO_BLK_HOST_H

#include "drivers/host_blk.h"
#include "drivers/virtio_blk.h"

struct virtio_blk_flight {
	struct virtio_chain chain;
	enum host_blk_kind kind;
	uint64_t offset; /* bytes from the beginning of the guest's disk */
	uint64_t size;
	uint64_t done;
	uint32_t piece; /* bytes that are on their way */
};

struct virtio_blk_host {
	struct host_blk_user user; /* first, so that one pointer serves for both */
	struct host_blk *disk;
	struct virtio_blk *blk;
	struct virtio_blk_flight flights[HOST_BLK_SLOTS]; /* by slot */
};

/*
 * Begin a request whose data lies within the disk. HOST_BLK_TAKEN: its chain is answered
 * later. HOST_BLK_WAIT: it is to be served again, when there is room.
 */
enum host_blk_turn virtio_blk_host_begin(struct virtio_blk_host *host,
					 const struct virtio_chain *chain,
					 enum host_blk_kind kind, uint64_t offset,
					 uint64_t size);
void virtio_blk_host_forget(struct virtio_blk_host *host);

/* What the user's answered() and room() come to. */
void virtio_blk_host_answered(struct virtio_blk_host *host, unsigned slot, bool is_done);
void virtio_blk_host_room(struct virtio_blk_host *host);

#endif
