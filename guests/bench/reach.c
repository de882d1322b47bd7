/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random loads from 1 MB to 1 GB of 4 KiB pages, as far as memory allows: first
 * each page once ("cold"), then at random, when every translation exists somewhere
 * ("warm"). "depth" is the same from 16 MB in each paging mode that the hart has.
 * Operations: pages, then loads.
 */
#include "guests/bench/bench.h"

#define ASID 1

static struct space space;

static volatile uint64_t *word(uint64_t page)
{
	return (volatile uint64_t *)(user_base(space.mode) + page * PAGE_SIZE);
}

static void prepare(const struct paging_mode *mode, uint64_t pages)
{
	uint64_t frames;

	frames_reset();
	user_space_new(&space, mode, ASID);
	frames = frames_new(pages);
	user_map(&space, user_base(mode), frames, pages);
	for (uint64_t i = 0; i < pages; i++)
		*frame_word(frames + i * PAGE_SIZE) = i;
	user_space_enter(&space);
	fence_all();
}

static void load_each(uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		bench_expect("word", *word(i), i);
}

static void load_at_random(uint64_t pages, uint64_t loads)
{
	measure_resume();
	for (uint64_t i = 0; i < loads; i++) {
		uint64_t page = random_below(pages);

		bench_expect("word", *word(page), page);
	}
	measure_pause();
}

static void run_size(uint64_t size, uint64_t loads)
{
	uint64_t pages = size / PAGE_SIZE;

	bench_begin("cold-%lu", size / MIB);
	prepare(bench_mode(), pages);
	measure_resume();
	load_each(pages);
	measure_pause();
	bench_end(pages);
	bench_begin("warm-%lu", size / MIB);
	load_at_random(pages, loads);
	bench_end(loads);
}

/* Page tables take a 512th of what they map, and a few pages. */
static bool fits(uint64_t size)
{
	frames_reset();
	return size / PAGE_SIZE + size / (256 * PAGE_SIZE) + 16 <= frames_free();
}

static void run_reach(void)
{
	uint64_t loads = bench_is_full() ? 1000000 : 20000;
	uint64_t most = bench_is_full() ? GIB : 16 * MIB;

	for (uint64_t size = MIB; size <= most && fits(size); size *= 4)
		run_size(size, loads);
}

static void run_depth(void)
{
	uint64_t loads = bench_is_full() ? 1000000 : 20000;
	uint64_t pages = 16 * MIB / PAGE_SIZE;

	for (unsigned i = 0; i < PAGING_MODES; i++) {
		if (!paging_supported(&paging_modes[i]))
			continue;
		bench_begin("%s", paging_modes[i].name);
		prepare(&paging_modes[i], pages);
		load_each(pages);
		load_at_random(pages, loads);
		bench_end(loads);
	}
}

const struct benchmark bench_reach = {"reach", run_reach};
const struct benchmark bench_depth = {"depth", run_depth};
