/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables as a guest builds them.
 *
 * Each mode has one set of lower tables for the identity and user-code mappings,
 * which all its spaces share, so that a space costs little more than its root.
 * The arena lies behind the image and is itself part of the identity mapping.
 */
#include "guests/lib/paging.h"

#include "core/types.h"
#include "guests/lib/console.h"
#include "guests/lib/csr.h"
#include "guests/lib/probe.h"
#include "guests/lib/sbi.h"
#include "guests/lib/string.h"

#define ARENA_SIZE (28 * MIB)

const struct paging_mode paging_modes[PAGING_MODES] = {
	{"sv39", 8, 3, 39},
	{"sv48", 9, 4, 48},
	{"sv57", 10, 5, 57},
};

struct mode_state {
	bool supported;
	unsigned asid_bits;
	uint64_t *kernel_root; /* mapped like every space, to copy from */
};

extern char image_start[];
extern char image_end[];

static struct mode_state states[PAGING_MODES];
static uint64_t arena_next;
static uint64_t arena_kept;
static uint64_t arena_end;

void *arena_alloc(uint64_t bytes)
{
	uint64_t start = align_up(arena_next, bytes);

	if (start + bytes > arena_end) {
		print("out of memory for page tables\n");
		sbi_shutdown(true);
	}
	arena_next = start + bytes;
	return memset((void *)start, 0, bytes);
}

void arena_keep(void)
{
	arena_kept = arena_next;
}

void arena_reset(void)
{
	arena_next = arena_kept;
}

static struct mode_state *state_of(const struct paging_mode *mode)
{
	return &states[mode - paging_modes];
}

bool paging_supported(const struct paging_mode *mode)
{
	return state_of(mode)->supported;
}

unsigned paging_asid_bits(const struct paging_mode *mode)
{
	return state_of(mode)->asid_bits;
}

uint64_t *table_slot(uint64_t *table, unsigned top, uint64_t va, unsigned level)
{
	for (unsigned at = top; at > level; at--) {
		uint64_t *pte = &table[va_index(va, at)];

		if (!(*pte & PTE_V))
			*pte = pte_make((uintptr_t)arena_alloc(PAGE_SIZE), PTE_V);
		table = (uint64_t *)pte_pa(*pte);
	}
	return &table[va_index(va, level)];
}

static uint64_t *build_kernel_root(const struct paging_mode *mode)
{
	uint64_t *root = arena_alloc(PAGE_SIZE);
	unsigned top = mode->levels - 1;

	for (uint64_t pa = (uintptr_t)image_start; pa < arena_end; pa += 2 * MIB)
		*table_slot(root, top, pa, 1) = pte_make(pa, PTE_KERNEL | PTE_G);
	*table_slot(root, top, USER_CODE, 0) = pte_make((uintptr_t)probe_code, PTE_USER);
	table_slot(root, top, 0, 0);
	return root;
}

/* satp keeps its value when MODE is not supported, and its ASID bits are WARL. */
static void probe_mode(const struct paging_mode *mode, struct mode_state *state)
{
	uint64_t satp;

	state->kernel_root = build_kernel_root(mode);
	satp = (uint64_t)mode->satp_mode << SATP_MODE_SHIFT | SATP_ASID |
	       (uintptr_t)state->kernel_root >> PAGE_SHIFT;
	fence_all();
	csr_write(satp, satp);
	satp = csr_read(satp);
	csr_write(satp, 0);
	fence_all();
	state->supported = satp >> SATP_MODE_SHIFT == mode->satp_mode;
	for (satp &= SATP_ASID; satp; satp &= satp - 1)
		state->asid_bits++;
}

void paging_init(uint64_t memory_end)
{
	arena_next = align_up((uintptr_t)image_end, 2 * MIB);
	arena_end = (uintptr_t)image_start + 2 * MIB + ARENA_SIZE;
	if (arena_end > memory_end)
		arena_end = align_down(memory_end, 2 * MIB);
	for (unsigned i = 0; i < PAGING_MODES; i++)
		probe_mode(&paging_modes[i], &states[i]);
	arena_keep();
}

void space_copy_kernel(uint64_t *root, const struct paging_mode *mode)
{
	memcpy(root, state_of(mode)->kernel_root, PAGE_SIZE);
}

void space_init(struct space *space, const struct paging_mode *mode, uint64_t asid)
{
	space->mode = mode;
	space->root = arena_alloc(PAGE_SIZE);
	space->asid = asid;
	space_copy_kernel(space->root, mode);
}

uint64_t *space_slot(const struct space *space, uint64_t va, unsigned level)
{
	return table_slot(space->root, space->mode->levels - 1, va, level);
}

uint64_t *space_map(const struct space *space, uint64_t va, unsigned level, uint64_t pa,
		    uint64_t flags)
{
	uint64_t *slot = space_slot(space, va, level);

	*slot = pte_make(pa, flags);
	return slot;
}

uint64_t space_satp(const struct space *space)
{
	return (uint64_t)space->mode->satp_mode << SATP_MODE_SHIFT |
	       space->asid << SATP_ASID_SHIFT | (uintptr_t)space->root >> PAGE_SHIFT;
}

void space_enter(const struct space *space)
{
	csr_write(satp, space_satp(space));
	probe_user_base = USER_CODE;
}

void space_leave(void)
{
	csr_write(satp, 0);
	probe_user_base = (uintptr_t)probe_code;
}
