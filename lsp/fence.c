/* SPDX-License-Identifier: BSD-2-Clause */
/* Fences, at once and from the log. See fence.h. */
#include "lsp/fence.h"
#include "core/arch.h"
#include "lsp/fill.h"
#include "lsp/sync.h"

/* ---- the log ---- */

static void log_append(struct lsp_vcpu *space, bool has_asid, uint16_t asid, gva_t gva,
		       uint64_t pages)
{
	space_trees_behind(space);
	space->fences.log[space->fences.log_head++ % FENCE_LOG_LIMIT] =
		(struct fence_log_entry){
			.gva = gva,
			.pages = (uint8_t)pages,
			.has_asid = has_asid,
			.asid = asid,
		};
}

static bool log_entry_matches(const struct fence_log_entry *entry,
			      const struct shadow_tree *tree)
{
	return !entry->has_asid || entry->asid == satp_asid(tree->satp);
}

/*
 * In a tree that is not active. Global tables, and all copies of a leaf in their root,
 * have had the fence when it came.
 */
static void replay_page(struct lsp_vcpu *space, struct shadow_tree *tree, gva_t gva)
{
	unsigned slot = level_index(gva.raw, tree_top(tree));
	enum drop drop;

	if (!gva_is_canonical(gva, tree_top(tree) + 1) ||
	    slot_test(table_side(tree->root)->shared, slot))
		return;
	drop = table_drop(tree->root, tree_top(tree), gva);
	tree->unlinked |= drop != DROP_LEAF;
	path_drop(space, gva, drop);
}

static void unlink_tree(struct lsp_vcpu *space, struct shadow_tree *tree,
			bool keep_shared)
{
	space_tables_gone(space);
	space->statistics.tree_unlinks++;
	tree_unlink(tree, keep_shared);
}

/*
 * Where page faults are the guest's own, a page takes all with it that its leaf table
 * has, and one of those behind the other is enough: *dropped is the last.
 */
static void replay(struct lsp_vcpu *space, struct shadow_tree *tree,
		   const struct fence_log_entry *entry, uint64_t *dropped)
{
	space->statistics.log_replays++;
	if (entry->pages == 0)
		unlink_tree(space, tree, entry->has_asid);
	for (uint64_t i = 0; i < entry->pages; i++) {
		gva_t gva = GVA(entry->gva.raw + i * PAGE_SIZE);

		if (encoding.delegates && path_prefix(gva) == *dropped)
			continue;
		*dropped = path_prefix(gva);
		replay_page(space, tree, gva);
	}
}

/* How many pages there are to drop from a tree; too many, if the log has lost some. */
static uint64_t pages_behind(const struct lsp_vcpu *space, const struct shadow_tree *tree)
{
	uint64_t position = tree->log_position;
	uint64_t pages = 0;

	if (space->fences.log_head - position > FENCE_LOG_LIMIT)
		return UINT64_MAX;
	for (; position < space->fences.log_head; position++)
		pages += space->fences.log[position % FENCE_LOG_LIMIT].pages;
	return pages;
}

void log_catch_up(struct lsp_vcpu *space, struct shadow_tree *tree)
{
	uint64_t position = tree->log_position;
	bool lost = pages_behind(space, tree) > FENCE_PAGES_LIMIT;
	uint64_t dropped = NO_PREFIX;
	bool replayed = false;

	tree->log_position = space->fences.log_head;
	if (tree->bare)
		return;
	if (lost)
		unlink_tree(space, tree, false);
	for (; !lost && position < space->fences.log_head; position++) {
		const struct fence_log_entry *entry =
			&space->fences.log[position % FENCE_LOG_LIMIT];

		if (!log_entry_matches(entry, tree))
			continue;
		replay(space, tree, entry, &dropped);
		replayed = true;
	}
	/* One for all of them: nothing runs on the tree in between. */
	if (replayed)
		asid_fence_tree(&tree->tag);
}

/* ---- fences ---- */

static bool covers_active(const struct lsp_vcpu *space, const struct fence *fence)
{
	const struct shadow_tree *tree = space->active;

	return !tree->bare && (!fence->has_asid || fence->asid == satp_asid(tree->satp));
}

static void fence_everything(struct lsp_vcpu *space, const struct fence *fence)
{
	log_append(space, fence->has_asid, fence->asid, GVA(0), 0);
	if (!fence->has_asid)
		globals_unlink(space);
	if (covers_active(space, fence))
		unlink_tree(space, space->active, fence->has_asid);
}

/*
 * The exit is paid already: if the guest's leaf is valid now, it goes in at once and
 * its first use costs no exit of its own. Only for the satp in force: tables under
 * any other root may be anything by now. A is never set for it, so a leaf with A = 0
 * is left to a real access.
 */
static void install(struct lsp_vcpu *space, gva_t gva)
{
	struct walk walk = guest_walk_leaf(space->memory, space->satp, gva);

	if (walk.outcome == OUTCOME_FILLED && (walk.leaf.raw & PTE_A) &&
	    space_fill(space, gva, &walk) == STATUS_OK)
		space->statistics.fence_installs++;
}

