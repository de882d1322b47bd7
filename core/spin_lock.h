/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ticket lock between harts: whoever asks first is served first. Gnomon runs
 * with its interrupts off, so no holder is interrupted by one who wants it too;
 * nothing may be held across an entry to a guest. Who waits does what others ask
 * of its hart (harts.h), the holder among them. All zero is free.
 */
#ifndef CORE_SPIN_LOCK_H
#define CORE_SPIN_LOCK_H

#include "core/harts.h"
#include "core/types.h"

struct spin_lock {
	uint32_t next;
	uint32_t served;
};

static inline void spin_lock_take(struct spin_lock *lock)
{
	uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&lock->served, __ATOMIC_ACQUIRE) != ticket)
		harts_serve();
}

/* True if it was free and is taken now. For who may hold what its holder waits for. */
static inline bool spin_lock_try(struct spin_lock *lock)
{
	uint32_t ticket = __atomic_load_n(&lock->served, __ATOMIC_ACQUIRE);

	return __atomic_compare_exchange_n(&lock->next, &ticket, ticket + 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void spin_lock_give(struct spin_lock *lock)
{
	__atomic_store_n(&lock->served, lock->served + 1, __ATOMIC_RELEASE);
}

#endif
