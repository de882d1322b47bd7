/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/vplic.c drivers/mmio.c */
/* options: -max_len=192 */
/* flags: -fno-sanitize-coverage=trace-cmp */
/*
 * The guest's interrupt controller under streams of accesses of any width, at
 * any address in and around its window, with wires that rise and fall, for any
 * number of sources and contexts. A model that keeps one plain record for each
 * source says what every read gives, what is refused and what every output is.
 */
#include <string.h>

#include "drivers/vplic.h"
#include "tests/fuzz/fuzz.h"

#define BASE	  UINT64_C(0x0c000000)
#define SIZE	  UINT64_C(0x600000)
#define STEPS_MAX 40

static struct vplic vplic;
static struct mmio_device *devices[1] = {&vplic.device};
static bool output[VPLIC_CONTEXTS_MAX];

static void notify(void *argument, unsigned context, bool pending)
{
	require(argument == output);
	require(context < vplic.contexts);
	require(output[context] != pending); /* only on change */
	output[context] = pending;
}

/* ---- the model ---- */

static struct {
	unsigned sources, contexts;
	struct {
		bool level, pending, claimed;
		uint32_t priority;
		unsigned enabled; /* by context */
	} source[VPLIC_SOURCES_MAX + 1];
	uint32_t threshold[VPLIC_CONTEXTS_MAX];
} model;

static bool exists(uint64_t source)
{
	return source >= 1 && source <= model.sources;
}

static void gateway(unsigned source)
{
	if (model.source[source].level && !model.source[source].claimed)
		model.source[source].pending = true;
}

/* The highest priority wins, and of equal ones the lowest number. */
static unsigned best(unsigned context, uint32_t above)
{
	unsigned found = 0;

	for (unsigned i = 1; i <= model.sources; i++) {
		if (model.source[i].pending && (model.source[i].enabled >> context & 1) &&
		    model.source[i].priority > above) {
			found = i;
			above = model.source[i].priority;
		}
	}
	return found;
}

static uint32_t model_claim(unsigned context)
{
	unsigned source = best(context, 0);

	model.source[source].pending = false;
	model.source[source].claimed = source != 0;
	return source;
}

static void model_complete(unsigned context, uint32_t source)
{
	if (!exists(source) || !(model.source[source].enabled >> context & 1))
		return;
	model.source[source].claimed = false;
	gateway(source);
}

static uint32_t bits_from(uint64_t first, unsigned context, bool of_enable)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < 32; i++)
		if (exists(first + i) &&
		    (of_enable ? model.source[first + i].enabled >> context & 1
			       : model.source[first + i].pending))
			bits |= UINT32_C(1) << i;
	return bits;
}

/* Four bytes at a multiple of four within the window. */
static uint32_t model_read(uint64_t at)
{
	uint64_t context;

	if (at < 0x1000)
		return exists(at / 4) ? model.source[at / 4].priority : 0;
	if (at < 0x2000)
		return bits_from((at - 0x1000) * 8, 0, false);
	if (at < 0x200000) {
		context = (at - 0x2000) / 0x80;
		return context < model.contexts ? bits_from((at - 0x2000) % 0x80 * 8,
							    (unsigned)context, true)
						: 0;
	}
	context = (at - 0x200000) / 0x1000;
	if (context >= model.contexts)
		return 0;
	if (at % 0x1000 == 0)
		return model.threshold[context];
	return at % 0x1000 == 4 ? model_claim((unsigned)context) : 0;
}

static void model_enable(uint64_t first, unsigned context, uint32_t value)
{
	for (unsigned i = 0; i < 32; i++) {
		if (!exists(first + i))
			continue;
		model.source[first + i].enabled &= ~(1u << context);
		model.source[first + i].enabled |= (value >> i & 1) << context;
	}
}

static void model_write(uint64_t at, uint32_t value)
{
	uint64_t context;

	if (at < 0x1000) {
		if (exists(at / 4))
			model.source[at / 4].priority = value & 7;
	} else if (at >= 0x2000 && at < 0x200000) {
		context = (at - 0x2000) / 0x80;
		if (context < model.contexts)
			model_enable((at - 0x2000) % 0x80 * 8, (unsigned)context, value);
	} else if (at >= 0x200000) {
		context = (at - 0x200000) / 0x1000;
		if (context < model.contexts && at % 0x1000 == 0)
			model.threshold[context] = value & 7;
		if (context < model.contexts && at % 0x1000 == 4)
			model_complete((unsigned)context, value);
	}
}

/* ---- steps ---- */

static bool is_taken(uint64_t offset, unsigned width)
{
	return width == 4 && offset % 4 == 0 && offset < SIZE;
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
	bool taken = mmio_write(devices, 1, GPA(BASE + offset), width, value);

	require(taken == is_taken(offset, width));
	if (taken)
		model_write(offset, (uint32_t)value);
}

static void set_wire(unsigned source, bool level)
{
	struct irq_line line = vplic_line(&vplic, source);

	irq_line_set(&line, level);
	if (!exists(source))
		return;
	model.source[source].level = level;
	gateway(source);
}

static uint64_t some_offset(struct input *input)
{
	unsigned which = input_byte(input), index = input_byte(input);

	switch (which % 8) {
	case 0:
	case 1:
		return 4 * (index % 128);
	case 2:
		return 0x1000 + 4 * (index % 8);
	case 3:
	case 4:
		return 0x2000 + 0x80 * (index % 10) + 4 * (index / 10 % 5);
	case 5:
		return 0x200000 + 0x1000 * (index % 10) + 4 * (index / 10 % 3);
	case 6:
		return 0x200004 + 0x1000 * (index % 8);
	default: /* anything in the window, and a little on both sides */
		return input_take(input, 3) % (SIZE + 0x2000) - 0x1000;
	}
}

static void step(struct input *input)
{
	unsigned what = input_byte(input);
	unsigned width = what & 8 ? 1U << (what >> 4 & 3) : 4;
	uint64_t offset;

	switch (what & 7) {
	case 0:
	case 1:
		set_wire(input_byte(input) % 128, what >> 7);
		break;
	case 2:
	case 3:
	case 4:
		read_at(some_offset(input), what == 0x4c ? 3 : width);
		break;
	default:
		offset = some_offset(input);
		write_at(offset, width, input_take(input, what & 0x80 ? 8 : 1));
		break;
	}
}

static void check_outputs(void)
{
	for (unsigned i = 0; i < model.contexts; i++)
		require(output[i] == (best(i, model.threshold[i]) != 0));
}

/* The registers that can be read without a change, at the end. */
static void check_registers(void)
{
	for (uint64_t word = 0; word <= model.sources / 32 + 1; word++) {
		read_at(0x1000 + 4 * word, 4);
		for (unsigned i = 0; i < model.contexts; i++)
			read_at(0x2000 + 0x80 * i + 4 * word, 4);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	unsigned sources = input_byte(&input), contexts = input_byte(&input);
	bool possible = sources >= 1 && sources <= VPLIC_SOURCES_MAX && contexts >= 1 &&
			contexts <= VPLIC_CONTEXTS_MAX;

	memset(output, 0, sizeof(output));
	memset(&model, 0, sizeof(model));
	require((vplic_init(&vplic, GPA(BASE), sources, contexts, notify, output) ==
		 STATUS_OK) == possible);
	if (!possible)
		return 0;
	model.sources = sources;
	model.contexts = contexts;
	for (unsigned i = 0; i < STEPS_MAX && input.left > 0; i++) {
		step(&input);
		check_outputs();
	}
	check_registers();
	return 0;
}
