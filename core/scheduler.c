/* SPDX-License-Identifier: BSD-2-Clause */
/* Harts and the vCPUs on them. See scheduler.h. */
#include "core/scheduler.h"
#include "core/clearing.h"
#include "core/harts.h"
#include "core/line.h"
#include "core/panic.h"
#include "core/scheduler_queue.h"
#include "core/timer.h"
#include "core/vm.h"

#define NEVER UINT64_MAX

/* ---- from any hart ---- */

void scheduler_add(struct vcpu *vcpu)
{
	spin_lock_take(&scheduler.lock);
	assert(vcpu->place.state == RUN_STOPPED);
	queue_make_ready(vcpu, false);
	spin_lock_give(&scheduler.lock);
}

bool scheduler_kick(struct vcpu *vcpu)
{
	uint32_t hart = __atomic_load_n(&vcpu->hart, __ATOMIC_SEQ_CST);

	return hart != VCPU_NO_HART && harts_nudge(hart);
}

bool scheduler_nudge(struct vcpu *vcpu)
{
	uint32_t hart = __atomic_load_n(&vcpu->hart, __ATOMIC_SEQ_CST);
	bool kicked = false;

	if (hart != VCPU_NO_HART)
		return harts_nudge(hart);
	spin_lock_take(&scheduler.lock);
	if (vcpu->place.state == RUN_BLOCKED)
		queue_wake(vcpu);
	else if (vcpu->place.state == RUN_RUNNING)
		kicked = harts_nudge(vcpu->place.home);
	spin_lock_give(&scheduler.lock);
	return kicked;
}

void scheduler_init(void)
{
	line_init();
	for (unsigned hart = 0; hart < HART_LIMIT; hart++)
		scheduler.harts[hart] =
			(struct hart_queue){.next_wake = NEVER, .turn_end = NEVER};
	scheduler.hop = 0;
}

void scheduler_hop(uint64_t ticks)
{
	scheduler.hop = ticks;
}

void scheduler_place(struct vcpu *vcpu, unsigned weight, uint32_t harts)
{
	vcpu->place.weight = weight;
	vcpu->place.harts = harts;
}

bool scheduler_has_work(unsigned hart)
{
	return line_waits(hart) ||
	       __atomic_load_n(&scheduler.harts[hart].is_recalled, __ATOMIC_SEQ_CST) != 0;
}

struct vcpu_times scheduler_times(const struct vcpu *vcpu)
{
	struct vcpu_times times;
	uint64_t time;

	spin_lock_take(&scheduler.lock);
	times = vcpu->place.times;
	time = arch_time() - vcpu->place.since;
	if (vcpu->place.state == RUN_RUNNING)
		times.run += time;
	if (vcpu->place.state == RUN_READY)
		times.stolen += time;
	spin_lock_give(&scheduler.lock);
	return times;
}

bool scheduler_remove(struct vcpu *vcpus, unsigned count)
{
	bool gone = true;

	spin_lock_take(&scheduler.lock);
	for (unsigned i = 0; i < count; i++) {
		if (vcpus[i].place.state == RUN_RUNNING) {
			gone = false;
			continue;
		}
		queue_withdraw(&vcpus[i]);
		queue_change(&vcpus[i], RUN_STOPPED);
	}
	spin_lock_give(&scheduler.lock);
	return gone;
}

/* ---- of a whole VM ---- */

static void hold(struct vcpu *vcpu)
{
	if (vcpu->place.state == RUN_RUNNING) {
		queue_ask(vcpu, REQUEST_LEAVE);
		harts_nudge(vcpu->place.home);
	} else if (vcpu->place.state != RUN_STOPPED) {
		queue_withdraw(vcpu);
		queue_change(vcpu, RUN_HELD);
	}
}

void scheduler_pause(struct vm *vm)
{
	spin_lock_take(&scheduler.lock);
	vm->is_paused = true;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		hold(&vm->vcpus[i]);
	spin_lock_give(&scheduler.lock);
}

