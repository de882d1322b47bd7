/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The serial port shown to a guest: an ns16550a with 16-byte FIFOs.
 *
 * The line is infinitely fast: the transmitter is always empty, and the character
 * timeout comes at once. Speed, parity and word length are kept but mean nothing.
 * No byte from outside is ever dropped: what does not fit is refused. Not locked:
 * each public function, and those behind device, are the places to lock.
 */
#ifndef DRIVERS_VUART_H
#define DRIVERS_VUART_H

#include "drivers/mmio.h"
#include "drivers/ns16550.h"

/* The window in bytes and the clock in Hz, for the guest's device tree. */
#define VUART_SIZE  UINT64_C(0x100)
#define VUART_CLOCK 3686400U

struct vuart {
	struct mmio_device device; /* first, so that one pointer serves for both */
	struct irq_line irq;
	void (*transmit)(void *context, uint8_t byte);
	void (*room)(void *context);
	void *context;
	unsigned divisor;
	unsigned interrupt_enable;
	unsigned fifo_control;
	unsigned line_control;
	unsigned modem_control;
	unsigned modem_deltas; /* the lower half of MSR */
	unsigned scratch;
	bool thr_empty_pending; /* the interrupt, not the state: that is always so */
	bool overrun;
	bool refused; /* somebody outside holds a byte back */
	bool irq_level;
	unsigned head;	/* index of the oldest byte in fifo */
	unsigned count; /* bytes in fifo; at most 1 while FIFOs are disabled */
	uint8_t fifo[NS16550_FIFO_LENGTH];
};

/*
 * Set to the state after reset, with CTS, DSR and DCD on. transmit is called
 * once per byte the guest sends, on the hart of the sending vCPU; it must not
 * call back into the vuart.
 */
void vuart_init(struct vuart *vuart, gpa_t base, struct irq_line irq,
		void (*transmit)(void *context, uint8_t byte), void *context);

/*
 * Have room(context) called, with the context given to vuart_init(), each time
 * there is room again after vuart_receive() refused a byte. It may call
 * vuart_receive().
 */
void vuart_on_room(struct vuart *vuart, void (*room)(void *context));

/*
 * Hand the guest a byte; false: no room, keep it and try again later. Never
 * calls room itself.
 */
bool vuart_receive(struct vuart *vuart, uint8_t byte);

/*
 * Take the oldest received byte, as the guest would from RBR but whatever its
 * LCR says: for a console that is the same line seen from below. -1: none.
 */
int vuart_take(struct vuart *vuart);

/* How many bytes vuart_receive() would take now; 0 in loopback mode. */
unsigned vuart_receive_room(const struct vuart *vuart);

#endif
