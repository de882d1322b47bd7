/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/vuart.c drivers/mmio.c drivers/host_mmio.c drivers/uart.c */
/* sources: core/console_mux.c mm/guest_memory.c tests/unit/fake_arch.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c */
/* sources: drivers/virtio_console.c drivers/virtio_mmio.c drivers/virtio_queue.c */
/* options: -max_len=192 */
/* flags: -fno-sanitize-coverage=trace-cmp */
/*
 * The guest's serial port under streams of accesses of any width, at any address
 * in and around its window, with input that arrives through the console at any
 * time. A model without FIFO indices and without wires says what every read
 * gives, what is refused, what goes out, what the wire is; and that no byte of
 * input is lost but by the guest's own doing, nor overtaken by another.
 */
#include <string.h>

#include "core/console_mux.h"
#include "drivers/vuart.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake_arch.h"

#define BASE	  UINT64_C(0x10000000)
#define SIZE	  UINT64_C(0x100)
#define STEPS_MAX 64

#define CONSOLE_ROOM SCREEN_INPUT /* bytes that its screen keeps for the guest */

static struct vuart vuart;
static struct screen screen;
static struct mmio_device *devices[1] = {&vuart.device};
static bool wire;

static void set_wire(struct irq_line *line, bool level)
{
	require(line->controller == &wire && wire != level);
	wire = level;
}

static int sent; /* -1: nothing */

static void transmit(void *context, uint8_t byte)
{
	require(context == &vuart && sent < 0);
	sent = byte;
	mux_put(&screen, byte);
}

/* ---- the model: bytes in a row, flags, and no shortcuts ---- */

static struct {
	unsigned ier, fcr, lcr, mcr, scr, divisor, deltas;
	bool thr_pending, overrun;
	unsigned count;
	unsigned waiting[16];
	/* Input not yet in the FIFO: in the console, and still with the firmware. */
	unsigned next, console_end, firmware_end;
} model;

/* A byte's place in the input says its value; 0 is none, since it ends a text. */
static unsigned input_value(unsigned index)
{
	return 1 + index % 255;
}

static unsigned capacity(void)
{
	return model.fcr & 1 ? 16 : 1;
}

static bool looped(void)
{
	return model.mcr & 0x10;
}

static unsigned lines(void)
{
	if (!looped())
		return 0xb0;
	return (model.mcr & 1) << 5 | (model.mcr & 2) << 3 | (model.mcr & 4) << 4 |
	       (model.mcr & 8) << 4;
}

static unsigned iir(void)
{
	static const unsigned triggers[] = {1, 4, 8, 14};
	unsigned trigger = model.fcr & 1 ? triggers[model.fcr >> 6] : 1;
	unsigned fifos = model.fcr & 1 ? 0xc0 : 0;

	if ((model.ier & 4) && model.overrun)
		return fifos | 6;
	if ((model.ier & 1) && model.count > 0)
		return fifos | (model.count >= trigger ? 4 : 0xc);
	if ((model.ier & 2) && model.thr_pending)
		return fifos | 2;
	return fifos | !((model.ier & 8) && model.deltas);
}

static void put(unsigned byte)
{
	if (model.count < capacity()) {
		model.waiting[model.count++] = byte;
		return;
	}
	model.overrun = true;
	if (!(model.fcr & 1))
		model.waiting[0] = byte;
}

static unsigned take(void)
{
	unsigned byte = model.waiting[0];

	if (model.count == 0)
		return 0;
	model.count--;
	memmove(model.waiting, model.waiting + 1,
		sizeof(model.waiting) - sizeof(model.waiting[0]));
	return byte;
}

/* What waits outside comes in as soon as there is room. */
static void let_in(void)
{
	while (!looped() && model.count < capacity() && model.next < model.console_end)
		put(input_value(model.next++));
}

static unsigned model_read(uint64_t index)
{
	unsigned value;

	if (index <= 1 && (model.lcr & 0x80))
		return index ? model.divisor >> 8 : model.divisor & 0xff;
	switch (index) {
	case 0:
		return take();
	case 1:
		return model.ier;
	case 2:
		value = iir();
		if ((value & 0xf) == 2)
			model.thr_pending = false;
		return value;
	case 3:
		return model.lcr;
	case 4:
		return model.mcr;
	case 5:
		value = 0x60U | (model.count > 0) | (unsigned)model.overrun << 1;
		model.overrun = false;
		return value;
	case 6:
		value = lines() | model.deltas;
		model.deltas = 0;
		return value;
	default:
		return model.scr;
	}
}

static void write_mcr(unsigned byte)
{
	unsigned was = lines(), is;

	model.mcr = byte & 0x1f;
	is = lines();
	model.deltas |= ((was ^ is) & 0xb0) >> 4;
	if ((was & 0x40) && !(is & 0x40))
		model.deltas |= 4;
}

