/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine with no virtio disks: no guest has a part of one. */
#include <stddef.h>

#include "core/host_disks.h"
#include "drivers/virtio_blk_host.h"
#include "tests/fuzz/fuzz.h"

struct host_blk *host_disk_named(const char *name)
{
	(void)name;
	return NULL;
}

const char *host_blk_join(struct host_blk *blk, struct host_blk_user *user)
{
	(void)blk;
	(void)user;
	require(false);
	return NULL;
}

void host_blk_leave(struct host_blk *blk, struct host_blk_user *user)
{
	(void)blk;
	(void)user;
	require(false);
}

enum host_blk_turn virtio_blk_host_begin(struct virtio_blk_host *host,
					 const struct virtio_chain *chain,
					 enum host_blk_kind kind, uint64_t offset,
					 uint64_t size)
{
	(void)host;
	(void)chain;
	(void)kind;
	(void)offset;
	(void)size;
	require(false);
	return HOST_BLK_BROKEN;
}

void virtio_blk_host_forget(struct virtio_blk_host *host)
{
	(void)host;
	require(false);
}

void virtio_blk_host_answered(struct virtio_blk_host *host, unsigned slot, bool is_done)
{
	(void)host;
	(void)slot;
	(void)is_done;
	require(false);
}

void virtio_blk_host_room(struct virtio_blk_host *host)
{
	(void)host;
	require(false);
}
