/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a bare-metal guest implements, called by the runtime.
 *
 * By then the console, the platform description and the trap guard work; satp
 * is Bare, interrupts are off and the floating-point unit is on.
 */
#ifndef GUESTS_LIB_GUEST_H
#define GUESTS_LIB_GUEST_H

#include <stdbool.h>
#include <stdint.h>

/* True when all went well; the guest then powers off with reason 0, else 1. */
bool guest_main(void);

/* From start.S. */
_Noreturn void guest_start(uint64_t hart, const void *tree);

#endif
