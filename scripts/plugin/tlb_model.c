/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TLB itself. See tlb_model.h.
 *
 * Pages of all sizes share the sets, each indexed by its own page number, as in a
 * TLB that is probed once for each size; sizes that no entry has are not probed.
 * The least recently used entry of a set is replaced.
 */
#include "scripts/plugin/tlb_model.h"

#include <stdlib.h>

#include "mm/pte.h"

static bool is_power_of_two(unsigned value)
{
	return value && !(value & (value - 1));
}

const char *tlb_configuration_mistake(const struct tlb_configuration *configuration)
{
	if (!configuration->ways || configuration->entries % configuration->ways)
		return "entries is no multiple of ways";
	if (!is_power_of_two(configuration->entries / configuration->ways))
		return "the number of sets, entries / ways, is no power of two";
	return NULL;
}

static bool tlb_create(struct tlb *tlb, const struct tlb_configuration *configuration)
{
	*tlb = (struct tlb){
		.sets = configuration->entries / configuration->ways,
		.ways = configuration->ways,
		.entries = calloc(configuration->entries, sizeof(*tlb->entries)),
	};
	return tlb->entries != NULL;
}

bool tlb_model_create(struct tlb_model *model,
		      const struct tlb_configuration *configuration,
		      struct physical_memory memory)
{
	bool created;

	*model = (struct tlb_model){.configuration = *configuration};
	model->walker.memory = memory;
	model->walker.gstage_pages = configuration->gstage_pages;
	created = tlb_create(&model->tlbs[0], configuration);
	created = tlb_create(&model->tlbs[1], configuration) && created;
	return walker_create(&model->walker, configuration->pointers,
			     configuration->gstage_pointers,
			     configuration->gstage_leaves) &&
	       created;
}

void tlb_model_destroy(struct tlb_model *model)
{
	free(model->tlbs[0].entries);
	free(model->tlbs[1].entries);
	walker_destroy(&model->walker);
}

/* What an entry must have, to be hit by an access or to be dropped by a fence. */
static bool same_tag(const struct tlb_entry *entry, struct address_space space,
		     bool is_bare)
{
	return entry->space.is_virtual == space.is_virtual &&
	       entry->space.vmid == space.vmid && entry->is_bare == is_bare &&
	       (entry->is_global || entry->space.asid == space.asid);
}

static struct tlb_entry *set_of(const struct tlb *tlb, uint64_t page)
{
	return &tlb->entries[(page & (tlb->sets - 1)) * tlb->ways];
}

static bool is_of(const struct tlb_entry *entry, struct address_space space, bool is_bare,
		  gva_t gva)
{
	return entry->valid && entry->page == gva.raw / level_size(entry->level) &&
	       same_tag(entry, space, is_bare);
}

static struct tlb_entry *find_sized(const struct tlb *tlb, struct address_space space,
				    bool is_bare, gva_t gva, unsigned level)
{
	struct tlb_entry *set = set_of(tlb, gva.raw / level_size(level));

	for (unsigned way = 0; way < tlb->ways; way++)
		if (set[way].level == level && is_of(&set[way], space, is_bare, gva))
			return &set[way];
	return NULL;
}

static struct tlb_entry *find(struct tlb *tlb, struct address_space space, bool is_bare,
			      gva_t gva, enum tlb_access kind)
{
	struct tlb_entry *entry = tlb->recent[kind];

	if (entry && is_of(entry, space, is_bare, gva))
		return entry;
	for (unsigned level = 0; level < PAGE_LEVELS; level++) {
		if (!tlb->by_level[level])
			continue;
		entry = find_sized(tlb, space, is_bare, gva, level);
		if (entry)
			return tlb->recent[kind] = entry;
	}
	return NULL;
}

static void drop(struct tlb *tlb, struct tlb_entry *entry)
{
	if (entry->valid)
		tlb->by_level[entry->level]--;
	entry->valid = false;
}

static struct tlb_entry *make_room(struct tlb *tlb, uint64_t page)
{
	struct tlb_entry *set = set_of(tlb, page), *victim = set;

	for (unsigned way = 1; way < tlb->ways && victim->valid; way++)
		if (!set[way].valid || set[way].used < victim->used)
			victim = &set[way];
	drop(tlb, victim);
	return victim;
}

