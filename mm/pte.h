/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-table entries of Sv39, Sv48 and Sv57, and of their x4 G-stage forms
 * (privileged specification, "Sv39: Page-Based 39-bit Virtual-Memory System"
 * and following). Levels count from 0, the one whose leaves are 4 KiB pages.
 */
#ifndef MM_PTE_H
#define MM_PTE_H

#include "core/types.h"

typedef struct {
	uint64_t raw;
} pte_t;

#define PTE(x) ((pte_t){.raw = (x)})

#define PTE_V UINT64_C(0x01)
#define PTE_R UINT64_C(0x02)
#define PTE_W UINT64_C(0x04)
#define PTE_X UINT64_C(0x08)
#define PTE_U UINT64_C(0x10)
#define PTE_G UINT64_C(0x20)
#define PTE_A UINT64_C(0x40)
#define PTE_D UINT64_C(0x80)

#define PTE_RSW_SHIFT 8
#define PTE_RSW	      (UINT64_C(3) << PTE_RSW_SHIFT)
#define PTE_PPN_SHIFT 10
#define PTE_PPN_BITS  44
#define PTE_PPN	      (((UINT64_C(1) << PTE_PPN_BITS) - 1) << PTE_PPN_SHIFT)

/* Bits 63:54: N, PBMT and the reserved ones between. */
#define PTE_HIGH (~UINT64_C(0) << 54)

#define PTE_INDEX_BITS 9
#define PTE_PER_TABLE  512u

/* satp.MODE, vsatp.MODE and (x4) hgatp.MODE. */
enum satp_mode {
	SATP_BARE = 0,
	SATP_SV39 = 8,
	SATP_SV48 = 9,
	SATP_SV57 = 10,
};

/* The fields of satp; vsatp has the same. */
static inline unsigned satp_mode(uint64_t satp)
{
	return (unsigned)(satp >> 60);
}

static inline uint16_t satp_asid(uint64_t satp)
{
	return (uint16_t)(satp >> 44);
}

static inline uint64_t satp_root(uint64_t satp)
{
	return (satp & ((UINT64_C(1) << PTE_PPN_BITS) - 1)) << PAGE_SHIFT;
}

/* With vsatp and hgatp alike; what is an ASID here is a VMID in hgatp. */
static inline uint64_t satp_make(unsigned mode, unsigned asid, uint64_t root)
{
	return (uint64_t)mode << 60 | (uint64_t)asid << 44 | root >> PAGE_SHIFT;
}

static inline unsigned mode_levels(unsigned mode)
{
	return mode - SATP_SV39 + 3;
}

static inline bool pte_valid(pte_t pte)
{
	return (pte.raw & PTE_V) != 0;
}

static inline bool pte_is_leaf(pte_t pte)
{
	return (pte.raw & (PTE_R | PTE_W | PTE_X)) != 0;
}

/* A PTE that others may be writing: once, as a whole. */
static inline pte_t pte_read(const pte_t *at)
{
	return PTE(__atomic_load_n(&at->raw, __ATOMIC_RELAXED));
}

/* The physical address in a PTE, of whatever space the table is written in. */
static inline uint64_t pte_address(pte_t pte)
{
	return (pte.raw & PTE_PPN) >> PTE_PPN_SHIFT << PAGE_SHIFT;
}

static inline pte_t pte_make(uint64_t address, uint64_t flags)
{
	return PTE(address >> PAGE_SHIFT << PTE_PPN_SHIFT | flags);
}

/* Bytes that one entry of a table at that level spans. */
static inline uint64_t level_size(unsigned level)
{
	return PAGE_SIZE << (PTE_INDEX_BITS * level);
}

static inline unsigned level_index(uint64_t address, unsigned level)
{
	return (unsigned)(address >> (PAGE_SHIFT + PTE_INDEX_BITS * level)) &
	       (PTE_PER_TABLE - 1);
}

/* Bits 63 .. n-1 of a virtual address must be equal, n = 39, 48 or 57. */
static inline bool gva_is_canonical(gva_t gva, unsigned levels)
{
	unsigned shift = 64 - (PAGE_SHIFT + PTE_INDEX_BITS * levels);

	return (uint64_t)((int64_t)(gva.raw << shift) >> shift) == gva.raw;
}

#endif
