/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBI STA: how long a vCPU was ready and had no hart (specification 2.0, chapter 16).
 * The scheduler measures it; the guest finds it in shared memory, which it may as well
 * overwrite: nothing is read back from there.
 */
#include "core/sbi/sta.h"
#include "core/machine.h"
#include "core/sbi/sbi.h"

/* "STA Shared Memory Structure" */
struct shared {
	uint32_t sequence;
	uint32_t flags;
	uint64_t steal;
	uint8_t preempted;
	uint8_t pad[47];
};

_Static_assert(sizeof(struct shared) == 64, "the specification's size");

static void write(struct vcpu *vcpu, size_t offset, const void *from, size_t size)
{
	vm_write(vcpu->vm, GPA(vcpu->steal.at.raw + offset), from, size);
	/* Other harts of the guest see each part behind the one before. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void step_sequence(struct vcpu *vcpu)
{
	vcpu->steal.sequence++;
	write(vcpu, offsetof(struct shared, sequence), &vcpu->steal.sequence,
	      sizeof(vcpu->steal.sequence));
}

static void write_preempted(struct vcpu *vcpu, uint8_t preempted)
{
	vcpu->steal.preempted = preempted;
	write(vcpu, offsetof(struct shared, preempted), &preempted, sizeof(preempted));
}

void sta_load(struct vcpu *vcpu)
{
	uint64_t steal;

	if (!vcpu->steal.is_told)
		return;
	steal = machine_time(vcpu->place.times.stolen - vcpu->steal.from, NANOSECONDS);
	step_sequence(vcpu);
	write(vcpu, offsetof(struct shared, steal), &steal, sizeof(steal));
	step_sequence(vcpu);
	if (vcpu->steal.preempted)
		write_preempted(vcpu, 0);
}

void sta_preempted(struct vcpu *vcpu)
{
	if (vcpu->steal.is_told)
		write_preempted(vcpu, 1);
}

static int64_t set_shared(struct vcpu *vcpu, const uint64_t *argument)
{
	static const struct shared nothing;
	const uint64_t low = argument[0], high = argument[1], flags = argument[2];
	const bool ends = low == UINT64_MAX && high == UINT64_MAX;

	if (flags != 0 || (!ends && !is_aligned(low, sizeof(nothing))))
		return SBI_ERR_INVALID_PARAM;
	if (!ends && (high != 0 || vm_write(vcpu->vm, GPA(low), &nothing,
					    sizeof(nothing)) != STATUS_OK))
		return SBI_ERR_INVALID_ADDRESS;
	vcpu->steal = (struct vcpu_steal){
		.is_told = !ends,
		.at = GPA(low),
		.from = vcpu->place.times.stolen,
	};
	return SBI_SUCCESS;
}

static void handle(struct vcpu *vcpu, const struct sbi_request *request,
		   struct sbi_answer *answer)
{
	answer->error = request->function == SBI_STA_SET_SHMEM
				? set_shared(vcpu, request->argument)
				: SBI_ERR_NOT_SUPPORTED;
}

const struct sbi_extension sbi_sta = {
	.first = SBI_EXTENSION_STA,
	.last = SBI_EXTENSION_STA,
	.reason = REASON_SBI_OTHER,
	.handle = handle,
};
