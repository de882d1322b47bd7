/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-table walks of every depth, for the TLB model: in each mode that satp takes,
 * one region between marks that reads many 4 KiB pages in turn, over and over, and
 * one that does so with 2 MiB pages. No TLB of the usual size holds them, so each
 * read is a miss of a known depth; the kernel itself is in 2 MiB pages.
 *
 * The pages are all of one 2 MiB piece of memory, so little of it is needed. What is
 * read is checked, and for each region a line says what was done.
 */
#include "core/types.h"
#include "guests/lib/console.h"
#include "guests/lib/csr.h"
#include "guests/lib/guest.h"
#include "guests/lib/marks.h"
#include "guests/lib/paging.h"
#include "guests/lib/platform.h"

#define PAGES  1024
#define ROUNDS 8

#define PIECE_LEVEL 1

static uint64_t *piece;

/* Where a page of that level lies in the piece. */
static uint64_t offset_of(unsigned page, unsigned level)
{
	return page * level_size(level) % level_size(PIECE_LEVEL);
}

static uint64_t expected(uint64_t offset)
{
	return offset * 0x9e3779b97f4a7c15 + 1;
}

static void fill_piece(void)
{
	piece = arena_alloc(level_size(PIECE_LEVEL));
	for (uint64_t offset = 0; offset < level_size(PIECE_LEVEL); offset += PAGE_SIZE)
		piece[offset / sizeof(*piece)] = expected(offset);
}

static unsigned read_all(uint64_t start, unsigned level)
{
	unsigned wrong = 0;

	for (unsigned page = 0; page < PAGES; page++) {
		const volatile uint64_t *word =
			(const volatile uint64_t *)(start + page * level_size(level));

		wrong += *word != expected(offset_of(page, level));
	}
	return wrong;
}

static bool walk(const struct paging_mode *mode, unsigned level)
{
	uint64_t start = window(mode, mode->levels == 3 ? 64 : 16);
	struct space space;
	unsigned wrong;

	arena_reset();
	space_init(&space, mode, 0);
	for (unsigned page = 0; page < PAGES; page++)
		space_map(&space, start + page * level_size(level), level,
			  (uintptr_t)piece + offset_of(page, level),
			  PTE_V | PTE_R | PTE_AD);
	fence_all();
	space_enter(&space);
	fence_all();
	wrong = read_all(start, level);
	mark_begin();
	for (unsigned round = 0; round < ROUNDS; round++)
		wrong += read_all(start, level);
	mark_end();
	space_leave();
	fence_all();
	print("walks mode=%s level=%u reads=%u wrong=%u\n", mode->name, level,
	      PAGES * ROUNDS, wrong);
	return wrong == 0;
}

bool guest_main(void)
{
	bool correct = true;

	paging_init(platform.memory_end);
	fill_piece();
	arena_keep();
	for (unsigned i = 0; i < PAGING_MODES; i++)
		for (unsigned level = 0; level < 2 && paging_supported(&paging_modes[i]);
		     level++)
			correct &= walk(&paging_modes[i], level);
	return correct;
}
