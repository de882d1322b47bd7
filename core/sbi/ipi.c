/* SPDX-License-Identifier: BSD-2-Clause */
/* SBI IPI: supervisor software interrupts between the harts of a guest. */
#include "core/sbi/sbi.h"
#include "core/vcpu_requests.h"

void sbi_send_ipi(struct vcpu *vcpu, struct vcpu *target, void *unused)
{
	(void)unused;
	if (target != vcpu) {
		pmu_saw(vcpu, SBI_PMU_FIRMWARE_IPI_SENT);
		pmu_saw(target, SBI_PMU_FIRMWARE_IPI_RECEIVED);
	}
	vcpu_raise_software(target);
}

static void handle(struct vcpu *vcpu, const struct sbi_request *request,
		   struct sbi_answer *answer)
{
	if (request->function == SBI_IPI_SEND)
		answer->error =
			sbi_for_each_hart(vcpu, request->argument[0],
					  request->argument[1], sbi_send_ipi, NULL);
	else
		answer->error = SBI_ERR_NOT_SUPPORTED;
}

const struct sbi_extension sbi_ipi = {
	.first = SBI_EXTENSION_IPI,
	.last = SBI_EXTENSION_IPI,
	.reason = REASON_SBI_IPI,
	.fast = true,
	.handle = handle,
};