/* Drop first, for what came from the leaf that was there may be wider than a page. */
static void drop_page(struct lsp_vcpu *space, gva_t gva)
{
	struct shadow_tree *tree = space->active;
	enum drop drop;

	if (globals_root_of(space, gva) != tree->root) {
		globals_drop(space, tree->mode, gva);
		return;
	}
	drop = table_drop(tree->root, tree_top(tree), gva);
	path_drop(space, gva, drop);
	if (drop == DROP_LEAF)
		asid_fence_leaf(&tree->tag, gva);
	else
		asid_fence_tree(&tree->tag);
}

/* Entries of a path's leaf tables that are to be read again. */
struct refresh {
	const pte_t *guest, *end;
	pte_t *shadow;
	uint64_t replaced; /* bits of those that were; with V, a TLB may hold one */
};

static void refresh_entry(struct refresh *at, pte_t leaf)
{
	if (at->shadow->raw != leaf.raw) {
		at->replaced |= at->shadow->raw;
		entry_set(at->shadow, leaf);
	}
	at->guest++;
	at->shadow++;
}

/*
 * Until one whose leaf is unlike most. Not inlined, and with no call in it, so that all
 * there is stays in registers.
 */
static __attribute__((noinline)) struct refresh
refresh_common(struct refresh at, const struct fast_path *path, const struct fast_run *of)
{
	const struct fast_run run = *of;
	const pte_t vacant = path->vacant;
	const uint64_t needed = path->needed;

	while (at.guest != at.end) {
		pte_t pte = pte_read(at.guest), leaf = vacant;

		if (!sync_common_leaf(&run, pte, needed, &leaf) && pte_valid(pte))
			break;
		refresh_entry(&at, leaf);
	}
	return at;
}

/*
 * Whatever the leaves are. True if a TLB may hold one that was there before, or a fault
 * of the guest's own.
 */
static bool refresh(struct lsp_vcpu *space, const struct fast_path *path, unsigned first,
		    uint64_t count)
{
	const struct sync sync = path_sync(space, path);
	struct refresh at = {
		.guest = &path->guest[first],
		.end = &path->guest[first + count],
		.shadow = &path->shadow[first],
	};

	while (at = refresh_common(at, path, &space->fences.run), at.guest != at.end)
		refresh_entry(&at, sync_leaf(&sync, pte_read(at.guest)));
	return encoding.delegates || pte_valid(PTE(at.replaced));
}

/*
 * The leaves of pages of one path. It is asked once for all of them: that other harts
 * may write its pointers meanwhile changes nothing, since only a fence that is yet to
 * come orders their stores with the reads here. The tag is the hart's, or, while the
 * vCPU is not loaded, about to be forgotten.
 */
static void refresh_pages(struct lsp_vcpu *space, const struct fast_path *path, gva_t gva,
			  uint64_t pages)
{
	if (!refresh(space, path, level_index(gva.raw, 0), pages))
		return;
	if (!path->shared)
		arch_shadow_fence_leaves(gva, pages, space->active->tag.asid);
	for (uint64_t i = 0; path->shared && i < pages; i++)
		arch_shadow_fence_leaf_all(GVA(gva.raw + i * PAGE_SIZE));
}

static void fence_page(struct lsp_vcpu *space, gva_t gva)
{
	/* "SFENCE.VMA with an invalid virtual address has no effect." */
	if (!gva_is_canonical(gva, tree_top(space->active) + 1))
		return;
	drop_page(space, gva);
	install(space, gva);
}

/* Page by page, or by as many as share a leaf table whose path is known. */
static void fence_pages(struct lsp_vcpu *space, gva_t gva, uint64_t pages)
{
	while (pages > 0) {
		const struct fast_path *path = path_find(space, gva);
		uint64_t count = PTE_PER_TABLE - level_index(gva.raw, 0);

		if (!path)
			count = 1;
		if (count > pages)
			count = pages;
		if (path)
			refresh_pages(space, path, gva, count);
		else
			fence_page(space, gva);
		gva.raw += count * PAGE_SIZE;
		pages -= count;
	}
}

/* Not by the end, which may be that of the address space. */
static uint64_t pages_of(const struct fence *fence)
{
	uint64_t bytes = fence->start.raw % PAGE_SIZE + fence->size;

	return (bytes >> PAGE_SHIFT) + !is_aligned(bytes, PAGE_SIZE);
}

/* Not inlined, since a fence of everything needs next to no stack. */
static __attribute__((noinline)) void fence_range(struct lsp_vcpu *space,
						  const struct fence *fence)
{
	gva_t first = GVA(align_down(fence->start.raw, PAGE_SIZE));
	uint64_t pages = pages_of(fence);

	if (pages == 0)
		return;
	log_append(space, fence->has_asid, fence->asid, first, pages);
	for (uint64_t i = 0; !fence->has_asid && i < pages; i++)
		globals_drop_elsewhere(space, GVA(first.raw + i * PAGE_SIZE));
	if (covers_active(space, fence))
		fence_pages(space, first, pages);
}

void space_fence(struct lsp_vcpu *space, const struct fence *fence)
{
	if (!fence->has_address || pages_of(fence) > FENCE_PAGES_LIMIT)
		fence_everything(space, fence);
	else
		fence_range(space, fence);
	/* What a hart has of the shared tables is fenced on one that runs this vCPU. */
	if (!space->loaded)
		space_forget_tags(space);
}
