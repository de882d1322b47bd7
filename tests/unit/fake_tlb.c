/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TLBs of the fake harts for shadow tables, and the real fences of them. See
 * fake_arch.h.
 *
 * A hart that walks ahead does so whenever Gnomon calls it, for every address
 * that is watched. Most of these walks would find what the last one found: each
 * leaves a memo of what it read, and while memory reads the same, no fence took
 * away anything that it kept, and no other walk brought a pointer that it would
 * follow too, walking again would change nothing and is left out.
 */
#include "tests/unit/fake_tlb.h"

#include "core/harts.h"
#include "core/vm.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_entries.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/fake_walk.h"
#include "tests/unit/host_ram.h"

#define WATCH_LIMIT 192
#define MEMO_LIMIT  8 /* of each address, by ASID */

struct memo {
	uint64_t version; /* of its hart and ASID; 0: no memo */
	struct fake_walker walker;
	struct fake_reads reads;
};

struct hart {
	bool has_root;
	bool delegates; /* page faults to the guest */
	bool was_used;	/* and not fenced since */
	struct fake_walker walker;
	struct fake_entries entries;
	uint64_t versions[MEMO_LIMIT];
	struct memo memos[WATCH_LIMIT][MEMO_LIMIT];
};

static struct hart harts[FAKE_HART_LIMIT];
static unsigned watch_count;
static gva_t watched[WATCH_LIMIT];
static uint64_t version; /* only ever grows, over all machines */

static struct hart *this_hart(void)
{
	return &harts[arch_hart_index()];
}

hpa_t fake_root(void)
{
	return this_hart()->walker.root;
}

unsigned fake_root_asid(void)
{
	return this_hart()->walker.tag;
}

bool fake_delegates(void)
{
	return this_hart()->delegates;
}

unsigned fake_tlb_count(unsigned asid)
{
	return fake_entries_count(&this_hart()->entries, asid);
}

/* ---- what is kept ---- */

static void drop_memos(struct hart *hart, unsigned asid)
{
	hart->versions[asid % MEMO_LIMIT] = ++version;
}

static void drop_all_memos(struct hart *hart)
{
	for (unsigned i = 0; i < MEMO_LIMIT; i++)
		drop_memos(hart, i);
}

/* Leaves for gva were forgotten, from those levels; a walk would bring them back. */
static void drop_memos_for(struct hart *hart, gva_t gva, unsigned asid, unsigned levels)
{
	unsigned level = 0;

	while (levels >> (level + 1))
		level++;
	for (unsigned i = 0; levels && i < watch_count; i++)
		if (fake_prefix(watched[i].raw, level) == fake_prefix(gva.raw, level))
			hart->memos[i][asid % MEMO_LIMIT].version = 0;
}

static void forget_everything(struct hart *hart)
{
	fake_entries_forget_all(&hart->entries);
	drop_all_memos(hart);
}

void fake_tlb_flush(void)
{
	forget_everything(this_hart());
}

/*
 * A page may be given back only when no hart can come to it: not by its root,
 * and not by a pointer kept under the ASID it runs on. What is kept under other
 * ASIDs is fenced before one of them is used again.
 */
static void page_freed(hpa_t page)
{
	fake_gstage_page_freed(page);
	for (unsigned i = 0; i < FAKE_HART_LIMIT; i++) {
		struct hart *hart = &harts[i];

		if (!hart->has_root)
			continue;
		if (hart->walker.root.raw == page.raw ||
		    fake_entries_lead_to(&hart->entries, hart->walker.tag, page))
			fail_msg("hart %u, ASID %u: page 0x%lx was freed before a fence",
				 i, hart->walker.tag, page.raw);
	}
}

void fake_tlb_create(void)
{
	watch_count = 0;
	fake_pages_on_free = page_freed;
	for (unsigned i = 0; i < FAKE_HART_LIMIT; i++) {
		harts[i].has_root = false;
		harts[i].was_used = false;
		harts[i].delegates = false;
		harts[i].walker = (struct fake_walker){.entries = &harts[i].entries};
		forget_everything(&harts[i]);
	}
}

void fake_harts_were_used(void)
{
	for (unsigned i = 0; i < FAKE_HART_LIMIT; i++)
		harts[i].was_used = true;
}

/* ---- walking ahead ---- */

static bool can_walk(const struct hart *hart, gva_t gva)
{
	return hart->has_root && gva_is_canonical(gva, hart->walker.levels);
}

static void walk(struct hart *hart, gva_t gva, struct fake_found *found,
		 struct fake_reads *reads)
{
	fake_walk(&hart->walker, gva.raw, found, reads);
	if (found->kept_pointer)
		drop_memos(hart, hart->walker.tag);
}

static bool same_walker(const struct fake_walker *one, const struct fake_walker *other)
{
	return one->tag == other->tag && one->root.raw == other->root.raw &&
	       one->levels == other->levels;
}

