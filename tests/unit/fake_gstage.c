/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two-stage translation of the fake harts: the G-stage and what is kept of it, by
 * VMID and guest physical address, until a real fence. See fake_arch.h.
 *
 * What belongs to a VMID may be used again whenever that VMID is, so a table that
 * was freed may not be found by any of it. The VS-stage keeps nothing here: under
 * nested paging its fences are the guest's own, and leave alone what shadow tables have
 * brought under VMID 0.
 */
#include "core/vm.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_entries.h"
#include "tests/unit/fake_tlb.h"
#include "tests/unit/fake_walk.h"
#include "tests/unit/host_ram.h"

#define ROOT_BITS   11
#define WATCH_LIMIT 32

struct hart {
	bool has_root;
	struct fake_walker walker;
	struct fake_entries entries;
};

static struct hart harts[FAKE_HART_LIMIT];
static unsigned watch_count;
static gpa_t watched[WATCH_LIMIT];

static struct hart *this_hart(void)
{
	return &harts[arch_hart_index()];
}

/* Bits above those of the mode fault (guest-page fault, "Sv39x4" and following). */
static bool can_walk(const struct hart *hart, gpa_t gpa)
{
	unsigned bits = PAGE_SHIFT + PTE_INDEX_BITS * hart->walker.levels + 2;

	return hart->has_root && gpa.raw >> bits == 0;
}

static void speculate(struct hart *hart)
{
	struct fake_found found;

	for (unsigned i = 0; fake_profile()->speculates && i < watch_count; i++)
		if (can_walk(hart, watched[i]))
			fake_walk(&hart->walker, watched[i].raw, &found, NULL);
}

static void watch(gpa_t gpa)
{
	gpa = GPA(align_down(gpa.raw, PAGE_SIZE));
	for (unsigned i = 0; i < watch_count; i++)
		if (watched[i].raw == gpa.raw)
			return;
	if (watch_count < WATCH_LIMIT)
		watched[watch_count++] = gpa;
}

void fake_gstage_create(void)
{
	watch_count = 0;
	for (unsigned i = 0; i < FAKE_HART_LIMIT; i++) {
		harts[i].has_root = false;
		harts[i].walker = (struct fake_walker){.entries = &harts[i].entries};
		fake_entries_forget_all(&harts[i].entries);
	}
}

void fake_gstage_flush(void)
{
	fake_entries_forget_all(&this_hart()->entries);
}

void fake_gstage_stop(void)
{
	speculate(this_hart());
	this_hart()->has_root = false;
}

/* VMIDs are used again as they are, so it must not even lie ready for that. */
void fake_gstage_page_freed(hpa_t page)
{
	for (unsigned i = 0; i < FAKE_HART_LIMIT; i++) {
		const struct hart *hart = &harts[i];

		if (fake_entries_lead_to(&hart->entries, hart->walker.tag, page))
			fail_msg("hart %u, VMID %u: page 0x%lx was freed before a fence",
				 i, hart->walker.tag, page.raw);
	}
}

bool fake_gstage_has_vmid(unsigned hart)
{
	return harts[hart].has_root && harts[hart].walker.tag != 0;
}

unsigned fake_gstage_count(unsigned vmid)
{
	return fake_entries_count(&this_hart()->entries, vmid);
}

/* ---- what Gnomon asks for ---- */

static void check_vmid(unsigned vmid)
{
	assert_true(vmid < 1u << fake_profile()->vmid_bits);
}

void arch_gstage_fence(unsigned vmid)
{
	check_vmid(vmid);
	speculate(this_hart());
	fake_entries_forget_tag(&this_hart()->entries, vmid);
	fake_machine.counts.gstage_fences++;
	speculate(this_hart());
}

void arch_translate_nested(struct vcpu *vcpu, unsigned mode, hpa_t root, unsigned vmid)
{
	struct hart *hart = this_hart();

	(void)vcpu;
	check_vmid(vmid);
	assert_true(fake_profile()->gstage_modes & 1u << mode);
	assert_true(is_aligned(root.raw, PAGE_SIZE << 2));
	fake_machine.shadowed = false;
	fake_machine.gstage_mode = mode;
	fake_machine.gstage_root = root;
	fake_machine.gstage_vmid = vmid;
	fake_tlb_stop();
	fake_gstage_stop();
	hart->walker.root = root;
	hart->walker.tag = vmid;
	hart->walker.levels = mode_levels(mode);
	hart->walker.root_bits = ROOT_BITS;
	hart->has_root = true;
	fake_entries_forget_tag(&hart->entries, vmid);
	if (vmid == 0)
		fake_tlb_flush();
	speculate(hart);
}

