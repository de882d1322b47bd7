/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of translation tables that a fake hart keeps. See fake_entries.h. */
#include "tests/unit/fake_entries.h"

#include <stdlib.h>

#include "tests/unit/host_ram.h"

#define FIRST_CAPACITY 1024
#define LEVELS	       5

static unsigned hash(unsigned tag, unsigned level, uint64_t prefix)
{
	uint64_t mixed = (prefix >> PAGE_SHIFT) * 0x9e3779b97f4a7c15u + tag * 31u + level;

	return (unsigned)((mixed ^ mixed >> 32) % FAKE_BUCKET_LIMIT);
}

static bool entry_is(const struct fake_entry *entry, unsigned tag, unsigned level,
		     uint64_t prefix)
{
	return entry->prefix == prefix && entry->tag == tag && entry->level == level;
}

static const struct fake_entry *find_from(const struct fake_entries *entries, int index,
					  unsigned tag, unsigned level, uint64_t prefix)
{
	for (; index != 0; index = entries->at[index].next)
		if (entry_is(&entries->at[index], tag, level, prefix))
			return &entries->at[index];
	return NULL;
}

const struct fake_entry *fake_entries_find(const struct fake_entries *entries,
					   unsigned tag, unsigned level, uint64_t prefix)
{
	return find_from(entries, entries->buckets[hash(tag, level, prefix)], tag, level,
			 prefix);
}

const struct fake_entry *fake_entries_next(const struct fake_entries *entries,
					   const struct fake_entry *entry)
{
	return find_from(entries, entry->next, entry->tag, entry->level, entry->prefix);
}

/* Doubles, so that an entry's place may move: nobody keeps a pointer over this. */
static void grow(struct fake_entries *entries)
{
	int capacity = entries->capacity ? 2 * entries->capacity : FIRST_CAPACITY;

	entries->at = realloc(entries->at, sizeof(entries->at[0]) * (size_t)capacity);
	assert_non_null(entries->at);
	entries->capacity = capacity;
}

static int take(struct fake_entries *entries)
{
	int index = entries->spare;

	if (index != 0) {
		entries->spare = entries->at[index].next;
		return index;
	}
	if (entries->used + 1 >= entries->capacity)
		grow(entries);
	return ++entries->used;
}

bool fake_entries_add(struct fake_entries *entries, unsigned tag, unsigned level,
		      uint64_t prefix, pte_t pte)
{
	const struct fake_entry *there = fake_entries_find(entries, tag, level, prefix);
	int *bucket = &entries->buckets[hash(tag, level, prefix)];
	int index;

	for (; there; there = fake_entries_next(entries, there))
		if (there->pte.raw == pte.raw)
			return false;
	assert_true(tag < FAKE_TAG_LIMIT);
	index = take(entries);
	entries->at[index] = (struct fake_entry){
		.pte = pte,
		.prefix = prefix,
		.tag = tag,
		.level = level,
		.next = *bucket,
		.next_of_tag = entries->tags[tag],
	};
	*bucket = index;
	if (entries->tags[tag])
		entries->at[entries->tags[tag]].previous_of_tag = index;
	entries->tags[tag] = index;
	if (entries->tag_end <= tag)
		entries->tag_end = tag + 1;
	return true;
}

static void unlink_from_bucket(struct fake_entries *entries, int index)
{
	const struct fake_entry *entry = &entries->at[index];
	int *link = &entries->buckets[hash(entry->tag, entry->level, entry->prefix)];

	while (*link != index)
		link = &entries->at[*link].next;
	*link = entry->next;
}

static void unlink_from_tag(struct fake_entries *entries, const struct fake_entry *entry)
{
	if (entry->previous_of_tag)
		entries->at[entry->previous_of_tag].next_of_tag = entry->next_of_tag;
	else
		entries->tags[entry->tag] = entry->next_of_tag;
	if (entry->next_of_tag)
		entries->at[entry->next_of_tag].previous_of_tag = entry->previous_of_tag;
}

