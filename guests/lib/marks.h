/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Marks around what a guest wants counted, for the plugins of scripts/plugin/: HINTs
 * designated for custom use, which do nothing on any hart and in any privilege
 * ("RV32I ... HINT Instructions"). A region goes from mark_begin() to mark_end(), less
 * what lies between a mark_pause() and the next mark_begin(); regions do not nest. For
 * bare-metal guests and Linux programs alike.
 */
#ifndef GUESTS_LIB_MARKS_H
#define GUESTS_LIB_MARKS_H

static inline void mark_begin(void)
{
	__asm__ volatile("slti zero, zero, 1" ::: "memory");
}

static inline void mark_end(void)
{
	__asm__ volatile("slti zero, zero, 2" ::: "memory");
}

static inline void mark_pause(void)
{
	__asm__ volatile("slti zero, zero, 3" ::: "memory");
}

#endif
