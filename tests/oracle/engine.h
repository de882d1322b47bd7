/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the oracle has to know of a paging mode beside its functions: how its pages
 * are bounded, what it counts, and how a guest's store to a page table goes.
 */
#ifndef TESTS_ORACLE_ENGINE_H
#define TESTS_ORACLE_ENGINE_H

#include "core/vm.h"
#include "mm/paging.h"

#define ENGINE_COUNTS 8

struct oracle_engine {
	const char *name;   /* the mode's, or more */
	const char *faults; /* see lsp/encoding.h; NULL: whatever it is */
	const struct paging_mode *mode;
	const char *counts[ENGINE_COUNTS]; /* NULL past the last */

	/* Shadow pages, of each vCPU; not called for Gnomon's own choice. */
	void (*bound_vm)(struct vm *vm, uint64_t budget);
	void (*bound_vcpu)(struct vcpu *vcpu, uint64_t budget);

	/* After each operation: fails where a bound is not kept. */
	void (*look)(const struct vcpu *vcpu, uint64_t *counts);

	/* Add what it has counted, just before the end of one. */
	void (*end_vm)(const struct vm *vm, uint64_t *counts);
	void (*end_vcpu)(const struct vcpu *vcpu, uint64_t *counts);

	/*
	 * NULL: the guest's stores are its own. Else: 8 bytes by the loaded vCPU, to a
	 * page table perhaps, whatever it takes; how chooses among the ways to do it.
	 */
	void (*store)(struct vcpu *vcpu, gpa_t gpa, uint64_t value, unsigned how);
};

extern const struct oracle_engine engine_lsp;
extern const struct oracle_engine engine_lsp_poison;
extern const struct oracle_engine engine_shadow;
extern const struct oracle_engine engine_shadow_unsync;

/* NULL for an unknown mode. */
const struct oracle_engine *oracle_engine_find(const char *name);

#endif
