/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in a shadow entry that translates nothing: the one place that
 * chooses how a hart is made to say so.
 *
 * `reflect`: V = 0 everywhere, all page faults come to the hypervisor, which gives
 * the true ones back to the guest. Nothing invalid is ever remembered, so Svvptc may
 * be promised to the guest. Set before the first VM is made; constant afterwards.
 */
#ifndef LSP_ENCODING_H
#define LSP_ENCODING_H

#include "mm/pte.h"

struct encoding {
	const char *name;
	pte_t pointer; /* an unsynced slot of a pointer table */
	pte_t leaf;    /* an unsynced entry of a leaf table */
};

extern struct encoding encoding;

#endif
