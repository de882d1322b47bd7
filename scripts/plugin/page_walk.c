/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walker and its caches. See page_walk.h.
 *
 * First the path through the live tables is found, with nothing counted; then the
 * loads along it are, from the lowest level that a walk cache knows the table of.
 */
#include "scripts/plugin/page_walk.h"

#include <stdlib.h>

#include "mm/pte.h"

#define LEVELS_LIMIT  5
#define GSTAGE_EXTRA  2 /* address bits more that the root of an x4 mode resolves */
#define HGATP_VMID(x) ((uint16_t)((x) >> 44 & 0x3fff))

/* The PTEs of one stage from its root to the leaf, indexed by level. */
struct path {
	bool found;
	bool is_global; /* G in any of them */
	unsigned top;	/* level of the root */
	unsigned leaf;	/* level of the leaf */
	uint64_t pte_address[LEVELS_LIMIT];
	pte_t pte;	  /* the leaf */
	uint64_t address; /* where it leads, of the byte asked for */
};

struct address_space regime_space(const struct regime *regime)
{
	return (struct address_space){
		.is_virtual = regime->is_virtual,
		.asid = satp_asid(regime->satp),
		.vmid = regime->is_virtual ? HGATP_VMID(regime->hgatp) : 0,
	};
}

bool fence_reaches(const struct tlb_fence *fence, struct address_space space)
{
	switch (fence->kind) {
	case FENCE_HOST:
		return !space.is_virtual &&
		       (!fence->has_space || fence->space == space.asid);
	case FENCE_GUEST:
		return space.is_virtual && fence->vmid == space.vmid &&
		       (!fence->has_space || fence->space == space.asid);
	case FENCE_GSTAGE:
		return space.is_virtual &&
		       (!fence->has_space || fence->space == space.vmid);
	}
	return true;
}

/* ---- walk caches ---- */

static bool cache_create(struct walk_cache *cache, unsigned size)
{
	*cache = (struct walk_cache){.size = size};
	cache->keys = size ? calloc(size, sizeof(*cache->keys)) : NULL;
	return !size || cache->keys;
}

static bool same_space(struct address_space a, struct address_space b)
{
	return a.is_virtual == b.is_virtual && a.asid == b.asid && a.vmid == b.vmid;
}

/* Known? If so it is the most recently used now. */
static bool cache_knows(struct walk_cache *cache, struct address_space space,
			unsigned level, uint64_t prefix)
{
	for (unsigned i = 0; i < cache->size; i++) {
		struct walk_key *key = &cache->keys[i];

		if (key->valid && key->prefix == prefix && key->level == level &&
		    same_space(key->space, space)) {
			key->used = ++cache->clock;
			return true;
		}
	}
	return false;
}

static void cache_learn(struct walk_cache *cache, struct address_space space,
			unsigned level, uint64_t prefix)
{
	struct walk_key *victim = cache->keys;

	if (!cache->size || cache_knows(cache, space, level, prefix))
		return;
	for (unsigned i = 1; i < cache->size && victim->valid; i++)
		if (!cache->keys[i].valid || cache->keys[i].used < victim->used)
			victim = &cache->keys[i];
	*victim = (struct walk_key){true, space, level, prefix, ++cache->clock};
}

static void cache_fence(struct walk_cache *cache, const struct tlb_fence *fence)
{
	for (unsigned i = 0; i < cache->size; i++)
		if (fence_reaches(fence, cache->keys[i].space))
			cache->keys[i].valid = false;
}

static void cache_flush(struct walk_cache *cache)
{
	for (unsigned i = 0; i < cache->size; i++)
		cache->keys[i].valid = false;
}

bool walker_create(struct walker *walker, unsigned pointers, unsigned gstage_pointers,
		   unsigned gstage_leaves)
{
	bool first = cache_create(&walker->pointers, pointers);
	bool second = cache_create(&walker->gstage_pointers, gstage_pointers);
	bool third = cache_create(&walker->gstage_leaves, gstage_leaves);

	return first && second && third;
}

void walker_destroy(struct walker *walker)
{
	free(walker->pointers.keys);
	free(walker->gstage_pointers.keys);
	free(walker->gstage_leaves.keys);
}

