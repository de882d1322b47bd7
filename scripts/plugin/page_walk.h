/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many PTE loads a TLB miss takes: a walk of the live tables, native, shadow
 * (both one stage) or nested (two), less what page-walk caches save.
 *
 * The walk caches hold keys alone: whether a hart would have kept a pointer, not
 * what it pointed to. So what is walked is always the tables as they are, and a
 * cache only shortens the count. Nothing here knows QEMU, and nothing locks: each
 * hart has its own.
 */
#ifndef SCRIPTS_PLUGIN_PAGE_WALK_H
#define SCRIPTS_PLUGIN_PAGE_WALK_H

#include "core/types.h"

/* What a hart translates by: the CSRs in force at an access. */
struct regime {
	bool is_virtual; /* V = 1: satp is vsatp, and hgatp counts */
	uint64_t satp;
	uint64_t hgatp;
};

/* Physical memory. load: the 8 bytes at an aligned address; false: no RAM there. */
struct physical_memory {
	bool (*load)(void *context, hpa_t address, uint64_t *value);
	void *context;
};

/* Whose translation a cached thing is. */
struct address_space {
	bool is_virtual;
	uint16_t asid;
	uint16_t vmid;
};

/* A fence as a hart executed it. */
enum fence_kind {
	FENCE_HOST,   /* sfence.vma with V = 0 */
	FENCE_GUEST,  /* sfence.vma with V = 1, hfence.vvma */
	FENCE_GSTAGE, /* hfence.gvma: all of a VMID goes, whatever the address */
};

struct tlb_fence {
	enum fence_kind kind;
	bool has_address;
	gva_t address;
	bool has_space;
	uint16_t space; /* an ASID; of FENCE_GSTAGE, a VMID */
	uint16_t vmid;	/* of FENCE_GUEST: the one in hgatp */
};

/* Fully associative, least recently used out first. */
struct walk_key {
	bool valid;
	struct address_space space;
	unsigned level;
	uint64_t prefix;
	uint64_t used;
};

struct walk_cache {
	unsigned size; /* 0: there is none */
	uint64_t clock;
	struct walk_key *keys;
};

struct walker {
	struct physical_memory memory;
	struct walk_cache pointers;	   /* to tables of the first stage */
	struct walk_cache gstage_pointers; /* to tables of the G-stage */
	struct walk_cache gstage_leaves;   /* guest-physical pages */
	bool gstage_pages; /* modelled: as if every G-stage leaf were 4 KiB */
};

enum walk_outcome {
	WALK_FOUND,
	WALK_BARE,    /* no stage is on */
	WALK_INVALID, /* ends in a fault: no leaf, A clear, reserved, or no RAM */
};

struct walk {
	enum walk_outcome outcome;
	hpa_t page;	  /* of the translation, 4 KiB << (9 * level) */
	unsigned level;	  /* the smaller of the two stages' leaves */
	bool is_global;	  /* matches in every ASID */
	bool is_writable; /* W and D, in both stages */
	unsigned loads;	  /* of first-stage PTEs */
	unsigned g_loads; /* of G-stage PTEs */
};

/* Entries of the three caches, 0 for none. False: no memory for them. */
bool walker_create(struct walker *walker, unsigned pointers, unsigned gstage_pointers,
		   unsigned gstage_leaves);
void walker_destroy(struct walker *walker);

struct walk walker_walk(struct walker *walker, const struct regime *regime, gva_t gva);

/*
 * A fence of an address leaves pointers alone: it orders leaf PTEs only
 * (privileged specification, "Supervisor Memory-Management Fence Instruction").
 */
void walker_fence(struct walker *walker, const struct tlb_fence *fence);
void walker_flush(struct walker *walker);

struct address_space regime_space(const struct regime *regime);

/* True where the fence reaches what this space has cached; never asks for G. */
bool fence_reaches(const struct tlb_fence *fence, struct address_space space);

#endif
