/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio console with one port (VIRTIO 1.2, section 5.3), beside the serial port on
 * the same line: what the guest writes goes where the serial port's bytes go.
 *
 * No byte from outside is ever dropped: what the driver has no buffer for is refused, as
 * vuart_receive() does. Locked by its transport; receiving never waits for that lock,
 * since who holds it may be waiting for the caller's.
 */
#ifndef DRIVERS_VIRTIO_CONSOLE_H
#define DRIVERS_VIRTIO_CONSOLE_H

#include "drivers/virtio_mmio.h"

/* A driver that wants more written at once breaks the device. */
#define VIRTIO_CONSOLE_MAX 65536U

struct virtio_console {
	struct virtio_device virtio; /* first, so that one pointer serves for both */
	void (*transmit)(void *context, uint8_t byte);
	void (*room)(void *context);
	void *context;
	int input;    /* the byte on its way in; -1: none */
	bool refused; /* somebody outside holds a byte back */
};

/* transmit: as vuart_init() has it. room: as vuart_on_room() has it. */
void virtio_console_init(struct virtio_console *console, gpa_t base, struct irq_line irq,
			 const struct virtio_memory *memory,
			 void (*transmit)(void *context, uint8_t byte), void *context);
void virtio_console_on_room(struct virtio_console *console, void (*room)(void *context));

/* Has the guest a driver for it at work? Then input is meant for it. */
bool virtio_console_is_open(const struct virtio_console *console);

/* Hand the guest a byte; false: no room or busy, room() is called when to try again. */
bool virtio_console_receive(struct virtio_console *console, uint8_t byte);

#endif
