/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of vCPUs, one for each hart. See scheduler.h. */
#include "core/scheduler.h"
#include "arch/riscv/layout.h"
#include "core/arch.h"
#include "core/harts.h"
#include "core/machine.h"
#include "core/panic.h"
#include "core/timer.h"
#include "core/vcpu_requests.h"
#include "core/vm.h"

#define SLICES_PER_SECOND 100
#define NEVER		  UINT64_MAX
#define BOOT_HART	  0

struct queue {
	struct vcpu *first, *last; /* ready */
	struct vcpu *blocked;
	struct vcpu *running;
	uint64_t next_wake;   /* of those that are blocked, or earlier; NEVER */
	uint64_t slice_end;   /* the hart's own; NEVER: nobody waits for it */
	uint32_t is_recalled; /* 1: the hart has to see to something else */
	bool is_busy;	      /* it does: others may have who waits here */
};

static struct {
	struct spin_lock lock;
	struct queue queues[HART_LIMIT];
} scheduler;

static struct queue *own_queue(void)
{
	return &scheduler.queues[arch_hart_index()];
}

/* ---- queues, under the lock ---- */

static void append(struct queue *queue, struct vcpu *vcpu)
{
	vcpu->place.next = NULL;
	if (queue->first)
		queue->last->place.next = vcpu;
	else
		__atomic_store_n(&queue->first, vcpu, __ATOMIC_SEQ_CST);
	queue->last = vcpu;
}

static void unlink(struct vcpu **list, struct vcpu *vcpu)
{
	while (*list != vcpu)
		list = &(*list)->place.next;
	__atomic_store_n(list, vcpu->place.next, __ATOMIC_SEQ_CST);
}

static void take_out(struct queue *queue, struct vcpu *vcpu)
{
	struct vcpu *before = queue->first;

	while (before != vcpu && before->place.next != vcpu)
		before = before->place.next;
	unlink(&queue->first, vcpu);
	if (queue->last == vcpu)
		queue->last = queue->first ? before : NULL;
}

static bool is_idle(unsigned hart)
{
	const struct queue *queue = &scheduler.queues[hart];

	return harts_running() >> hart & 1 && !queue->running && !queue->first &&
	       !queue->is_busy;
}

/* Where it ran last, if that is idle, or else any hart that is. */
static unsigned choose_home(const struct vcpu *vcpu)
{
	if (is_idle(vcpu->place.last))
		return vcpu->place.last;
	for (unsigned hart = 0; hart < HART_LIMIT; hart++)
		if (is_idle(hart))
			return hart;
	return vcpu->place.last;
}

static void ask(struct vcpu *vcpu, enum vcpu_request request)
{
	__atomic_fetch_or(&vcpu->requests, UINT32_C(1) << request, __ATOMIC_SEQ_CST);
}

/* Who runs there gets a slice of time from now on. */
static void make_ready(struct vcpu *vcpu)
{
	struct queue *queue;

	if (vcpu->vm->is_paused) {
		vcpu->place.state = RUN_HELD;
		return;
	}
	vcpu->place.state = RUN_READY;
	vcpu->place.home = choose_home(vcpu);
	queue = &scheduler.queues[vcpu->place.home];
	append(queue, vcpu);
	if (queue->running)
		ask(queue->running, REQUEST_SHARE);
	harts_nudge(vcpu->place.home);
}

static void wake(struct vcpu *vcpu)
{
	unlink(&scheduler.queues[vcpu->place.home].blocked, vcpu);
	make_ready(vcpu);
}

/* ---- from any hart ---- */

void scheduler_add(struct vcpu *vcpu)
{
	spin_lock_take(&scheduler.lock);
	assert(vcpu->place.state == RUN_STOPPED);
	make_ready(vcpu);
	spin_lock_give(&scheduler.lock);
}

bool scheduler_nudge(struct vcpu *vcpu)
{
	uint32_t hart = __atomic_load_n(&vcpu->hart, __ATOMIC_SEQ_CST);
	bool kicked = false;

	if (hart != VCPU_NO_HART)
		return harts_nudge(hart);
	spin_lock_take(&scheduler.lock);
	if (vcpu->place.state == RUN_BLOCKED)
		wake(vcpu);
	else if (vcpu->place.state == RUN_RUNNING)
		kicked = harts_nudge(vcpu->place.home);
	spin_lock_give(&scheduler.lock);
	return kicked;
}

