/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBI RFENCE: fences on the harts of a guest. The hypervisor's own forms
 * (hfence) answer "not supported", since guests are shown no H extension.
 */
#include "core/sbi/sbi.h"

/* A request of a guest that names another of its harts, for the PMU's counters. */
static void saw(struct vcpu *vcpu, struct vcpu *target, unsigned sent, unsigned received)
{
	if (target == vcpu)
		return;
	pmu_saw(vcpu, sent);
	pmu_saw(target, received);
}

void sbi_remote_fence(struct vcpu *vcpu, struct vcpu *target, const void *argument)
{
	const struct fence *fence = argument;

	if (fence->has_asid)
		saw(vcpu, target, SBI_PMU_FIRMWARE_SFENCE_VMA_ASID_SENT,
		    SBI_PMU_FIRMWARE_SFENCE_VMA_ASID_RECEIVED);
	else
		saw(vcpu, target, SBI_PMU_FIRMWARE_SFENCE_VMA_SENT,
		    SBI_PMU_FIRMWARE_SFENCE_VMA_RECEIVED);
	target->vm->mode->fence(target, fence);
}

void sbi_remote_fence_i(struct vcpu *vcpu, struct vcpu *target, const void *unused)
{
	(void)unused;
	saw(vcpu, target, SBI_PMU_FIRMWARE_FENCE_I_SENT,
	    SBI_PMU_FIRMWARE_FENCE_I_RECEIVED);
	arch_fence_i();
}

/*
 * Start and size 0, or size -1, mean the whole address space; a range that
 * reaches its last page or wraps is taken for it too, but for one that begins
 * there, which goes on at address 0.
 */
struct fence sbi_fence_range(uint64_t start, uint64_t size)
{
	bool everything = (start == 0 && size == 0) || size >= -PAGE_SIZE - start;

	return (struct fence){
		.has_address = !everything,
		.start = GVA(start),
		.size = size,
	};
}

static void handle(struct vcpu *vcpu, const struct sbi_request *request,
		   struct sbi_answer *answer)
{
	const uint64_t *argument = request->argument;
	struct fence fence = sbi_fence_range(argument[2], argument[3]);

	switch (request->function) {
	case SBI_RFENCE_FENCE_I:
		answer->error = sbi_for_each_hart(vcpu, argument[0], argument[1],
						  sbi_remote_fence_i, NULL);
		break;
	case SBI_RFENCE_SFENCE_VMA_ASID:
		fence.has_asid = true;
		fence.asid = (uint16_t)argument[4];
		/* fall through */
	case SBI_RFENCE_SFENCE_VMA:
		answer->error = sbi_for_each_hart(vcpu, argument[0], argument[1],
						  sbi_remote_fence, &fence);
		break;
	default:
		answer->error = SBI_ERR_NOT_SUPPORTED;
	}
}

const struct sbi_extension sbi_rfence = {
	.first = SBI_EXTENSION_RFENCE,
	.last = SBI_EXTENSION_RFENCE,
	.reason = REASON_SBI_RFENCE,
	.fast = true,
	.handle = handle,
};
