/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks between VMs: a learning Ethernet switch with ports.
 *
 * Ports that are attached under one name are on one network. A frame goes into the queue
 * of each port that it is for, and is dropped, and counted, where that queue is full. So
 * a sender, who may hold the locks of its own device, never needs those of a receiver:
 * the receivers are woken by switch_deliver(), by a hart that holds none. What is in
 * frames is a guest's or the wire's: none of it is trusted. One lock, for all of it.
 */
#ifndef CORE_SWITCH_H
#define CORE_SWITCH_H

#include "core/types.h"

#define SWITCH_PORT_LIMIT  32U
#define SWITCH_FRAME_LEAST 14U	 /* bytes: a header; shorter ones are dropped */
#define SWITCH_FRAME_MOST  1514U /* with no checksum of the wire's; longer: dropped */
#define SWITCH_QUEUE_LIMIT 64U	 /* frames that wait at a port */
#define SWITCH_NAME_MOST   31U	 /* characters of a network's name */
#define MAC_SIZE	   6U

struct switch_frame {
	uint16_t size;
	uint8_t bytes[SWITCH_FRAME_MOST];
};

struct switch_port {
	/*
	 * Set by the owner before switch_attach(). Called where frames wait, with no
	 * lock held, never by two harts for one port at once; it takes what locks it
	 * needs and then frames by switch_next() and switch_done(). It need not take
	 * all: what it leaves waits, until the owner comes for it on its own account.
	 */
	void (*wake)(struct switch_port *port);

	/* The switch's. */
	const char *network;
	struct switch_frame *frames; /* SWITCH_QUEUE_LIMIT of them; NULL: not attached */
	uint32_t first;		     /* of the frames, counted on and on: the owner's */
	uint32_t end;		     /* behind the last: under the switch's lock */
	unsigned index;
	bool is_woken;
	/* Frames and bytes from the port, into its queue, and lost for want of room. */
	uint64_t sent, sent_bytes;
	uint64_t received, received_bytes;
	uint64_t dropped;
};

/*
 * Put the port, all zero but for wake, on the network of that name, which stays where it
 * is. STATUS_NO_MEMORY: no memory for its queue, or all ports are taken.
 */
enum status switch_attach(struct switch_port *port, const char *network);

/*
 * Take it off. When this returns wake() is not running and will not be called. No lock
 * may be held that wake() takes. Of no effect on a port that is not attached.
 */
void switch_detach(struct switch_port *port);

/* A frame from the port's owner, copied. Call switch_deliver() when locks are given. */
void switch_send(struct switch_port *from, const void *frame, size_t size);

/* Wake the ports that frames came for. With no lock held; cheap if there are none. */
void switch_deliver(void);

/*
 * For the owner, one hart at a time: the oldest frame that waits, there until
 * switch_done() takes it off; NULL: none does.
 */
const struct switch_frame *switch_next(const struct switch_port *port);
void switch_done(struct switch_port *port);

#endif
