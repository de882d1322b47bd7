/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DesignWare's UART, a 16550 with a register more and two interrupts of its own, which
 * nothing of the 16550's takes back: a write of LCR while the chip is busy, which is lost
 * too, and a receive timeout that can stay behind when its byte has been read. The PLIC
 * would bring either of them again for ever. (Synopsys' data book: USR, IIR.)
 */
#include "drivers/host_mmio.h"
#include "drivers/ns16550.h"
#include "drivers/uart.h"

#define DESIGNWARE_USR	    31U /* reading it takes the busy interrupt back */
#define DESIGNWARE_IIR_BUSY 0x07U
#define IIR_REASON	    0x0fU

/* A byte is on its way for 87 us at 115200 baud, and 16 of them may be; a read takes 0.1.
 */
#define PATIENCE 50000U

static unsigned read_register(const struct uart *uart, unsigned index)
{
	uintptr_t address = uart->base + ((uintptr_t)index << uart->shift);

	return host_mmio_read(address, uart->io_width) & 0xff;
}

static enum status init(struct uart *uart)
{
	enum status status = uart_ns16550.init(uart);

	for (unsigned i = 0; i < PATIENCE && status == STATUS_OK; i++) {
		if (!(read_register(uart, NS16550_LCR) & NS16550_LCR_DLAB))
			return STATUS_OK;
		read_register(uart, DESIGNWARE_USR);
		status = uart_ns16550.init(uart);
	}
	return status == STATUS_OK ? STATUS_NOT_FOUND : status;
}

static void put(struct uart *uart, uint8_t byte)
{
	uart_ns16550.put(uart, byte);
}

/* A byte may have come since the status was read, and then it is no stale timeout's. */
static int settle(struct uart *uart, unsigned reason)
{
	int byte = uart_ns16550.get(uart);

	if (byte < 0 && reason == NS16550_IIR_TIMEOUT)
		read_register(uart, NS16550_RBR);
	if (byte < 0 && reason == DESIGNWARE_IIR_BUSY)
		read_register(uart, DESIGNWARE_USR);
	return byte;
}

static int get(struct uart *uart)
{
	int byte = uart_ns16550.get(uart);

	if (byte >= 0)
		return byte;
	return settle(uart, read_register(uart, NS16550_IIR) & IIR_REASON);
}

static void interrupt_enable(struct uart *uart)
{
	uart_ns16550.interrupt_enable(uart);
}

static void interrupt_pause(struct uart *uart, bool paused)
{
	uart_ns16550.interrupt_pause(uart, paused);
}

const struct uart_driver uart_designware = {
	.init = init,
	.put = put,
	.get = get,
	.interrupt_enable = interrupt_enable,
	.interrupt_pause = interrupt_pause,
};
