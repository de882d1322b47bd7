/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest leaves into shadow leaves. See sync.h. */
#include "lsp/sync.h"
#include "core/panic.h"
#include "lsp/walker.h"

/* RSW holds levels 0 to 2; 3 stands for 3 and 4, of which no guest has RAM for two. */
#define ORIGIN_LIMIT 3

unsigned origin_code(unsigned guest_level)
{
	return guest_level < ORIGIN_LIMIT ? guest_level : ORIGIN_LIMIT;
}

uint64_t sync_flags(pte_t guest, unsigned guest_level)
{
	uint64_t flags = PTE_V | PTE_A | (guest.raw & (PTE_R | PTE_X | PTE_U));

	/* With D = 0 the first store must still reach the guest. */
	if ((guest.raw & (PTE_W | PTE_D)) == (PTE_W | PTE_D))
		flags |= PTE_W | PTE_D;
	return flags | (uint64_t)origin_code(guest_level) << PTE_RSW_SHIFT;
}

/*
 * V and A, R or X, no W without R, none of the high bits. (Of the pairs of R and W
 * that are allowed, those with R or X are leaves.)
 */
static bool is_usable_leaf(pte_t guest)
{
	if ((guest.raw & (PTE_V | PTE_A | PTE_HIGH)) != (PTE_V | PTE_A))
		return false;
	return (guest.raw & (PTE_R | PTE_X)) && (guest.raw & (PTE_R | PTE_W)) != PTE_W;
}

/* Where a leaf leads in the host, as large as its level says and aligned for it. */
static bool find_frame(const struct sync *sync, pte_t guest, hpa_t *hpa)
{
	gpa_t gpa = GPA(pte_address(guest));
	uint64_t size = level_size(sync->level);

	return is_aligned(gpa.raw, size) &&
	       guest_memory_find(sync->memory, gpa, size, hpa) &&
	       is_aligned(hpa->raw, size);
}

/*
 * U is the guest leaf's if there is one; without one, user mode has a true fault. In a
 * shared table only a global leaf says what all trees have there.
 */
static pte_t no_leaf(const struct sync *sync, pte_t guest)
{
	const uint64_t told = PTE_V | PTE_U | (sync->only_global ? PTE_G : 0);

	if (sync->level > 0)
		return encoding.pointer;
	if (sync->keeps_faults && !is_usable_leaf(guest))
		return PTE(0);
	return encoding_leaf((guest.raw & told) == told);
}

pte_t sync_leaf(const struct sync *sync, pte_t guest)
{
	pte_t leaf;
	hpa_t hpa;

	if (sync->level == 0 &&
	    sync_common_leaf(sync->run, guest, sync_common_bits(sync->only_global),
			     &leaf))
		return leaf;
	if (!is_usable_leaf(guest) || (sync->only_global && !(guest.raw & PTE_G)) ||
	    !find_frame(sync, guest, &hpa))
		return no_leaf(sync, guest);
	return pte_make(hpa.raw, sync_flags(guest, sync->level));
}

struct fast_run sync_run(const struct guest_memory *memory)
{
	const struct guest_run *run = &memory->runs[0];

	return (struct fast_run){
		.first = run->gpa.raw >> PAGE_SHIFT,
		.pages = run->size >> PAGE_SHIFT,
		.offset = (run->hpa.raw - run->gpa.raw) >> PAGE_SHIFT << PTE_PPN_SHIFT,
	};
}

static bool is_in_run(const struct fast_run *run, pte_t guest)
{
	return (guest.raw >> PTE_PPN_SHIFT) - run->first < run->pages;
}

/* Entries that are looked at together: most are 0, and so are those beside them. */
#define GROUP 8u

/* False: none of them is anything. */
static inline bool read_group(const pte_t *guest, pte_t *ptes)
{
	uint64_t any = 0;

#pragma GCC unroll 8
	for (unsigned i = 0; i < GROUP; i++) {
		ptes[i] = pte_read(&guest[i]);
		any |= ptes[i].raw;
	}
	return any != 0;
}

static inline void fill_group(pte_t *shadow, pte_t entry)
{
#pragma GCC unroll 8
	for (unsigned i = 0; i < GROUP; i++)
		entry_set(&shadow[i], entry);
}

/*
 * Most entries of a table are as they were: where the guest's PTE, with its frame moved
 * to the host's and less the G that it must have, is the shadow entry to the bit, that
 * was made from the same. No entry but a leaf of this VM leads into the run. Nothing of
 * the guest's is believed by that.
 */
void sync_leaves(const struct sync *sync, pte_t *shadow, const pte_t *guest)
{
	const struct fast_run run = *sync->run;
	/* Nothing is the same as what was in the page for somebody else. */
	const struct fast_run known = sync->known ? run : (struct fast_run){0};
	const uint64_t needed = sync_common_bits(sync->only_global);
	const uint64_t same = run.offset - (needed & PTE_G);
	const pte_t none = no_leaf(sync, PTE(0));

	assert(sync->level == 0);
	for (const pte_t *end = guest + PTE_PER_TABLE; guest < end;
	     guest += GROUP, shadow += GROUP) {
		pte_t ptes[GROUP];

		if (!read_group(guest, ptes)) {
			fill_group(shadow, none);
			continue;
		}
#pragma GCC unroll 8
		for (unsigned i = 0; i < GROUP; i++) {
			pte_t pte = ptes[i], leaf = none;

			if (pte.raw + same == shadow[i].raw && is_in_run(&known, pte))
				continue;
			if (pte_valid(pte) && !sync_common_leaf(&run, pte, needed, &leaf))
				leaf = sync_leaf(sync, pte);
			entry_set(&shadow[i], leaf);
		}
	}
}

static bool is_vacant(const struct sync *sync, const pte_t *shadow, unsigned index)
{
	if (sync->level == 0)
		return !entry_is_leaf(shadow[index]);
	return shadow[index].raw == encoding.pointer.raw && !table_child(shadow, index);
}

/*
 * Where one page was old and is wanted, those around it soon are as well: fork() makes
 * all of a child's old at once. An access that is only expected may set A, never D.
 */
static void mark_ahead(const struct sync *sync, pte_t *at, pte_t *pte)
{
	struct access access = *sync->ahead;

	if (guest_entry_kind(*pte, sync->level) != GUEST_ENTRY_LEAF ||
	    !leaf_permits(*pte, &access))
		return;
	access.kind = ACCESS_LOAD;
	leaf_mark(at, pte, &access);
}

void sync_add(const struct sync *sync, pte_t *shadow, pte_t *guest, unsigned first,
	      unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		pte_t pte = pte_read(&guest[i]);

		if (!pte_valid(pte) || !is_vacant(sync, shadow, i))
			continue;
		if (sync->ahead)
			mark_ahead(sync, &guest[i], &pte);
		pte = sync_leaf(sync, pte);
		if (!entry_is_leaf(pte))
			continue;
		if (sync->level > 0)
			table_set(shadow, i, pte);
		else
			entry_set(&shadow[i], pte);
	}
}