void scheduler_init(void)
{
	for (unsigned hart = 0; hart < HART_LIMIT; hart++)
		scheduler.queues[hart] =
			(struct queue){.next_wake = NEVER, .slice_end = NEVER};
}

static bool has_ready(unsigned hart)
{
	return __atomic_load_n(&scheduler.queues[hart].first, __ATOMIC_SEQ_CST) != NULL;
}

bool scheduler_has_work(unsigned hart)
{
	return has_ready(hart) || __atomic_load_n(&scheduler.queues[hart].is_recalled,
						  __ATOMIC_SEQ_CST) != 0;
}

/* From a queue, if it is in one. */
static void withdraw(struct vcpu *vcpu)
{
	struct queue *queue = &scheduler.queues[vcpu->place.home];

	if (vcpu->place.state == RUN_READY)
		take_out(queue, vcpu);
	if (vcpu->place.state == RUN_BLOCKED)
		unlink(&queue->blocked, vcpu);
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
		withdraw(&vcpus[i]);
		vcpus[i].place.state = RUN_STOPPED;
	}
	spin_lock_give(&scheduler.lock);
	return gone;
}

/* ---- of a whole VM ---- */

static void hold(struct vcpu *vcpu)
{
	if (vcpu->place.state == RUN_RUNNING) {
		ask(vcpu, REQUEST_LEAVE);
		harts_nudge(vcpu->place.home);
	} else if (vcpu->place.state != RUN_STOPPED) {
		withdraw(vcpu);
		vcpu->place.state = RUN_HELD;
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
			make_ready(&vm->vcpus[i]);
	spin_lock_give(&scheduler.lock);
}

/* ---- recalling a hart ---- */

static void recall(unsigned hart)
{
	struct queue *queue = &scheduler.queues[hart];

	__atomic_store_n(&queue->is_recalled, 1, __ATOMIC_SEQ_CST);
	if (queue->running)
		ask(queue->running, REQUEST_LEAVE);
	harts_nudge(hart);
}

void scheduler_recall(unsigned hart)
{
	spin_lock_take(&scheduler.lock);
	recall(hart);
	spin_lock_give(&scheduler.lock);
}

static void become_busy(struct queue *own)
{
	spin_lock_take(&scheduler.lock);
	own->is_busy = true;
	for (unsigned hart = 0; own->first && hart < HART_LIMIT; hart++)
		if (is_idle(hart))
			harts_nudge(hart);
	spin_lock_give(&scheduler.lock);
}

bool scheduler_was_recalled(void)
{
	struct queue *own = own_queue();

	if (!__atomic_exchange_n(&own->is_recalled, false, __ATOMIC_SEQ_CST))
		return false;
	become_busy(own);
	return true;
}

/* ---- the hart's own ---- */

/* The first in line here, or in the longest wait elsewhere; NULL: none is ready. */
static struct vcpu *choose(struct queue *own)
{
	struct vcpu *vcpu = own->first;

	if (vcpu) {
		take_out(own, vcpu);
		return vcpu;
	}
	for (unsigned hart = 0; hart < HART_LIMIT; hart++) {
		struct queue *queue = &scheduler.queues[hart];

		if (!queue->first || !(queue->running || queue->is_busy))
			continue;
		vcpu = queue->first;
		take_out(queue, vcpu);
		return vcpu;
	}
	return NULL;
}

static struct vcpu *take_turn(struct queue *own)
{
	struct vcpu *vcpu;

	spin_lock_take(&scheduler.lock);
	own->is_busy = false;
	vcpu = own->is_recalled ? NULL : choose(own);
	if (vcpu) {
		vcpu->place.state = RUN_RUNNING;
		vcpu->place.home = arch_hart_index();
		own->running = vcpu;
		__atomic_store_n(&vcpu->hart, arch_hart_index(), __ATOMIC_SEQ_CST);
	}
	spin_lock_give(&scheduler.lock);
	return vcpu;
}

static void stop(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	bool any = false;

	vcpu->place.state = RUN_STOPPED;
	__atomic_store_n(&vcpu->state, VCPU_STOPPED, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		any |= vm->vcpus[i].state == VCPU_STARTED;
	if (!any)
		vm_note_end(vm, VM_STOPPED, "all of its harts have stopped");
}

/* Under the lock, so that no request comes between the look and the list. */
static void block(struct queue *own, struct vcpu *vcpu)
{
	if (vcpu_is_asked(vcpu) || vcpu->vm->is_paused) {
		make_ready(vcpu);
		return;
	}
	vcpu->place.state = RUN_BLOCKED;
	vcpu->place.wake = timer_deadline(vcpu);
	vcpu->place.next = own->blocked;
	own->blocked = vcpu;
	if (vcpu->place.wake < own->next_wake)
		__atomic_store_n(&own->next_wake, vcpu->place.wake, __ATOMIC_RELAXED);
}

static void give_turn(struct queue *own, struct vcpu *vcpu, enum vcpu_leave why)
{
	spin_lock_take(&scheduler.lock);
	own->running = NULL;
	own->slice_end = NEVER;
	vcpu->place.last = arch_hart_index();
	__atomic_store_n(&vcpu->hart, VCPU_NO_HART, __ATOMIC_SEQ_CST);
	if (vm_has_ended(vcpu->vm))
		vcpu->place.state = RUN_STOPPED;
	else if (why == VCPU_HALTED)
		stop(vcpu);
	else if (why == VCPU_BLOCKED)
		block(own, vcpu);
	else
		make_ready(vcpu);
	/* The boot hart takes it down, once the last is off: it may be gone with the
	 * lock. */
	if (vm_has_ended(vcpu->vm))
		recall(BOOT_HART);
	spin_lock_give(&scheduler.lock);
}

bool scheduler_step(void)
{
	struct queue *own = own_queue();
	struct vcpu *vcpu = take_turn(own);

	if (!vcpu)
		return false;
	own->slice_end = NEVER;
	give_turn(own, vcpu, vcpu_run(vcpu));
	return true;
}

/* ---- time ---- */

uint64_t scheduler_next(void)
{
	const struct queue *own = own_queue();
	uint64_t next_wake = __atomic_load_n(&own->next_wake, __ATOMIC_RELAXED);

	return next_wake < own->slice_end ? next_wake : own->slice_end;
}

static void wake_due(struct queue *own, uint64_t now)
{
	uint64_t next_wake = NEVER;
	struct vcpu *next;

	spin_lock_take(&scheduler.lock);
	for (struct vcpu *vcpu = own->blocked; vcpu; vcpu = next) {
		next = vcpu->place.next;
		if (vcpu->place.wake <= now)
			wake(vcpu);
		else if (vcpu->place.wake < next_wake)
			next_wake = vcpu->place.wake;
	}
	__atomic_store_n(&own->next_wake, next_wake, __ATOMIC_RELAXED);
	spin_lock_give(&scheduler.lock);
}

/* Others wait for this hart, so that who runs here is to give way where it waits. */
static bool is_shared(void)
{
	return has_ready(arch_hart_index());
}

static uint64_t slice(void)
{
	return machine.fdt.timebase_frequency / SLICES_PER_SECOND;
}

void scheduler_tick(struct vcpu *vcpu)
{
	struct queue *own = own_queue();
	uint64_t now = arch_time();

	if (__atomic_load_n(&own->next_wake, __ATOMIC_RELAXED) <= now)
		wake_due(own, now);
	if (!vcpu)
		return;
	if (!is_shared())
		own->slice_end = NEVER;
	else if (own->slice_end == NEVER)
		own->slice_end = now + slice();
	else if (own->slice_end <= now && vcpu->leave == VCPU_STAYS)
		vcpu->leave = VCPU_PREEMPTED;
	arch_wait_trap(vcpu, is_shared());
}

void scheduler_block(struct vcpu *vcpu)
{
	if (vcpu->leave == VCPU_STAYS)
		vcpu->leave = VCPU_BLOCKED;
}
