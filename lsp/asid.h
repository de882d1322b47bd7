/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real ASIDs, which tag a shadow tree's translations in a hart, and the real
 * fences that follow an edit of the tree.
 *
 * Each hart hands ASIDs out in order; when they run out everything is fenced and
 * a new generation begins, so none is used again while entries of its last owner
 * may be left. A tag of another hart or generation has nothing in this TLB that
 * could be used. Without ASIDs, a generation is one tree. Called on the hart.
 */
#ifndef LSP_ASID_H
#define LSP_ASID_H

#include "core/types.h"

struct asid_tag {
	uint64_t generation; /* 0: no ASID */
	unsigned hart;
	unsigned asid;
};

/* How many bits they have: the chip's, unless it is to have fewer. */
unsigned asid_bits(void);

/* No more than these; before any is given. STATUS_UNSUPPORTED: the chip has fewer. */
enum status asid_bits_limit(unsigned bits);

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
