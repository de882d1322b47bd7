/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps of the benchmark guest: a page-fault handler in S-mode, and user code.
 *
 * The vector saves what a C function may change and calls trap_fault(), as a
 * kernel's does; it does not nest. User code (user.S) runs until its ecall.
 */
#ifndef GUESTS_BENCH_TRAP_H
#define GUESTS_BENCH_TRAP_H

#include <stdbool.h>
#include <stdint.h>

/* A page fault at va: true when it was dealt with and the access shall be retried. */
typedef bool (*fault_handler)(uint64_t va, uint64_t cause);

void trap_init(void);

/* Who handles page faults; NULL: nobody, they end the guest. */
void trap_handler_set(fault_handler handler);

/* Faults that the handler has dealt with since it was set. */
uint64_t trap_faults(void);

/* True, and *value if it is a load, when S-mode (SUM = 1) may; no handler is asked. */
bool can_load(uint64_t va, uint64_t *value);
bool can_store(uint64_t va, uint64_t value);

/*
 * User code: `count` of the `size` pages (a power of two) from base, in order or
 * in a pseudo-random one. user_store() stores tag + n to the first word of page n;
 * user_load() returns the sum of those words.
 */
struct user_walk {
	uint64_t base;
	uint64_t count;
	uint64_t tag;
	uint64_t factor; /* USER_IN_ORDER or USER_AT_RANDOM */
	uint64_t mask;	 /* size - 1 */
};

#define USER_IN_ORDER  1
#define USER_AT_RANDOM 1664525

void user_store(const struct user_walk *walk);
uint64_t user_load(const struct user_walk *walk);

#endif
