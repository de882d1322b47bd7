/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the driver of the host's disks share, beside host_blk.h: users and
 * their turns (host_blk_users.c), requests and answers (host_blk.c). All of it with the
 * disk's lock held.
 */
#ifndef DRIVERS_HOST_BLK_INSIDE_H
#define DRIVERS_HOST_BLK_INSIDE_H

#include "drivers/host_blk.h"

/* What of a request is not data. */
struct host_blk_talk {
	struct {
		uint32_t type;
		uint32_t reserved;
		uint64_t sector;
	} header;
	uint8_t status;
};

/* Nobody's any more, unless the disk may still write there: then it stays lost. */
void host_blk_put_back(struct host_blk_slot *slot);

/*
 * Of those whom a call of room() is of use to, the one whose turn it is, who waits no
 * more; NULL: there is none.
 */
struct host_blk_user *host_blk_next_waiting(struct host_blk *blk);

#endif
