/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The serial port shown to a guest, as the PC16550D data sheet describes it.
 *
 * Each register has a function for reading and one for writing. They only
 * change state; settle(), called once at the end of every access, draws the
 * consequences: it lets held-back input in and sets the interrupt wire.
 * Accesses wider than a byte act on the register at their first address, and
 * read as 0 above it, as on QEMU's virt machine: programs do use sw on THR.
 */
#include "drivers/vuart.h"

/* What firmware would leave behind: 115200 baud from VUART_CLOCK. */
#define RESET_DIVISOR 2U

static bool fifos_enabled(const struct vuart *vuart)
{
	return vuart->fifo_control & NS16550_FCR_ENABLE;
}

static bool in_loopback(const struct vuart *vuart)
{
	return vuart->modem_control & NS16550_MCR_LOOP;
}

static unsigned receive_capacity(const struct vuart *vuart)
{
	return fifos_enabled(vuart) ? NS16550_FIFO_LENGTH : 1;
}

static unsigned receive_trigger(const struct vuart *vuart)
{
	static const unsigned char levels[] = {1, 4, 8, 14};

	if (!fifos_enabled(vuart))
		return 1;
	return levels[vuart->fifo_control >> NS16550_FCR_TRIGGER_SHIFT];
}

/* The modem lines as in MSR's upper half; loopback wires outputs to inputs. */
static unsigned modem_lines(const struct vuart *vuart)
{
	static const struct {
		unsigned output;
		unsigned input;
	} wires[] = {
		{NS16550_MCR_DTR, NS16550_MSR_DSR},
		{NS16550_MCR_RTS, NS16550_MSR_CTS},
		{NS16550_MCR_OUT1, NS16550_MSR_RI},
		{NS16550_MCR_OUT2, NS16550_MSR_DCD},
	};
	unsigned lines = 0;

	if (!in_loopback(vuart))
		return NS16550_MSR_CTS | NS16550_MSR_DSR | NS16550_MSR_DCD;
	for (size_t i = 0; i < ARRAY_LENGTH(wires); i++) {
		if (vuart->modem_control & wires[i].output)
			lines |= wires[i].input;
	}
	return lines;
}

/* The interrupt with the highest priority, as in IIR's lower half. */
static unsigned interrupt_identity(const struct vuart *vuart)
{
	unsigned enabled = vuart->interrupt_enable;

	if ((enabled & NS16550_IER_LINE_STATUS) && vuart->overrun)
		return NS16550_IIR_LINE_STATUS;
	if ((enabled & NS16550_IER_RECEIVED) && vuart->count >= receive_trigger(vuart))
		return NS16550_IIR_RECEIVED;
	if ((enabled & NS16550_IER_RECEIVED) && vuart->count > 0)
		return NS16550_IIR_TIMEOUT;
	if ((enabled & NS16550_IER_THR_EMPTY) && vuart->thr_empty_pending)
		return NS16550_IIR_THR_EMPTY;
	if ((enabled & NS16550_IER_MODEM) && vuart->modem_deltas)
		return NS16550_IIR_MODEM;
	return NS16550_IIR_NONE;
}

static void drive_wire(struct vuart *vuart)
{
	bool level = interrupt_identity(vuart) != NS16550_IIR_NONE;

	if (level == vuart->irq_level)
		return;
	vuart->irq_level = level;
	irq_line_set(&vuart->irq, level);
}

/* Input first, so that the wire does not fall only to rise again. */
static void settle(struct vuart *vuart)
{
	if (vuart->refused && vuart_receive_room(vuart) > 0) {
		vuart->refused = false;
		if (vuart->room)
			vuart->room(vuart->context);
	}
	drive_wire(vuart);
}

static void fifo_push(struct vuart *vuart, unsigned byte)
{
	unsigned tail = (vuart->head + vuart->count) % NS16550_FIFO_LENGTH;

	vuart->fifo[tail] = (uint8_t)byte;
	vuart->count++;
}

/*
 * A byte off the looped-back line. An overrun loses the new byte when there is
 * a FIFO, and the one waiting in RBR when there is none.
 */
static void loop_back(struct vuart *vuart, unsigned byte)
{
	if (vuart->count == receive_capacity(vuart)) {
		vuart->overrun = true;
		if (fifos_enabled(vuart))
			return;
		vuart->count = 0;
	}
	fifo_push(vuart, byte);
}

static unsigned fifo_pop(struct vuart *vuart)
{
	unsigned byte = vuart->fifo[vuart->head];

	vuart->head = (vuart->head + 1) % NS16550_FIFO_LENGTH;
	vuart->count--;
	return byte;
}

static unsigned read_rbr(struct vuart *vuart)
{
	if (vuart->line_control & NS16550_LCR_DLAB)
		return vuart->divisor & 0xff;
	return vuart->count > 0 ? fifo_pop(vuart) : 0;
}

/* THR empties at once, which is what raises its interrupt anew. */
static void write_thr(struct vuart *vuart, unsigned byte)
{
	if (vuart->line_control & NS16550_LCR_DLAB) {
		vuart->divisor = (vuart->divisor & 0xff00) | byte;
		return;
	}
	if (in_loopback(vuart))
		loop_back(vuart, byte);
	else
		vuart->transmit(vuart->context, (uint8_t)byte);
	vuart->thr_empty_pending = true;
}

static unsigned read_ier(struct vuart *vuart)
{
	if (vuart->line_control & NS16550_LCR_DLAB)
		return vuart->divisor >> 8;
	return vuart->interrupt_enable;
}

