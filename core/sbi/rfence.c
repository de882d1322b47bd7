/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBI RFENCE: fences on the harts of a guest. The hypervisor's own forms
 * (hfence) answer "not supported", since guests are shown no H extension.
 */
#include "core/sbi/sbi.h"
#include "core/vcpu_requests.h"

/* A request of a guest that names another of its harts, for the PMU's counters. */
static void saw(struct vcpu *vcpu, struct vcpu *target, unsigned sent, unsigned received)
{
	if (target == vcpu)
		return;
	pmu_saw(vcpu, sent);
	pmu_saw(target, received);
}

/* Of the harts that a call names: the fence, and the tickets of those waited for. */
struct remote {
	const struct fence *fence; /* NULL: fence.i */
	uint32_t targets;
	uint32_t tickets[VCPU_LIMIT];
};

static void count(struct vcpu *vcpu, struct vcpu *target, const struct fence *fence)
{
	if (!fence)
		saw(vcpu, target, SBI_PMU_FIRMWARE_FENCE_I_SENT,
		    SBI_PMU_FIRMWARE_FENCE_I_RECEIVED);
	else if (fence->has_asid)
		saw(vcpu, target, SBI_PMU_FIRMWARE_SFENCE_VMA_ASID_SENT,
		    SBI_PMU_FIRMWARE_SFENCE_VMA_ASID_RECEIVED);
	else
		saw(vcpu, target, SBI_PMU_FIRMWARE_SFENCE_VMA_SENT,
		    SBI_PMU_FIRMWARE_SFENCE_VMA_RECEIVED);
}

static void post(struct vcpu *vcpu, struct vcpu *target, void *argument)
{
	struct remote *remote = argument;

	count(vcpu, target, remote->fence);
	if (target == vcpu)
		return;
	if (vcpu_fence_post(vcpu, target, remote->fence, &remote->tickets[target->id]))
		remote->targets |= UINT32_C(1) << target->id;
}

static void fence_own(struct vcpu *vcpu, struct vcpu *target, void *argument)
{
	const struct remote *remote = argument;

	if (target != vcpu)
		return;
	if (remote->fence)
		vcpu->vm->mode->fence(vcpu, remote->fence);
	else
		arch_fence_i();
}

/* The others are asked first, and do theirs while the caller does its own. */
int64_t sbi_remote_fence(struct vcpu *vcpu, uint64_t mask, uint64_t mask_base,
			 const struct fence *fence)
{
	struct remote remote = {.fence = fence};
	int64_t error = sbi_for_each_hart(vcpu, mask, mask_base, post, &remote);

	if (error != SBI_SUCCESS)
		return error;
	sbi_for_each_hart(vcpu, mask, mask_base, fence_own, &remote);
	for (unsigned i = 0; i < vcpu->vm->vcpu_count; i++)
		if (remote.targets >> i & 1)
			vcpu_fences_wait(vcpu, &vcpu->vm->vcpus[i], remote.tickets[i]);
	return SBI_SUCCESS;
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
		answer->error = sbi_remote_fence(vcpu, argument[0], argument[1], NULL);
		break;
	case SBI_RFENCE_SFENCE_VMA_ASID:
		fence.has_asid = true;
		fence.asid = (uint16_t)argument[4];
		/* fall through */
	case SBI_RFENCE_SFENCE_VMA:
		answer->error = sbi_remote_fence(vcpu, argument[0], argument[1], &fence);
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
