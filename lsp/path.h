/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths: for a stretch of 2 MiB that was walked before, the leaf tables on both sides,
 * and every guest pointer that led there.
 *
 * A path saves no read of the guest's tables, only the arithmetic: it holds as long
 * as each pointer on the way still reads as it did, so that finding a path is as
 * good as a walk from the root. The shadow table is linked in the active tree while
 * the space's stamp is the path's.
 */
#ifndef LSP_PATH_H
#define LSP_PATH_H

#include "arch/riscv/exit_fast.h"
#include "lsp/tree.h"
#include "lsp/walker.h"

#define PATH_LIMIT FAST_PATH_COUNT

/* No address's path_prefix(). */
#define NO_PREFIX UINT64_MAX

static inline uint64_t path_prefix(gva_t gva)
{
	return gva.raw >> FAST_PATH_PREFIX;
}

static inline bool path_step_holds(const struct fast_path *path, unsigned step)
{
	return pte_read(path->steps[step].at).raw == path->steps[step].read.raw;
}

/* Every pointer on the way still reads as it did; there are two to four. */
static inline bool path_holds(const struct fast_path *path)
{
	return path_step_holds(path, 0) && path_step_holds(path, 1) &&
	       (path->more < 1 || path_step_holds(path, 2)) &&
	       (path->more < 2 || path_step_holds(path, 3));
}

struct lsp_vcpu;

/*
 * Remember how a walk to level 0 went, and the shadow table that its leaf is in. Not
 * while there are global tables of another MODE, which a fence must look at as well.
 */
void path_keep(struct lsp_vcpu *space, gva_t gva, const struct walk *walk, pte_t *shadow,
	       bool shared);

/* Behind a drop of what is at gva, from whichever of the trees. */
void path_drop(struct lsp_vcpu *space, gva_t gva, enum drop drop);

/* Before anything is known: no address has the paths that are there. */
void paths_reset(struct lsp_vcpu *space);

#endif