/* Enabling THR's interrupt raises it when THR is empty, as it always is. */
static void write_ier(struct vuart *vuart, unsigned byte)
{
	if (vuart->line_control & NS16550_LCR_DLAB) {
		vuart->divisor = (vuart->divisor & 0x00ff) | byte << 8;
		return;
	}
	if (byte & ~vuart->interrupt_enable & NS16550_IER_THR_EMPTY)
		vuart->thr_empty_pending = true;
	vuart->interrupt_enable = byte & NS16550_IER_ALL;
}

/* THR's interrupt is over once it has been reported; the others stay. */
static unsigned read_iir(struct vuart *vuart)
{
	unsigned identity = interrupt_identity(vuart);

	if (identity == NS16550_IIR_THR_EMPTY)
		vuart->thr_empty_pending = false;
	return identity | (fifos_enabled(vuart) ? NS16550_IIR_FIFOS : 0);
}

/*
 * Enabling or disabling empties the FIFOs; no other bit counts unless the
 * enable bit is written with it. There is never a transmit FIFO to reset.
 */
static void write_fcr(struct vuart *vuart, unsigned byte)
{
	bool enable = byte & NS16550_FCR_ENABLE;

	if (enable != fifos_enabled(vuart) ||
	    (enable && (byte & NS16550_FCR_RESET_RECEIVE)))
		vuart->count = 0;
	vuart->fifo_control = enable ? byte : 0;
}

static unsigned read_lcr(struct vuart *vuart)
{
	return vuart->line_control;
}

static void write_lcr(struct vuart *vuart, unsigned byte)
{
	vuart->line_control = byte;
}

static unsigned read_mcr(struct vuart *vuart)
{
	return vuart->modem_control;
}

/* RI's delta bit is for its trailing edge only. */
static void write_mcr(struct vuart *vuart, unsigned byte)
{
	unsigned before = modem_lines(vuart);
	unsigned changed;

	vuart->modem_control = byte & NS16550_MCR_ALL;
	changed = before ^ modem_lines(vuart);
	if (!(before & NS16550_MSR_RI))
		changed &= ~NS16550_MSR_RI;
	vuart->modem_deltas |= changed >> NS16550_MSR_DELTA_SHIFT;
}

static unsigned read_lsr(struct vuart *vuart)
{
	unsigned status = NS16550_LSR_THR_EMPTY | NS16550_LSR_IDLE;

	if (vuart->count > 0)
		status |= NS16550_LSR_DATA_READY;
	if (vuart->overrun)
		status |= NS16550_LSR_OVERRUN;
	vuart->overrun = false;
	return status;
}

static unsigned read_msr(struct vuart *vuart)
{
	unsigned status = modem_lines(vuart) | vuart->modem_deltas;

	vuart->modem_deltas = 0;
	return status;
}

static unsigned read_scr(struct vuart *vuart)
{
	return vuart->scratch;
}

static void write_scr(struct vuart *vuart, unsigned byte)
{
	vuart->scratch = byte;
}

/* The data sheet keeps writes of LSR and MSR for factory tests. */
static void write_nothing(struct vuart *vuart, unsigned byte)
{
	(void)vuart;
	(void)byte;
}

static const struct {
	unsigned (*read)(struct vuart *vuart);
	void (*write)(struct vuart *vuart, unsigned byte);
} registers[NS16550_REGISTERS] = {
	[NS16550_RBR] = {read_rbr, write_thr},
	[NS16550_IER] = {read_ier, write_ier},
	[NS16550_IIR] = {read_iir, write_fcr},
	[NS16550_LCR] = {read_lcr, write_lcr},
	[NS16550_MCR] = {read_mcr, write_mcr},
	[NS16550_LSR] = {read_lsr, write_nothing},
	[NS16550_MSR] = {read_msr, write_nothing},
	[NS16550_SCR] = {read_scr, write_scr},
};

static bool vuart_read(struct mmio_device *device, uint64_t offset, unsigned width,
		       uint64_t *value)
{
	struct vuart *vuart = (struct vuart *)device;

	(void)width;
	if (offset >= NS16550_REGISTERS)
		return false;
	*value = registers[offset].read(vuart);
	settle(vuart);
	return true;
}

static bool vuart_write(struct mmio_device *device, uint64_t offset, unsigned width,
			uint64_t value)
{
	struct vuart *vuart = (struct vuart *)device;

	(void)width;
	if (offset >= NS16550_REGISTERS)
		return false;
	registers[offset].write(vuart, value & 0xff);
	settle(vuart);
	return true;
}

void vuart_init(struct vuart *vuart, gpa_t base, struct irq_line irq,
		void (*transmit)(void *context, uint8_t byte), void *context)
{
	*vuart = (struct vuart){
		.device = {.name = "uart",
			   .base = base,
			   .size = VUART_SIZE,
			   .read = vuart_read,
			   .write = vuart_write},
		.irq = irq,
		.transmit = transmit,
		.context = context,
		.divisor = RESET_DIVISOR,
	};
}

void vuart_on_room(struct vuart *vuart, void (*room)(void *context))
{
	vuart->room = room;
}

unsigned vuart_receive_room(const struct vuart *vuart)
{
	return in_loopback(vuart) ? 0 : receive_capacity(vuart) - vuart->count;
}

bool vuart_receive(struct vuart *vuart, uint8_t byte)
{
	if (vuart_receive_room(vuart) == 0) {
		vuart->refused = true;
		return false;
	}
	fifo_push(vuart, byte);
	drive_wire(vuart);
	return true;
}

int vuart_take(struct vuart *vuart)
{
	int byte;

	if (vuart->count == 0 || in_loopback(vuart))
		return -1;
	byte = (int)fifo_pop(vuart);
	settle(vuart);
	return byte;
}