static void insert(struct tlb *tlb, struct address_space space, bool is_bare, gva_t gva,
		   const struct walk *walk)
{
	uint64_t page = gva.raw / level_size(walk->level);

	*make_room(tlb, page) = (struct tlb_entry){
		.valid = true,
		.is_bare = is_bare,
		.is_global = walk->is_global,
		.is_writable = walk->is_writable,
		.space = space,
		.level = walk->level,
		.page = page,
		.hpa = walk->page,
		.used = ++tlb->clock,
	};
	tlb->by_level[walk->level]++;
}

static hpa_t within(hpa_t page, unsigned level, gva_t gva)
{
	return HPA(page.raw | (gva.raw & (level_size(level) - 1)));
}

static void count_miss(struct tlb_counts *counts, enum tlb_access kind,
		       const struct walk *walk)
{
	unsigned loads = walk->loads + walk->g_loads;

	counts->misses[kind]++;
	counts->loads += loads;
	counts->g_loads += walk->g_loads;
	counts->by_loads[loads]++;
	counts->by_level[walk->level]++;
}

/* Is there anything to translate? Else an access goes where it says. */
static bool is_untranslated(const struct regime *regime)
{
	return satp_mode(regime->satp) == SATP_BARE &&
	       !(regime->is_virtual && satp_mode(regime->hgatp) != SATP_BARE);
}

enum tlb_event tlb_model_access(struct tlb_model *model, const struct regime *regime,
				gva_t gva, enum tlb_access kind, hpa_t *hpa)
{
	struct tlb *tlb = &model->tlbs[model->configuration.split && kind == TLB_FETCH];
	struct tlb_counts *counts = &model->counts[regime->is_virtual];
	struct address_space space = regime_space(regime);
	bool is_bare = satp_mode(regime->satp) == SATP_BARE;
	struct tlb_entry *entry;
	struct walk walk;

	*hpa = HPA(gva.raw);
	if (is_untranslated(regime)) {
		counts->untranslated++;
		return TLB_UNTRANSLATED;
	}
	counts->accesses[kind]++;
	entry = find(tlb, space, is_bare, gva, kind);
	if (entry && (entry->is_writable || kind != TLB_STORE)) {
		entry->used = ++tlb->clock;
		*hpa = within(entry->hpa, entry->level, gva);
		return TLB_HIT;
	}
	walk = walker_walk(&model->walker, regime, gva);
	if (walk.outcome != WALK_FOUND || (kind == TLB_STORE && !walk.is_writable)) {
		counts->incomplete++;
		return TLB_INCOMPLETE;
	}
	*hpa = within(walk.page, walk.level, gva);
	if (entry) {
		counts->rewalks++;
		drop(tlb, entry);
	} else {
		count_miss(counts, kind, &walk);
	}
	insert(tlb, space, is_bare, gva, &walk);
	return entry ? TLB_REWALK : TLB_MISS;
}

/* Fetches go to the second one, if there are two. */
static unsigned sides(const struct tlb_model *model)
{
	return model->configuration.split ? 2 : 1;
}

static bool is_fenced(const struct tlb_entry *entry, const struct tlb_fence *fence)
{
	if (!entry->valid || !fence_reaches(fence, entry->space)) {
		/* fence_reaches() knows no global entries, which have every ASID */
		return false;
	}
	if (fence->kind == FENCE_GSTAGE)
		return true;
	if (fence->has_space && entry->is_global)
		return false;
	return !fence->has_address ||
	       fence->address.raw / level_size(entry->level) == entry->page;
}

void tlb_model_fence(struct tlb_model *model, const struct tlb_fence *fence)
{
	for (unsigned side = 0; side < sides(model); side++) {
		struct tlb *tlb = &model->tlbs[side];

		for (unsigned i = 0; i < tlb->sets * tlb->ways; i++)
			if (is_fenced(&tlb->entries[i], fence))
				drop(tlb, &tlb->entries[i]);
	}
	walker_fence(&model->walker, fence);
}

void tlb_model_flush(struct tlb_model *model)
{
	for (unsigned side = 0; side < sides(model); side++) {
		struct tlb *tlb = &model->tlbs[side];

		for (unsigned i = 0; i < tlb->sets * tlb->ways; i++)
			drop(tlb, &tlb->entries[i]);
	}
	walker_flush(&model->walker);
}
