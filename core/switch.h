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
#define SWITCH_FRAME_MOST  1518U /* with a VLAN's tag, and no checksum; longer: dropped  \
				  */
#define SWITCH_QUEUE_LIMIT 64U	 /* frames that wait at a port */
#define SWITCH_LEARNED	   16U	 /* addresses behind one port; the oldest makes way */
#define MAC_SIZE	   6U

struct switch_frame {
	uint16_t size;
	uint8_t bytes[SWITCH_FRAME_MOST];
};

/*
 * Frames that the port sent, that came into its queue, and that were dropped: they found
 * it full, or came from it in the name of another port.
 */
struct switch_counts {
	uint64_t sent;
	uint64_t received;
	uint64_t dropped;
};

struct switch_port {
	/*
	 * Set by the owner before switch_attach(). Called where frames came, with no
	 * lock held, perhaps by several harts at once; it takes what locks it needs and
	 * then frames by switch_next() and switch_done(). It need not take all: what it
	 * leaves waits until the owner comes for it on its own account. It sends none.
	 */
	void (*wake)(struct switch_port *port);

	/*
	 * The owner's name, for people, and its own address, in whose name nobody else on
	 * the network sends; 0: none.
	 */
	const char *name;
	uint64_t mac;

	/* The switch's. */
	const char *network;	     /* NULL: not attached */
	struct switch_frame *frames; /* SWITCH_QUEUE_LIMIT of them */
	uint32_t first; /* of those that wait, counted on and on: the owner's to change */
	uint32_t end;	/* behind the last: changed under the switch's lock */
	unsigned index;
	unsigned wakers;		  /* harts in wake() */
	uint64_t learned[SWITCH_LEARNED]; /* addresses behind the port; 0: free */
	unsigned next_learned;		  /* the oldest */
	struct switch_counts counts;
};

/* Ports with frames that nobody has told them of, one bit each. */
extern uint32_t switch_woken;

/*
 * Put the port, all zero but for wake, name and mac, on the network of that name, which
 * stays where it is. STATUS_NO_MEMORY: no memory for its queue, or all ports are taken.
 * STATUS_INVALID: another port of that network has its address.
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
void switch_wake(void);

static inline void switch_deliver(void)
{
	if (__atomic_load_n(&switch_woken, __ATOMIC_SEQ_CST))
		switch_wake();
}

/* The 6 bytes of an address as a number, the first of them the highest. */
static inline uint64_t switch_mac(const uint8_t bytes[MAC_SIZE])
{
	uint64_t mac = 0;

	for (unsigned i = 0; i < MAC_SIZE; i++)
		mac = mac << 8 | bytes[i];
	return mac;
}

/* A port as it is now. */
struct switch_view {
	const char *network;
	const char *name;
	uint64_t mac;
	unsigned waiting; /* frames */
	struct switch_counts counts;
};

/* Of the port in that place, below SWITCH_PORT_LIMIT; false: there is none. */
bool switch_view(unsigned index, struct switch_view *view);

/*
 * For the owner, one hart at a time: the oldest frame that waits, there until
 * switch_done() takes it off; NULL: none does.
 */
const struct switch_frame *switch_next(const struct switch_port *port);
void switch_done(struct switch_port *port);

#endif
