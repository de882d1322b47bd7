/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Canary pages: pages of Gnomon's own that nobody has any business with, filled
 * with a pattern and looked at again when the VM has ended. They lie where a
 * mistake in a VM's isolation would write: right before and behind its memory,
 * between the pages its tables will be made of, and at the end of the pool.
 *
 * One set for the machine, of the boot argument canary=SIZE; without it every
 * function here does nothing. The boot hart alone calls them.
 */
#ifndef CORE_CANARY_H
#define CORE_CANARY_H

#include "core/types.h"
#include "mm/guest_memory.h"

struct json;

/* What the word at an address holds; a guest may look for it in what it reads. */
#define CANARY_KEY UINT64_C(0xca4a5eed0b1dca6e)

static inline uint64_t canary_word(uint64_t address)
{
	return address ^ CANARY_KEY;
}

/*
 * Before a VM is made: take a quarter of `size` bytes (0: no canary). With
 * STATUS_NO_MEMORY nothing is taken, and *why says so.
 */
enum status canary_begin(uint64_t size, const char **why);

/* When VMs have been made and not yet run: around the memory of each. */
void canary_surround(const struct guest_memory *memory);

/* Take the rest, when that has been done. */
void canary_fill(void);

/* Says on the console how many pages are untouched; false if not all are. */
bool canary_check(void);

/* A member "canary" of a report, by what canary_check() found. */
void canary_report(struct json *json);

/* Give all pages back. */
void canary_end(void);

#endif
