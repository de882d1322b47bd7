/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBI BASE. The machine ids are 0, "not implemented": a SiFive id would make
 * Linux turn every address fence into a global one.
 */
#include "core/sbi/sbi.h"

#define SPECIFICATION_2_0      (2 << 24)
#define IMPLEMENTATION_VERSION 1

static void handle(struct vcpu *vcpu, const struct sbi_request *request,
		   struct sbi_answer *answer)
{
	(void)vcpu;
	switch (request->function) {
	case SBI_BASE_SPEC_VERSION:
		answer->value = SPECIFICATION_2_0;
		break;
	case SBI_BASE_IMPLEMENTATION_ID:
		answer->value = SBI_IMPLEMENTATION_GNOMON;
		break;
	case SBI_BASE_IMPLEMENTATION_VERSION:
		answer->value = IMPLEMENTATION_VERSION;
		break;
	case SBI_BASE_PROBE:
		answer->value = sbi_extension_find(request->argument[0]) != NULL;
		break;
	case SBI_BASE_MVENDORID:
	case SBI_BASE_MARCHID:
	case SBI_BASE_MIMPID:
		answer->value = 0;
		break;
	default:
		answer->error = SBI_ERR_NOT_SUPPORTED;
	}
}

const struct sbi_extension sbi_base = {
	.first = SBI_EXTENSION_BASE,
	.last = SBI_EXTENSION_BASE,
	.reason = REASON_SBI_OTHER,
	.fast = true,
	.handle = handle,
};
