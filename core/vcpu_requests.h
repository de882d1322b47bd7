/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is asked of a vCPU from other harts: interrupts, fences, to leave.
 *
 * A request is left with the vCPU, which is then nudged: its hart is kicked if it is in
 * the guest, and it is made ready if it is blocked. Its own hart looks as the last thing
 * before it enters the guest. So a vCPU on no hart needs no kick: it looks before it
 * runs. Nor does one need it for a fence of an address space that it does not run: it
 * looks again when it has written satp, before it goes on there.
 */
#ifndef CORE_VCPU_REQUESTS_H
#define CORE_VCPU_REQUESTS_H

#include "core/arch.h"
#include "core/vcpu.h"

enum vcpu_request {
	REQUEST_SOFTWARE, /* a software interrupt is pending */
	REQUEST_EXTERNAL, /* see vcpu->external */
	REQUEST_FENCES,	  /* see vcpu->fences */
	REQUEST_SHARE,	  /* the scheduler has others for its hart */
	REQUEST_LEAVE,	  /* the VM has ended */
};

/*
 * From any hart. What was written before is to be seen by who serves it. True if a hart
 * was kicked for it.
 */
bool vcpu_request(struct vcpu *vcpu, enum vcpu_request request);

/* Raise a vCPU's software interrupt, or set the level of its external one. */
void vcpu_raise_software(struct vcpu *vcpu);
void vcpu_set_external(struct vcpu *vcpu, bool level);

/*
 * Have a vCPU do a fence; NULL: a fence.i. False: it runs another address space than the
 * fence is for, and does it before it comes back to that one. True: it is done once
 * vcpu_fences_wait() with the ticket returns, which does what others ask of the caller's
 * own vCPU meanwhile: nothing of it may be between a translation and its use. No lock may
 * be held.
 */
bool vcpu_fence_post(struct vcpu *self, struct vcpu *vcpu, const struct fence *fence,
		     uint32_t *ticket);
void vcpu_fences_wait(struct vcpu *self, struct vcpu *vcpu, uint32_t ticket);

/* The guest writes satp, on the vCPU's own hart: the fences left for it come first. */
void vcpu_satp_write(struct vcpu *vcpu, uint64_t value);

/* Do all that has been asked of the vCPU, which is loaded here. */
void vcpu_serve(struct vcpu *vcpu);

static inline bool vcpu_is_asked(const struct vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->requests, __ATOMIC_SEQ_CST) != 0;
}

/* ... for anything that it should not wait for an interrupt with: fences can wait too. */
static inline bool vcpu_is_called(const struct vcpu *vcpu)
{
	uint32_t asked = __atomic_load_n(&vcpu->requests, __ATOMIC_SEQ_CST);

	return asked & ~(UINT32_C(1) << REQUEST_FENCES);
}

#endif
