/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The legacy calls of SBI 0.1, which old kernels and small programs still use.
 * They answer in a0 alone, and take a hart mask by a pointer into the caller's
 * virtual memory (NULL: all harts).
 */
#include "core/console_mux.h"
#include "core/guest_code.h"
#include "core/sbi/sbi.h"
#include "core/timer.h"

/* A mask by its address; false: it is not readable. */
static bool read_mask(struct vcpu *vcpu, gva_t pointer, uint64_t *mask, uint64_t *base)
{
	*mask = 0;
	*base = pointer.raw == 0 ? UINT64_MAX : 0;
	return pointer.raw == 0 || guest_load_u64(vcpu, pointer, mask);
}

static int64_t send_ipi(struct vcpu *vcpu, gva_t pointer)
{
	uint64_t mask, base;

	if (!read_mask(vcpu, pointer, &mask, &base))
		return SBI_ERR_INVALID_ADDRESS;
	return sbi_for_each_hart(vcpu, mask, base, sbi_send_ipi, NULL);
}

static int64_t remote_fence(struct vcpu *vcpu, gva_t pointer, const struct fence *fence)
{
	uint64_t mask, base;

	if (!read_mask(vcpu, pointer, &mask, &base))
		return SBI_ERR_INVALID_ADDRESS;
	return sbi_remote_fence(vcpu, mask, base, fence);
}

static void handle(struct vcpu *vcpu, const struct sbi_request *request,
		   struct sbi_answer *answer)
{
	const uint64_t *argument = request->argument;
	struct fence fence = sbi_fence_range(argument[1], argument[2]);

	switch (request->extension) {
	case SBI_LEGACY_SET_TIMER:
		pmu_saw(vcpu, SBI_PMU_FIRMWARE_SET_TIMER);
		timer_set_guest(vcpu, argument[0]);
		break;
	case SBI_LEGACY_CONSOLE_PUTCHAR:
		mux_put(&vcpu->vm->screen, (uint8_t)argument[0]);
		break;
	case SBI_LEGACY_CONSOLE_GETCHAR:
		answer->error = sbi_console_get(vcpu->vm);
		break;
	case SBI_LEGACY_CLEAR_IPI:
		arch_guest_interrupt_set(vcpu, GUEST_SOFTWARE, false);
		break;
	case SBI_LEGACY_SEND_IPI:
		answer->error = send_ipi(vcpu, GVA(argument[0]));
		break;
	case SBI_LEGACY_REMOTE_FENCE_I:
		answer->error = remote_fence(vcpu, GVA(argument[0]), NULL);
		break;
	case SBI_LEGACY_REMOTE_SFENCE_VMA_ASID:
		fence.has_asid = true;
		fence.asid = (uint16_t)argument[3];
		/* fall through */
	case SBI_LEGACY_REMOTE_SFENCE_VMA:
		answer->error = remote_fence(vcpu, GVA(argument[0]), &fence);
		break;
	case SBI_LEGACY_SHUTDOWN:
		sbi_shutdown(vcpu, false);
		break;
	}
}

const struct sbi_extension sbi_legacy = {
	.first = SBI_LEGACY_SET_TIMER,
	.last = SBI_LEGACY_SHUTDOWN,
	.legacy = true,
	.reason = REASON_SBI_OTHER,
	.handle = handle,
};
