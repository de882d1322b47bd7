/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Switching frames between the ports of a network. See switch.h.
 *
 * What a port learned is its own, so that a sender of ever new addresses makes room
 * among its own only. Each queue has one who puts in, under the lock, and one who takes
 * out, its owner: `first` and `end` are all that they share. No lock is taken under the
 * switch's.
 */
#include "core/switch.h"

#include "core/spin_lock.h"
#include "core/string.h"
#include "mm/page_alloc.h"

#define FOR_MANY (UINT64_C(1) << 40) /* the group bit of an address */

struct header {
	uint8_t to[MAC_SIZE];
	uint8_t from[MAC_SIZE];
};

uint32_t switch_woken;

static struct spin_lock lock;
static struct switch_port *ports[SWITCH_PORT_LIMIT];

static unsigned queue_order(void)
{
	return page_order_for(SWITCH_QUEUE_LIMIT * sizeof(struct switch_frame));
}

/* ---- addresses ---- */

static bool is_beside(const struct switch_port *port, const struct switch_port *other)
{
	return strcmp(port->network, other->network) == 0;
}

static bool has(const struct switch_port *port, uint64_t mac)
{
	if (port->mac == mac)
		return true;
	for (unsigned i = 0; i < SWITCH_LEARNED; i++)
		if (port->learned[i] == mac)
			return true;
	return false;
}

static void forget(struct switch_port *port, uint64_t mac)
{
	for (unsigned i = 0; i < SWITCH_LEARNED; i++)
		if (port->learned[i] == mac)
			port->learned[i] = 0;
}

/* The port of this one's network that has the address, itself included; NULL: none. */
static struct switch_port *find(const struct switch_port *from, uint64_t mac)
{
	if (mac == 0 || (mac & FOR_MANY))
		return NULL;
	for (unsigned i = 0; i < SWITCH_PORT_LIMIT; i++)
		if (ports[i] && is_beside(ports[i], from) && has(ports[i], mac))
			return ports[i];
	return NULL;
}

/* Another port has that address for its own. */
static bool is_anothers(const struct switch_port *port, uint64_t mac)
{
	for (unsigned i = 0; mac != 0 && i < SWITCH_PORT_LIMIT; i++)
		if (ports[i] && ports[i] != port && ports[i]->mac == mac &&
		    is_beside(ports[i], port))
			return true;
	return false;
}

/* It is behind this port now, and no longer behind another. It is no other's own. */
static void learn(struct switch_port *port, uint64_t mac)
{
	struct switch_port *before = find(port, mac);

	if (mac == 0 || (mac & FOR_MANY) || before == port)
		return;
	if (before)
		forget(before, mac);
	port->learned[port->next_learned++ % SWITCH_LEARNED] = mac;
}

/* ---- ports ---- */

static enum status put_in(struct switch_port *port)
{
	struct switch_port *before;
	unsigned index = 0;

	while (index < SWITCH_PORT_LIMIT && ports[index])
		index++;
	if (index == SWITCH_PORT_LIMIT)
		return STATUS_NO_MEMORY;
	if (is_anothers(port, port->mac))
		return STATUS_INVALID;
	before = find(port, port->mac);
	if (before)
		forget(before, port->mac);
	port->index = index;
	ports[index] = port;
	return STATUS_OK;
}

enum status switch_attach(struct switch_port *port, const char *network)
{
	enum status status;

	port->frames = page_alloc_zeroed(queue_order());
	if (!port->frames)
		return STATUS_NO_MEMORY;
	port->network = network;
	spin_lock_take(&lock);
	status = put_in(port);
	spin_lock_give(&lock);
	if (status == STATUS_OK)
		return STATUS_OK;
	port->network = NULL;
	page_free(port->frames, queue_order());
	return status;
}

void switch_detach(struct switch_port *port)
{
	if (!port->network)
		return;
	spin_lock_take(&lock);
	ports[port->index] = NULL;
	spin_lock_give(&lock);
	while (__atomic_load_n(&port->wakers, __ATOMIC_ACQUIRE) > 0)
		harts_serve();
	port->network = NULL;
	page_free(port->frames, queue_order());
}

/* ---- frames ---- */

static void queue(struct switch_port *port, const void *bytes, size_t size)
{
	struct switch_frame *frame = &port->frames[port->end % SWITCH_QUEUE_LIMIT];

	if (port->end - __atomic_load_n(&port->first, __ATOMIC_ACQUIRE) ==
	    SWITCH_QUEUE_LIMIT) {
		port->counts.dropped++;
	} else {
		frame->size = (uint16_t)size;
		memcpy(frame->bytes, bytes, size);
		port->counts.received++;
		__atomic_store_n(&port->end, port->end + 1, __ATOMIC_RELEASE);
	}
	__atomic_fetch_or(&switch_woken, UINT32_C(1) << port->index, __ATOMIC_SEQ_CST);
}

/* The wire beyond an uplink may send in nobody's name either. */
static void forward(struct switch_port *from, const void *frame, size_t size)
{
	const struct header *header = frame;
	const struct switch_port *to;

	if (is_anothers(from, switch_mac(header->from))) {
		from->counts.dropped++;
		return;
	}
	from->counts.sent++;
	learn(from, switch_mac(header->from));
	to = find(from, switch_mac(header->to));
	for (unsigned i = 0; i < SWITCH_PORT_LIMIT; i++) {
		struct switch_port *port = ports[i];

		if (port && port != from && (!to || to == port) && is_beside(port, from))
			queue(port, frame, size);
	}
}

void switch_send(struct switch_port *from, const void *frame, size_t size)
{
	if (!from->network || size < SWITCH_FRAME_LEAST || size > SWITCH_FRAME_MOST)
		return;
	spin_lock_take(&lock);
	forward(from, frame, size);
	spin_lock_give(&lock);
}

const struct switch_frame *switch_next(const struct switch_port *port)
{
	if (__atomic_load_n(&port->end, __ATOMIC_ACQUIRE) == port->first)
		return NULL;
	return &port->frames[port->first % SWITCH_QUEUE_LIMIT];
}

void switch_done(struct switch_port *port)
{
	__atomic_store_n(&port->first, port->first + 1, __ATOMIC_RELEASE);
}

/* ---- waking ---- */

/* A port that is found stays until its waker is counted off. */
static struct switch_port *begin_wake(unsigned index)
{
	struct switch_port *port;

	spin_lock_take(&lock);
	port = ports[index];
	if (port)
		__atomic_fetch_add(&port->wakers, 1, __ATOMIC_RELAXED);
	spin_lock_give(&lock);
	return port;
}

/* Once: what comes meanwhile, its sender wakes for. */
void switch_wake(void)
{
	uint32_t woken = __atomic_exchange_n(&switch_woken, 0, __ATOMIC_SEQ_CST);

	for (unsigned i = 0; i < SWITCH_PORT_LIMIT; i++) {
		struct switch_port *port = woken >> i & 1 ? begin_wake(i) : NULL;

		if (!port)
			continue;
		port->wake(port);
		__atomic_fetch_sub(&port->wakers, 1, __ATOMIC_RELEASE);
	}
}

/* ---- for people ---- */

bool switch_view(unsigned index, struct switch_view *view)
{
	const struct switch_port *port;

	spin_lock_take(&lock);
	port = ports[index];
	if (port)
		*view = (struct switch_view){
			.network = port->network,
			.name = port->name,
			.mac = port->mac,
			.waiting = port->end -
				   __atomic_load_n(&port->first, __ATOMIC_RELAXED),
			.counts = port->counts,
		};
	spin_lock_give(&lock);
	return port;
}
