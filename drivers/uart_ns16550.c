/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any chip with the registers of an ns16550a. Reading the status clears its error
 * bits, so this driver must be the only one to read it.
 *
 * One byte is given to the chip per "transmitter holding register empty", even
 * where it has a FIFO: some merge stores that follow each other closely.
 */
#include "drivers/host_mmio.h"
#include "drivers/ns16550.h"
#include "drivers/uart.h"

/* What reads as all ones has nothing behind it. */
#define NO_DEVICE 0xffU

/* A page per register: far more than any board spreads them. */
#define SHIFT_MAX 12U

static unsigned read_register(const struct uart *uart, unsigned index)
{
	uintptr_t address = uart->base + ((uintptr_t)index << uart->shift);

	return host_mmio_read(address, uart->io_width) & 0xff;
}

static void write_register(const struct uart *uart, unsigned index, unsigned value)
{
	uintptr_t address = uart->base + ((uintptr_t)index << uart->shift);

	host_mmio_write(address, uart->io_width, value);
}

static unsigned read_status(struct uart *uart)
{
	unsigned status = read_register(uart, NS16550_LSR);

	if (status & NS16550_LSR_OVERRUN)
		uart->overruns++;
	return status;
}

static enum status init(struct uart *uart)
{
	unsigned shift = uart->shift, io_width = uart->io_width;
	unsigned line_control;

	if (io_width != 1 && io_width != 4)
		return STATUS_UNSUPPORTED;
	if (shift > SHIFT_MAX || (1U << shift) < io_width ||
	    !is_aligned(uart->base, io_width))
		return STATUS_UNSUPPORTED;
	if (read_register(uart, NS16550_LSR) == NO_DEVICE)
		return STATUS_NOT_FOUND;
	line_control = read_register(uart, NS16550_LCR);
	if (line_control & NS16550_LCR_DLAB)
		write_register(uart, NS16550_LCR, line_control & ~NS16550_LCR_DLAB);
	write_register(uart, NS16550_IER, 0);
	return STATUS_OK;
}

static void put(struct uart *uart, uint8_t byte)
{
	while (!(read_status(uart) & NS16550_LSR_THR_EMPTY))
		;
	write_register(uart, NS16550_THR, byte);
}

static int get(struct uart *uart)
{
	if (!(read_status(uart) & NS16550_LSR_DATA_READY))
		return -1;
	return (int)read_register(uart, NS16550_RBR);
}

/*
 * FIFOs on, to interrupt from the first byte. On PC-like boards, OUT2 gates the
 * interrupt; DTR and RTS tell the other side to go ahead.
 */
static void interrupt_enable(struct uart *uart)
{
	unsigned modem_control = read_register(uart, NS16550_MCR);

	write_register(uart, NS16550_FCR, NS16550_FCR_ENABLE);
	write_register(uart, NS16550_MCR,
		       modem_control | NS16550_MCR_DTR | NS16550_MCR_RTS |
			       NS16550_MCR_OUT2);
	write_register(uart, NS16550_IER, NS16550_IER_RECEIVED);
}

static void interrupt_pause(struct uart *uart, bool paused)
{
	unsigned modem_control = read_register(uart, NS16550_MCR) & ~NS16550_MCR_RTS;

	if (!paused)
		modem_control |= NS16550_MCR_RTS;
	write_register(uart, NS16550_MCR, modem_control);
	write_register(uart, NS16550_IER, paused ? 0 : NS16550_IER_RECEIVED);
}

const struct uart_driver uart_ns16550 = {
	.init = init,
	.put = put,
	.get = get,
	.interrupt_enable = interrupt_enable,
	.interrupt_pause = interrupt_pause,
};
