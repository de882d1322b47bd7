/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The micro-benchmark of the LSP paper: 1,024 pages and 100,000 operations, each
 * either an access of a page or a modification of its PTE, which is followed by the
 * fence for that page. What varies is the share of modifications (three of them in
 * the quick size). The first touch of each page counts, as in the paper.
 *
 * Before the 100,000 one page below each page table is accessed, which counts too:
 * write protection begins when it has seen a table in use.
 */
#include "guests/bench/bench.h"

#define PAGES	   1024
#define OPERATIONS UINT64_C(100000)
#define ASID	   1

static struct {
	struct space space;
	uint64_t *slots[PAGES];
	uint64_t frames[2][PAGES]; /* two for each page: what its PTE changes between */
	bool second[PAGES];
} sweep;

static uint64_t page_va(uint64_t page)
{
	return user_base(bench_mode()) + page * PAGE_SIZE;
}

static uint64_t mapped_word(uint64_t page)
{
	return *frame_word(sweep.frames[sweep.second[page]][page]);
}

static void prepare(void)
{
	frames_reset();
	user_space_new(&sweep.space, bench_mode(), ASID);
	for (uint64_t page = 0; page < PAGES; page++) {
		for (unsigned i = 0; i < 2; i++) {
			sweep.frames[i][page] = frames_new(1);
			*frame_word(sweep.frames[i][page]) = 2 * page + i;
		}
		sweep.second[page] = false;
		sweep.slots[page] = user_slot(&sweep.space, page_va(page));
		*sweep.slots[page] = pte_make(sweep.frames[0][page], USER_LEAF);
	}
	user_space_enter(&sweep.space);
	fence_all();
}

static void modify(uint64_t page)
{
	bool second = !sweep.second[page];

	sweep.second[page] = second;
	*sweep.slots[page] = pte_make(sweep.frames[second][page], USER_LEAF);
	fence_va_asid(page_va(page), ASID);
}

static void access(uint64_t page)
{
	uint64_t seen = *(volatile uint64_t *)page_va(page);

	if (seen != mapped_word(page))
		bench_fail("page %lu: word %lu instead of %lu", page, seen,
			   mapped_word(page));
}

/* Exactly that share of all operations, evenly among those that are left. */
static void run_share(unsigned share)
{
	uint64_t modifications = OPERATIONS * share / 100;

	bench_begin("%u", share);
	prepare();
	measure_resume();
	for (uint64_t page = 0; page < PAGES; page += PTES_PER_TABLE)
		access(page);
	for (uint64_t left = OPERATIONS; left > 0; left--) {
		uint64_t page = random_below(PAGES);

		if (random_below(left) < modifications) {
			modifications--;
			modify(page);
		} else {
			access(page);
		}
	}
	measure_pause();
	for (uint64_t page = 0; page < PAGES; page++)
		access(page);
	bench_end(OPERATIONS);
}

static void run(void)
{
	unsigned step = bench_is_full() ? 10 : 50;

	for (unsigned share = 0; share <= 100; share += step)
		run_share(share);
}

const struct benchmark bench_sweep = {"sweep", run};
