/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small steps that most checks of address translation begin with.
 *
 * All addresses checks map lie in a root slot of their own (WINDOW, or
 * HIGH_WINDOW in the upper half), far from what every space maps anyway.
 */
#ifndef GUESTS_CONFORMANCE_SCENE_H
#define GUESTS_CONFORMANCE_SCENE_H

#include "guests/conformance/touch.h"
#include "guests/lib/csr.h"
#include "guests/lib/paging.h"

#define WINDOW	    64
#define HIGH_WINDOW 448

/* A level that has tables below it, so 1 to the root's. */
#define for_each_upper_level(level, mode)                                                \
	for (unsigned level = 1; level < (mode)->levels; level++)

#define for_each_level(level, mode)                                                      \
	for (unsigned level = 0; level < (mode)->levels; level++)

/* Make a space the one in force, with nothing stale. */
static inline void space_start(const struct space *space)
{
	space_enter(space);
	fence_all();
}

/* The n-th ASID to use, n from 0; all are 0 where there are no ASIDs. */
static inline uint64_t nth_asid(const struct paging_mode *mode, unsigned n)
{
	return n & ((UINT64_C(1) << paging_asid_bits(mode)) - 1);
}

/* Where pa appears when a leaf of this level at base maps its surroundings. */
static inline uint64_t leaf_va(uint64_t base, unsigned level, uint64_t pa)
{
	return base + pa % level_size(level);
}

static inline uint64_t leaf_pa(unsigned level, uint64_t pa)
{
	return pa & ~(level_size(level) - 1);
}

/* Four ways to fence one address of one address space. */
enum fence_form { FENCE_ALL, FENCE_VA, FENCE_ASID, FENCE_VA_ASID, FENCE_FORMS };

static inline const char *fence_name(enum fence_form form)
{
	static const char *const names[] = {"sfence.vma x0,x0", "sfence.vma va,x0",
					    "sfence.vma x0,asid", "sfence.vma va,asid"};

	return names[form];
}

static inline void fence(enum fence_form form, uint64_t va, uint64_t asid)
{
	switch (form) {
	case FENCE_ALL:
		fence_all();
		break;
	case FENCE_VA:
		fence_va(va);
		break;
	case FENCE_ASID:
		fence_asid(asid);
		break;
	default:
		fence_va_asid(va, asid);
	}
}

#endif
