/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hosts' timers, one a hart, shared by their uses. See timer.h. The console and the
 * limit are the boot hart's.
 */
#include "core/timer.h"
#include "core/arch.h"
#include "core/console_mux.h"
#include "core/harts.h"
#include "core/interrupt.h"
#include "core/scheduler.h"
#include "core/vm.h"

#define POLLS_PER_SECOND 100
#define NEVER		 UINT64_MAX

static uint64_t poll_interval;
static uint64_t next_poll = NEVER;
static uint64_t ticks_per_second;
static uint64_t limit = NEVER; /* host time */
static void (*at_limit)(void);
static uint64_t next_look = NEVER;
static void (*watch)(void);

static bool is_boot_hart(void)
{
	return arch_hart_index() == BOOT_HART;
}

static uint64_t earlier(uint64_t one, uint64_t other)
{
	return one < other ? one : other;
}

/* deadline: of the guest that runs here, in host time. */
static void arm(uint64_t deadline)
{
	uint64_t next = earlier(deadline, scheduler_next());

	if (is_boot_hart())
		next = earlier(earlier(earlier(next, mux_next_tick()), next_look),
			       earlier(earlier(next_poll, interrupt_next()), limit));
	arch_host_timer_set(next);
}

void timer_init(uint64_t timebase)
{
	ticks_per_second = timebase;
	poll_interval = timebase / POLLS_PER_SECOND;
	if (interrupt_is_polled())
		next_poll = arch_time() + poll_interval;
}

void timer_limit(uint64_t seconds, void (*expired)(void))
{
	at_limit = expired;
	limit = arch_time() + seconds * ticks_per_second;
}

void timer_watch(void (*look)(void))
{
	watch = look;
	next_look = 0;
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
	arm(vcpu->timer_deadline);
}

uint64_t timer_deadline(const struct vcpu *vcpu)
{
	return earlier(vcpu->timer_deadline, host_deadline(vcpu, arch_guest_timer(vcpu)));
}

void timer_tick(struct vcpu *vcpu)
{
	scheduler_tick(vcpu);
	arm(vcpu->timer_deadline);
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

static bool is_poll_due(uint64_t now)
{
	return is_boot_hart() && next_poll <= now;
}

/* What is due of what the boot hart does beside its guest. */
static void do_boot_hart(uint64_t now)
{
	if (is_poll_due(now)) {
		interrupt_poll();
		next_poll = arch_time() + poll_interval;
	}
	if (is_boot_hart())
		interrupt_resume(now);
	if (mux_next_tick() <= now)
		mux_tick();
	if (is_boot_hart() && limit <= now) {
		limit = NEVER;
		at_limit();
	}
	if (is_boot_hart() && next_look <= now) {
		watch();
		next_look = now + ticks_per_second;
	}
}

void timer_expired(struct vcpu *vcpu)
{
	uint64_t now = arch_time();
	bool guest = vcpu->timer_deadline <= now;

	/*
	 * One exit, counted once, before the monitor may look at it: polling is what a
	 * console without an interrupt costs.
	 */
	counters_count(vcpu,
		       is_poll_due(now) && !guest ? REASON_CONSOLE_POLL : REASON_TIMER);
	if (guest)
		expire_guest(vcpu);
	do_boot_hart(now);
	timer_tick(vcpu);
}

void timer_after_external(struct vcpu *vcpu)
{
	const uint64_t now = arch_time();

	do_boot_hart(now);
	if (scheduler_next() <= now || mux_next_tick() != NEVER ||
	    interrupt_next() != NEVER)
		timer_tick(vcpu);
}

void timer_idle_begin(void)
{
	if (is_boot_hart())
		interrupt_resume(NEVER);
	arm(NEVER);
}

void timer_idle_end(void)
{
	do_boot_hart(arch_time());
	scheduler_tick(NULL);
}
