/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory with page tables in it, for the tests of the walk and TLB models:
 * a few pages from WALKED_BASE on, and nothing else. One such memory at a time.
 */
#ifndef TESTS_UNIT_WALKED_TABLES_H
#define TESTS_UNIT_WALKED_TABLES_H

#include "mm/pte.h"
#include "scripts/plugin/page_walk.h"

#define WALKED_BASE  UINT64_C(0x80000000)
#define WALKED_PAGES 256

#define WALKED_LEAF   (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)
#define WALKED_G_LEAF (WALKED_LEAF | PTE_U)

/* Empty memory, as a walker reads it. */
struct physical_memory walked_memory(void);

/* The address of a new zeroed table; G-stage roots are four pages, at four pages. */
uint64_t walked_table(void);
uint64_t walked_gstage_root(void);

/* The word at an address. */
uint64_t *walked_word(uint64_t address);

/*
 * Map va at a level of the table `root`, a table of so many levels, by tables made
 * on the way. Returns the leaf.
 */
uint64_t *walked_map(uint64_t root, unsigned levels, uint64_t va, unsigned level,
		     uint64_t pa, uint64_t flags);

/* All of walked memory at identity in a G-stage. */
void walked_map_gstage(uint64_t root, unsigned levels, unsigned level);

uint64_t walked_satp(unsigned mode, unsigned asid, uint64_t root);
uint64_t walked_hgatp(unsigned mode, unsigned vmid, uint64_t root);

#endif
