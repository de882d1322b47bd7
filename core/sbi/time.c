/* SPDX-License-Identifier: BSD-2-Clause */
/* SBI TIME: the guest's timer, where it does not use Sstc. */
#include "core/sbi/sbi.h"
#include "core/timer.h"

static void handle(struct vcpu *vcpu, const struct sbi_request *request,
		   struct sbi_answer *answer)
{
	if (request->function != SBI_TIME_SET) {
		answer->error = SBI_ERR_NOT_SUPPORTED;
		return;
	}
	pmu_saw(vcpu, SBI_PMU_FIRMWARE_SET_TIMER);
	timer_set_guest(vcpu, request->argument[0]);
}

const struct sbi_extension sbi_time = {
	.first = SBI_EXTENSION_TIME,
	.last = SBI_EXTENSION_TIME,
	.reason = REASON_SBI_TIMER,
	.fast = true,
	.handle = handle,
};
