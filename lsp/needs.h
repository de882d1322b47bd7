/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every shadow mode needs of the machine, and what its guests take of it: the
 * lazy engine and the write-protecting one walk the same kind of table. No state.
 */
#ifndef LSP_NEEDS_H
#define LSP_NEEDS_H

#include "core/arch.h"
#include "mm/pte.h"

/*
 * The pages that one instruction may need translated at the same time: two that
 * it lies on, and two that its load or store reaches, each across a page
 * boundary. (Atomics, cache blocks and the accesses of a constrained LR/SC loop
 * stay on one page; vector instructions, which reach more, are not offered.)
 */
#define PAGES_OF_AN_INSTRUCTION 4

/* NULL, or what is missing, as one line. */
static inline const char *needs_missing(void)
{
	if (!arch_satp_traps())
		return "writes of satp do not trap here (hstatus.VTVM has no effect on "
		       "satp)";
	if (!arch_translation_modes())
		return "no translation mode that a shadow table could use";
	return NULL;
}

/* Levels of the deepest tables that there are here. */
static inline unsigned needs_levels(void)
{
	unsigned mode = SATP_SV57;

	while (mode > SATP_SV39 && !(arch_translation_modes() & 1u << mode))
		mode--;
	return mode_levels(mode);
}

/* Of Bare guests, whose addresses must lie in the lower half of a table's own. */
static inline uint64_t needs_reach(void)
{
	return UINT64_C(1) << (PAGE_SHIFT + PTE_INDEX_BITS * needs_levels() - 1);
}

/* Tables where the user says nothing: for all RAM in 4 KiB leaves, eight times over. */
static inline uint64_t needs_usual_tables(uint64_t ram)
{
	return (ram >> PAGE_SHIFT) / 64 + MIB / PAGE_SIZE;
}

#endif
