/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPIs: none is lost, however many are sent to a hart at once, and each one's handler
 * sees what was written before it was sent.
 *
 * Who sends one asks for a number first; the vector answers up to the number that it
 * reads after the interrupt is cleared.
 */
#include "guests/lib/csr.h"
#include "guests/lib/sbi.h"
#include "guests/race/race.h"

static uint64_t finished;

void interrupts_prepare(const struct paging_mode *mode)
{
	(void)mode;
	finished = 0;
	for (unsigned i = 0; i < hart_count; i++)
		harts[i].requested = harts[i].answered = 0;
}

static bool wait_for(struct hart *hart, const struct hart *target, uint64_t number)
{
	uint64_t since = 0;

	while (look(&target->answered) < number)
		if (!race_wait(&since))
			return race_fail(hart, "IPIs answered", look(&target->answered),
					 number, UINT64_MAX);
	return true;
}

static bool ask(struct hart *hart, struct hart *target)
{
	uint64_t number = __atomic_add_fetch(&target->requested, 1, __ATOMIC_SEQ_CST);
	struct sbi_result result = SBI_CALL(SBI_EXT_IPI, 0, 1, target->id);

	if (result.error != SBI_SUCCESS)
		return race_fail(hart, "error of an IPI", (uint64_t)result.error, 0, 0);
	hart->rounds++;
	return wait_for(hart, target, number);
}

/* All at once, the caller too. */
static bool ask_all(struct hart *hart)
{
	uint64_t numbers[HARTS_MAX] = {0};

	for (unsigned i = 0; i < hart_count; i++)
		numbers[i] = __atomic_add_fetch(&harts[i].requested, 1, __ATOMIC_SEQ_CST);
	SBI_CALL(SBI_EXT_IPI, 0, 0, UINT64_MAX);
	hart->rounds++;
	for (unsigned i = 0; i < hart_count; i++)
		if (!wait_for(hart, &harts[i], numbers[i]))
			return false;
	return true;
}

void interrupts_run(struct hart *hart)
{
	bool ok = true;

	/* What came before this, and was taken for the announcement. */
	publish(&hart->answered, look(&hart->requested));
	csr_write(sie, INTERRUPT_SSI);
	csr_set(sstatus, SSTATUS_SIE);
	while (ok && race_goes_on()) {
		unsigned target = (unsigned)hart_random(hart, hart_count + 1);

		ok = target < hart_count ? ask(hart, &harts[target]) : ask_all(hart);
	}
	/* Others may go on asking: the last of them ends it, by an IPI to all. */
	if (__atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST) == hart_count)
		SBI_CALL(SBI_EXT_IPI, 0, 0, UINT64_MAX);
	csr_clear(sstatus, SSTATUS_SIE);
	while (look(&finished) < hart_count) {
		wait_for_interrupt();
		csr_set(sstatus, SSTATUS_SIE);
		csr_clear(sstatus, SSTATUS_SIE);
	}
	csr_write(sie, 0);
	csr_clear(sip, INTERRUPT_SSI);
}
