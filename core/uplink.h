/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way out of a network between VMs: a port of its switch that is a network card of
 * the host's. There is one, on the network that the boot argument `uplink` names. Frames
 * come in on the boot hart and go out from any; what finds no room in the card waits in
 * the port, and is dropped there when that is full.
 */
#ifndef CORE_UPLINK_H
#define CORE_UPLINK_H

#include "core/types.h"

struct host_virtio;

/*
 * source: of its interrupt, 0: none. network stays where it is. NULL, or what is wrong
 * with the card in words.
 */
const char *uplink_begin(const struct host_virtio *virtio, unsigned source,
			 const char *network);
bool uplink_is_there(void);

#endif
