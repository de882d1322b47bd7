/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of a vCPU from other harts. See vcpu_requests.h. */
#include "core/vcpu_requests.h"
#include "core/scheduler.h"
#include "core/timer.h"
#include "core/vm.h"

static bool is_here(const struct vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->hart, __ATOMIC_SEQ_CST) == arch_hart_index();
}

static void ask(struct vcpu *vcpu, enum vcpu_request request)
{
	__atomic_fetch_or(&vcpu->requests, UINT32_C(1) << request, __ATOMIC_SEQ_CST);
}

bool vcpu_request(struct vcpu *vcpu, enum vcpu_request request)
{
	ask(vcpu, request);
	return scheduler_nudge(vcpu);
}

/* ---- interrupts ---- */

void vcpu_raise_software(struct vcpu *vcpu)
{
	if (is_here(vcpu))
		arch_guest_interrupt_set(vcpu, GUEST_SOFTWARE, true);
	else
		vcpu_request(vcpu, REQUEST_SOFTWARE);
}

/* Whoever sets it last, under the lock of the VM's devices, is seen to have. */
void vcpu_set_external(struct vcpu *vcpu, bool level)
{
	__atomic_store_n(&vcpu->external, level, __ATOMIC_SEQ_CST);
	if (is_here(vcpu))
		arch_guest_interrupt_set(vcpu, GUEST_EXTERNAL, level);
	else
		vcpu_request(vcpu, REQUEST_EXTERNAL);
}

/* ---- fences ---- */

/* Asked after the fence was left there: see vcpu_satp_write(). */
static bool runs_another_space(const struct vcpu *vcpu, const struct fence *fence)
{
	uint64_t satp = __atomic_load_n(&vcpu->arch.fast.satp, __ATOMIC_SEQ_CST);

	return vcpu->vm->mode->satp_traps && fence && fence->has_asid &&
	       satp_asid(satp) != fence->asid;
}

/* One of the same address space is there, which is fenced altogether then. */
static bool widen_kept(struct vcpu_fences *fences, const struct fence *fence)
{
	for (unsigned i = 0; i < fences->count; i++) {
		struct fence *kept = &fences->kept[i];

		if (!kept->has_asid || kept->asid != fence->asid)
			continue;
		kept->has_address = false;
		return true;
	}
	return false;
}

/* True: it was the last that there is room for. */
static bool keep(struct vcpu_fences *fences, const struct fence *fence)
{
	if (fences->count < VCPU_FENCES_KEPT) {
		fences->kept[fences->count++] = *fence;
		return fences->count == VCPU_FENCES_KEPT;
	}
	if (!fence->has_asid || !widen_kept(fences, fence))
		fences->everything = true;
	return false;
}

/* Who has no room left for precise fences is kicked as well, and not waited for. */
bool vcpu_fence_post(struct vcpu *self, struct vcpu *vcpu, const struct fence *fence,
		     uint32_t *ticket)
{
	struct vcpu_fences *fences = &vcpu->fences;
	bool full = false, waits;

	spin_lock_take(&fences->lock);
	if (fence)
		full = keep(fences, fence);
	else
		fences->code = true;
	*ticket = ++fences->posted;
	spin_lock_give(&fences->lock);
	ask(vcpu, REQUEST_FENCES);
	waits = !runs_another_space(vcpu, fence);
	if (waits || full)
		self->kicks += scheduler_kick(vcpu);
	return waits;
}

static struct vcpu_fences take_fences(struct vcpu_fences *fences)
{
	struct vcpu_fences taken;

	spin_lock_take(&fences->lock);
	taken = *fences;
	fences->count = 0;
	fences->everything = fences->code = false;
	spin_lock_give(&fences->lock);
	return taken;
}

static void serve_fences(struct vcpu *vcpu)
{
	const struct paging_mode *mode = vcpu->vm->mode;
	const struct vcpu_fences taken = take_fences(&vcpu->fences);

	if (taken.everything)
		mode->fence(vcpu, &(struct fence){0});
	for (unsigned i = 0; i < taken.count && !taken.everything; i++)
		mode->fence(vcpu, &taken.kept[i]);
	if (taken.code)
		arch_fence_i();
	__atomic_store_n(&vcpu->fences.served, taken.posted, __ATOMIC_SEQ_CST);
}

/* Counts wrap. */
static bool has_served(const struct vcpu *vcpu, uint32_t ticket)
{
	uint32_t served = __atomic_load_n(&vcpu->fences.served, __ATOMIC_SEQ_CST);

	return (int32_t)(served - ticket) >= 0;
}

/*
 * Rule: a vCPU that is on a hart may be in the middle of an access that Gnomon makes in
 * its place, so that it is waited for wherever it is.
 */
void vcpu_fences_wait(struct vcpu *self, struct vcpu *vcpu, uint32_t ticket)
{
	while (!has_served(vcpu, ticket) &&
	       __atomic_load_n(&vcpu->hart, __ATOMIC_SEQ_CST) != VCPU_NO_HART) {
		serve_fences(self);
		harts_serve();
	}
}

/* ---- the vCPU's own hart ---- */

/*
 * Who posts a fence for the new address space sees that the vCPU is there, and waits for
 * it, or the fence is seen here. (Dekker's algorithm, as in harts_enter_guest().) Until
 * then nothing is accessed there. Who posts one for the old space and does not wait, as
 * it is left, may give its pages to others: so what was accessed there comes first, which
 * no trap sees to (unprivileged specification, "RVWMO"). The fast vector does the same.
 */
void vcpu_satp_write(struct vcpu *vcpu, uint64_t value)
{
	const struct paging_mode *mode = vcpu->vm->mode;
	const uint32_t bit = UINT32_C(1) << REQUEST_FENCES;

	mode->satp_write(vcpu, value);
	__atomic_store_n(&vcpu->arch.fast.satp, mode->satp_read(vcpu), __ATOMIC_SEQ_CST);
	if (!vcpu_is_asked(vcpu))
		return;
	if (__atomic_fetch_and(&vcpu->requests, ~bit, __ATOMIC_SEQ_CST) & bit)
		serve_fences(vcpu);
}

void vcpu_serve(struct vcpu *vcpu)
{
	uint32_t asked = __atomic_exchange_n(&vcpu->requests, 0, __ATOMIC_SEQ_CST);

	if (asked >> REQUEST_SOFTWARE & 1)
		arch_guest_interrupt_set(vcpu, GUEST_SOFTWARE, true);
	if (asked >> REQUEST_EXTERNAL & 1)
		arch_guest_interrupt_set(
			vcpu, GUEST_EXTERNAL,
			__atomic_load_n(&vcpu->external, __ATOMIC_SEQ_CST));
	if (asked >> REQUEST_FENCES & 1)
		serve_fences(vcpu);
	if (asked >> REQUEST_SHARE & 1)
		timer_tick(vcpu);
	if (asked >> REQUEST_LEAVE & 1 && vcpu->leave == VCPU_STAYS)
		vcpu->leave = VCPU_PREEMPTED;
}
