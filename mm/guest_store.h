/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One store of a guest's that Gnomon carries out in its place: a plain store, an
 * AMO or an sc, naturally aligned, to guest RAM.
 *
 * Other harts may be storing to the same place: whatever a hart would do in one
 * step is done in one step here. No state, no lock.
 */
#ifndef MM_GUEST_STORE_H
#define MM_GUEST_STORE_H

#include "core/types.h"

enum store_operation {
	STORE_SET,
	STORE_SWAP,
	STORE_ADD,
	STORE_XOR,
	STORE_AND,
	STORE_OR,
	STORE_MIN,
	STORE_MAX,
	STORE_MIN_UNSIGNED,
	STORE_MAX_UNSIGNED,
	STORE_CONDITIONAL, /* an sc: it stores where its lr's value still is */
};

struct guest_store {
	enum store_operation operation;
	unsigned width;	   /* bytes: 1, 2, 4 or 8; AMOs and sc 4 or 8 */
	uint64_t value;	   /* what is above the width is ignored */
	uint64_t expected; /* the same, of STORE_CONDITIONAL: what its lr read */
};

/* What the aligned 8 bytes around it become; offset: the store's place in them. */
uint64_t guest_store_result(const struct guest_store *store, unsigned offset,
			    uint64_t before);

/* Carry it out. Returns what an AMO would put in rd (what was there), or an sc (0: ok).
 */
uint64_t guest_store_apply(const struct guest_store *store, hpa_t at);

#endif
