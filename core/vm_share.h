/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's share of the harts, out of its configuration: the weight of its vCPUs, and
 * which of them is pinned to which hart. Bundles name harts by their ids, the scheduler
 * by their indexes.
 */
#ifndef CORE_VM_SHARE_H
#define CORE_VM_SHARE_H

#include "core/bundle.h"

struct vm;

/* Refused where a vCPU is pinned to a hart that does not run. The harts have started. */
enum status share_check(const struct vm_config *config, const char **why);

/* Tell the scheduler. The VM's vCPUs have never run; the configuration was checked. */
void share_apply(struct vm *vm, const struct vm_config *config);

#endif
