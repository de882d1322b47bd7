/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copy-on-write of an address space, as fork() and the two writers behind it do:
 * all pages of the parent are shared read-only (one fence of its ASID), the child
 * writes to each and gets a copy (the old PTE is cleared and fenced, the new one
 * fenced after it), then the parent writes to each and gets it back for itself (one
 * fence). Operations: pages that were shared.
 */
#include "guests/bench/bench.h"
#include "guests/bench/trap.h"

#define PARENT_ASID 1
#define CHILD_ASID  2
#define PARENT_TAG  1000
#define CHILD_TAG   500000
#define AGAIN_TAG   900000

static struct {
	struct space parent, child;
	uint64_t base;
	uint64_t frames; /* the parent's pages, in a row */
} cow;

static void copy_frame(uint64_t *to, const uint64_t *from)
{
	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*to); i++)
		to[i] = from[i];
}

static void copy_page(uint64_t *slot, uint64_t va, uint64_t asid)
{
	uint64_t copy = frames_new(1);

	copy_frame(frame_word(copy), frame_word(pte_pa(*slot)));
	*slot = 0;
	fence_va_asid(va, asid);
	*slot = pte_make(copy, USER_LEAF);
	fence_va(va);
}

static bool break_sharing(uint64_t va, uint64_t cause)
{
	const struct space *space = user_space_current();
	uint64_t *slot = user_slot(space, va);

	if (cause != CAUSE_STORE_PAGE_FAULT || (*slot & PTE_W))
		return false;
	if (space == &cow.child) {
		copy_page(slot, va, CHILD_ASID);
	} else {
		*slot |= PTE_W;
		fence_va(va);
	}
	return true;
}

static void share_all(uint64_t pages)
{
	user_space_new(&cow.child, bench_mode(), CHILD_ASID);
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t *slot = user_slot(&cow.parent, cow.base + i * PAGE_SIZE);

		*slot &= ~PTE_W;
		*user_slot(&cow.child, cow.base + i * PAGE_SIZE) = *slot;
	}
	fence_asid(PARENT_ASID);
}

static void check_pages(const struct space *space, uint64_t pages, uint64_t tag)
{
	struct user_walk walk = {cow.base, pages, 0, USER_IN_ORDER, pages - 1};

	user_space_enter(space);
	bench_expect("sum of words", user_load(&walk),
		     pages * tag + pages * (pages - 1) / 2);
	for (uint64_t i = 0; i < pages; i++)
		bench_expect(
			"word",
			*frame_word(pte_pa(*user_slot(space, cow.base + i * PAGE_SIZE))),
			tag + i);
}

static void write_pages(const struct space *space, uint64_t pages, uint64_t tag)
{
	struct user_walk walk = {cow.base, pages, tag, USER_IN_ORDER, pages - 1};

	user_space_enter(space);
	user_store(&walk);
}

static void run_pages(uint64_t pages)
{
	bench_begin("%lu", pages);
	frames_reset();
	cow.base = user_base(bench_mode());
	user_space_new(&cow.parent, bench_mode(), PARENT_ASID);
	cow.frames = frames_new(pages);
	user_map(&cow.parent, cow.base, cow.frames, pages);
	fence_all();
	write_pages(&cow.parent, pages, PARENT_TAG);
	trap_handler_set(break_sharing);
	measure_resume();
	share_all(pages);
	write_pages(&cow.child, pages, CHILD_TAG);
	write_pages(&cow.parent, pages, AGAIN_TAG);
	measure_pause();
	bench_expect("faults", trap_faults(), 2 * pages);
	check_pages(&cow.child, pages, CHILD_TAG);
	check_pages(&cow.parent, pages, AGAIN_TAG);
	trap_handler_set(NULL);
	bench_end(pages);
}

static void run(void)
{
	run_pages(16);
	run_pages(bench_is_full() ? 2048 : 512);
}

const struct benchmark bench_fork = {"fork", run};
