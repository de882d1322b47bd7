/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPUs that become ready, and the harts that are called for them. */
#include "core/scheduler_queue.h"
#include "core/harts.h"
#include "core/line.h"
#include "core/vm.h"

#define NEVER UINT64_MAX

struct scheduler scheduler;

uint64_t queue_change(struct vcpu *vcpu, enum vcpu_run_state state)
{
	const uint64_t now = arch_time();
	const uint64_t time = now - vcpu->place.since;

	vcpu->place.state = state;
	vcpu->place.since = now;
	return time;
}

static void unlink_blocked(struct vcpu *vcpu)
{
	struct vcpu **at = &scheduler.harts[vcpu->place.home].blocked;

	while (*at != vcpu)
		at = &(*at)->place.next;
	*at = vcpu->place.next;
}

static bool is_idle(unsigned hart)
{
	const struct hart_queue *queue = &scheduler.harts[hart];

	return harts_running() >> hart & 1 && !queue->running && !queue->looks &&
	       !queue->is_busy;
}

/* Where it may run next; with the hop, not where it was if it can be elsewhere. */
static uint32_t harts_for(const struct vcpu *vcpu)
{
	const uint32_t all = vcpu->place.harts & harts_running();
	const uint32_t others = all & ~(UINT32_C(1) << vcpu->place.last);

	return scheduler.hop && others ? others : all;
}

/* Its last hart if that is idle, or else any that is; false: there is none. */
static bool call_idle(const struct vcpu *vcpu)
{
	for (unsigned i = 0; i < HART_LIMIT; i++) {
		const unsigned hart = (vcpu->place.last + i) % HART_LIMIT;

		if (!(vcpu->place.waits_for >> hart & 1) || !is_idle(hart))
			continue;
		scheduler.harts[hart].looks = true;
		harts_nudge(hart);
		return true;
	}
	return false;
}

static void ask_to_share(struct hart_queue *queue)
{
	queue_ask(queue->running, REQUEST_SHARE);
	harts_nudge(queue->running->place.home);
}

static bool is_before(const struct vcpu *vcpu, const struct vcpu *other)
{
	return vcpu->place.virtual <
	       __atomic_load_n(&other->place.virtual, __ATOMIC_RELAXED);
}

/* All that it may run on are busy: turns end there from now on, one at once if it woke.
 */
static void call_busy(const struct vcpu *vcpu)
{
	bool room = !vcpu->place.woken;

	for (unsigned i = 0; i < HART_LIMIT; i++) {
		const unsigned hart = (vcpu->place.last + i) % HART_LIMIT;
		struct hart_queue *queue = &scheduler.harts[hart];

		if (!(vcpu->place.waits_for >> hart & 1) || !queue->running)
			continue;
		if (!room && !queue->yields && is_before(vcpu, queue->running)) {
			room = true;
			__atomic_store_n(&queue->yields, true, __ATOMIC_SEQ_CST);
			ask_to_share(queue);
		} else if (__atomic_load_n(&queue->turn_end, __ATOMIC_SEQ_CST) == NEVER) {
			ask_to_share(queue);
		}
	}
}

void queue_call(const struct vcpu *vcpu)
{
	if (!call_idle(vcpu))
		call_busy(vcpu);
}

void queue_make_ready(struct vcpu *vcpu, bool woken)
{
	if (vcpu->vm->is_paused) {
		queue_change(vcpu, RUN_HELD);
		return;
	}
	queue_change(vcpu, RUN_READY);
	vcpu->place.woken = woken;
	line_join(vcpu, harts_for(vcpu));
	queue_call(vcpu);
}

void queue_withdraw(struct vcpu *vcpu)
{
	if (vcpu->place.state == RUN_READY)
		line_leave(vcpu);
	if (vcpu->place.state == RUN_BLOCKED)
		unlink_blocked(vcpu);
}

void queue_wake(struct vcpu *vcpu)
{
	unlink_blocked(vcpu);
	queue_make_ready(vcpu, true);
}
