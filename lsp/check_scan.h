/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking over several slots of a shadow table at once, for the check of a vCPU.
 *
 * In most slots there is nothing, and a debug build looks at all of them after each
 * exit: these few functions are where its time goes.
 */
#ifndef LSP_CHECK_SCAN_H
#define LSP_CHECK_SCAN_H

#include "lsp/table.h"

/* Slots that are looked at together. */
#define STRIDE 8

/* Spelled out, since nothing else here takes longer. */
static inline bool stride_is(const pte_t *e, pte_t none)
{
	uint64_t n = none.raw;

	return ((e[0].raw ^ n) | (e[1].raw ^ n) | (e[2].raw ^ n) | (e[3].raw ^ n) |
		(e[4].raw ^ n) | (e[5].raw ^ n) | (e[6].raw ^ n) | (e[7].raw ^ n)) == 0;
}

static inline bool slots_any(const uint64_t *slots, unsigned from)
{
	return (slots[from / 64] >> from % 64 & ((1u << STRIDE) - 1)) != 0;
}

/* Two numbers of children: GCC would call a function to copy what it takes for less. */
typedef uint64_t __attribute__((may_alias)) child_pair;

/* By either account of them. */
static inline bool has_children(const struct table_side *side, unsigned from)
{
	const child_pair *pairs = (const child_pair *)&side->child[from];

	return (pairs[0] | pairs[1] | pairs[2] | pairs[3]) != 0 ||
	       slots_any(side->below, from);
}

static inline bool slots_are_vacant(const struct table_side *side, unsigned from)
{
	uint64_t marks =
		side->live[from / 64] | side->split[from / 64] | side->shared[from / 64];

	return (marks >> from % 64 & ((1u << STRIDE) - 1)) == 0 &&
	       !has_children(side, from);
}

#endif
