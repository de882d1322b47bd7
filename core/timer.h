/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Use of each hart's one timer: a guest's own deadline where the chip gives it
 * no timer (no Sstc), what the scheduler waits for, the polling of a console that has no
 * interrupt, what the console and the monitor do in their own time, and the limit of the
 * time a VM may run. And the time that a guest reads.
 */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "core/vcpu.h"

/* timebase: ticks per second. Starts polling if the console needs it. */
void timer_init(uint64_t timebase);

/* Call expired() on the boot hart so many seconds (at most 1000000) from now. */
void timer_limit(uint64_t seconds, void (*expired)(void));

/* Call look() on the boot hart once a second, whatever runs there. One at most. */
void timer_watch(void (*look)(void));

/* The guest's next timer interrupt, in guest time. Clears a pending one. */
void timer_set_guest(struct vcpu *vcpu, uint64_t deadline);

/* The host's timer has come: see what it was for, and set it anew. */
void timer_expired(struct vcpu *vcpu);

/*
 * If that is an instruction that reads time, and may, do it: for harts that leave it to
 * their firmware. False, and nothing done, otherwise.
 */
bool timer_emulate_read(struct vcpu *vcpu, uint32_t instruction);

/* The vCPU here was loaded just now, or has to share its hart: see scheduler_tick(). */
void timer_tick(struct vcpu *vcpu);

/* When a vCPU that is put is to have a timer interrupt, in host time; UINT64_MAX: never.
 */
uint64_t timer_deadline(const struct vcpu *vcpu);

/* Around a wait of the hart, which runs no guest: for what is due on it meanwhile. */
void timer_idle_begin(void);
void timer_idle_end(void);

/*
 * A device has interrupted, as it may on and on, which comes before the timer: see what
 * is due all the same. It may have been the console, which wants a timer: see mux_wake().
 */
void timer_after_external(struct vcpu *vcpu);

#endif
