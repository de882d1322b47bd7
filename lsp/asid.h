/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real ASIDs: which of the hart's a shadow tree's translations are tagged with,
 * and the real fences that follow an edit of the tree.
 *
 * A real ASID belongs to a pair of hart and tree. Each hart hands them out in
 * order; when they run out everything is fenced and a new generation begins, so
 * an ASID is never used again while the hart may hold entries of its last
 * owner. A tree whose tag is not of the calling hart, or of an old generation,
 * has nothing in this hart's TLB that could be used. Chips without ASIDs fence
 * everything at each renewal: a generation of one. Called on the hart itself.
 */
#ifndef LSP_ASID_H
#define LSP_ASID_H

#include "core/types.h"

struct asid_tag {
	uint64_t generation; /* 0: no ASID */
	unsigned hart;
	unsigned asid;
};

/* True if the tag's ASID is the tree's on this hart. */
bool asid_tag_is_valid(const struct asid_tag *tag);

/*
 * Give the tree an ASID of this hart. True if the ASIDs began anew with it: then
 * the hart may hold entries under it, and the caller fences everything once
 * vsatp has been written and none of the old trees can be walked any more.
 */
bool asid_tag_renew(struct asid_tag *tag);

/*
 * A leaf for gva was changed or removed. Where this hart could not hold it, the
 * tag is dropped instead, since the hart it names might.
 */
void asid_fence_leaf(struct asid_tag *tag, gva_t gva);

/* A pointer, or many entries, were changed or removed. */
void asid_fence_tree(struct asid_tag *tag);

#endif
