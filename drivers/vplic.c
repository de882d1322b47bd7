/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller shown to a guest.
 *
 * A source goes round: wire high -> pending -> claimed -> completed, and again
 * if the wire is still high. forward() is the only way to pending, and a request
 * once forwarded is never taken back (PLIC specification, "Interrupt
 * Gateways"). Whatever changes the registers ends in update(), which works out
 * every output anew: a handful of words, and no history to get wrong.
 */
#include "drivers/vplic.h"

#include "drivers/plic_layout.h"

static bool bit_is_set(const uint32_t *words, unsigned bit)
{
	return words[bit / 32] >> bit % 32 & 1;
}

static void bit_assign(uint32_t *words, unsigned bit, bool value)
{
	uint32_t mask = UINT32_C(1) << bit % 32;

	words[bit / 32] = value ? words[bit / 32] | mask : words[bit / 32] & ~mask;
}

static bool source_exists(const struct vplic *vplic, uint64_t source)
{
	return source >= 1 && source <= vplic->sources;
}

/* The bits of a word that stand for sources that exist. */
static uint32_t existing_bits(const struct vplic *vplic, uint64_t word)
{
	uint32_t bits = 0;

	for (unsigned bit = 0; bit < 32; bit++) {
		if (source_exists(vplic, word * 32 + bit))
			bits |= UINT32_C(1) << bit;
	}
	return bits;
}

/* __builtin_ctz is a call into libgcc on RV64GC, and Gnomon does not link that. */
static unsigned lowest_bit(uint32_t bits)
{
	unsigned bit = 0;

	while (!(bits >> bit & 1))
		bit++;
	return bit;
}

/*
 * The pending and enabled source of the highest priority above floor, the
 * lowest number winning a tie; 0 if there is none.
 */
static unsigned best_source(const struct vplic *vplic, unsigned context, uint32_t floor)
{
	unsigned best = 0;

	for (unsigned word = 0; word < VPLIC_WORDS; word++) {
		uint32_t left = vplic->pending[word] & vplic->enable[context][word];

		for (; left; left &= left - 1) {
			unsigned source = word * 32 + lowest_bit(left);

			if (vplic->priority[source] > floor) {
				best = source;
				floor = vplic->priority[source];
			}
		}
	}
	return best;
}

static void update(struct vplic *vplic)
{
	for (unsigned context = 0; context < vplic->contexts; context++) {
		bool output = best_source(vplic, context, vplic->threshold[context]) != 0;

		if (output == vplic->output[context])
			continue;
		vplic->output[context] = output;
		vplic->notify(vplic->argument, context, output);
	}
}

/* The gateway: at most one request of a source is under way at any time. */
static void forward(struct vplic *vplic, unsigned source)
{
	if (bit_is_set(vplic->level, source) && !bit_is_set(vplic->claimed, source))
		bit_assign(vplic->pending, source, true);
}

/* "Interrupt Claim Process": the threshold does not matter here. */
static uint32_t claim(struct vplic *vplic, unsigned context)
{
	unsigned source = best_source(vplic, context, 0);

	if (source) {
		bit_assign(vplic->pending, source, false);
		bit_assign(vplic->claimed, source, true);
	}
	return source;
}

/*
 * "Interrupt Completion": by any context where the source is enabled, whoever
 * claimed it; otherwise ignored.
 */
static void complete(struct vplic *vplic, unsigned context, uint32_t source)
{
	if (!source_exists(vplic, source) || !bit_is_set(vplic->enable[context], source))
		return;
	bit_assign(vplic->claimed, source, false);
	forward(vplic, source);
}

static uint32_t read_priority(struct vplic *vplic, uint64_t offset)
{
	uint64_t source = offset / 4;

	return source_exists(vplic, source) ? vplic->priority[source] : 0;
}

static void write_priority(struct vplic *vplic, uint64_t offset, uint32_t value)
{
	uint64_t source = offset / 4;

	if (source_exists(vplic, source))
		vplic->priority[source] = value & VPLIC_PRIORITY_MAX;
}

static uint32_t read_pending(struct vplic *vplic, uint64_t offset)
{
	uint64_t word = offset / 4;

	return word < VPLIC_WORDS ? vplic->pending[word] : 0;
}

static uint32_t read_enable(struct vplic *vplic, uint64_t offset)
{
	uint64_t context = offset / PLIC_ENABLE_STRIDE;
	uint64_t word = offset % PLIC_ENABLE_STRIDE / 4;

	if (context >= vplic->contexts || word >= VPLIC_WORDS)
		return 0;
	return vplic->enable[context][word];
}

static void write_enable(struct vplic *vplic, uint64_t offset, uint32_t value)
{
	uint64_t context = offset / PLIC_ENABLE_STRIDE;
	uint64_t word = offset % PLIC_ENABLE_STRIDE / 4;

	if (context < vplic->contexts && word < VPLIC_WORDS)
		vplic->enable[context][word] = value & existing_bits(vplic, word);
}

static uint32_t read_context(struct vplic *vplic, uint64_t offset)
{
	uint64_t context = offset / PLIC_CONTEXT_STRIDE;

	if (context >= vplic->contexts)
		return 0;
	switch (offset % PLIC_CONTEXT_STRIDE) {
	case PLIC_THRESHOLD:
		return vplic->threshold[context];
	case PLIC_CLAIM:
		return claim(vplic, (unsigned)context);
	default:
		return 0;
	}
}

static void write_context(struct vplic *vplic, uint64_t offset, uint32_t value)
{
	uint64_t context = offset / PLIC_CONTEXT_STRIDE;

	if (context >= vplic->contexts)
		return;
	switch (offset % PLIC_CONTEXT_STRIDE) {
	case PLIC_THRESHOLD:
		vplic->threshold[context] = value & VPLIC_PRIORITY_MAX;
		break;
	case PLIC_CLAIM:
		complete(vplic, (unsigned)context, value);
		break;
	}
}

/* Pending bits are read-only: only a claim clears one. */
static void write_nothing(struct vplic *vplic, uint64_t offset, uint32_t value)
{
	(void)vplic;
	(void)offset;
	(void)value;
}

struct region {
	uint64_t start;
	uint64_t size;
	uint32_t (*read)(struct vplic *vplic, uint64_t offset);
	void (*write)(struct vplic *vplic, uint64_t offset, uint32_t value);
};

static const struct region regions[] = {
	{PLIC_PRIORITY, PLIC_PENDING - PLIC_PRIORITY, read_priority, write_priority},
	{PLIC_PENDING, PLIC_ENABLE - PLIC_PENDING, read_pending, write_nothing},
	{PLIC_ENABLE, PLIC_CONTEXT - PLIC_ENABLE, read_enable, write_enable},
	{PLIC_CONTEXT, VPLIC_SIZE - PLIC_CONTEXT, read_context, write_context},
};

/* The region of a register; NULL unless the access is one that registers take. */
static const struct region *find_region(uint64_t offset, unsigned width)
{
	for (size_t i = 0; i < ARRAY_LENGTH(regions); i++) {
		if (width == 4 &&
		    range_within(offset, width, regions[i].start, regions[i].size))
			return &regions[i];
	}
	return NULL;
}

/* Registers that do not exist read as 0, and writing them does nothing. */
static bool vplic_read(struct mmio_device *device, uint64_t offset, unsigned width,
		       uint64_t *value)
{
	struct vplic *vplic = (struct vplic *)device;
	const struct region *region = find_region(offset, width);

	if (!region)
		return false;
	*value = region->read(vplic, offset - region->start);
	update(vplic);
	return true;
}

static bool vplic_write(struct mmio_device *device, uint64_t offset, unsigned width,
			uint64_t value)
{
	struct vplic *vplic = (struct vplic *)device;
	const struct region *region = find_region(offset, width);

	if (!region)
		return false;
	region->write(vplic, offset - region->start, (uint32_t)value);
	update(vplic);
	return true;
}

enum status vplic_init(struct vplic *vplic, gpa_t base, unsigned sources,
		       unsigned contexts,
		       void (*notify)(void *argument, unsigned context, bool pending),
		       void *argument)
{
	if (sources < 1 || sources > VPLIC_SOURCES_MAX)
		return STATUS_INVALID;
	if (contexts < 1 || contexts > VPLIC_CONTEXTS_MAX)
		return STATUS_INVALID;
	*vplic = (struct vplic){
		.device = {.name = "plic",
			   .base = base,
			   .size = VPLIC_SIZE,
			   .read = vplic_read,
			   .write = vplic_write},
		.notify = notify,
		.argument = argument,
		.sources = sources,
		.contexts = contexts,
	};
	return STATUS_OK;
}

static void line_set(struct irq_line *line, bool level)
{
	vplic_set_level(line->controller, line->source, level);
}

struct irq_line vplic_line(struct vplic *vplic, unsigned source)
{
	return (struct irq_line){.set = line_set, .controller = vplic, .source = source};
}

void vplic_set_level(struct vplic *vplic, unsigned source, bool level)
{
	if (!source_exists(vplic, source))
		return;
	bit_assign(vplic->level, source, level);
	forward(vplic, source);
	update(vplic);
}
