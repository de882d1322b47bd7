/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests' disks on the host's. See virtio_blk_host.h. */
#include "drivers/virtio_blk_host.h"

#define QUEUE 0U

static bool send(struct virtio_blk_host *host, unsigned slot)
{
	const struct virtio_blk_flight *flight = &host->flights[slot];
	const uint64_t sector = (flight->offset + flight->done) / HOST_BLK_SECTOR;

	return host_blk_send(host->disk, slot, flight->kind, host->user.first + sector,
			     flight->piece);
}

/* The next piece: false if there is none, or it cannot be sent. */
static bool go_on(struct virtio_blk_host *host, unsigned slot)
{
	struct virtio_blk_flight *flight = &host->flights[slot];
	const uint64_t left = flight->size - flight->done;

	flight->piece =
		left < host->disk->piece ? (uint32_t)left : (uint32_t)host->disk->piece;
	if (flight->kind == HOST_BLK_WRITE &&
	    virtio_chain_read(&flight->chain, &host->blk->virtio.memory,
			      sizeof(struct virtio_blk_header) + flight->done,
			      host->disk->buffers[slot], flight->piece) != STATUS_OK)
		return false;
	return send(host, slot);
}

enum host_blk_turn virtio_blk_host_begin(struct virtio_blk_host *host,
					 const struct virtio_chain *chain,
					 enum host_blk_kind kind, uint64_t offset,
					 uint64_t size)
{
	struct virtio_blk_flight *flight;
	enum host_blk_turn turn;
	unsigned slot;

	turn = host_blk_take(host->disk, &host->user, &slot);
	if (turn != HOST_BLK_TAKEN)
		return turn;
	flight = &host->flights[slot];
	flight->chain = *chain;
	flight->kind = kind;
	flight->offset = offset;
	flight->size = size;
	flight->done = 0;
	if (go_on(host, slot))
		return HOST_BLK_TAKEN;
	host_blk_release(host->disk, slot);
	return HOST_BLK_BROKEN;
}

/* ---- answers ---- */

/* What has been read is the guest's, as far as it came. */
static bool take_in(struct virtio_blk_host *host, unsigned slot)
{
	struct virtio_blk_flight *flight = &host->flights[slot];

	if (flight->kind == HOST_BLK_READ &&
	    virtio_chain_write(&flight->chain, &host->blk->virtio.memory, flight->done,
			       host->disk->buffers[slot], flight->piece) != STATUS_OK)
		return false;
	flight->done += flight->piece;
	return true;
}

static void finish(struct virtio_blk_host *host, unsigned slot, uint8_t status)
{
	const struct virtio_blk_flight *flight = &host->flights[slot];
	struct virtio_device *device = &host->blk->virtio;
	const uint64_t data = flight->kind == HOST_BLK_READ ? flight->done : 0;

	/* Its place was seen to be RAM, which stays. */
	(void)virtio_chain_write(&flight->chain, &device->memory,
				 flight->chain.writable_size - sizeof(status), &status,
				 sizeof(status));
	virtio_complete(device, QUEUE, &flight->chain, (uint32_t)(data + sizeof(status)));
	host_blk_release(host->disk, slot);
}

static void answer(struct virtio_blk_host *host, unsigned slot, bool is_done)
{
	const struct virtio_blk_flight *flight = &host->flights[slot];

	if (!is_done || !take_in(host, slot))
		finish(host, slot, VIRTIO_BLK_FAILED);
	else if (flight->done == flight->size)
		finish(host, slot, VIRTIO_BLK_DONE);
	else if (!go_on(host, slot))
		finish(host, slot, VIRTIO_BLK_FAILED);
}

void virtio_blk_host_answered(struct virtio_blk_host *host, unsigned slot, bool is_done)
{
	struct virtio_device *device = &host->blk->virtio;

	spin_lock_take(&device->lock);
	if (host_blk_is_of(host->disk, slot, &host->user))
		answer(host, slot, is_done);
	else
		host_blk_release(host->disk, slot);
	spin_lock_give(&device->lock);
}

void virtio_blk_host_room(struct virtio_blk_host *host)
{
	struct virtio_device *device = &host->blk->virtio;

	spin_lock_take(&device->lock);
	virtio_serve(device, QUEUE);
	spin_lock_give(&device->lock);
}

void virtio_blk_host_forget(struct virtio_blk_host *host)
{
	host_blk_forget(host->disk, &host->user);
}
