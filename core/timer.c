/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's timer, shared by its three uses. See timer.h. */
#include "core/timer.h"
#include "core/arch.h"
#include "core/console.h"
#include "core/console_mux.h"
#include "core/vm.h"

#define POLLS_PER_SECOND 100
#define NEVER		 UINT64_MAX

static uint64_t poll_interval;
static uint64_t next_poll = NEVER;
static uint64_t ticks_per_second;
static uint64_t limit = NEVER; /* host time */

static void arm(const struct vcpu *vcpu)
{
	uint64_t next = vcpu->timer_deadline;

	if (next > next_poll)
		next = next_poll;
	if (next > mux_next_tick())
		next = mux_next_tick();
	if (next > limit)
		next = limit;
	arch_host_timer_set(next);
}

void timer_init(uint64_t timebase)
{
	ticks_per_second = timebase;
	poll_interval = timebase / POLLS_PER_SECOND;
	if (console_is_polled())
		next_poll = arch_time() + poll_interval;
}

void timer_limit(uint64_t seconds)
{
	limit = arch_time() + seconds * ticks_per_second;
}

/* In host time, kept from wrapping past "never". */
static uint64_t host_deadline(const struct vcpu *vcpu, uint64_t deadline)
{
	uint64_t host = deadline - vcpu->arch.time_delta;

	if (deadline == NEVER || host < deadline)
		return NEVER;
	return host;
}

void timer_set_guest(struct vcpu *vcpu, uint64_t deadline)
{
	if (arch_guest_timer_set(vcpu, deadline))
		return;
	arch_guest_interrupt_set(vcpu, GUEST_TIMER, false);
	vcpu->timer_deadline = host_deadline(vcpu, deadline);
	arm(vcpu);
}

void timer_load(struct vcpu *vcpu)
{
	arm(vcpu);
}

void timer_for_console(struct vcpu *vcpu)
{
	if (mux_next_tick() != NEVER)
		arm(vcpu);
}

/* csrrs, csrrc and their immediate forms, of time, that do not write. */
static bool reads_time(uint32_t instruction)
{
	return (instruction & 0xffffa07f) == 0xc0102073;
}

bool timer_emulate_read(struct vcpu *vcpu, uint32_t instruction)
{
	if (!reads_time(instruction) || !arch_counter_permitted(vcpu, COUNTER_TIME))
		return false;
	vcpu_set_register(vcpu, instruction >> 7 & 31,
			  arch_time() + vcpu->arch.time_delta);
	return true;
}

static void expire_guest(struct vcpu *vcpu)
{
	vcpu->timer_deadline = NEVER;
	arch_guest_interrupt_set(vcpu, GUEST_TIMER, true);
}

static void poll_console(void)
{
	mux_receive();
	next_poll = arch_time() + poll_interval;
}

void timer_expired(struct vcpu *vcpu)
{
	uint64_t now = arch_time();
	bool guest = vcpu->timer_deadline <= now;
	bool poll = next_poll <= now;

	/* One exit, counted once: polling is what a console without one costs. */
	counters_count(vcpu, poll && !guest ? REASON_CONSOLE_POLL : REASON_TIMER);
	if (guest)
		expire_guest(vcpu);
	if (poll)
		poll_console();
	if (mux_next_tick() <= now)
		mux_tick();
	if (limit <= now) {
		limit = NEVER;
		vm_end(vcpu->vm, VM_STOPPED, "time limit");
	}
	arm(vcpu);
}
