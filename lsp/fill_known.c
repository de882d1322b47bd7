/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills below a path that is known: no walk, no table to link, one leaf and those beside
 * it. See fill.h for what is common to all fills, and path.h for what a path promises.
 */
#include "lsp/fill.h"
#include "lsp/sync.h"

enum outcome space_fill_known(struct lsp_vcpu *space, const struct access *access)
{
	const struct fast_path *path = path_find(space, access->gva);
	unsigned index = level_index(access->gva.raw, 0);
	struct sync sync;
	pte_t pte, leaf;

	if (!path)
		return OUTCOME_DEVICE;
	pte = pte_read(&path->guest[index]);
	if (guest_entry_kind(pte, 0) != GUEST_ENTRY_LEAF || !leaf_permits(pte, access) ||
	    (!space->svadu && !leaf_is_marked(pte, access)))
		return OUTCOME_PAGE_FAULT;
	sync = path_sync(space, path);
	if (!(pte.raw & PTE_A))
		sync.ahead = access;
	if (!leaf_mark(&path->guest[index], &pte, access))
		return OUTCOME_DEVICE;
	leaf = sync_leaf(&sync, pte);
	/* An entry that is right already: there is more to it; see set_leaf(). */
	if (!entry_is_leaf(leaf) || entry_is_leaf(path->shadow[index]))
		return OUTCOME_DEVICE;
	entry_set(&path->shadow[index], leaf);
	sync_add(&sync, path->shadow, path->guest, index & ~(SYNC_WINDOW - 1),
		 SYNC_WINDOW);
	return OUTCOME_FILLED;
}

/* The neighbours in the aligned window that begins there, where nothing is yet. */
static inline void add_common(const struct fast_path *path, const struct fast_run *run,
			      unsigned first)
{
	const pte_t *guest = &path->guest[first];
	pte_t *shadow = &path->shadow[first];
	uint64_t needed = path->needed;

#pragma GCC unroll 16
	for (unsigned i = 0; i < SYNC_WINDOW; i++) {
		pte_t leaf;

		if (sync_common_leaf(run, pte_read(&guest[i]), needed, &leaf) &&
		    shadow[i].raw == path->vacant.raw)
			entry_set(&shadow[i], leaf);
	}
}

enum outcome space_fill_fast(struct vcpu *vcpu, gva_t gva, uint64_t asked)
{
	struct lsp_vcpu *space = vcpu->paging;
	const struct fast_path *path = path_find(space, gva);
	unsigned index = level_index(gva.raw, 0);
	pte_t pte, leaf;

	/* Not behind a switch that is not settled yet. */
	if (!path || vcpu->arch.fast.tree)
		return OUTCOME_DEVICE;
	pte = pte_read(&path->guest[index]);
	if (!pte_valid(pte) || (asked & ~pte.raw))
		return OUTCOME_PAGE_FAULT;
	if ((asked & PTE_W && !(pte.raw & PTE_D)) ||
	    !sync_common_leaf(&space->fences.run, pte, path->needed, &leaf) ||
	    path->shadow[index].raw != path->vacant.raw)
		return OUTCOME_DEVICE;
	space->statistics.fills++;
	entry_set(&path->shadow[index], leaf);
	add_common(path, &space->fences.run, index & ~(SYNC_WINDOW - 1));
	return OUTCOME_FILLED;
}
