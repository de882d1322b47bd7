/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fake hart's page-table walker, for tables of either stage.
 *
 * A walk is a set of tables for each level, beginning with the root: what they
 * hold is read and kept as the profile says, and everything kept for this address
 * and tag, from whatever table it came, leads to leaves or to the next tables.
 * Nothing is judged here: a walk that was never used is no harm, if what it left
 * behind is fenced before an access comes to it.
 */
#ifndef TESTS_UNIT_FAKE_WALK_H
#define TESTS_UNIT_FAKE_WALK_H

#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_entries.h"

#define FAKE_READ_LIMIT 12

/* What a walk reads from a page that was freed: anything, so no access may use it. */
#define FAKE_GARBAGE PTE(~UINT64_C(0))

/* Where a hart begins, and where it keeps what it reads. */
struct fake_walker {
	struct fake_entries *entries;
	unsigned tag;
	hpa_t root;
	unsigned levels;
	unsigned root_bits; /* of index: 9, or 11 of a G-stage table */
};

/* What was read of memory, so that it can be told whether it still reads so. */
struct fake_reads {
	unsigned count; /* may be more than the limit: then it cannot be told */
	struct {
		hpa_t at;
		pte_t pte;
	} read[FAKE_READ_LIMIT];
};

/* All that an address may come to. */
struct fake_found {
	bool invalid;
	bool detour;
	bool access_fault; /* by a table where nothing is */
	bool kept_pointer; /* a pointer was kept that was not before */
	unsigned bad_level;
	pte_t bad_pointer; /* a malformed one, or garbage; else invalid */
	unsigned count;
	pte_t leaf[FAKE_RESULT_LIMIT];
	unsigned level[FAKE_RESULT_LIMIT];
};

/* reads may be NULL. */
void fake_walk(const struct fake_walker *walker, uint64_t address,
	       struct fake_found *found, struct fake_reads *reads);

/* True if memory has what the walk read; then it would keep nothing new. */
bool fake_reads_hold(const struct fake_reads *reads);

#endif
