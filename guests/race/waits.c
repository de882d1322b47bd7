/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who asks other harts for a fence has it when the call returns, and not some time later.
 *
 * One hart gives a mapping another page, asks all others for a fence of it, says which
 * version is in force, and goes on once each has found that. The others do nothing but
 * find the version in force and then load, again and again with no trap between, so that
 * each has in its TLB what is changed next; and long before they look they are where QEMU
 * lets nothing interrupt them (late_load), so that a call that does not wait for them has
 * come back by then.
 */
#include "core/types.h"
#include "guests/lib/csr.h"
#include "guests/lib/sbi.h"
#include "guests/race/race.h"

#define PAGES  4
#define WINDOW 24

static struct space space;
static uint64_t va, *slot, *pages[PAGES];
static uint64_t changing, published; /* versions */
static uint64_t found[HARTS_MAX];    /* the last version that each has loaded */

void waits_prepare(const struct paging_mode *mode)
{
	space_init(&space, mode, 4);
	va = window(mode, WINDOW);
	for (unsigned i = 0; i < PAGES; i++)
		pages[i] = arena_alloc(PAGE_SIZE);
	slot = space_map(&space, va, 0, (uintptr_t)pages[0], PTE_KERNEL);
	changing = published = 0;
	for (unsigned i = 0; i < HARTS_MAX; i++)
		found[i] = 0;
}

/* ---- the one that changes ---- */

static bool have_all_found(uint64_t version)
{
	for (unsigned i = 1; i < hart_count; i++)
		if (look(&found[i]) < version)
			return false;
	return true;
}

static bool change(struct hart *hart)
{
	const uint64_t version = published + 1;
	uint64_t *page = pages[version % PAGES];
	struct sbi_result result;

	publish(page, version);
	publish(&changing, version);
	publish(slot, pte_make((uintptr_t)page, PTE_KERNEL));
	result = SBI_CALL(SBI_EXT_RFENCE, SBI_RFENCE_SFENCE,
			  race_mask() & ~(UINT64_C(1) << hart->id), 0, va, PAGE_SIZE, 0);
	publish(&published, version);
	if (result.error != SBI_SUCCESS)
		return race_fail(hart, "error of a remote fence", (uint64_t)result.error,
				 0, 0);
	hart->rounds++;
	return true;
}

static bool change_what_all_found(struct hart *hart)
{
	return !have_all_found(published) || change(hart);
}

/* ---- those that look ---- */

static bool check(struct hart *hart)
{
	uint64_t first;
	const struct seen seen = late_load(va, 0, &published, &first);
	const uint64_t last = look(&changing);

	hart->rounds++;
	if (seen.cause != (uint64_t)CAUSE_NONE)
		return race_fail(hart, "cause of a load of what is always there",
				 seen.cause, (uint64_t)CAUSE_NONE, (uint64_t)CAUSE_NONE);
	if (seen.value < first || seen.value > last)
		return race_fail(hart, "version found by a load", seen.value, first,
				 last);
	publish(&found[hart->index], seen.value);
	return true;
}

void waits_run(struct hart *hart)
{
	space_enter(&space);
	fence_all();
	if (hart->index == 0)
		race_lead(hart, change_what_all_found);
	else
		while (!race_led() && check(hart))
			;
	csr_write(satp, 0);
}
