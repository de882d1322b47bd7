/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Demand paging: user code touches pages that are not mapped, and the page-fault
 * handler maps them and fences, as Linux does without Svvptc (update_mmu_cache).
 * Tables are made on the way, with no fence. "around-16" maps 16 pages at each
 * fault and fences them one by one, from the last to the first (fault-around).
 */
#include "guests/bench/bench.h"
#include "guests/bench/trap.h"

#define ASID 1
#define TAG  1000

static struct {
	struct space space;
	uint64_t base;
	uint64_t frames; /* page n lies in the n-th of them */
	uint64_t around;
} demand;

static bool map_page(uint64_t va, uint64_t cause)
{
	uint64_t pages = demand.around;
	uint64_t offset = align_down(va - demand.base, pages * PAGE_SIZE);
	uint64_t start = demand.base + offset;

	if (cause != CAUSE_STORE_PAGE_FAULT)
		return false;
	user_map(&demand.space, start, demand.frames + offset, pages);
	while (pages--)
		fence_va(start + pages * PAGE_SIZE);
	return true;
}

static void run_order(const char *name, uint64_t pages, uint64_t factor, uint64_t around)
{
	struct user_walk walk = {user_base(bench_mode()), pages, TAG, factor, pages - 1};

	bench_begin("%s", name);
	frames_reset();
	demand.base = walk.base;
	demand.around = around;
	user_space_new(&demand.space, bench_mode(), ASID);
	demand.frames = frames_new(pages);
	user_space_enter(&demand.space);
	fence_all();
	trap_handler_set(map_page);
	measure_resume();
	user_store(&walk);
	measure_pause();
	bench_expect("faults", trap_faults(), pages / around);
	for (uint64_t page = 0; page < pages; page++)
		bench_expect("word", *frame_word(demand.frames + page * PAGE_SIZE),
			     TAG + page);
	trap_handler_set(NULL);
	bench_end(pages);
}

static void run(void)
{
	uint64_t pages = bench_is_full() ? 4096 : 1024;

	run_order("sequential", pages, USER_IN_ORDER, 1);
	run_order("random", pages, USER_AT_RANDOM, 1);
	run_order("around-16", pages, USER_IN_ORDER, 16);
}

const struct benchmark bench_demand = {"demand", run};
