/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding the host's disks. See host_disks.h. */
#include "core/host_disks.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/string.h"
#include "core/timer.h"
#include "core/uplink.h"
#include "drivers/host_blk.h"
#include "mm/page_alloc.h"

_Static_assert(sizeof(struct host_blk) <= PAGE_SIZE, "it is kept in a page");

static struct host_blk *disks[HOST_DISK_LIMIT];
static unsigned disk_count;

static void use(struct host_blk *blk, void (*how)(struct host_blk *blk))
{
	const bool was_well = !blk->wrong;

	how(blk);
	if (was_well && blk->wrong)
		log_line("host disk: '%s': %s; it is out of use", blk->name, blk->wrong);
}

static void serve_disk(void *context)
{
	use(context, host_blk_serve);
}

/* One that does not answer does not interrupt either. */
static void look(void)
{
	for (unsigned i = 0; i < disk_count; i++)
		use(disks[i], host_blk_look);
}

static void log_disk(const struct host_blk *blk, unsigned source)
{
	char how[24] = "polled";

	if (interrupt_is_possible() && source > 0)
		format_text(how, sizeof(how), "interrupt %u", source);
	log_line("host disk: '%s' at 0x%lx, %lu sectors%s, %s", blk->name,
		 blk->virtio.base, blk->sectors, blk->is_read_only ? ", read-only" : "",
		 how);
}

/* NULL, or why it is of no use. */
static const char *use_disk(struct host_blk *blk, unsigned source)
{
	if (!blk->name[0])
		format_text(blk->name, sizeof(blk->name), "disk%u", disk_count);
	if (host_disk_named(blk->name))
		return "another disk has its name";
	if (!interrupt_add(source, INTERRUPT_MOST, serve_disk, blk))
		return "it is one device more than this Gnomon serves";
	disks[disk_count++] = blk;
	log_disk(blk, source);
	return NULL;
}

static const char *add_disk(const struct host_virtio *virtio, unsigned source,
			    uint64_t patience)
{
	struct host_blk *blk;
	const char *wrong;

	if (disk_count == HOST_DISK_LIMIT)
		return "it is one disk more than this Gnomon uses";
	blk = page_alloc_zeroed(0);
	if (!blk)
		return "there is no memory for it";
	wrong = host_blk_init(blk, virtio, patience);
	if (!wrong) {
		wrong = use_disk(blk, source);
		if (wrong)
			host_blk_end(blk);
	}
	if (wrong)
		page_free(blk, 0);
	return wrong;
}

static void look_at(const struct host_virtio_place *place, const char *uplink,
		    uint64_t patience)
{
	const unsigned source = place->has_interrupt ? place->interrupt : 0;
	const char *wrong = NULL;
	struct host_virtio virtio;
	enum status status = host_virtio_find(&virtio, place->base.raw);

	if (status == STATUS_UNSUPPORTED)
		wrong = "it speaks the legacy interface alone (for QEMU: -global "
			"virtio-mmio.force-legacy=off)";
	else if (status == STATUS_OK && virtio.id == HOST_VIRTIO_BLK)
		wrong = add_disk(&virtio, source, patience);
	else if (status == STATUS_OK && virtio.id == HOST_VIRTIO_NET && uplink[0] &&
		 !uplink_is_there())
		wrong = uplink_begin(&virtio, source, uplink);
	if (wrong)
		log_line("virtio device %u at 0x%lx: %s; it is left alone", virtio.id,
			 place->base.raw, wrong);
}

void host_disks_find(const char *uplink, uint64_t patience)
{
	for (unsigned i = 0; i < machine.fdt.virtio_count; i++)
		look_at(&machine.fdt.virtio[i], uplink, patience);
	if (disk_count > 0)
		timer_watch(look);
	if (machine.fdt.virtio_left_out > 0)
		log_line("virtio: %u places for devices are left out",
			 machine.fdt.virtio_left_out);
}

struct host_blk *host_disk_named(const char *name)
{
	for (unsigned i = 0; i < disk_count; i++)
		if (strcmp(disks[i]->name, name) == 0)
			return disks[i];
	return NULL;
}
