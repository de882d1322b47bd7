/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Touching memory and saying which page answered.
 *
 * Frames are pages of memory with a number (their tag, 1 to TAG_MAX), filled so
 * that any load, fetch, store or AMO shows exactly which frame it reached. A
 * touch is one probe; expect() compares it with the results the ISA allows:
 * tags, or one of the negative values below. A fault only counts as one with
 * the right cause, stval and sepc and with no frame changed.
 */
#ifndef GUESTS_CONFORMANCE_TOUCH_H
#define GUESTS_CONFORMANCE_TOUCH_H

#include <stdint.h>

#include "guests/lib/probe.h"

#define TAG_MAX 2047

enum {
	PAGE_FAULT = -1,
	ACCESS_FAULT = -2,
	MISALIGNED = -3, /* an address-misaligned exception */
	RETIRED = -4,	 /* an SC that failed: rd not 0, memory unchanged */
};

/* Allocate count frames in a row, tagged from first_tag on; their address. */
uint64_t frames_new(unsigned first_tag, unsigned count, uint64_t alignment);
uint64_t frame_new(unsigned tag);
uint64_t frame_pa(unsigned tag);
/* The tag of the frame that contains pa; 0 if none does. */
unsigned frame_at(uint64_t pa);
void frames_forget(void);

/* What eight bytes at a multiple of 8 in a frame hold: also `li a0, tag; ebreak`. */
uint64_t frame_word(unsigned tag);

/* Where in a frame's eight bytes an access of this width sees the tag. */
uint64_t telling_offset(enum access access);

/* The result of one touch must be one of `allowed`; false and fail() otherwise. */
bool expect_touch(const char *what, enum access access, uint64_t va, unsigned how,
		  const int *allowed, unsigned count);
#define expect(what, access, va, how, ...)                                               \
	expect_touch(what, access, va, how, (const int[]){__VA_ARGS__},                  \
		     sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

/* The same without failing: the index into allowed, or -1. */
int touch_matches(enum access access, uint64_t va, unsigned how, const int *allowed,
		  unsigned count);

/*
 * What a leaf allows (specification, "Virtual Address Translation Process",
 * steps 3 to 7; A and D aside), and what touching va through it at a level
 * gives: a tag, PAGE_FAULT, or 0 where the leaf maps no frame.
 */
bool leaf_permits(uint64_t pte, enum access_kind kind, unsigned how);
int leaf_result(uint64_t pte, unsigned level, uint64_t va, enum access access,
		unsigned how);

#endif