/* Who waited for an interrupt looks for it again: wfi may end at any time. */
void scheduler_resume(struct vm *vm)
{
	spin_lock_take(&scheduler.lock);
	vm->is_paused = false;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i].place.state == RUN_HELD)
			queue_make_ready(&vm->vcpus[i], false);
	spin_lock_give(&scheduler.lock);
}

/* ---- recalling a hart ---- */

static void recall(unsigned hart)
{
	struct hart_queue *queue = &scheduler.harts[hart];

	__atomic_store_n(&queue->is_recalled, 1, __ATOMIC_SEQ_CST);
	if (queue->running)
		queue_ask(queue->running, REQUEST_LEAVE);
	harts_nudge(hart);
}

void scheduler_recall(unsigned hart)
{
	spin_lock_take(&scheduler.lock);
	recall(hart);
	spin_lock_give(&scheduler.lock);
}

/* Whom this hart did not take, others may. */
static void call_for_all(void)
{
	for (struct vcpu *vcpu = line_first(); vcpu; vcpu = vcpu->place.next)
		queue_call(vcpu);
}

/* Whose time may come meanwhile: it goes to wait elsewhere, if it may. */
static void hand_on_blocked(struct hart_queue *own)
{
	const uint32_t others = harts_running() & ~(UINT32_C(1) << arch_hart_index());
	struct vcpu *next;

	for (struct vcpu *vcpu = own->blocked; vcpu; vcpu = next) {
		next = vcpu->place.next;
		if (vcpu->place.wake == NEVER || !(vcpu->place.harts & others))
			continue;
		queue_withdraw(vcpu);
		queue_make_ready(vcpu, false);
	}
}

bool scheduler_was_recalled(void)
{
	struct hart_queue *own = own_queue();

	if (!__atomic_exchange_n(&own->is_recalled, 0, __ATOMIC_SEQ_CST))
		return false;
	spin_lock_take(&scheduler.lock);
	own->is_busy = true;
	call_for_all();
	hand_on_blocked(own);
	spin_lock_give(&scheduler.lock);
	return true;
}

/* ---- the hart's own ---- */

static void begin_turn(struct hart_queue *own, struct vcpu *vcpu)
{
	const unsigned hart = arch_hart_index();

	vcpu->place.times.stolen += queue_change(vcpu, RUN_RUNNING);
	vcpu->place.times.moves += vcpu->place.times.run > 0 && vcpu->place.last != hart;
	vcpu->place.home = hart;
	own->running = vcpu;
	__atomic_store_n(&vcpu->hart, hart, __ATOMIC_SEQ_CST);
}

static struct vcpu *take_turn(struct hart_queue *own)
{
	struct vcpu *vcpu = NULL;

	spin_lock_take(&scheduler.lock);
	own->is_busy = false;
	own->looks = true;
	__atomic_store_n(&own->yields, false, __ATOMIC_SEQ_CST);
	if (!own->is_recalled)
		vcpu = line_choose(arch_hart_index());
	if (vcpu) {
		call_for_all();
		begin_turn(own, vcpu);
	}
	own->looks = false;
	spin_lock_give(&scheduler.lock);
	return vcpu;
}

/* Time that nobody waited for is free; no other is, however short. */
static void charge(struct hart_queue *own, struct vcpu *vcpu, uint64_t now)
{
	if (own->turn_end == NEVER)
		return;
	line_charge(vcpu, now > own->turn_began ? now - own->turn_began : 1);
	__atomic_store_n(&own->turn_end, NEVER, __ATOMIC_SEQ_CST);
}