bool arch_gstage_root_is(unsigned mode, hpa_t root, unsigned vmid)
{
	const struct fake_walker *walker = &this_hart()->walker;

	return this_hart()->has_root && walker->levels == mode_levels(mode) &&
	       walker->root.raw == root.raw && walker->tag == vmid;
}

void arch_translate_shadow(struct vcpu *vcpu, enum detour detour)
{
	(void)vcpu;
	(void)detour;
	fake_machine.shadowed = true;
	fake_tlb_stop();
	fake_gstage_stop();
}

/* ---- accesses ---- */

/* Privileged specification, "Two-Stage Address Translation": as a user's, and Svade. */
static bool permits(pte_t leaf, enum access_kind kind)
{
	uint64_t needed = PTE_U | PTE_A;

	needed |= kind == ACCESS_FETCH	 ? PTE_X
		  : kind == ACCESS_STORE ? PTE_W | PTE_D
					 : PTE_R;
	if (fake_profile()->gstage_sets_ad)
		needed &= ~(PTE_A | PTE_D);
	return (leaf.raw & needed) == needed;
}

static void check_leaf(unsigned level, pte_t leaf)
{
	const struct vcpu *loaded = fake_loaded();
	hpa_t hpa = HPA(pte_address(leaf));

	if (leaf.raw & PTE_HIGH || (leaf.raw & (PTE_R | PTE_W)) == PTE_W)
		fail_msg("G-stage leaf 0x%lx: a high bit, or W without R", leaf.raw);
	if (!is_aligned(hpa.raw, level_size(level)))
		fail_msg("G-stage leaf 0x%lx: misaligned at level %u", leaf.raw, level);
	if (loaded && !fake_is_vacant(hpa) &&
	    !guest_memory_owns(&loaded->vm->memory, hpa, level_size(level)))
		fail_msg("G-stage leaf 0x%lx: memory of others", leaf.raw);
}

/* The hart sets them in memory, if the leaf there is the one it goes by. */
static void set_ad(const struct fake_walker *walker, gpa_t gpa, enum access_kind kind,
		   pte_t leaf, unsigned level)
{
	uint64_t bits = PTE_A | (kind == ACCESS_STORE ? PTE_D : 0);
	hpa_t table = walker->root;

	for (unsigned at = walker->levels; at-- > level;) {
		unsigned index_bits =
			at == walker->levels - 1 ? ROOT_BITS : PTE_INDEX_BITS;
		uint64_t index = gpa.raw >> (PAGE_SHIFT + PTE_INDEX_BITS * at) &
				 ((UINT64_C(1) << index_bits) - 1);
		pte_t *entry = (pte_t *)hpa_pointer(table) + index;

		if (at == level && entry->raw == leaf.raw)
			entry->raw |= bits;
		if (!pte_valid(*entry) || pte_is_leaf(*entry))
			return;
		table = HPA(pte_address(*entry));
	}
}

static void add_leaf(struct fake_results *results, gpa_t gpa, enum access_kind kind,
		     pte_t leaf, unsigned level)
{
	hpa_t base = HPA(pte_address(leaf));

	check_leaf(level, leaf);
	if (!permits(leaf, kind)) {
		results->may_fault = true;
		return;
	}
	if (fake_profile()->gstage_sets_ad)
		set_ad(&this_hart()->walker, gpa, kind, leaf, level);
	if (fake_is_vacant(base) && fake_profile()->vacant_faults) {
		results->may_access_fault = true;
		return;
	}
	results->permitted[results->count].leaf = leaf;
	results->permitted[results->count].level = level;
	results->permitted[results->count++].hpa =
		HPA(base.raw | (gpa.raw & (level_size(level) - 1)));
}

struct fake_results fake_gstage_access(gpa_t gpa, enum access_kind kind)
{
	struct hart *hart = this_hart();
	struct fake_results results = {0};
	struct fake_found found;

	assert_true(hart->has_root);
	results.may_fault = !can_walk(hart, gpa);
	if (results.may_fault)
		return results;
	watch(gpa);
	fake_walk(&hart->walker, gpa.raw, &found, NULL);
	if (pte_valid(found.bad_pointer))
		fail_msg("VMID %u: 0x%lx on the way to gpa 0x%lx at level %u",
			 hart->walker.tag, found.bad_pointer.raw, gpa.raw,
			 found.bad_level);
	results.may_fault = found.invalid;
	results.may_access_fault = found.access_fault;
	for (unsigned i = 0; i < found.count; i++)
		add_leaf(&results, gpa, kind, found.leaf[i], found.level[i]);
	return results;
}
