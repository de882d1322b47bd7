/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SiFive's own UART (FU540-C000 manual, "UART"), of the HiFive boards and of QEMU's
 * sifive_u: seven 32-bit registers, a FIFO each way, no lines to tell a sender to wait.
 *
 * After a reset it neither sends nor receives until it is told to. A read of the
 * receive register takes the byte along, and says itself whether it was one.
 */
#include "drivers/host_mmio.h"
#include "drivers/uart.h"

#define TXDATA 0x00U
#define RXDATA 0x04U
#define TXCTRL 0x08U
#define RXCTRL 0x0cU
#define IE     0x10U
#define DIV    0x18U

#define TXDATA_FULL  (UINT32_C(1) << 31)
#define RXDATA_EMPTY (UINT32_C(1) << 31)
#define RXDATA_BYTE  0xffU
#define CTRL_ENABLE  0x1U
#define RXCTRL_COUNT (7U << 16) /* more bytes than these interrupt */
#define IE_RECEIVED  0x2U

/* What reads as all ones has nothing behind it. */
#define NO_DEVICE UINT32_MAX

static uint32_t read_register(const struct uart *uart, unsigned offset)
{
	return host_mmio_read(uart->base + offset, 4);
}

static void write_register(const struct uart *uart, unsigned offset, uint32_t value)
{
	host_mmio_write(uart->base + offset, 4, value);
}

static enum status init(struct uart *uart)
{
	if (!is_aligned(uart->base, 4))
		return STATUS_UNSUPPORTED;
	if (read_register(uart, DIV) == NO_DEVICE)
		return STATUS_NOT_FOUND;
	write_register(uart, IE, 0);
	write_register(uart, TXCTRL, read_register(uart, TXCTRL) | CTRL_ENABLE);
	write_register(uart, RXCTRL,
		       (read_register(uart, RXCTRL) & ~RXCTRL_COUNT) | CTRL_ENABLE);
	return STATUS_OK;
}

static void put(struct uart *uart, uint8_t byte)
{
	while (read_register(uart, TXDATA) & TXDATA_FULL)
		;
	write_register(uart, TXDATA, byte);
}

static int get(struct uart *uart)
{
	uint32_t data = read_register(uart, RXDATA);

	return data & RXDATA_EMPTY ? -1 : (int)(data & RXDATA_BYTE);
}

static void interrupt_enable(struct uart *uart)
{
	write_register(uart, IE, IE_RECEIVED);
}

static void interrupt_pause(struct uart *uart, bool paused)
{
	write_register(uart, IE, paused ? 0 : IE_RECEIVED);
}

const struct uart_driver uart_sifive = {
	.init = init,
	.put = put,
	.get = get,
	.interrupt_enable = interrupt_enable,
	.interrupt_pause = interrupt_pause,
};