static void stop(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	bool any = false;

	queue_change(vcpu, RUN_STOPPED);
	__atomic_store_n(&vcpu->state, VCPU_STOPPED, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		any |= vm->vcpus[i].state == VCPU_STARTED;
	if (!any)
		vm_note_end(vm, VM_STOPPED, "all of its harts have stopped");
}

/* Under the lock, so that no request comes between the look and the list. */
static void block(struct hart_queue *own, struct vcpu *vcpu)
{
	if (vcpu_is_called(vcpu) || vcpu->vm->is_paused) {
		queue_make_ready(vcpu, false);
		return;
	}
	queue_change(vcpu, RUN_BLOCKED);
	vcpu->place.wake = timer_deadline(vcpu);
	vcpu->place.next = own->blocked;
	own->blocked = vcpu;
	if (vcpu->place.wake < own->next_wake)
		__atomic_store_n(&own->next_wake, vcpu->place.wake, __ATOMIC_RELAXED);
}

static void give_turn(struct hart_queue *own, struct vcpu *vcpu, enum vcpu_leave why)
{
	spin_lock_take(&scheduler.lock);
	own->running = NULL;
	own->looks = true;
	charge(own, vcpu, arch_time());
	vcpu->place.last = arch_hart_index();
	__atomic_store_n(&vcpu->hart, VCPU_NO_HART, __ATOMIC_SEQ_CST);
	vcpu->place.times.run += queue_change(vcpu, RUN_STOPPED);
	if (why == VCPU_HALTED && !vm_has_ended(vcpu->vm))
		stop(vcpu);
	else if (why == VCPU_BLOCKED && !vm_has_ended(vcpu->vm))
		block(own, vcpu);
	else if (!vm_has_ended(vcpu->vm))
		queue_make_ready(vcpu, false);
	/* The boot hart takes it down, once the last is off: it may be gone with the
	 * lock. */
	if (vm_has_ended(vcpu->vm))
		recall(BOOT_HART);
	spin_lock_give(&scheduler.lock);
}

bool scheduler_step(void)
{
	struct hart_queue *own = own_queue();
	struct vcpu *vcpu = take_turn(own);

	if (!vcpu)
		return false;
	give_turn(own, vcpu, vcpu_run(vcpu));
	return true;
}

/* ---- time ---- */

uint64_t scheduler_next(void)
{
	const struct hart_queue *own = own_queue();
	uint64_t next_wake = __atomic_load_n(&own->next_wake, __ATOMIC_RELAXED);

	return next_wake < own->turn_end ? next_wake : own->turn_end;
}

static void wake_due(struct hart_queue *own, uint64_t now)
{
	uint64_t next_wake = NEVER;
	struct vcpu *next;

	spin_lock_take(&scheduler.lock);
	for (struct vcpu *vcpu = own->blocked; vcpu; vcpu = next) {
		next = vcpu->place.next;
		if (vcpu->place.wake <= now)
			queue_wake(vcpu);
		else if (vcpu->place.wake < next_wake)
			next_wake = vcpu->place.wake;
	}
	__atomic_store_n(&own->next_wake, next_wake, __ATOMIC_RELAXED);
	spin_lock_give(&scheduler.lock);
}

/*
 * Others wait for this hart, so that who runs here is to give way where it waits; of the
 * boot hart, VMs that come to be do, too.
 */
static bool is_shared(void)
{
	const unsigned hart = arch_hart_index();

	return scheduler.hop || line_waits(hart) ||
	       (hart == BOOT_HART && clearing_waits());
}

static void limit_turn(struct hart_queue *own, const struct vcpu *vcpu, uint64_t now)
{
	uint64_t turn = line_turn(vcpu);

	if (scheduler.hop && scheduler.hop < turn)
		turn = scheduler.hop;
	own->turn_began = now;
	__atomic_store_n(&own->turn_end, now + turn, __ATOMIC_SEQ_CST);
}

/* Who comes to the line sees that there is no turn here, or is seen: the second look. */
void scheduler_tick(struct vcpu *vcpu)
{
	struct hart_queue *own = own_queue();
	uint64_t now = arch_time();

	if (__atomic_load_n(&own->next_wake, __ATOMIC_RELAXED) <= now)
		wake_due(own, now);
	if (!vcpu)
		return;
	if (!is_shared())
		charge(own, vcpu, now);
	if (own->turn_end == NEVER && is_shared())
		limit_turn(own, vcpu, now);
	if (vcpu->leave == VCPU_STAYS &&
	    (own->turn_end <= now || __atomic_load_n(&own->yields, __ATOMIC_SEQ_CST)))
		vcpu->leave = VCPU_PREEMPTED;
	arch_wait_trap(vcpu, is_shared());
}

void scheduler_block(struct vcpu *vcpu)
{
	if (vcpu->leave == VCPU_STAYS)
		vcpu->leave = VCPU_BLOCKED;
}
