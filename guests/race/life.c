/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBI HSM: harts are started and stop again, by two at once where there are three or
 * more. Of those that start one, one succeeds; it runs once for that, and in the state
 * that the specification gives; its own state goes one way.
 */
#include "guests/lib/csr.h"
#include "guests/lib/sbi.h"
#include "guests/race/race.h"

#define STARTED	      0
#define STOPPED	      1
#define START_PENDING 2
#define STOP_PENDING  3

static struct space space;
static uint64_t successes[HARTS_MAX][HARTS_MAX]; /* by starter and target */

unsigned life_starters(void)
{
	return hart_count > 2 ? 2 : 1;
}

/* It stops under a page table and with interrupts on, for the next time. */
static void visit(struct hart *hart, uint64_t id, uint64_t starter)
{
	if (id != hart->id)
		race_fail(hart, "a0 of a hart that starts", id, hart->id, hart->id);
	if (hart->first_satp)
		race_fail(hart, "satp of a hart that starts", hart->first_satp, 0, 0);
	if (hart->first_sstatus & SSTATUS_SIE)
		race_fail(hart, "sstatus of a hart that starts", hart->first_sstatus, 0,
			  ~(uint64_t)SSTATUS_SIE);
	csr_write(sie, 0);
	csr_write(satp, space_satp(&space));
	fence_all();
	csr_set(sstatus, SSTATUS_SIE);
	publish(&hart->visits[starter], hart->visits[starter] + 1);
	SBI_CALL(SBI_EXT_HSM, SBI_HSM_STOP, 0);
	race_fail(hart, "a hart goes on behind its stop", 0, 1, 1);
}

void life_prepare(const struct paging_mode *mode)
{
	space_init(&space, mode, 4);
	for (unsigned i = life_starters(); i < hart_count; i++) {
		harts[i].entry = visit;
		for (unsigned j = 0; j < HARTS_MAX; j++)
			harts[i].visits[j] = successes[j][i] = 0;
	}
}

static uint64_t state_of(const struct hart *target)
{
	struct sbi_result result = SBI_CALL(SBI_EXT_HSM, SBI_HSM_STATUS, target->id);

	return result.error == SBI_SUCCESS ? result.value : UINT64_MAX;
}

/* What comes later has the greater number. */
static unsigned age(uint64_t state)
{
	static const unsigned ages[] = {
		[STARTED] = 2, [STOPPED] = 4, [START_PENDING] = 1, [STOP_PENDING] = 3};

	return state < sizeof(ages) / sizeof(ages[0]) ? ages[state] : 0;
}

/* Until it has run and stopped. With one starter, nobody starts it again meanwhile. */
static bool follow(struct hart *hart, struct hart *target, uint64_t visits)
{
	uint64_t state, last = START_PENDING, since = 0;

	do {
		bool ran = look(&target->visits[hart->index]) >= visits;

		state = state_of(target);
		if (age(state) == 0 || (life_starters() == 1 && age(state) < age(last)))
			return race_fail(hart, "state of a hart", state, last, STOPPED);
		last = state;
		if (ran && (state == STOPPED || life_starters() > 1))
			return true;
	} while (race_wait(&since));
	return race_fail(hart, "runs of a hart that was started",
			 look(&target->visits[hart->index]), visits, visits);
}

static bool start(struct hart *hart, struct hart *target)
{
	struct sbi_result result =
		SBI_CALL(SBI_EXT_HSM, SBI_HSM_START, target->id, (uintptr_t)hart_entry,
			 (uintptr_t)target + hart->index);

	/* The other was first; some firmware has another word for what is pending. */
	if (life_starters() > 1 && (result.error == SBI_ERR_ALREADY_AVAILABLE ||
				    result.error == SBI_ERR_INVALID_PARAM))
		return true;
	if (result.error != SBI_SUCCESS)
		return race_fail(hart, "error of a start", (uint64_t)result.error, 0, 0);
	hart->rounds++;
	return follow(hart, target, ++successes[hart->index][target->index]);
}

static bool settle(struct hart *hart, const struct hart *target)
{
	uint64_t since = 0, visits;

	while (state_of(target) != STOPPED)
		if (!race_wait(&since))
			return race_fail(hart, "state of a hart at the end",
					 state_of(target), STOPPED, STOPPED);
	visits = look(&target->visits[hart->index]);
	if (visits != successes[hart->index][target->index])
		return race_fail(hart, "runs of a hart", visits,
				 successes[hart->index][target->index],
				 successes[hart->index][target->index]);
	return true;
}

void life_run(struct hart *hart)
{
	const unsigned targets = hart_count - life_starters();
	bool ok = true;

	while (ok && race_goes_on())
		ok = start(hart, &harts[life_starters() + hart_random(hart, targets)]);
	for (unsigned i = 0; ok && i < targets; i++)
		ok = settle(hart, &harts[life_starters() + i]);
}
