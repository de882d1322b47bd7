/* SPDX-License-Identifier: BSD-2-Clause */
/* Network cards for guests. See virtio_net.h; section numbers are those of VIRTIO 1.2. */
#include "drivers/virtio_net.h"

#include "core/string.h"

#define DEVICE_ID 1U

/* Section 5.1.3. */
#define F_MAC	 (UINT64_C(1) << 5)
#define F_STATUS (UINT64_C(1) << 16)

#define STATUS_LINK_UP 1U

/* Section 5.1.2; with no control queue there are no others. */
enum {
	RECEIVE = 0,
	TRANSMIT = 1,
	QUEUES,
};

/* Section 5.1.6, as it is with VIRTIO_F_VERSION_1. */
struct header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t num_buffers;
};

/* The oldest frame that the buffer can hold; NULL: there is none. */
static const struct switch_frame *next_fit(struct virtio_net *net, uint64_t size)
{
	const struct switch_frame *frame;

	while ((frame = switch_next(&net->port)) != NULL &&
	       frame->size > size - sizeof(struct header)) {
		net->misfits++;
		switch_done(&net->port);
	}
	return frame;
}

static enum virtio_answer
serve_receive(struct virtio_net *net, const struct virtio_chain *chain, uint32_t *written)
{
	const struct header header = {.num_buffers = 1};
	const struct virtio_memory *memory = &net->virtio.memory;
	const struct switch_frame *frame;
	enum status status;

	if (chain->writable_size < sizeof(header))
		return VIRTIO_MALFORMED;
	frame = next_fit(net, chain->writable_size);
	if (!frame)
		return VIRTIO_LATER;
	*written = (uint32_t)sizeof(header) + frame->size;
	status = virtio_chain_write(chain, memory, 0, &header, sizeof(header));
	if (status == STATUS_OK)
		status = virtio_chain_write(chain, memory, sizeof(header), frame->bytes,
					    frame->size);
	switch_done(&net->port);
	return status == STATUS_OK ? VIRTIO_DONE : VIRTIO_MALFORMED;
}

/* The header has nothing to say: all that it could ask for was not offered. */
static enum virtio_answer serve_transmit(struct virtio_net *net,
					 const struct virtio_chain *chain)
{
	uint64_t size;

	if (chain->readable_size < sizeof(struct header))
		return VIRTIO_MALFORMED;
	size = chain->readable_size - sizeof(struct header);
	if (size > sizeof(net->frame))
		return VIRTIO_DONE;
	if (virtio_chain_read(chain, &net->virtio.memory, sizeof(struct header),
			      net->frame, size) != STATUS_OK)
		return VIRTIO_MALFORMED;
	switch_send(&net->port, net->frame, size);
	return VIRTIO_DONE;
}

static enum virtio_answer serve(struct virtio_device *device, unsigned queue,
				const struct virtio_chain *chain, uint32_t *written)
{
	struct virtio_net *net = (struct virtio_net *)device;

	return queue == RECEIVE ? serve_receive(net, chain, written)
				: serve_transmit(net, chain);
}

static const struct virtio_class class = {
	.name = "virtio-net",
	.id = DEVICE_ID,
	.queues = QUEUES,
	.serve = serve,
};

void virtio_net_init(struct virtio_net *net, gpa_t base, struct irq_line irq,
		     const struct virtio_memory *memory, const uint8_t mac[MAC_SIZE])
{
	virtio_init(&net->virtio, &class, base, irq, memory);
	net->config = (struct virtio_net_config){.status = STATUS_LINK_UP};
	memcpy(net->config.mac, mac, MAC_SIZE);
	net->port = (struct switch_port){.mac = switch_mac(mac)};
	net->misfits = 0;
	virtio_offer(&net->virtio, F_MAC | F_STATUS, &net->config, sizeof(net->config));
}

void virtio_net_receive(struct virtio_net *net)
{
	spin_lock_take(&net->virtio.lock);
	if (virtio_is_live(&net->virtio, RECEIVE))
		virtio_serve(&net->virtio, RECEIVE);
	else
		while (switch_next(&net->port))
			switch_done(&net->port);
	spin_lock_give(&net->virtio.lock);
}
