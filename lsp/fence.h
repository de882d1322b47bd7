/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest's fences do to the shadow trees of a vCPU.
 *
 * A fence only invalidates. One of all addresses unlinks the active tree at its root,
 * whatever is below; one of a page drops its entry, and where the guest has a leaf
 * there now, puts that in its place, the exit being paid. Trees that are not active
 * find the fence in the log when they are next loaded. On the vCPU's hart, or, while
 * it is loaded nowhere, on any.
 */
#ifndef LSP_FENCE_H
#define LSP_FENCE_H

#include "lsp/space.h"

/* Apply a fence to every tree of the vCPU, now or when it is next loaded. */
void space_fence(struct lsp_vcpu *space, const struct fence *fence);

/* Apply to a tree about to be loaded what came while it was not active. */
void log_catch_up(struct lsp_vcpu *space, struct shadow_tree *tree);

#endif
