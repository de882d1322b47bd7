/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio network card of the host's (VIRTIO 1.2, section 5.1): whole frames, nothing
 * offloaded, one queue each way.
 *
 * Frames go through buffers of Gnomon's own. That one has been sent is seen when a buffer
 * is wanted; the card interrupts for that only while all of them are out. It hears what
 * is sent to anybody: no filter is asked for. Not locked: who uses it is.
 */
#ifndef DRIVERS_HOST_NET_H
#define DRIVERS_HOST_NET_H

#include "drivers/host_virtio.h"

#define HOST_NET_BUFFERS 16U   /* each way */
#define HOST_NET_FRAME	 1518U /* bytes of a frame at most: a VLAN's tag, no checksum */
#define HOST_NET_MAC	 6U

struct host_net {
	struct host_virtio virtio;
	struct host_queue receive, transmit;
	uint8_t mac[HOST_NET_MAC]; /* all zero: it has none */
	char *buffers;		   /* of the receive queue's chains, then the other's */
	const char *wrong;	   /* why it is out of use; NULL: it is not */
};

/*
 * Set up the card that host_virtio_find() found. NULL, or what is wrong with it in
 * words: then it has been ended.
 */
const char *host_net_init(struct host_net *net, const struct host_virtio *virtio);

/* Reset it; its memory is free again, unless it does not say that it has stopped. */
void host_net_end(struct host_net *net);

/*
 * Send a frame of at most HOST_NET_FRAME bytes. False: there is no room for it, and an
 * interrupt comes when there is.
 */
bool host_net_send(struct host_net *net, const void *frame, size_t size);

/* Its interrupt is taken back; what has been sent makes room. */
void host_net_acknowledge(struct host_net *net);

/* What came, perhaps of no bytes, in place until host_net_done(chain); NULL: no more. */
const void *host_net_receive(struct host_net *net, size_t *size, unsigned *chain);
void host_net_done(struct host_net *net, unsigned chain);

#endif