void walker_fence(struct walker *walker, const struct tlb_fence *fence)
{
	if (fence->kind == FENCE_GSTAGE) {
		cache_fence(&walker->gstage_pointers, fence);
		cache_fence(&walker->gstage_leaves, fence);
		cache_fence(&walker->pointers, fence);
	} else if (!fence->has_address) {
		cache_fence(&walker->pointers, fence);
	}
}

void walker_flush(struct walker *walker)
{
	cache_flush(&walker->pointers);
	cache_flush(&walker->gstage_pointers);
	cache_flush(&walker->gstage_leaves);
}

/* ---- the live tables ---- */

/* A leaf that an access may use: its own reserved encodings and A aside. */
static bool leaf_is_sound(pte_t pte, unsigned level)
{
	bool reserved = (pte.raw & PTE_HIGH) || (pte.raw & (PTE_R | PTE_W)) == PTE_W;

	return !reserved && (pte.raw & PTE_A) &&
	       is_aligned(pte_address(pte), level_size(level));
}

/* One PTE of a path; true where the walk goes on to the next lower level. */
static bool step(struct path *path, pte_t pte, unsigned level, uint64_t address)
{
	if (!pte_valid(pte))
		return false;
	if (!pte_is_leaf(pte))
		return level > 0 && !(pte.raw & PTE_HIGH);
	path->found = leaf_is_sound(pte, level);
	path->leaf = level;
	path->pte = pte;
	path->address = pte_address(pte) | (address & (level_size(level) - 1));
	return false;
}

static bool mode_is_known(unsigned mode)
{
	return mode >= SATP_SV39 && mode <= SATP_SV57;
}

static struct path gstage_path(const struct walker *walker, uint64_t hgatp,
			       uint64_t address)
{
	struct path path = {.found = false};
	unsigned levels = mode_levels(satp_mode(hgatp)), level = levels;
	uint64_t table = satp_root(hgatp), index;
	pte_t pte = PTE(0);

	path.top = levels - 1;
	if (!mode_is_known(satp_mode(hgatp)) ||
	    address >> (PAGE_SHIFT + PTE_INDEX_BITS * levels + GSTAGE_EXTRA))
		return path;
	do {
		level--;
		index = level == path.top
				? address >> (PAGE_SHIFT + PTE_INDEX_BITS * level)
				: level_index(address, level);
		path.pte_address[level] = table + index * sizeof(pte);
		if (!walker->memory.load(walker->memory.context,
					 HPA(path.pte_address[level]), &pte.raw))
			return path;
		table = pte_address(pte);
	} while (step(&path, pte, level, address));
	/* "all memory accesses are considered to be user-level accesses" */
	path.found = path.found && (path.pte.raw & PTE_U);
	return path;
}

/* Where a physical address of the first stage's tables and leaves lies. */
static bool translate(const struct walker *walker, const struct regime *regime,
		      uint64_t address, hpa_t *hpa)
{
	struct path path;

	*hpa = HPA(address);
	if (!regime->is_virtual || satp_mode(regime->hgatp) == SATP_BARE)
		return true;
	path = gstage_path(walker, regime->hgatp, address);
	*hpa = HPA(path.address);
	return path.found;
}

static struct path first_path(const struct walker *walker, const struct regime *regime,
			      gva_t gva)
{
	struct path path = {.found = false};
	unsigned levels = mode_levels(satp_mode(regime->satp)), level = levels;
	uint64_t table = satp_root(regime->satp);
	pte_t pte = PTE(0);
	hpa_t hpa;

	path.top = levels - 1;
	if (!mode_is_known(satp_mode(regime->satp)) || !gva_is_canonical(gva, levels))
		return path;
	do {
		level--;
		path.pte_address[level] =
			table + level_index(gva.raw, level) * sizeof(pte);
		if (!translate(walker, regime, path.pte_address[level], &hpa) ||
		    !walker->memory.load(walker->memory.context, hpa, &pte.raw))
			return path;
		table = pte_address(pte);
		path.is_global |= (pte.raw & PTE_G) != 0;
	} while (step(&path, pte, level, gva.raw));
	return path;
}

/* ---- the count ---- */

