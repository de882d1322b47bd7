/* SPDX-License-Identifier: BSD-2-Clause */
/* The console that needs no UART. See virtio_console.h. */
#include "drivers/virtio_console.h"

#define DEVICE_ID 3U
#define PIECE	  256U

/* Section 5.3.2; with one port there are no others. */
enum {
	RECEIVE = 0,
	TRANSMIT = 1,
	QUEUES,
};

static enum virtio_answer serve_receive(struct virtio_console *console,
					const struct virtio_chain *chain,
					uint32_t *written)
{
	const uint8_t byte = (uint8_t)console->input;

	if (chain->writable_size == 0)
		return VIRTIO_MALFORMED;
	if (console->input < 0)
		return VIRTIO_LATER;
	console->input = -1;
	*written = sizeof(byte);
	return virtio_chain_write(chain, &console->virtio.memory, 0, &byte,
				  sizeof(byte)) == STATUS_OK
		       ? VIRTIO_DONE
		       : VIRTIO_MALFORMED;
}

static enum virtio_answer serve_transmit(struct virtio_console *console,
					 const struct virtio_chain *chain)
{
	const uint64_t size = chain->readable_size;
	uint8_t bytes[PIECE];

	if (size > VIRTIO_CONSOLE_MAX)
		return VIRTIO_MALFORMED;
	for (uint64_t done = 0; done < size; done += PIECE) {
		uint64_t length = size - done < PIECE ? size - done : PIECE;

		if (virtio_chain_read(chain, &console->virtio.memory, done, bytes,
				      length) != STATUS_OK)
			return VIRTIO_MALFORMED;
		for (uint64_t i = 0; i < length; i++)
			console->transmit(console->context, bytes[i]);
	}
	return VIRTIO_DONE;
}

static enum virtio_answer serve(struct virtio_device *device, unsigned queue,
				const struct virtio_chain *chain, uint32_t *written)
{
	struct virtio_console *console = (struct virtio_console *)device;

	return queue == RECEIVE ? serve_receive(console, chain, written)
				: serve_transmit(console, chain);
}

/* A new buffer, a reset or a lock that is free again: it may go in now. */
static void settle(struct virtio_device *device)
{
	struct virtio_console *console = (struct virtio_console *)device;

	if (__atomic_load_n(&console->refused, __ATOMIC_SEQ_CST) && console->room)
		console->room(console->context);
}

static const struct virtio_class class = {
	.name = "virtio-console",
	.id = DEVICE_ID,
	.queues = QUEUES,
	.serve = serve,
	.settle = settle,
};

void virtio_console_init(struct virtio_console *console, gpa_t base, struct irq_line irq,
			 const struct virtio_memory *memory,
			 void (*transmit)(void *context, uint8_t byte), void *context)
{
	virtio_init(&console->virtio, &class, base, irq, memory);
	console->transmit = transmit;
	console->room = NULL;
	console->context = context;
	console->input = -1;
	console->refused = false;
}

void virtio_console_on_room(struct virtio_console *console, void (*room)(void *context))
{
	console->room = room;
}

bool virtio_console_is_open(const struct virtio_console *console)
{
	return virtio_is_live(&console->virtio, RECEIVE);
}

/* Refused first: whoever has the lock looks at that when it is given back. */
bool virtio_console_receive(struct virtio_console *console, uint8_t byte)
{
	bool is_taken;

	__atomic_store_n(&console->refused, true, __ATOMIC_SEQ_CST);
	if (!spin_lock_try(&console->virtio.lock))
		return false;
	console->input = byte;
	virtio_serve(&console->virtio, RECEIVE);
	is_taken = console->input < 0;
	console->input = -1;
	if (is_taken)
		__atomic_store_n(&console->refused, false, __ATOMIC_SEQ_CST);
	spin_lock_give(&console->virtio.lock);
	return is_taken;
}