static void walk_ahead(struct hart *hart, unsigned watch)
{
	unsigned slot = hart->walker.tag % MEMO_LIMIT;
	struct memo *memo = &hart->memos[watch][slot];
	struct fake_found found;

	if (memo->version == hart->versions[slot] &&
	    same_walker(&memo->walker, &hart->walker) && fake_reads_hold(&memo->reads))
		return;
	walk(hart, watched[watch], &found, &memo->reads);
	memo->walker = hart->walker;
	memo->version = hart->versions[slot];
}

/* Any hart may, not only the one that Gnomon's code runs on. */
static void speculate(void)
{
	if (!fake_profile()->speculates)
		return;
	for (unsigned h = 0; h < FAKE_HART_LIMIT; h++)
		for (unsigned i = 0; harts[h].has_root && i < watch_count; i++)
			if (can_walk(&harts[h], watched[i]))
				walk_ahead(&harts[h], i);
}

/* It may have walked until the last moment. */
void fake_tlb_stop(void)
{
	speculate();
	this_hart()->has_root = false;
	this_hart()->delegates = false;
}

void fake_speculate_on(gva_t gva)
{
	gva = GVA(align_down(gva.raw, PAGE_SIZE));
	for (unsigned i = 0; i < watch_count; i++)
		if (watched[i].raw == gva.raw)
			return;
	assert_true(watch_count < WATCH_LIMIT);
	watched[watch_count++] = gva;
}

/* ---- accesses, and what they may not find ---- */

static void check_leaf(unsigned level, pte_t pte)
{
	const struct vcpu *loaded = fake_loaded();
	hpa_t hpa = HPA(pte_address(pte));

	if (pte.raw & (PTE_G | PTE_HIGH))
		fail_msg("shadow leaf 0x%lx: G or a high bit", pte.raw);
	if (!(pte.raw & PTE_A) || ((pte.raw & PTE_W) && !(pte.raw & PTE_D)))
		fail_msg("shadow leaf 0x%lx: the hart would set A or D", pte.raw);
	if ((pte.raw & PTE_W) && !(pte.raw & PTE_R))
		fail_msg("shadow leaf 0x%lx: W without R", pte.raw);
	if (!is_aligned(hpa.raw, level_size(level)))
		fail_msg("shadow leaf 0x%lx: misaligned at level %u", pte.raw, level);
	if (loaded && !fake_is_vacant(hpa) &&
	    !guest_memory_owns(&loaded->vm->memory, hpa, level_size(level)))
		fail_msg("shadow leaf 0x%lx: memory of others", pte.raw);
}

static void check_pointer(const struct hart *hart, gva_t gva, unsigned level, pte_t pte)
{
	if (pte.raw == FAKE_GARBAGE.raw)
		fail_msg("hart %u, ASID %u: walk for 0x%lx through a freed page at level "
			 "%u",
			 arch_hart_index(), hart->walker.tag, gva.raw, level);
	if (pte_valid(pte))
		fail_msg("pointer 0x%lx at level %u: reserved bits, G or level 0",
			 pte.raw, level);
}

/* Privileged specification, "Virtual Address Translation Process", step 5 on. */
static bool permits(pte_t leaf, const struct access *access)
{
	uint64_t needed = access->kind == ACCESS_FETCH	 ? PTE_X
			  : access->kind == ACCESS_STORE ? PTE_W
							 : PTE_R;
	uint64_t has = leaf.raw;

	if (access->kind == ACCESS_LOAD && access->mxr && (has & PTE_X))
		has |= PTE_R;
	if (!(has & needed))
		return false;
	if (access->user)
		return (has & PTE_U) != 0;
	return !(has & PTE_U) || (access->sum && access->kind != ACCESS_FETCH);
}

/* It may be stale, but never another VM's. */
static void add_leaf(struct fake_results *results, const struct access *access,
		     pte_t leaf, unsigned level)
{
	hpa_t base = HPA(pte_address(leaf));

	check_leaf(level, leaf);
	if (!permits(leaf, access)) {
		results->may_fault = true;
		return;
	}
	if (fake_is_detour(base)) {
		results->may_detour = true;
		return;
	}
	if (fake_is_vacant(base) && fake_profile()->vacant_faults) {
		results->may_access_fault = true;
		return;
	}
	results->permitted[results->count].leaf = leaf;
	results->permitted[results->count].level = level;
	results->permitted[results->count++].hpa =
		HPA(base.raw | (access->gva.raw & (level_size(level) - 1)));
}

struct fake_results fake_access(const struct access *access)
{
	struct hart *hart = this_hart();
	struct fake_results results = {0};
	struct fake_found found;

