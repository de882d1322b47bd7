/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of 1 to 4,096 pages, mapped, protected, unprotected and unmapped, with the
 * fences that Linux does for a range. Behind each but the last step every page is
 * touched in S-mode, and that counts: what a fence puts off is paid then. Each step is
 * a row of its own; operations: pages.
 */
#include "guests/bench/bench.h"
#include "guests/bench/trap.h"

#define ASID	  1
#define PAGES_MAX 4096

static struct {
	struct space space;
	uint64_t base;
	uint64_t frames;
	uint64_t pages;
	uint64_t *slots[PAGES_MAX];
} range;

static volatile uint64_t *word(uint64_t page)
{
	return (volatile uint64_t *)(range.base + page * PAGE_SIZE);
}

static void map(void)
{
	for (uint64_t i = 0; i < range.pages; i++)
		*range.slots[i] = pte_make(range.frames + i * PAGE_SIZE, USER_LEAF);
	fence_range(range.base, range.pages, ASID);
	for (uint64_t i = 0; i < range.pages; i++)
		*word(i) = i;
}

static void protect(void)
{
	for (uint64_t i = 0; i < range.pages; i++)
		*range.slots[i] &= ~PTE_W;
	fence_range(range.base, range.pages, ASID);
	for (uint64_t i = 0; i < range.pages; i++)
		bench_expect("word", *word(i), i);
}

static void unprotect(void)
{
	for (uint64_t i = 0; i < range.pages; i++)
		*range.slots[i] |= PTE_W;
	fence_range(range.base, range.pages, ASID);
	for (uint64_t i = 0; i < range.pages; i++)
		*word(i) = i + 1;
}

static void unmap(void)
{
	for (uint64_t i = 0; i < range.pages; i++)
		*range.slots[i] = 0;
	fence_range(range.base, range.pages, ASID);
}

/* The last page stands for all: what holds there was fenced last, or not at all. */
static void check_protected(void)
{
	uint64_t last = range.base + (range.pages - 1) * PAGE_SIZE;

	if (can_store(range.base, 0) || can_store(last, 0))
		bench_fail("a store to a protected page");
}

static void check_unmapped(void)
{
	uint64_t last = range.base + (range.pages - 1) * PAGE_SIZE, value;

	if (can_load(range.base, &value) || can_load(last, &value))
		bench_fail("a load from an unmapped page");
	for (uint64_t i = 0; i < range.pages; i++)
		bench_expect("word of a frame", *frame_word(range.frames + i * PAGE_SIZE),
			     i + 1);
}

static void nothing(void)
{
}

static const struct {
	const char *name;
	void (*run)(void);
	void (*check)(void);
} steps[] = {
	{"map", map, nothing},
	{"protect", protect, check_protected},
	{"unprotect", unprotect, nothing},
	{"unmap", unmap, check_unmapped},
};

/* All steps in a row, as often as it takes; the one that is the row's is measured. */
static void run_step(unsigned measured, uint64_t repeats)
{
	bench_begin("%s-%lu", steps[measured].name, range.pages);
	for (uint64_t i = 0; i < repeats; i++)
		for (unsigned step = 0; step < ARRAY_LENGTH(steps); step++) {
			if (step == measured)
				measure_resume();
			steps[step].run();
			if (step == measured)
				measure_pause();
			steps[step].check();
		}
	bench_end(repeats * range.pages);
}

static void prepare(uint64_t pages)
{
	frames_reset();
	range.base = user_base(bench_mode());
	range.pages = pages;
	user_space_new(&range.space, bench_mode(), ASID);
	range.frames = frames_new(pages);
	for (uint64_t i = 0; i < pages; i++)
		range.slots[i] = user_slot(&range.space, range.base + i * PAGE_SIZE);
	user_space_enter(&range.space);
	fence_all();
}

static void run(void)
{
	static const uint64_t sizes[] = {1, 8, 64, 512, 4096};

	for (unsigned i = 0; i < ARRAY_LENGTH(sizes); i++) {
		uint64_t repeats = bench_is_full() ? 4096 / sizes[i] : 1;

		if (repeats > 64)
			repeats = 64;
		if (repeats < 4)
			repeats = 4;
		prepare(sizes[i]);
		for (unsigned step = 0; step < ARRAY_LENGTH(steps); step++)
			run_step(step, repeats);
	}
}

const struct benchmark bench_range = {"range", run};
