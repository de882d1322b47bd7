/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Remote fences of an address space that their target does not run just then: it sees
 * nothing older once it is back there.
 *
 * The first hart gives one mapping of the first space a new version, another page, and
 * has the others fence that space alone. Most of them are in the second space by then,
 * and look at nothing but a word of memory: so nothing else brings them out of it before
 * they go back and look what is mapped. Nothing changes until all have.
 */
#include "core/types.h"
#include "guests/lib/csr.h"
#include "guests/lib/sbi.h"
#include "guests/race/race.h"

#define SPACES 2
#define PAGES  4
#define WINDOW 20

static struct space spaces[SPACES];
static uint64_t *pages[PAGES], *slot;
static uint64_t va;
static uint64_t published, seen; /* the version in force, and how many found it */

void spaces_prepare(const struct paging_mode *mode)
{
	for (unsigned i = 0; i < SPACES; i++)
		space_init(&spaces[i], mode, 5 + i);
	for (unsigned i = 0; i < PAGES; i++)
		pages[i] = arena_alloc(PAGE_SIZE);
	va = window(mode, WINDOW);
	slot = space_map(&spaces[0], va, 0, (uintptr_t)pages[0], PTE_KERNEL);
	*pages[0] = published = seen = 0;
}

/* One place in the code for both spaces, as in a kernel. */
static __attribute__((noinline)) void go(unsigned space)
{
	csr_write(satp, space_satp(&spaces[space]));
}

/* ---- the hart that changes ---- */

static bool fence_others(struct hart *hart)
{
	static const uint64_t sizes[] = {PAGE_SIZE, 9 * PAGE_SIZE, 100 * PAGE_SIZE,
					 UINT64_MAX};
	uint64_t size = sizes[hart_random(hart, ARRAY_LENGTH(sizes))];
	struct sbi_result result =
		SBI_CALL(SBI_EXT_RFENCE, SBI_RFENCE_SFENCE_ASID,
			 race_mask() & ~(UINT64_C(1) << hart->id), 0,
			 size == UINT64_MAX ? 0 : va, size, spaces[0].asid);

	if (result.error != SBI_SUCCESS)
		return race_fail(hart, "error of a remote fence", (uint64_t)result.error,
				 0, 0);
	return true;
}

static bool have_all_seen(struct hart *hart)
{
	const uint64_t others = hart_count - 1;
	uint64_t since = 0;

	while (look(&seen) < others)
		if (!race_wait(&since))
			return race_fail(hart, "harts that have seen a version",
					 look(&seen), others, others);
	return true;
}

static bool change(struct hart *hart)
{
	uint64_t version = published + 1;
	uint64_t *page = pages[version % PAGES];

	*page = version;
	publish(slot, pte_make((uintptr_t)page, PTE_KERNEL));
	if (!fence_others(hart))
		return false;
	publish(&seen, 0);
	publish(&published, version);
	hart->rounds++;
	return have_all_seen(hart);
}

/* ---- the others ---- */

/* Where they wait is mostly not where they look. */
static bool follow(struct hart *hart, uint64_t version)
{
	uint64_t found;

	go(hart_random(hart, 4) ? 1 : 0);
	while (look(&published) == version)
		if (race_led())
			return false;
	go(0);
	found = look((const uint64_t *)va);
	if (found != version + 1)
		return race_fail(hart, "version found in a space that was fenced", found,
				 version + 1, version + 1);
	hart->rounds++;
	__atomic_fetch_add(&seen, 1, __ATOMIC_SEQ_CST);
	return true;
}

void spaces_run(struct hart *hart)
{
	go(0);
	fence_all();
	if (hart->index == 0)
		race_lead(hart, change);
	else
		while (follow(hart, hart->rounds))
			;
	csr_write(satp, 0);
}
