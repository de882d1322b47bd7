/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables where there is no memory for one: in the UART, in the PLIC, in
 * nothing, at the last page of RAM, and at the end of the physical address
 * space; as a root, and as a table of every level below one.
 *
 * The walk of such a table is an access fault of the original access's kind, or
 * a page fault if what was read is no good as an entry; never a translation. Nor
 * does a leaf that maps nothing give access to anything.
 */
#include "guests/hostile/attack.h"
#include "guests/lib/csr.h"
#include "guests/lib/paging.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"

#define WINDOW 64

/* The last page of RAM is a legal table; it may hold anything. */
static uint64_t random_place(bool *legal)
{
	*legal = false;
	switch (random_below(5)) {
	case 0:
		return UART;
	case 1:
		return PLIC + PAGE_SIZE * random_below(PLIC_SIZE / PAGE_SIZE);
	case 2:
		*legal = true;
		return platform.memory_end - PAGE_SIZE;
	default:
		return random_vacant();
	}
}

static void fill_last_page(void)
{
	uint64_t *table = (uint64_t *)(platform.memory_end - PAGE_SIZE);

	for (unsigned i = 0; i < PTES_PER_TABLE; i++)
		table[i] = one_in(2) ? random_word() : 0;
}

static void expect_no_success(enum access access, uint64_t va, unsigned how,
			      const struct outcome *outcome)
{
	uint64_t cause = outcome->cause;
	enum access_kind kind = access_info[access].kind;
	/* A store-conditional may fail before it asks for a translation. */
	bool failed_sc = kind == KIND_SC && cause == OUTCOME_DONE && outcome->value == 1;

	check_value(outcome->value, va);
	if (cause == OUTCOME_DONE && !failed_sc)
		breach("%s at 0x%lx (%u) found something: 0x%lx",
		       access_info[access].name, va, how, outcome->value);
}

static void try_below(const struct space *space, unsigned level)
{
	uint64_t va = window(space->mode, WINDOW) + random_below(PTES_PER_TABLE) * 8;
	enum access access = random_below(ACCESS_COUNT);
	unsigned how = random_below(8);
	struct outcome outcome;
	bool legal;

	*space_slot(space, va, level) = pte_make(random_place(&legal), PTE_V);
	fence_all();
	va += random_below(level_size(level) >> 12) << 12;
	outcome = probe(access, va, random_word(), how);
	if (!legal)
		expect_no_success(access, va, how, &outcome);
}

/* The last page of a leaf's reach, since a superpage may also reach a device. */
static void try_leaf(const struct space *space)
{
	uint64_t va = window(space->mode, WINDOW + 1);
	enum access access = random_below(ACCESS_COUNT);
	unsigned level = random_below(space->mode->levels);
	unsigned how = one_in(2) ? USER : SUPERVISOR;
	uint64_t pa = align_down(random_vacant(), level_size(level));
	uint64_t last = level_size(level) - PAGE_SIZE;
	struct outcome outcome;

	if (pa + last >= platform.memory_base && pa + last < platform.memory_end)
		return;
	*space_slot(space, va, level) = pte_make(pa, how & USER ? PTE_USER : PTE_KERNEL);
	fence_all();
	va += last + 8 * random_below(PTES_PER_TABLE);
	outcome = probe(access, va, random_word(), how);
	expect_no_success(access, va, how, &outcome);
}

/* Untranslated, the same is no less out of reach. */
static void try_bare(void)
{
	enum access access = random_below(ACCESS_COUNT);
	unsigned how = one_in(2) ? USER : SUPERVISOR;
	uint64_t pa = random_vacant() + 8 * random_below(PTES_PER_TABLE);
	struct outcome outcome = probe(access, pa, random_word(), how);

	expect_no_success(access, pa, how, &outcome);
}

void attack_outside(void)
{
	for (uint64_t i = 0; i < attack_count(); i++) {
		const struct paging_mode *mode =
			&paging_modes[random_below(PAGING_MODES)];
		struct space space;

		if (!paging_supported(mode))
			continue;
		try_bare();
		fill_last_page();
		arena_reset();
		space_init(&space, mode, i & 0xff);
		space_enter(&space);
		fence_all();
		for (unsigned level = 1; level < mode->levels; level++) {
			space.root[WINDOW] = 0;
			try_below(&space, level);
		}
		space.root[WINDOW + 1] = 0;
		try_leaf(&space);
		recover();
	}
}

/*
 * A root there leaves nothing to fetch from, the trap handler included: if
 * nothing of the old tables is cached any more, the guest hangs.
 */
void attack_roots(void)
{
	for (uint64_t i = 0; i < attack_count(); i++) {
		bool legal;
		uint64_t root = random_place(&legal) >> PAGE_SHIFT;
		uint64_t mode = paging_modes[random_below(PAGING_MODES)].satp_mode;

		fill_last_page();
		csr_write(satp, mode << SATP_MODE_SHIFT | i << SATP_ASID_SHIFT | root);
		fence_all();
		recover();
	}
}
