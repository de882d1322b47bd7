/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Context switches among 2, 8 and 64 address spaces, each of which touches 16 pages
 * of its own in U-mode at every turn. With ASIDs a switch is a write of satp;
 * without, it is that and a fence of ASID 0 behind it, as in Linux's set_mm_noasid().
 */
#include "guests/bench/bench.h"
#include "guests/bench/trap.h"

#define SPACES_MAX 64
#define PAGES	   16

static struct space spaces[SPACES_MAX];

static uint64_t tag_of(unsigned space)
{
	return 1000 * (space + 1);
}

static void prepare(unsigned count, bool asids)
{
	uint64_t base = user_base(bench_mode());

	frames_reset();
	for (unsigned i = 0; i < count; i++) {
		uint64_t frames = frames_new(PAGES);

		user_space_new(&spaces[i], bench_mode(), asids ? i + 1 : 0);
		user_map(&spaces[i], base, frames, PAGES);
		for (unsigned page = 0; page < PAGES; page++)
			*frame_word(frames + page * PAGE_SIZE) = tag_of(i) + page;
	}
	fence_all();
}

static void run_spaces(unsigned count, bool asids, uint64_t switches)
{
	const struct user_walk walk = {user_base(bench_mode()), PAGES, 0, USER_IN_ORDER,
				       PAGES - 1};

	bench_begin("%u-%s", count, asids ? "asids" : "no-asids");
	prepare(count, asids);
	measure_resume();
	for (uint64_t i = 0; i < switches; i++) {
		unsigned space = (unsigned)(i % count);

		if (asids)
			user_space_enter(&spaces[space]);
		else
			user_space_enter_without_asid(&spaces[space]);
		bench_expect("sum of words", user_load(&walk),
			     PAGES * tag_of(space) + PAGES * (PAGES - 1) / 2);
	}
	measure_pause();
	bench_end(switches);
}

static void run(void)
{
	static const unsigned counts[] = {2, 8, 64};
	uint64_t switches = bench_is_full() ? 20000 : 2000;

	for (unsigned i = 0; i < ARRAY_LENGTH(counts); i++)
		for (int asids = 1; asids >= 0; asids--)
			if (!asids ||
			    counts[i] < UINT64_C(1) << paging_asid_bits(bench_mode()))
				run_spaces(counts[i], asids, switches);
}

const struct benchmark bench_switch = {"switch", run};
