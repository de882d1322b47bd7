/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A and D where another hart changes the same PTE: "the PTE update must be atomic
 * with respect to other accesses to the PTE", so neither hart's is lost.
 *
 * The other hart, started for it and stopped again, sees to its own changes; see
 * contended_code.S. Here the page is accessed, and what that finds must be the page.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"

#define PAGE	   3
#define HART_LIMIT 16
#define ACCESSES   400
#define STARTED	   0
#define STOPPED	   1

/* contended_code.S knows where in it what is. */
struct contention {
	uint64_t *slot;
	uint64_t stop;
	uint64_t rounds;
	uint64_t lost;
};

extern char contend[];

/* Here and not on a stack: the other hart may be the last to look at it. */
static struct contention contention;

static uint64_t status_of(uint64_t hart)
{
	struct sbi_result result = SBI_CALL(SBI_EXT_HSM, SBI_HSM_STATUS, hart);

	return result.error == SBI_SUCCESS ? result.value : UINT64_MAX;
}

static bool find_stopped(uint64_t *hart)
{
	for (*hart = 0; *hart < HART_LIMIT; (*hart)++)
		if (*hart != platform.hart && status_of(*hart) == STOPPED)
			return true;
	return false;
}

static uint64_t look(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

static void stop(uint64_t hart)
{
	__atomic_store_n(&contention.stop, 1, __ATOMIC_SEQ_CST);
	while (status_of(hart) != STOPPED)
		;
}

/* As a page-fault handler does it where the hart leaves A and D to it. */
static void set_bits(uint64_t *slot, uint64_t va, uint64_t bits)
{
	__atomic_fetch_or(slot, bits, __ATOMIC_SEQ_CST);
	fence_va(va);
}

static void access_page(uint64_t *slot, uint64_t va, enum access access)
{
	static const int outcomes[] = {PAGE, PAGE_FAULT};
	bool by_hart =
		platform_has_extension("svadu") && !platform_has_extension("svade");

	if (touch_matches(access, va, USER, outcomes, by_hart ? 1 : 2) < 0)
		fail("%s beside another hart's stores to its PTE",
		     access_info[access].name);
	set_bits(slot, va, access == SD ? PTE_AD : PTE_A);
}

static void check_contended(const struct paging_mode *mode)
{
	static const enum access accesses[] = {SD, LD, FETCH, AMOSWAP_D};
	struct space space;
	uint64_t va = window(mode, WINDOW), hart, rounds;

	if (!sbi_has_extension(SBI_EXT_HSM) || !find_stopped(&hart)) {
		skip("no other hart");
		return;
	}
	space_init(&space, mode, nth_asid(mode, 1));
	contention = (struct contention){
		.slot = space_map(&space, va, 0, frame_new(PAGE), PTE_USER)};
	space_start(&space);
	expect_equal("start of the other hart",
		     (uint64_t)SBI_CALL(SBI_EXT_HSM, SBI_HSM_START, hart,
					(uintptr_t)contend, (uintptr_t)&contention)
			     .error,
		     SBI_SUCCESS);
	for (unsigned i = 0; i < ACCESSES; i++) {
		access_page(contention.slot, va, accesses[i % ARRAY_LENGTH(accesses)]);
		/* Until it has run beside us, however many run on one. */
		for (rounds = look(&contention.rounds);
		     look(&contention.rounds) == rounds;)
			;
		fence_va(va);
	}
	stop(hart);
	expect_equal("changes of the other hart's that were lost", look(&contention.lost),
		     0);
	expect_equal("the rest of the PTE", *contention.slot & ~(PTE_RSW | PTE_AD),
		     pte_make(frame_pa(PAGE), PTE_USER) & ~PTE_AD);
}

static const struct check checks[] = {
	{"another hart changes the PTE", check_contended},
};

const struct group contended_group = {"A and D", checks, ARRAY_LENGTH(checks), true};
