/* SPDX-License-Identifier: BSD-2-Clause */
/* The modes that the oracle can run; lsp's own part. See engine.h. */
#include "tests/oracle/engine.h"

#include <string.h>

#include "lsp/space.h"
#include "tests/oracle/machine.h"

enum {
	FULL_SLOTS,
	EVICTIONS,
	TREE_UNLINKS,
	UNSHARED_SLOTS,
	LOG_REPLAYS,
	FENCE_INSTALLS,
	RECALLS
};

static void bound_vm(struct vm *vm, uint64_t budget)
{
	(void)vm;
	(void)budget;
}

static void bound_vcpu(struct vcpu *vcpu, uint64_t budget)
{
	struct lsp_vcpu *space = vcpu->paging;

	space->pool.limit = budget;
}

static void look(const struct vcpu *vcpu, uint64_t *counts)
{
	const struct lsp_vcpu *space = vcpu->paging;
	unsigned trees = 0;

	for (unsigned i = 0; i < TREE_LIMIT; i++)
		trees += space->trees[i].root != NULL;
	counts[FULL_SLOTS] += trees == TREE_LIMIT;
	if (space->pool.used > space->pool.limit)
		oracle_fail("%lu shadow pages, of %lu", space->pool.used,
			    space->pool.limit);
}

static void end_vm(const struct vm *vm, uint64_t *counts)
{
	(void)vm;
	(void)counts;
}

static void end_vcpu(const struct vcpu *vcpu, uint64_t *counts)
{
	const struct lsp_vcpu *space = vcpu->paging;

	counts[EVICTIONS] += space->statistics.tree_evictions;
	counts[TREE_UNLINKS] += space->statistics.tree_unlinks;
	counts[UNSHARED_SLOTS] += space->statistics.unshared_slots;
	counts[LOG_REPLAYS] += space->statistics.log_replays;
	counts[FENCE_INSTALLS] += space->statistics.fence_installs;
	counts[RECALLS] += space->statistics.recalls;
}

/* clang-format off */
#define ENGINE_LSP                                                                       \
	.mode = &paging_lsp,                                                             \
	.counts = {[FULL_SLOTS] = "operations with all tree slots in use",               \
		   [EVICTIONS] = "evictions",                                            \
		   [TREE_UNLINKS] = "tree unlinks",                                      \
		   [UNSHARED_SLOTS] = "unshared slots",                                  \
		   [LOG_REPLAYS] = "log replays",                                        \
		   [FENCE_INSTALLS] = "fence installs",                                  \
		   [RECALLS] = "recalls"},                                               \
	.bound_vm = bound_vm,                                                            \
	.bound_vcpu = bound_vcpu,                                                        \
	.look = look,                                                                    \
	.end_vm = end_vm,                                                                \
	.end_vcpu = end_vcpu
/* clang-format on */

const struct oracle_engine engine_lsp = {
	.name = "lsp",
	.faults = "reflect",
	ENGINE_LSP,
};

const struct oracle_engine engine_lsp_poison = {
	.name = "lsp-poison",
	.faults = "poison",
	ENGINE_LSP,
};

const struct oracle_engine *oracle_engine_find(const char *name)
{
	static const struct oracle_engine *const engines[] = {
		&engine_lsp,
		&engine_lsp_poison,
		&engine_shadow,
		&engine_shadow_unsync,
	};

	for (size_t i = 0; i < ARRAY_LENGTH(engines); i++)
		if (strcmp(engines[i]->name, name) == 0)
			return engines[i];
	return NULL;
}
