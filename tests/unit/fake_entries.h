/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a fake hart has kept of translation tables: any number of entries read
 * from them, each by the tag it was read under (an ASID or a VMID), its level,
 * and the addresses it is for. Several may be kept for the same place, since
 * tables change: a hart may answer from any of them until a fence takes it away.
 *
 * Forgetting costs what was kept, whatever the size of this structure, so that
 * a machine is made anew in no time. No lock: the tests have one thread.
 */
#ifndef TESTS_UNIT_FAKE_ENTRIES_H
#define TESTS_UNIT_FAKE_ENTRIES_H

#include "core/types.h"
#include "mm/pte.h"

#define FAKE_TAG_LIMIT	  65536
#define FAKE_BUCKET_LIMIT 16384

struct fake_entry {
	pte_t pte;
	uint64_t prefix; /* the address without what is below the level */
	unsigned tag;
	unsigned level;
	int next; /* in the bucket; all of these are indexes, 0 for none */
	int next_of_tag;
	int previous_of_tag;
};

/* All zero: nothing is kept. */
struct fake_entries {
	struct fake_entry *at; /* at[0] is not used */
	int capacity;
	int used; /* the highest index that was ever given out */
	int spare;
	unsigned tag_end; /* no tag from here on was used */
	int buckets[FAKE_BUCKET_LIMIT];
	int tags[FAKE_TAG_LIMIT];
};

/* The address that an entry of that level is found by. */
static inline uint64_t fake_prefix(uint64_t address, unsigned level)
{
	return align_down(address, level_size(level));
}

/* True if it was not kept before. */
bool fake_entries_add(struct fake_entries *entries, unsigned tag, unsigned level,
		      uint64_t prefix, pte_t pte);

/* The first one for that place, and the one behind it; NULL past the last. */
const struct fake_entry *fake_entries_find(const struct fake_entries *entries,
					   unsigned tag, unsigned level, uint64_t prefix);
const struct fake_entry *fake_entries_next(const struct fake_entries *entries,
					   const struct fake_entry *entry);

/*
 * Forget the valid leaves of a tag that an address is translated by. Returns the
 * levels at which there were any, as bits.
 */
unsigned fake_entries_forget_leaves(struct fake_entries *entries, unsigned tag,
				    uint64_t address);

/* The same for all tags; called for each of which there were any. */
void fake_entries_forget_leaves_of_all(struct fake_entries *entries, uint64_t address,
				       void (*forgotten)(void *context, unsigned tag,
							 unsigned levels),
				       void *context);
void fake_entries_forget_tag(struct fake_entries *entries, unsigned tag);
void fake_entries_forget_all(struct fake_entries *entries);

/* Whether a pointer to that page is kept under the tag. */
bool fake_entries_lead_to(const struct fake_entries *entries, unsigned tag, hpa_t page);

/* Whether a leaf of any tag lets that page be written. */
bool fake_entries_may_write(const struct fake_entries *entries, hpa_t page);

unsigned fake_entries_count(const struct fake_entries *entries, unsigned tag);

#endif