/* What the address has in common with all others below one table of a level. */
static uint64_t table_prefix(uint64_t address, unsigned level)
{
	return address >> (PAGE_SHIFT + PTE_INDEX_BITS * (level + 1));
}

/* The level a walk starts at: that of the lowest table that the cache knows. */
static unsigned first_level(struct walk_cache *cache, struct address_space space,
			    uint64_t address, unsigned leaf, unsigned top)
{
	for (unsigned level = leaf; level < top; level++)
		if (cache_knows(cache, space, level, table_prefix(address, level)))
			return level;
	return top;
}

static unsigned gstage_loads(struct walker *walker, const struct regime *regime,
			     uint64_t address)
{
	struct address_space space = regime_space(regime);
	struct path path;
	unsigned leaf, level, loads = 0;

	if (!regime->is_virtual || satp_mode(regime->hgatp) == SATP_BARE)
		return 0;
	space.asid = 0; /* the G-stage has none */
	path = gstage_path(walker, regime->hgatp, address);
	leaf = walker->gstage_pages ? 0 : path.leaf;
	if (cache_knows(&walker->gstage_leaves, space, leaf, address / level_size(leaf)))
		return 0;
	level = first_level(&walker->gstage_pointers, space, address, leaf, path.top);
	for (loads = 1; level > leaf; loads++, level--)
		cache_learn(&walker->gstage_pointers, space, level - 1,
			    table_prefix(address, level - 1));
	cache_learn(&walker->gstage_leaves, space, leaf, address / level_size(leaf));
	return loads;
}

static void count_first(struct walker *walker, const struct regime *regime, gva_t gva,
			const struct path *path, struct walk *walk)
{
	struct address_space space = regime_space(regime);
	unsigned level =
		first_level(&walker->pointers, space, gva.raw, path->leaf, path->top);

	for (;; level--) {
		walk->g_loads += gstage_loads(walker, regime, path->pte_address[level]);
		walk->loads++;
		if (level == path->leaf)
			return;
		cache_learn(&walker->pointers, space, level - 1,
			    table_prefix(gva.raw, level - 1));
	}
}

static bool is_writable(pte_t pte)
{
	return (pte.raw & (PTE_W | PTE_D)) == (PTE_W | PTE_D);
}

/* The second stage's say in what the first has found at walk->page. */
static void finish_virtual(struct walker *walker, const struct regime *regime,
			   uint64_t address, struct walk *walk)
{
	struct path path;

	if (!regime->is_virtual || satp_mode(regime->hgatp) == SATP_BARE) {
		walk->page = HPA(align_down(address, level_size(walk->level)));
		return;
	}
	path = gstage_path(walker, regime->hgatp, address);
	if (!path.found) {
		walk->outcome = WALK_INVALID;
		return;
	}
	walk->g_loads += gstage_loads(walker, regime, address);
	walk->is_writable = walk->is_writable && is_writable(path.pte);
	if (walker->gstage_pages)
		path.leaf = 0;
	if (path.leaf < walk->level)
		walk->level = path.leaf;
	walk->page = HPA(align_down(path.address, level_size(walk->level)));
}

struct walk walker_walk(struct walker *walker, const struct regime *regime, gva_t gva)
{
	struct walk walk = {.outcome = WALK_FOUND};
	struct path path;

	if (satp_mode(regime->satp) == SATP_BARE) {
		walk.outcome = regime->is_virtual && satp_mode(regime->hgatp) != SATP_BARE
				       ? WALK_FOUND
				       : WALK_BARE;
		walk.level = LEVELS_LIMIT - 1;
		walk.is_global = true;
		walk.is_writable = true;
		if (walk.outcome == WALK_FOUND)
			finish_virtual(walker, regime, gva.raw, &walk);
		return walk;
	}
	path = first_path(walker, regime, gva);
	if (!path.found) {
		walk.outcome = WALK_INVALID;
		return walk;
	}
	walk.level = path.leaf;
	walk.is_global = path.is_global;
	walk.is_writable = is_writable(path.pte);
	count_first(walker, regime, gva, &path, &walk);
	finish_virtual(walker, regime, path.address, &walk);
	return walk;
}
