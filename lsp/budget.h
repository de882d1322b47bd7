/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lazy shadow paging takes of the host's memory, and the least it can do with.
 *
 * Each vCPU has an equal share of its VM's budget for good, so that none needs a lock,
 * and none can starve another. The least of it is promised: it is the vCPU's from the
 * beginning, whatever other VMs and Gnomon take meanwhile.
 */
#ifndef LSP_BUDGET_H
#define LSP_BUDGET_H

#include "lsp/table.h"
#include "mm/paging.h"

struct vm;

/* The block, 2^order pages, that holds a vCPU's struct lsp_vcpu; and its pages. */
unsigned budget_state_order(void);
uint64_t budget_state_pages(void);

/* As struct paging_mode has it. */
struct paging_budget budget_of(uint64_t ram, unsigned vcpus);

/*
 * The pool of one of the VM's vCPUs, with what is promised taken; STATUS_NO_MEMORY: not
 * so much was there, and the pool is to be destroyed all the same.
 */
enum status budget_pool_create(struct shadow_pool *pool, const struct vm *vm);

/* Give back what is promised, once no table is left. */
void budget_pool_destroy(struct shadow_pool *pool);

#endif
