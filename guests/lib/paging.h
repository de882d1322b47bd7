/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables as a guest builds them: Sv39, Sv48 and Sv57.
 *
 * Every space maps the guest's memory at identity for S-mode (2 MiB leaves) and
 * the probe code for U-mode at USER_CODE, and has tables down to an empty slot
 * for address 0; tables are reached by their physical
 * addresses, which are valid pointers in every space. Nothing here fences:
 * when to fence is what the checks are about. One hart only.
 */
#ifndef GUESTS_LIB_PAGING_H
#define GUESTS_LIB_PAGING_H

#include <stdbool.h>
#include <stdint.h>

#define PTE_V	   (UINT64_C(1) << 0)
#define PTE_R	   (UINT64_C(1) << 1)
#define PTE_W	   (UINT64_C(1) << 2)
#define PTE_X	   (UINT64_C(1) << 3)
#define PTE_U	   (UINT64_C(1) << 4)
#define PTE_G	   (UINT64_C(1) << 5)
#define PTE_A	   (UINT64_C(1) << 6)
#define PTE_D	   (UINT64_C(1) << 7)
#define PTE_RSW	   (UINT64_C(3) << 8)
#define PTE_PPN	   (((UINT64_C(1) << 44) - 1) << 10)
#define PTE_PBMT   (UINT64_C(3) << 61)
#define PTE_N	   (UINT64_C(1) << 63)
#define PTE_RWX	   (PTE_R | PTE_W | PTE_X)
#define PTE_AD	   (PTE_A | PTE_D)
#define PTE_KERNEL (PTE_V | PTE_RWX | PTE_AD)	      /* a leaf for S-mode */
#define PTE_USER   (PTE_V | PTE_RWX | PTE_AD | PTE_U) /* a leaf for U-mode */

#define PTES_PER_TABLE 512
#define LEVELS_MAX     5
#define USER_CODE      UINT64_C(0x40000000)

struct paging_mode {
	const char *name;
	unsigned satp_mode;
	unsigned levels;
	unsigned va_bits;
};

#define PAGING_MODES 3
extern const struct paging_mode paging_modes[PAGING_MODES];

struct space {
	const struct paging_mode *mode;
	uint64_t *root;
	uint64_t asid;
};

/*
 * Memory for tables and data, from the end of the image on: whole zeroed pages,
 * aligned to their own number of bytes (bytes: a power of two times 4 KiB).
 * Running out of it is fatal. arena_reset() takes everything back that was
 * allocated since arena_keep().
 */
void *arena_alloc(uint64_t bytes);
void arena_keep(void);
void arena_reset(void);

/* Find out which modes satp takes and prepare them; satp must be Bare. */
void paging_init(uint64_t memory_end);
bool paging_supported(const struct paging_mode *mode);
/* How many ASID bits satp keeps in this mode, found by paging_init(). */
unsigned paging_asid_bits(const struct paging_mode *mode);

void space_init(struct space *space, const struct paging_mode *mode, uint64_t asid);
/* The PTE for va at a level (0: 4 KiB), making pointer tables on the way to it. */
uint64_t *space_slot(const struct space *space, uint64_t va, unsigned level);
uint64_t *space_map(const struct space *space, uint64_t va, unsigned level, uint64_t pa,
		    uint64_t flags);
/* The same below any table: `top` is the level its own entries have. */
uint64_t *table_slot(uint64_t *table, unsigned top, uint64_t va, unsigned level);
uint64_t space_satp(const struct space *space);

/* Write satp; no fence. space_leave() goes back to Bare. */
void space_enter(const struct space *space);
void space_leave(void);

/* Shared user code and kernel mappings of a mode, to copy into a bare root. */
void space_copy_kernel(uint64_t *root, const struct paging_mode *mode);

static inline uint64_t pte_make(uint64_t pa, uint64_t flags)
{
	return pa >> 12 << 10 | flags;
}

static inline uint64_t pte_pa(uint64_t pte)
{
	return (pte & PTE_PPN) << 2;
}

static inline uint64_t level_size(unsigned level)
{
	return UINT64_C(1) << (12 + 9 * level);
}

static inline unsigned va_index(uint64_t va, unsigned level)
{
	return (unsigned)(va >> (12 + 9 * level)) % PTES_PER_TABLE;
}

/* Sign-extend va from the mode's width: make it canonical. */
static inline uint64_t va_canonical(const struct paging_mode *mode, uint64_t va)
{
	unsigned unused = 64 - mode->va_bits;

	return (uint64_t)((int64_t)(va << unused) >> unused);
}

static inline bool va_is_canonical(const struct paging_mode *mode, uint64_t va)
{
	return va == va_canonical(mode, va);
}

/*
 * An address of this mode that no space maps by itself. slot chooses the root's
 * entry: 16 to 255 lie in the lower, 256 to 511 in the upper half.
 */
static inline uint64_t window(const struct paging_mode *mode, unsigned slot)
{
	return va_canonical(mode, slot * level_size(mode->levels - 1));
}

#endif
