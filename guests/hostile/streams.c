/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random instruction streams, in S-mode and in U-mode, untranslated and under
 * each paging mode, with registers that point to where it hurts.
 *
 * A stream runs under the guard of context_run(); a timer interrupt ends one
 * that loops. Code and data lie a megabyte away from the image, out of reach of
 * a jal; what a stream destroys all the same is its own guest.
 */
#include "guests/hostile/attack.h"
#include "guests/hostile/generate.h"
#include "guests/lib/context.h"
#include "guests/lib/csr.h"
#include "guests/lib/paging.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"
#include "guests/lib/sbi.h"
#include "guests/lib/string.h"

#define CODE_PAGES   4
#define DATA_PAGES   16
#define LENGTH_LIMIT 48
#define WINDOW	     64	  /* the root's slot for what U-mode sees */
#define PATIENCE     1000 /* microseconds a stream may take */
#define EBREAK	     UINT32_C(0x00100073)

struct arena {
	uint8_t *code;
	uint8_t *data;
	struct space spaces[PAGING_MODES];
};

static struct arena arena;

static void map_for_user(const struct space *space)
{
	uint64_t va = window(space->mode, WINDOW);

	for (unsigned i = 0; i < CODE_PAGES; i++)
		space_map(space, va + i * PAGE_SIZE, 0,
			  (uintptr_t)arena.code + i * PAGE_SIZE, PTE_USER);
	for (unsigned i = 0; i < DATA_PAGES; i++)
		space_map(space, va + (CODE_PAGES + i) * PAGE_SIZE, 0,
			  (uintptr_t)arena.data + i * PAGE_SIZE, PTE_USER);
	space_map(space, va + 64 * PAGE_SIZE, 0, UART, PTE_USER);
	space_map(space, va + 65 * PAGE_SIZE, 0, PLIC, PTE_USER);
	space_map(space, va + 66 * PAGE_SIZE, 0, VACANT, PTE_USER);
	space_map(space, UART, 0, UART, PTE_KERNEL);
	space_map(space, PLIC, 1, PLIC, PTE_KERNEL);
}

static void build(void)
{
	pages_new(1024); /* the distance to the image */
	arena.code = pages_new(CODE_PAGES);
	arena.data = pages_new(DATA_PAGES);
	for (unsigned i = 0; i < PAGING_MODES; i++) {
		space_init(&arena.spaces[i], &paging_modes[i], 1 + i);
		map_for_user(&arena.spaces[i]);
	}
}

static uint64_t random_register(uint64_t code, uint64_t data)
{
	switch (random_below(10)) {
	case 0:
		return random_word();
	case 1:
		return random_word() >> random_below(64);
	case 2:
		return UART + random_below(16);
	case 3:
		return PLIC + 4 * random_below(PLIC_SIZE / 4);
	case 4:
		return random_vacant() + random_below(PAGE_SIZE);
	case 5:
		return platform.memory_end - random_below(16);
	case 6:
		return code + 2 * random_below(CODE_PAGES * PAGE_SIZE / 2);
	default:
		return data + 8 * random_below(DATA_PAGES * PAGE_SIZE / 8);
	}
}

static uint64_t place_stream(bool wild)
{
	unsigned length = 1 + random_below(LENGTH_LIMIT);
	unsigned offset = 2 * random_below(CODE_PAGES * PAGE_SIZE / 2 - 2 * LENGTH_LIMIT);
	uint32_t instruction = EBREAK;

	/* Often across a page boundary. */
	if (one_in(4))
		offset = (unsigned)PAGE_SIZE * (1 + random_below(CODE_PAGES - 2)) -
			 2 * random_below(2 * length);
	memset(arena.code, 0, CODE_PAGES * PAGE_SIZE);
	for (unsigned i = 0; i < length; i++) {
		instruction = random_instruction(wild);
		memcpy(arena.code + offset + 4 * i, &instruction, 4);
	}
	instruction = EBREAK;
	memcpy(arena.code + offset + 4 * length, &instruction, 4);
	fence_instructions();
	return offset;
}

/* Go on behind each instruction that traps, so that all of them are tried. */
static void run_to_the_end(struct context *context, uint64_t code)
{
	for (unsigned traps = 0; traps < 2 * LENGTH_LIMIT; traps++) {
		uint64_t offset;
		uint16_t half;

		context_run(context);
		for (unsigned n = 1; n < 32; n++)
			check_value(context->x[n], context->pc);
		offset = context->pc - code;
		if (context->cause & CAUSE_INTERRUPT ||
		    offset >= CODE_PAGES * PAGE_SIZE - 4)
			return;
		memcpy(&half, arena.code + offset, sizeof(half));
		if (half == 0)
			return;
		context->pc += (half & 3) == 3 ? 4 : 2;
	}
}

static void run_stream(unsigned how, bool wild)
{
	const struct space *space = NULL;
	uint64_t code = (uintptr_t)arena.code, data = (uintptr_t)arena.data;
	struct context context = {.pc = place_stream(wild)};

	if (!one_in(3))
		space = &arena.spaces[random_below(PAGING_MODES)];
	if (space && paging_supported(space->mode)) {
		space_enter(space);
		if (how & USER) {
			code = window(space->mode, WINDOW);
			data = code + CODE_PAGES * PAGE_SIZE;
		}
	}
	context.pc += code;
	for (unsigned n = 1; n < 32; n++)
		context.x[n] = random_register(code, data);
	context.sstatus = probe_sstatus(how | INTERRUPTS);
	csr_write(sie, INTERRUPT_STI | (one_in(2) ? INTERRUPT_SSI : 0));
	sbi_set_timer(time_now() + platform_ticks(PATIENCE));
	run_to_the_end(&context, code);
	recover();
}

static void run_streams(unsigned how, bool wild)
{
	build();
	for (uint64_t i = 0; i < attack_count(); i++) {
		unsigned more = one_in(4) ? SUM | MXR : 0;

		run_stream(how | more, wild);
	}
}

void attack_streams(void)
{
	run_streams(SUPERVISOR, false);
}

void attack_user_streams(void)
{
	run_streams(USER, true);
}

/* Nothing is spared: sooner or later the guest cannot come back. */
void attack_wild_streams(void)
{
	run_streams(SUPERVISOR, true);
}
