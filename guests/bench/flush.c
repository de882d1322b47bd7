/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fence of everything, or of the whole ASID, and then a touch of some pages of an
 * address space that has many: what a flush costs when little of what it took is
 * wanted again. Operations: flushes.
 */
#include "guests/bench/bench.h"
#include "guests/bench/trap.h"

#define ASID  1
#define PAGES 2048

static struct space space;

static void run_touching(uint64_t pages, bool everything, uint64_t flushes)
{
	struct user_walk walk = {user_base(bench_mode()), pages, 0, USER_IN_ORDER,
				 PAGES - 1};

	bench_begin("%s-%lu", everything ? "all" : "asid", pages);
	walk.count = PAGES;
	user_load(&walk);
	walk.count = pages;
	measure_resume();
	for (uint64_t i = 0; i < flushes; i++) {
		if (everything)
			fence_all();
		else
			fence_asid(ASID);
		bench_expect("sum of words", user_load(&walk), pages * (pages - 1) / 2);
	}
	measure_pause();
	bench_end(flushes);
}

static void run(void)
{
	static const uint64_t touched[] = {1, 64, PAGES};
	uint64_t flushes = bench_is_full() ? 256 : 16;
	uint64_t base = user_base(bench_mode()), frames;

	user_space_new(&space, bench_mode(), ASID);
	frames = frames_new(PAGES);
	user_map(&space, base, frames, PAGES);
	for (uint64_t i = 0; i < PAGES; i++)
		*frame_word(frames + i * PAGE_SIZE) = i;
	user_space_enter(&space);
	fence_all();
	for (unsigned i = 0; i < ARRAY_LENGTH(touched); i++)
		for (int everything = 1; everything >= 0; everything--)
			run_touching(touched[i], everything, flushes);
}

const struct benchmark bench_flush = {"flush", run};
