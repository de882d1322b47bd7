/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths that were walked before. See path.h. */
#include "lsp/path.h"
#include "lsp/space.h"

void path_keep(struct lsp_vcpu *space, gva_t gva, const struct walk *walk, pte_t *shadow,
	       bool shared)
{
	uint64_t prefix = path_prefix(gva);
	struct walk_path *path = &space->paths[prefix % PATH_LIMIT];

	if (space->global_modes & ~(1u << space->active->mode))
		return;
	path->prefix = prefix;
	path->epoch = space->epoch;
	path->tree = space->active;
	path->shadow = shadow;
	path->guest = walk->at[0] - level_index(gva.raw, 0);
	path->shared = shared;
	path->keeps_faults = sync_keeps_faults(gva);
	path->no_leaf = path->keeps_faults ? PTE(0) : encoding_leaf(false);
	path->pointers = tree_top(space->active);
	for (unsigned i = 0; i < path->pointers; i++) {
		path->steps[i].at = walk->at[i + 1];
		path->steps[i].read = walk->read[i + 1];
	}
}
