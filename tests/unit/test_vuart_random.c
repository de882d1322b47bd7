/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/vuart.c drivers/mmio.c */
/*
 * The guest's serial port under random accesses and input, against a model
 * that knows nothing of FIFO indices, of wires or of when to look at what: after
 * every step, every value read and the wire must be what the model says.
 */
#include "tests/unit/vuart_bench.h"

/* A model for random accesses: bytes in a row, flags, and no shortcuts. */
static struct {
	unsigned ier, fcr, lcr, mcr, scr, divisor, deltas;
	bool thr_pending, overrun;
	unsigned waiting[16];
	unsigned count;
} model;

static unsigned model_lines(void)
{
	if (!(model.mcr & 0x10))
		return 0xb0;
	return (model.mcr & 1) << 5 | (model.mcr & 2) << 3 | (model.mcr & 4) << 4 |
	       (model.mcr & 8) << 4;
}

static unsigned model_iir(void)
{
	static const unsigned triggers[] = {1, 4, 8, 14};
	unsigned trigger = model.fcr & 1 ? triggers[model.fcr >> 6] : 1;
	unsigned fifos = model.fcr & 1 ? 0xc0 : 0;

	if (model.ier & 4 && model.overrun)
		return fifos | 6;
	if (model.ier & 1 && model.count)
		return fifos | (model.count >= trigger ? 4 : 0xc);
	if (model.ier & 2 && model.thr_pending)
		return fifos | 2;
	return fifos | !(model.ier & 8 && model.deltas);
}

static void model_put(unsigned byte)
{
	if (model.count == (model.fcr & 1 ? 16 : 1)) {
		model.overrun = true;
		if (!(model.fcr & 1))
			model.waiting[0] = byte;
		return;
	}
	model.waiting[model.count++] = byte;
}

static unsigned model_read(unsigned index)
{
	unsigned value = 0;

	if (index <= 1 && model.lcr & 0x80)
		return index ? model.divisor >> 8 : model.divisor & 0xff;
	switch (index) {
	case 0:
		if (model.count) {
			value = model.waiting[0];
			model.count--;
			memmove(model.waiting, model.waiting + 1,
				sizeof(model.waiting) - sizeof(model.waiting[0]));
		}
		return value;
	case 1:
		return model.ier;
	case 2:
		value = model_iir();
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
		value = model_lines() | model.deltas;
		model.deltas = 0;
		return value;
	default:
		return model.scr;
	}
}

static void model_write_mcr(unsigned byte)
{
	unsigned before = model_lines();
	unsigned after;

	model.mcr = byte & 0x1f;
	after = model_lines();
	model.deltas |= ((before ^ after) & 0xb0) >> 4;
	if (before & 0x40 && !(after & 0x40))
		model.deltas |= 4;
}

static void model_write(unsigned index, unsigned byte)
{
	if (index == 0 && model.lcr & 0x80)
		model.divisor = (model.divisor & 0xff00) | byte;
	else if (index == 1 && model.lcr & 0x80)
		model.divisor = (model.divisor & 0xff) | byte << 8;
	else if (index == 0) {
		if (model.mcr & 0x10)
			model_put(byte);
		model.thr_pending = true;
	} else if (index == 1) {
		if (byte & 2 && !(model.ier & 2))
			model.thr_pending = true;
		model.ier = byte & 0xf;
	} else if (index == 2) {
		if ((byte ^ model.fcr) & 1 || (byte & 3) == 3)
			model.count = 0;
		model.fcr = byte & 1 ? byte : 0;
	} else if (index == 3)
		model.lcr = byte;
	else if (index == 4)
		model_write_mcr(byte);
	else if (index == 7)
		model.scr = byte;
}

static unsigned random_bits(unsigned bits)
{
	static uint64_t state = 0x123456789abcdef;

	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(state >> (64 - bits));
}

static void random_accesses(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.divisor = 2;
	for (unsigned step = 0; step < 300000; step++) {
		unsigned index = random_bits(3);
		unsigned byte = random_bits(8);
		unsigned room =
			model.mcr & 0x10 ? 0 : (model.fcr & 1 ? 16 : 1) - model.count;

		outside.sent_count = 0;
		if (index == NS16550_LCR && random_bits(2)) /* mostly without DLAB */
			byte &= 0x7f;
		assert_int_equal(vuart_receive_room(&outside.vuart), room);
		switch (random_bits(2)) {
		case 0:
			assert_int_equal(in(index), model_read(index));
			break;
		case 1:
			out(index, byte);
			model_write(index, byte);
			break;
		default:
			assert_int_equal(vuart_receive(&outside.vuart, (uint8_t)byte),
					 room > 0);
			if (room)
				model_put(byte);
			break;
		}
		assert_int_equal(outside.wire, !(model_iir() & 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(random_accesses, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
