/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What holds of a vCPU's shadow trees whenever its guest may run: the isolation
 * invariant, the form of every entry, and the sums.
 *
 * Everything is read again from memory and compared with what lsp/tree.h,
 * lsp/space.h and lsp/asid.h promise; nothing is believed because it was checked
 * before, and nothing is changed. On the hart where the vCPU is loaded.
 */
#ifndef LSP_CHECK_H
#define LSP_CHECK_H

#include "lsp/space.h"

/*
 * NULL if all is well, or one line that says what is not, which lives until the
 * next call that finds something. However broken the trees are, nothing but
 * pages that the allocator has given out is read.
 *
 * whole: all there is. Otherwise not what no hart can come to before it is looked at
 * again, which takes the most time: tables of trees that are not active and those that
 * are stale, whether any page is lost, and what the others' tags have among themselves.
 */
const char *space_check(const struct lsp_vcpu *space, bool whole);

#endif
