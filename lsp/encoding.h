/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in a shadow entry that translates nothing: the one place that
 * chooses how a hart is made to tell.
 *
 * `reflect`: V = 0 everywhere. All page faults come to the hypervisor, which gives
 * the true ones back; nothing invalid is remembered, so Svvptc may be promised.
 * `poison`, `hole`: V = 0 is remembered as the guest's own fault, which costs no exit;
 * whatever else is unsynced leads to a page that cannot be reached, and the access
 * there comes to the hypervisor. Chosen before the first VM is made, then constant.
 */
#ifndef LSP_ENCODING_H
#define LSP_ENCODING_H

#include "core/arch.h"
#include "mm/pte.h"

struct encoding {
	const char *name;
	enum detour detour;
	bool delegates; /* page faults are the guest's own, but while satp is Bare */
	pte_t pointer;	/* an unsynced slot of a pointer table, for whomever it is */
	pte_t leaf;	/* an unsynced entry of a leaf table; U says whom it is for */
};

extern struct encoding encoding;

/* STATUS_INVALID: there is none of that name. STATUS_UNSUPPORTED: not on this machine. */
enum status encoding_choose(const char *name);

/*
 * An unsynced entry of a leaf table, for pages that user mode may touch or for those
 * that it may not. The hart looks at U first: with the wrong one, a page fault comes of
 * it, which is the guest's own if faults are.
 */
static inline pte_t encoding_leaf(bool user)
{
	return encoding.delegates && user ? PTE(encoding.leaf.raw | PTE_U)
					  : encoding.leaf;
}

#endif
