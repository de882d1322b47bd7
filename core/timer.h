/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Use of the host's one timer: a guest's own deadline where the chip gives it
 * no timer (no Sstc), the polling of a console that has no interrupt, what the
 * console and the monitor do in their own time, and the limit of the time a VM may
 * run. And the time that a guest reads.
 */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "core/vcpu.h"

/* timebase: ticks per second. Starts polling if the console needs it. */
void timer_init(uint64_t timebase);

/* From now on VMs run for so many seconds (at most 1000000); before they run. */
void timer_limit(uint64_t seconds);

/* The guest's next timer interrupt, in guest time. Clears a pending one. */
void timer_set_guest(struct vcpu *vcpu, uint64_t deadline);

/* The host's timer has come: see what it was for, and set it anew. */
void timer_expired(struct vcpu *vcpu);

/*
 * If that is an instruction that reads time, and may, do it: for harts that leave it to
 * their firmware. False, and nothing done, otherwise.
 */
bool timer_emulate_read(struct vcpu *vcpu, uint32_t instruction);

/* Set the host's timer for this vCPU, which has just been loaded. */
void timer_load(struct vcpu *vcpu);

/* The console has received something, and may want the host's timer: see mux_wake(). */
void timer_for_console(struct vcpu *vcpu);

#endif