static void forget(struct fake_entries *entries, int index)
{
	struct fake_entry *entry = &entries->at[index];

	unlink_from_bucket(entries, index);
	unlink_from_tag(entries, entry);
	entry->pte = PTE(0);
	entry->next = entries->spare;
	entries->spare = index;
}

/* What was read from a freed page counts as no leaf. */
static bool is_valid_leaf(pte_t pte)
{
	return pte.raw != UINT64_MAX && pte_valid(pte) && pte_is_leaf(pte);
}

/*
 * What a fence with an address is sure to end: leaves, and entries at level 0 with
 * V = 0, or no system could map a page with one. Invalid pointers are not said to be.
 */
static bool is_of_leaf(unsigned level, pte_t pte)
{
	return is_valid_leaf(pte) || (level == 0 && !pte_valid(pte));
}

static bool forget_leaves_at(struct fake_entries *entries, unsigned tag, unsigned level,
			     uint64_t prefix)
{
	int index = entries->buckets[hash(tag, level, prefix)];
	bool any = false;

	while (index != 0) {
		const struct fake_entry *entry = &entries->at[index];
		int next = entry->next;

		if (entry_is(entry, tag, level, prefix) &&
		    is_of_leaf(level, entry->pte)) {
			forget(entries, index);
			any = true;
		}
		index = next;
	}
	return any;
}

unsigned fake_entries_forget_leaves(struct fake_entries *entries, unsigned tag,
				    uint64_t address)
{
	unsigned levels = 0;

	for (unsigned level = 0; level < LEVELS; level++)
		if (forget_leaves_at(entries, tag, level, fake_prefix(address, level)))
			levels |= 1u << level;
	return levels;
}

void fake_entries_forget_leaves_of_all(struct fake_entries *entries, uint64_t address,
				       void (*forgotten)(void *context, unsigned tag,
							 unsigned levels),
				       void *context)
{
	for (unsigned tag = 0; tag < entries->tag_end; tag++) {
		unsigned levels = 0;

		if (entries->tags[tag])
			levels = fake_entries_forget_leaves(entries, tag, address);
		if (levels)
			forgotten(context, tag, levels);
	}
}

void fake_entries_forget_tag(struct fake_entries *entries, unsigned tag)
{
	while (entries->tags[tag])
		forget(entries, entries->tags[tag]);
}

/* Spare ones are unlinked already, and touching their old places does no harm. */
void fake_entries_forget_all(struct fake_entries *entries)
{
	for (int index = 1; index <= entries->used; index++) {
		const struct fake_entry *entry = &entries->at[index];

		entries->buckets[hash(entry->tag, entry->level, entry->prefix)] = 0;
		entries->tags[entry->tag] = 0;
	}
	entries->used = 0;
	entries->spare = 0;
	entries->tag_end = 0;
}

bool fake_entries_lead_to(const struct fake_entries *entries, unsigned tag, hpa_t page)
{
	for (int at = entries->tags[tag]; at; at = entries->at[at].next_of_tag) {
		pte_t pte = entries->at[at].pte;

		if (pte_valid(pte) && !pte_is_leaf(pte) && pte_address(pte) == page.raw)
			return true;
	}
	return false;
}

bool fake_entries_may_write(const struct fake_entries *entries, hpa_t page)
{
	for (int index = 1; index <= entries->used; index++) {
		const struct fake_entry *entry = &entries->at[index];

		if (is_valid_leaf(entry->pte) && (entry->pte.raw & PTE_W) &&
		    page.raw - pte_address(entry->pte) < level_size(entry->level))
			return true;
	}
	return false;
}

unsigned fake_entries_count(const struct fake_entries *entries, unsigned tag)
{
	unsigned count = 0;

	for (int at = entries->tags[tag]; at; at = entries->at[at].next_of_tag)
		count++;
	return count;
}
