/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths that were walked before. See path.h. */
#include "lsp/path.h"
#include "lsp/space.h"

void path_keep(struct lsp_vcpu *space, gva_t gva, const struct walk *walk, pte_t *shadow,
	       bool shared)
{
	uint64_t prefix = path_prefix(gva);
	unsigned pointers = tree_top(space->active);
	struct fast_path *path = &space->fences.paths[prefix % PATH_LIMIT];

	if (space->global_modes & ~(1u << space->active->mode))
		return;
	path->prefix = prefix;
	path->stamp = space->stamp;
	path->shadow = shadow;
	path->guest = walk->at[0] - level_index(gva.raw, 0);
	path->shared = shared;
	path->needed = sync_common_bits(shared);
	path->vacant = sync_keeps_faults(gva) ? PTE(0) : encoding_leaf(false);
	path->delegates = encoding.delegates;
	path->more = (uint8_t)(pointers - 2);
	for (unsigned i = 0; i < pointers; i++) {
		path->steps[i].at = walk->at[i + 1];
		path->steps[i].read = walk->read[i + 1];
	}
}

/* A stamp of 0 alone would be that of a vector which knows no path. */
static void forget(struct fast_path *path)
{
	path->prefix = NO_PREFIX;
	path->stamp = 0;
}

void path_drop(struct lsp_vcpu *space, gva_t gva, enum drop drop)
{
	struct fast_path *path = &space->fences.paths[path_prefix(gva) % PATH_LIMIT];

	if (drop == DROP_MORE)
		space_tables_gone(space);
	else if (drop == DROP_TABLE && path->prefix == path_prefix(gva))
		forget(path);
}

void paths_reset(struct lsp_vcpu *space)
{
	for (unsigned i = 0; i < PATH_LIMIT; i++)
		forget(&space->fences.paths[i]);
}