	assert_true(hart->has_root);
	if (hart->was_used)
		fail_msg("hart %u, ASID %u: what others left was never fenced",
			 arch_hart_index(), hart->walker.tag);
	results.may_fault = !can_walk(hart, access->gva);
	if (results.may_fault)
		return results;
	fake_speculate_on(access->gva);
	walk(hart, access->gva, &found, NULL);
	check_pointer(hart, access->gva, found.bad_level, found.bad_pointer);
	results.may_fault = found.invalid;
	results.may_access_fault = found.access_fault;
	results.may_detour = found.detour;
	for (unsigned i = 0; i < found.count; i++)
		add_leaf(&results, access, found.leaf[i], found.level[i]);
	return results;
}

bool fake_tlb_may_write(hpa_t page)
{
	for (unsigned i = 0; i < FAKE_HART_LIMIT; i++)
		if (fake_entries_may_write(&harts[i].entries, page))
			return true;
	return false;
}

/* ---- real fences and roots ---- */

/* A fence is of the VMID in force: 0 for shadow tables, and where there is none. */
static bool is_in_force(unsigned index)
{
	return !fake_gstage_has_vmid(index);
}

static void check_asid(unsigned asid)
{
	assert_true(asid < 1u << fake_profile()->asid_bits);
}

void arch_shadow_root_set(unsigned mode, hpa_t root, unsigned asid)
{
	struct hart *hart = this_hart();

	check_asid(asid);
	assert_true(fake_profile()->modes & 1u << mode);
	assert_true(fake_pages_is_table(root));
	speculate();
	hart->walker.root = root;
	hart->walker.tag = asid;
	hart->walker.levels = mode_levels(mode);
	hart->walker.root_bits = PTE_INDEX_BITS;
	hart->has_root = true;
	fake_machine.counts.roots_set++;
	speculate();
}

void arch_page_faults_delegate(bool delegate)
{
	assert_true(this_hart()->has_root);
	this_hart()->delegates = delegate;
}

hpa_t arch_detour_page(enum detour detour)
{
	return detour == DETOUR_NONE ? HPA(0) : FAKE_DETOUR;
}

bool arch_shadow_root_is(unsigned mode, hpa_t root, unsigned asid)
{
	const struct fake_walker *walker = &this_hart()->walker;

	return this_hart()->has_root && walker->levels == mode_levels(mode) &&
	       walker->root.raw == root.raw && walker->tag == asid;
}

void arch_shadow_fence_leaf(gva_t gva, unsigned asid)
{
	struct hart *hart = this_hart();
	unsigned levels;

	check_asid(asid);
	speculate();
	if (is_in_force(arch_hart_index())) {
		levels = fake_entries_forget_leaves(&hart->entries, asid, gva.raw);
		drop_memos_for(hart, gva, asid, levels);
	}
	fake_machine.counts.leaf_fences++;
	speculate();
}

struct forgetting {
	struct hart *hart;
	gva_t gva;
};

static void leaves_forgotten(void *context, unsigned asid, unsigned levels)
{
	struct forgetting *forgetting = context;

	drop_memos_for(forgetting->hart, forgetting->gva, asid, levels);
}

void arch_shadow_fence_leaves(gva_t gva, uint64_t pages, unsigned asid)
{
	for (uint64_t i = 0; i < pages; i++)
		arch_shadow_fence_leaf(GVA(gva.raw + i * PAGE_SIZE), asid);
}

void arch_shadow_fence_leaf_all(gva_t gva)
{
	struct forgetting forgetting = {.hart = this_hart(), .gva = gva};

	speculate();
	if (is_in_force(arch_hart_index()))
		fake_entries_forget_leaves_of_all(&forgetting.hart->entries, gva.raw,
						  leaves_forgotten, &forgetting);
	fake_machine.counts.leaf_fences++;
	speculate();
}

void arch_shadow_fence_asid(unsigned asid)
{
	struct hart *hart = this_hart();

	check_asid(asid);
	speculate();
	if (is_in_force(arch_hart_index())) {
		fake_entries_forget_tag(&hart->entries, asid);
		drop_memos(hart, asid);
	}
	fake_machine.counts.asid_fences++;
	speculate();
}

static void fence_all(unsigned index)
{
	if (!is_in_force(index))
		return;
	forget_everything(&harts[index]);
	harts[index].was_used = false;
}

void arch_shadow_fence_all(void)
{
	speculate();
	fence_all(arch_hart_index());
	fake_machine.counts.all_fences++;
	speculate();
}

/* The others take turns with the one that asks, and so have no need to be kicked. */
void harts_request(uint32_t targets, enum hart_request request)
{
	assert_int_equal(request, HART_FENCE_SHADOW);
	assert_int_equal(targets >> FAKE_HART_LIMIT, 0);
	assert_false(targets >> arch_hart_index() & 1);
	speculate();
	for (unsigned i = 0; i < FAKE_HART_LIMIT; i++)
		if (targets >> i & 1)
			fence_all(i);
	fake_machine.counts.remote_fences++;
	speculate();
}
