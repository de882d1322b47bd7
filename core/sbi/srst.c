/* SPDX-License-Identifier: BSD-2-Clause */
/* SBI SRST: the guest ends, and says whether it is content. */
#include "core/sbi/sbi.h"

void sbi_shutdown(struct vcpu *vcpu, bool failure)
{
	vm_end(vcpu->vm, failure ? VM_FAILURE : VM_POWER_OFF, "");
}

static void handle(struct vcpu *vcpu, const struct sbi_request *request,
		   struct sbi_answer *answer)
{
	uint32_t type = (uint32_t)request->argument[0];
	uint32_t reason = (uint32_t)request->argument[1];

	if (request->function != SBI_SRST_RESET) {
		answer->error = SBI_ERR_NOT_SUPPORTED;
		return;
	}
	if (type > SBI_SRST_WARM_REBOOT || reason > SBI_SRST_SYSTEM_FAILURE)
		answer->error = SBI_ERR_INVALID_PARAM;
	else if (reason == SBI_SRST_SYSTEM_FAILURE || type == SBI_SRST_SHUTDOWN)
		sbi_shutdown(vcpu, reason == SBI_SRST_SYSTEM_FAILURE);
	else
		vm_end(vcpu->vm, VM_REBOOT, "");
}

const struct sbi_extension sbi_srst = {
	.first = SBI_EXTENSION_SRST,
	.last = SBI_EXTENSION_SRST,
	.reason = REASON_SBI_OTHER,
	.handle = handle,
};
