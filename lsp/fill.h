/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filling the active tree with what a walk of the guest's tables found.
 *
 * A shadow table that nothing reached is filled whole, in one exit, and linked when
 * it is true; in one that is linked, the wanted entry is filled and its neighbours,
 * as far as their A is set (or the wanted one had to be set: see lsp/sync.h). The fences
 * that an edit needs are done here.
 */
#ifndef LSP_FILL_H
#define LSP_FILL_H

#include "lsp/space.h"

/*
 * A walk that came out FILLED; for satp Bare, `walk` names a leaf of the widest
 * level. STATUS_NO_MEMORY: not even after all else was forgotten.
 */
enum status space_fill(struct lsp_vcpu *space, gva_t gva, const struct walk *walk);

/*
 * The same with no walk, where a known path leads: FILLED, or PAGE_FAULT if the guest's
 * leaf does not permit the access. Anything else: nothing was done, and a walk is to
 * say what the access comes to.
 */
enum outcome space_fill_known(struct lsp_vcpu *space, const struct access *access);

/* Of a leaf like most, and neighbours like it: see fill() of struct paging_mode. */
enum outcome space_fill_fast(struct vcpu *vcpu, gva_t gva, uint64_t asked);

/*
 * Bring back what was in use in the active tree before something was unlinked there, if
 * nothing has been filled since.
 */
void space_recall(struct lsp_vcpu *space);

/*
 * Behind a walk that came out as a fault of the guest's own: let the next ones there be
 * no exits, where faults are the guest's to begin with.
 */
void space_keep_faults(struct lsp_vcpu *space, gva_t gva, const struct walk *walk);

#endif
