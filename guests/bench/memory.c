/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames, the kernel's mappings and address spaces of the benchmark guest.
 *
 * Frames are taken one after the other from behind the image and given back all
 * at once. The kernel's tables are made once for each paging mode and shared by all
 * its spaces through the entries of their roots, as Linux shares them.
 */
#include "guests/bench/memory.h"
#include "guests/bench/bench.h"
#include "guests/lib/console.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"
#include "guests/lib/string.h"

#define KERNEL_LEAF  (PTE_KERNEL | PTE_G)
#define TEXT_LEAF    (PTE_V | PTE_R | PTE_X | PTE_U | PTE_AD)
#define LIBRARY_SIZE (6 * MIB) /* the image, and the library's own arena */
#define FENCES_LIMIT 64	       /* Linux: tlb_flush_all_threshold */

/* Entries of the root that user memory and user code begin at. */
#define BASE_SLOT 32
#define TEXT_SLOT 16

extern char image_start[], user_page[];

static uint64_t next_frame, kept_frames, end_frame;
static uint64_t *kernel_roots[PAGING_MODES];
static const struct space *current;

uint64_t frames_free(void)
{
	return (end_frame - next_frame) / PAGE_SIZE;
}

uint64_t frames_new(uint64_t count)
{
	uint64_t frame = next_frame;

	if (count > frames_free()) {
		print("bench: out of memory\n");
		sbi_shutdown(true);
	}
	next_frame += count * PAGE_SIZE;
	for (uint64_t *word = frame_word(frame); word < frame_word(next_frame); word++)
		*word = 0;
	return frame;
}

uint64_t user_base(const struct paging_mode *mode)
{
	return window(mode, BASE_SLOT);
}

uint64_t user_text(const struct paging_mode *mode)
{
	return window(mode, TEXT_SLOT);
}

static uint64_t *slot_for(uint64_t *root, const struct paging_mode *mode, uint64_t va,
			  unsigned level)
{
	uint64_t *table = root;

	for (unsigned at = mode->levels - 1; at > level; at--) {
		uint64_t *pte = &table[va_index(va, at)];

		if (!(*pte & PTE_V))
			*pte = pte_make(frames_new(1), PTE_V);
		table = (uint64_t *)pte_pa(*pte);
	}
	return &table[va_index(va, level)];
}

static void make_kernel_root(const struct paging_mode *mode)
{
	uint64_t *root = (uint64_t *)frames_new(1);

	for (uint64_t pa = (uintptr_t)image_start; pa < end_frame; pa += 2 * MIB)
		*slot_for(root, mode, pa, 1) = pte_make(pa, KERNEL_LEAF);
	*slot_for(root, mode, user_text(mode), 0) =
		pte_make((uintptr_t)user_page, TEXT_LEAF);
	kernel_roots[mode - paging_modes] = root;
}

void memory_init(void)
{
	uint64_t library_end = (uintptr_t)image_start + LIBRARY_SIZE;

	paging_init(library_end);
	next_frame = library_end;
	end_frame = align_down(platform.memory_end, 2 * MIB);
	for (unsigned i = 0; i < PAGING_MODES; i++)
		if (paging_supported(&paging_modes[i]))
			make_kernel_root(&paging_modes[i]);
	kept_frames = next_frame;
}

void user_space_new(struct space *space, const struct paging_mode *mode, uint64_t asid)
{
	space->mode = mode;
	space->asid = asid;
	space->root = (uint64_t *)frames_new(1);
	memcpy(space->root, kernel_roots[mode - paging_modes], PAGE_SIZE);
}

void user_space_enter(const struct space *space)
{
	const struct space kernel = {
		.mode = bench_mode(),
		.root = kernel_roots[bench_mode() - paging_modes],
	};

	csr_write(satp, space_satp(space ? space : &kernel));
	current = space;
}

/* No table may be taken that a hart could still walk. */
void frames_reset(void)
{
	user_space_enter(NULL);
	fence_all();
	next_frame = kept_frames;
}

void user_space_enter_without_asid(const struct space *space)
{
	__asm__ volatile("csrw satp, %0\nsfence.vma x0, %1" ::"r"(space_satp(space)),
			 "r"(UINT64_C(0))
			 : "memory");
	current = space;
}

const struct space *user_space_current(void)
{
	return current;
}

uint64_t *user_slot(const struct space *space, uint64_t va)
{
	return slot_for(space->root, space->mode, va, 0);
}

void user_map(const struct space *space, uint64_t va, uint64_t frame, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		*user_slot(space, va + i * PAGE_SIZE) =
			pte_make(frame + i * PAGE_SIZE, USER_LEAF);
}

void fence_range(uint64_t va, uint64_t pages, uint64_t asid)
{
	if (pages > FENCES_LIMIT) {
		fence_asid(asid);
		return;
	}
	for (uint64_t i = 0; i < pages; i++)
		fence_va_asid(va + i * PAGE_SIZE, asid);
}
