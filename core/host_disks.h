/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's disks: its virtio devices are looked for once, at boot, where the device
 * tree has places for them, and are kept for as long as the machine runs. One that does
 * not behave is named on the console and left alone. Changed by the boot hart.
 */
#ifndef CORE_HOST_DISKS_H
#define CORE_HOST_DISKS_H

#include "core/types.h"

struct host_blk;

#define HOST_DISK_LIMIT 4U

/*
 * After interrupt_init(), and before timer_init(), which looks for what is polled. A disk
 * that takes longer than so many ticks of the machine's time for a request is used no
 * more; that is looked for once a second. The
 * first network card is the uplink of that network, if it is not ""; the others, and all
 * where it is, are left alone.
 */
void host_disks_find(const char *uplink, uint64_t patience);

/* The disk with that serial number; NULL: there is none. */
struct host_blk *host_disk_named(const char *name);

#endif
