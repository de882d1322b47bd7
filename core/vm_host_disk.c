/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests' disks on the host's: locks, memory and words. See vm_host_disk.h. */
#include "core/vm_host_disk.h"
#include "core/host_disks.h"
#include "core/reason.h"
#include "mm/page_alloc.h"

#define HOST_ORDER 3U
_Static_assert(sizeof(struct virtio_blk_host) <= PAGE_SIZE << HOST_ORDER, "its block");

static void answered(struct host_blk_user *user, unsigned slot, bool is_done)
{
	struct vm *vm = user->context;

	spin_lock_take(&vm->devices_lock);
	virtio_blk_host_answered((struct virtio_blk_host *)user, slot, is_done);
	spin_lock_give(&vm->devices_lock);
}

static void room(struct host_blk_user *user)
{
	struct vm *vm = user->context;

	spin_lock_take(&vm->devices_lock);
	virtio_blk_host_room((struct virtio_blk_host *)user);
	spin_lock_give(&vm->devices_lock);
}

/* What the host's disk still has to answer is its own, not in here. */
void vm_host_disk_free(struct virtio_blk_host *host)
{
	host_blk_leave(host->disk, &host->user);
	page_free(host, HOST_ORDER);
}

static enum status join(struct virtio_blk_host *host, const struct disk_config *config,
			const char **why)
{
	struct host_blk_user *user = &host->user;
	const uint64_t end = host->disk->sectors * HOST_BLK_SECTOR;
	const uint64_t left = config->offset < end ? end - config->offset : 0;
	const uint64_t size = config->size > 0 ? config->size : left;
	const char *wrong = "it is no whole number of sectors";

	user->first = config->offset / HOST_BLK_SECTOR;
	user->sectors = size / HOST_BLK_SECTOR;
	user->is_writer = !config->is_read_only;
	user->owner = user->context;
	user->answered = answered;
	user->room = room;
	if (is_aligned(config->offset | size, HOST_BLK_SECTOR))
		wrong = host_blk_join(host->disk, user);
	if (wrong)
		return refuse(why, STATUS_INVALID,
			      "disk '%s', %lu bytes at %lu of the host's disk '%s': %s",
			      config->name, size, config->offset, config->host, wrong);
	return STATUS_OK;
}

enum status vm_host_disk_make(struct vm *vm, struct virtio_blk *blk,
			      const struct disk_config *config,
			      struct virtio_blk_host **made, const char **why)
{
	struct host_blk *disk = host_disk_named(config->host);
	struct virtio_blk_host *host;
	enum status status;

	if (!disk)
		return refuse(why, STATUS_NOT_FOUND,
			      "disk '%s': this machine has no disk '%s'", config->name,
			      config->host);
	host = page_alloc_zeroed(HOST_ORDER);
	if (!host)
		return refuse(why, STATUS_NO_MEMORY, "disk '%s': no memory",
			      config->name);
	host->disk = disk;
	host->blk = blk;
	host->user.context = vm;
	status = join(host, config, why);
	if (status == STATUS_OK)
		*made = host;
	else
		page_free(host, HOST_ORDER);
	return status;
}
