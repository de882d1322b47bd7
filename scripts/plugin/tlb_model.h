/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model of one hart's TLB: set-associative, unified or split, tagged by V, ASID
 * and VMID, with a walker behind it whose PTE loads are counted.
 *
 * It is fed with accesses that completed and with the fences the hart executed, so
 * it holds what a real TLB of its size could hold: where it hits, a real one could
 * have used that very translation. One hart's own; nothing locks.
 */
#ifndef SCRIPTS_PLUGIN_TLB_MODEL_H
#define SCRIPTS_PLUGIN_TLB_MODEL_H

#include "scripts/plugin/page_walk.h"

enum tlb_access {
	TLB_FETCH,
	TLB_LOAD,
	TLB_STORE,
	TLB_ACCESSES,
};

/* Sv57 over Sv57x4 in 4 KiB pages: 5 * (5 + 1) + 5. */
#define WALK_LOADS_LIMIT 35

#define PAGE_LEVELS 5

struct tlb_configuration {
	unsigned entries; /* of each of the two where split; a multiple of ways */
	unsigned ways;	  /* entries / ways is a power of two */
	bool split;	  /* fetches have a TLB of their own */
	unsigned pointers, gstage_pointers, gstage_leaves; /* walk caches, 0: none */
	bool gstage_pages;
};

struct tlb_counts {
	uint64_t accesses[TLB_ACCESSES]; /* translated ones */
	uint64_t misses[TLB_ACCESSES];	 /* that ended in a translation */
	uint64_t untranslated;		 /* no stage was on */
	uint64_t rewalks;    /* stores to what was cached as read-only or clean */
	uint64_t incomplete; /* misses of tables that have changed under the access */
	uint64_t loads;	     /* PTE loads of the misses, of all stages */
	uint64_t g_loads;    /* those of the G-stage alone */
	uint64_t by_loads[WALK_LOADS_LIMIT + 1]; /* misses by their loads */
	uint64_t by_level[PAGE_LEVELS];		 /* and by the size of what they found */
};

struct tlb_entry {
	bool valid;
	bool is_bare; /* the first stage was: its ASID means nothing */
	bool is_global;
	bool is_writable;
	struct address_space space;
	unsigned level;
	uint64_t page; /* virtual, in units of its size */
	hpa_t hpa;
	uint64_t used;
};

struct tlb {
	unsigned sets;
	unsigned ways;
	uint64_t clock;
	uint64_t by_level[PAGE_LEVELS];		/* valid entries */
	struct tlb_entry *entries;		/* set by set */
	struct tlb_entry *recent[TLB_ACCESSES]; /* hit last; a short cut, no more */
};

struct tlb_model {
	struct tlb_configuration configuration;
	struct tlb tlbs[2]; /* the second one for fetches, where split */
	struct walker walker;
	struct tlb_counts counts[2]; /* of V = 0 and V = 1 */
};

enum tlb_event {
	TLB_UNTRANSLATED,
	TLB_HIT,
	TLB_MISS,
	TLB_REWALK,
	TLB_INCOMPLETE,
};

/* NULL, or why this cannot be a TLB. */
const char *tlb_configuration_mistake(const struct tlb_configuration *configuration);

/* False: no memory. */
bool tlb_model_create(struct tlb_model *model,
		      const struct tlb_configuration *configuration,
		      struct physical_memory memory);
void tlb_model_destroy(struct tlb_model *model);

/* One access; *hpa is where it goes, but for TLB_INCOMPLETE. */
enum tlb_event tlb_model_access(struct tlb_model *model, const struct regime *regime,
				gva_t gva, enum tlb_access kind, hpa_t *hpa);

void tlb_model_fence(struct tlb_model *model, const struct tlb_fence *fence);

/* Forget all translations; the counts stay. */
void tlb_model_flush(struct tlb_model *model);

#endif