/* Returns what goes out; -1: nothing. */
static int model_write(uint64_t index, unsigned byte)
{
	if (index <= 1 && (model.lcr & 0x80)) {
		model.divisor = index ? (model.divisor & 0xff) | byte << 8
				      : (model.divisor & 0xff00) | byte;
		return -1;
	}
	switch (index) {
	case 0:
		model.thr_pending = true;
		if (!looped())
			return (int)byte;
		put(byte);
		break;
	case 1:
		if ((byte & 2) && !(model.ier & 2))
			model.thr_pending = true;
		model.ier = byte & 0xf;
		break;
	case 2:
		if (((byte ^ model.fcr) & 1) || (byte & 3) == 3)
			model.count = 0;
		model.fcr = byte & 1 ? byte : 0;
		break;
	case 3:
		model.lcr = byte;
		break;
	case 4:
		write_mcr(byte);
		break;
	case 7:
		model.scr = byte;
		break;
	}
	return -1;
}

/* ---- steps ---- */

static bool is_taken(uint64_t offset, unsigned width)
{
	return offset % width == 0 && offset < 8;
}

static void read_at(uint64_t offset, unsigned width)
{
	const uint64_t untouched = UINT64_C(0x5555aaaa5555aaaa);
	uint64_t value = untouched;
	bool taken = mmio_read(devices, 1, GPA(BASE + offset), width, &value);

	require(taken == is_taken(offset, width));
	require(value == (taken ? model_read(offset) : untouched));
}

static void write_at(uint64_t offset, unsigned width, uint64_t value)
{
	bool taken;

	sent = -1;
	taken = mmio_write(devices, 1, GPA(BASE + offset), width, value);
	require(taken == is_taken(offset, width));
	require(sent == (taken ? model_write(offset, value & 0xff) : -1));
}

static char text[CONSOLE_ROOM + 300]; /* all the input there can be */

/* So many bytes more at the firmware's console; then the host's timer looks. */
static void receive(unsigned count)
{
	if (model.firmware_end + count >= sizeof(text))
		count = 0;
	text[model.firmware_end] = (char)input_value(model.firmware_end);
	model.firmware_end += count;
	text[model.firmware_end] = '\0';
	mux_receive();
	model.console_end = model.firmware_end - model.next < CONSOLE_ROOM
				    ? model.firmware_end
				    : model.next + CONSOLE_ROOM;
	require(fake_machine.input == text + model.console_end);
}

static void take_below(void)
{
	int byte = vuart_take(&vuart);

	require(byte == (model.count == 0 || looped() ? -1 : (int)take()));
}

static uint64_t some_offset(struct input *input)
{
	unsigned which = input_byte(input);

	if (which < 0xe0)
		return which % 8;
	return input_take(input, 2) % (SIZE + 0x20) - 0x10;
}

static void step(struct input *input)
{
	unsigned what = input_byte(input);
	unsigned width = what & 8 ? 1U << (what >> 4 & 3) : 1;
	uint64_t offset;

	switch (what & 7) {
	case 0:
	case 1:
	case 2:
		read_at(some_offset(input), width);
		break;
	case 3:
		receive(what >> 4 == 15 ? input_byte(input) : what >> 4);
		break;
	case 4:
		take_below();
		break;
	default:
		offset = some_offset(input);
		write_at(offset, width, input_take(input, what & 0x80 ? 8 : 1));
		break;
	}
	let_in();
}

static void check(void)
{
	require(wire == !(iir() & 1));
	require(vuart_receive_room(&vuart) == (looped() ? 0 : capacity() - model.count));
	fake_machine.output_length = 0;
}

/* Empties the console too, which keeps input for as long as the process lives. */
static void drain(void)
{
	write_at(4, 1, 0);
	let_in();
	while (model.next < model.firmware_end || model.count > 0) {
		receive(0);
		let_in();
		take_below();
		let_in();
	}
	take_below();
	text[model.firmware_end] = (char)input_value(model.firmware_end);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fake_arch_create(&fake_worst);
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)input_value(i);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct irq_line line = {.set = set_wire, .controller = &wire};

	memset(&model, 0, sizeof(model));
	model.divisor = 2;
	wire = false;
	vuart_init(&vuart, GPA(BASE), line, transmit, &vuart);
	mux_remove(&screen);
	memset(&screen, 0, sizeof(screen));
	mux_add(&screen, "fuzz", &vuart);
	mux_open(&screen);
	fake_machine.input = text;
	text[0] = '\0';
	for (unsigned i = 0; i < STEPS_MAX && input.left > 0; i++) {
		step(&input);
		check();
	}
	drain();
	return 0;
}
