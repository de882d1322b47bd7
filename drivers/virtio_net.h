/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio network device (VIRTIO 1.2, section 5.1) on a port of a switch.
 *
 * One queue each way and whole frames, with nothing offloaded: no checksum is left out
 * and no frame is longer than the wire has them. What the guest sends is in the switch
 * when its notification is answered; what came for it waits at the port until the driver
 * has a buffer, which has to hold all of it. Locked by its transport.
 */
#ifndef DRIVERS_VIRTIO_NET_H
#define DRIVERS_VIRTIO_NET_H

#include "core/switch.h"
#include "drivers/virtio_mmio.h"

/* The configuration space, as far as the features that are offered have it. */
struct virtio_net_config {
	uint8_t mac[MAC_SIZE];
	uint16_t status;
};

struct virtio_net {
	struct virtio_device virtio; /* first, so that one pointer serves for both */
	struct switch_port port;     /* its owner attaches it */
	struct virtio_net_config config;
	uint64_t misfits; /* frames that the buffer they were to go to is too small for */
	uint8_t frame[SWITCH_FRAME_MOST]; /* the one being sent */
};

void virtio_net_init(struct virtio_net *net, gpa_t base, struct irq_line irq,
		     const struct virtio_memory *memory, const uint8_t mac[MAC_SIZE]);

/* Hand the guest what waits at the port; with no driver at work it is dropped. */
void virtio_net_receive(struct virtio_net *net);

#endif
