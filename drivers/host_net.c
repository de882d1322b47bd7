/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's network cards. See host_net.h; section numbers are those of VIRTIO 1.2. */
#include "drivers/host_net.h"

#include "core/string.h"
#include "mm/page_alloc.h"

#define RECEIVE	 0U
#define TRANSMIT 1U

#define F_MAC (UINT64_C(1) << 5) /* section 5.1.3 */

/* Section 5.1.6: what is before each frame, all zero where nothing is offloaded. */
#define HEADER_SIZE  12U
#define BUFFER_SIZE  2048U
#define BUFFER_ORDER 4U
_Static_assert(PAGE_SIZE << BUFFER_ORDER == 2 * HOST_NET_BUFFERS * BUFFER_SIZE, "all");
_Static_assert(HEADER_SIZE + HOST_NET_FRAME <= BUFFER_SIZE, "a frame in its buffer");

static char *buffer_of(const struct host_net *net, const struct host_queue *queue,
		       unsigned chain)
{
	unsigned index = chain + (queue == &net->transmit ? HOST_NET_BUFFERS : 0);

	return net->buffers + index * BUFFER_SIZE;
}

static void offer(struct host_net *net, unsigned chain)
{
	const struct host_part part = {buffer_of(net, &net->receive, chain),
				       HEADER_SIZE + HOST_NET_FRAME, true};

	host_queue_put(&net->receive, chain, &part, 1);
}

static const char *make_queues(struct host_net *net)
{
	const char *wrong = host_queue_make(&net->receive, &net->virtio, RECEIVE,
					    HOST_NET_BUFFERS, 1);

	if (!wrong)
		wrong = host_queue_make(&net->transmit, &net->virtio, TRANSMIT,
					HOST_NET_BUFFERS, 1);
	if (wrong)
		return wrong;
	net->buffers = page_alloc_zeroed(BUFFER_ORDER);
	return net->buffers ? NULL : "there is no memory for its buffers";
}

void host_net_end(struct host_net *net)
{
	if (!host_virtio_stop(&net->virtio))
		return;
	host_queue_free(&net->receive);
	host_queue_free(&net->transmit);
	if (net->buffers)
		page_free(net->buffers, BUFFER_ORDER);
	net->buffers = NULL;
}

const char *host_net_init(struct host_net *net, const struct host_virtio *virtio)
{
	const char *wrong;

	*net = (struct host_net){.virtio = *virtio};
	wrong = host_virtio_begin(&net->virtio, F_MAC);
	if (!wrong)
		wrong = make_queues(net);
	if (wrong) {
		host_net_end(net);
		return wrong;
	}
	for (unsigned i = 0; i < HOST_NET_MAC && (net->virtio.features & F_MAC); i++)
		net->mac[i] = (uint8_t)host_virtio_config(&net->virtio, i, 1);
	for (unsigned i = 0; i < net->receive.chains; i++)
		offer(net, i);
	host_queue_want(&net->transmit, false);
	host_virtio_start(&net->virtio);
	host_queue_notify(&net->receive);
	return NULL;
}

/* It is stopped; buffers that it may write all the same are not given back. */
static void break_down(struct host_net *net, const char *wrong)
{
	net->wrong = wrong;
	(void)host_virtio_stop(&net->virtio);
}

/* What has been sent makes room. */
static void reap(struct host_net *net)
{
	enum host_queue_got got = HOST_QUEUE_ANSWER;
	const char *wrong = NULL;
	uint32_t written;
	unsigned chain;

	while (got == HOST_QUEUE_ANSWER)
		got = host_queue_get(&net->transmit, &chain, &written, &wrong);
	if (got == HOST_QUEUE_WRONG)
		break_down(net, wrong);
}

static bool find_free(const struct host_net *net, unsigned *chain)
{
	*chain = 0;
	while (*chain < net->transmit.chains && net->transmit.is_out[*chain])
		++*chain;
	return *chain < net->transmit.chains;
}

static bool find_room(struct host_net *net, unsigned *chain)
{
	if (find_free(net, chain))
		return true;
	reap(net);
	if (net->wrong || find_free(net, chain))
		return !net->wrong;
	host_queue_want(&net->transmit, true);
	reap(net);
	return !net->wrong && find_free(net, chain);
}

bool host_net_send(struct host_net *net, const void *frame, size_t size)
{
	struct host_part part;
	unsigned chain;

	if (net->wrong || size > HOST_NET_FRAME)
		return !net->wrong;
	if (!find_room(net, &chain))
		return false;
	part = (struct host_part){buffer_of(net, &net->transmit, chain),
				  (uint32_t)(HEADER_SIZE + size), false};
	memcpy((char *)part.data + HEADER_SIZE, frame, size);
	host_queue_put(&net->transmit, chain, &part, 1);
	host_queue_notify(&net->transmit);
	return true;
}

void host_net_acknowledge(struct host_net *net)
{
	const bool is_well = host_virtio_acknowledge(&net->virtio);
	unsigned chain;

	if (net->wrong)
		return;
	if (!is_well) {
		break_down(net, "it says that it is broken");
		return;
	}
	reap(net);
	if (!net->wrong && find_free(net, &chain))
		host_queue_want(&net->transmit, false);
}

const void *host_net_receive(struct host_net *net, size_t *size, unsigned *chain)
{
	const char *wrong;
	uint32_t written;

	if (net->wrong)
		return NULL;
	switch (host_queue_get(&net->receive, chain, &written, &wrong)) {
	case HOST_QUEUE_EMPTY:
		return NULL;
	case HOST_QUEUE_WRONG:
		break_down(net, wrong);
		return NULL;
	case HOST_QUEUE_ANSWER:
		break;
	}
	*size = written > HEADER_SIZE ? written - HEADER_SIZE : 0;
	return buffer_of(net, &net->receive, *chain) + HEADER_SIZE;
}

void host_net_done(struct host_net *net, unsigned chain)
{
	if (net->wrong)
		return;
	offer(net, chain);
	host_queue_notify(&net->receive);
}
