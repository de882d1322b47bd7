/* SPDX-License-Identifier: BSD-2-Clause */
/* A network's way out. See uplink.h. */
#include "core/uplink.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/spin_lock.h"
#include "core/switch.h"
#include "drivers/host_net.h"

static struct {
	struct spin_lock lock; /* of the card, and of who takes from the port */
	struct host_net net;
	struct switch_port port;
	bool has_said; /* that the card is out of use */
} uplink;

static void send_waiting(void)
{
	const struct switch_frame *frame;

	while ((frame = switch_next(&uplink.port)) &&
	       host_net_send(&uplink.net, frame->bytes, frame->size))
		switch_done(&uplink.port);
}

static void begin(void)
{
	spin_lock_take(&uplink.lock);
}

/* With no lock held, a line on the console may be written. */
static void end(void)
{
	const bool is_news = uplink.net.wrong && !uplink.has_said;

	uplink.has_said |= is_news;
	spin_lock_give(&uplink.lock);
	if (is_news)
		log_line("uplink of '%s': %s; it is out of use", uplink.port.network,
			 uplink.net.wrong);
}

static void wake(struct switch_port *port)
{
	(void)port;
	begin();
	send_waiting();
	end();
}

static void take_in(void)
{
	const void *frame;
	unsigned chain;
	size_t size;

	/* Each buffer once: what comes into one meanwhile interrupts once more. */
	for (unsigned i = 0; i < HOST_NET_BUFFERS; i++) {
		frame = host_net_receive(&uplink.net, &size, &chain);
		if (!frame)
			return;
		switch_send(&uplink.port, frame, size);
		host_net_done(&uplink.net, chain);
	}
}

static void serve(void *context)
{
	(void)context;
	begin();
	host_net_acknowledge(&uplink.net);
	send_waiting();
	take_in();
	end();
	switch_deliver();
}

/* NULL, or why it leads nowhere. */
static const char *join(unsigned source, const char *network)
{
	uplink.port.wake = wake;
	uplink.port.mac = switch_mac(uplink.net.mac);
	if (switch_attach(&uplink.port, network) != STATUS_OK)
		return "there is no memory for its port";
	if (interrupt_add(source, INTERRUPT_MOST, serve, NULL))
		return NULL;
	switch_detach(&uplink.port);
	return "it is one device more than this Gnomon serves";
}

const char *uplink_begin(const struct host_virtio *virtio, unsigned source,
			 const char *network)
{
	const char *wrong = host_net_init(&uplink.net, virtio);

	if (wrong)
		return wrong;
	wrong = join(source, network);
	if (wrong) {
		host_net_end(&uplink.net);
		return wrong;
	}
	log_line("uplink of network '%s': card at 0x%lx, %s", network, virtio->base,
		 interrupt_is_possible() && source > 0 ? "with an interrupt" : "polled");
	return NULL;
}

bool uplink_is_there(void)
{
	return uplink.port.network != NULL;
}
