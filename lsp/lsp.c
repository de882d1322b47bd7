/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lazy shadow paging: the guest's page tables are never write-protected, and
 * the shadow trees are brought up to date where the ISA makes the guest say so,
 * at its own TLB flushes. After "Lazy Shadow Paging Under the RISC-V
 * Architecture" (Li, Yi, Luo, Wang, Wang; IJSI 15(3), 2025).
 *
 * A shadow tree is a TLB made of memory: it may hold any translation that was
 * valid since the last fence that covers it. This file is the paging mode's
 * table of functions; trees are in tree.c, which of them is in use in space.c.
 */
#include "core/exit.h"
#include "core/json.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/vm.h"
#include "lsp/budget.h"
#include "lsp/check.h"
#include "lsp/fence.h"
#include "lsp/fill.h"
#include "lsp/needs.h"
#include "mm/page_alloc.h"
#include "mm/paging.h"

/*
 * Cache-block management instructions are not offered: they report a missing
 * translation as a store's, but want no more than a load's permission and no D
 * (CMO specification, "Virtual memory"), so that a miss would be taken for a
 * fault of the guest's.
 *
 * Where page faults come to the hypervisor, a leaf with A or D clear is a miss as any
 * other, at which they are set (Svadu), whatever the chip does; and no invalid PTE is
 * remembered, so one that turns valid is seen with no fence (Svvptc). Where they are
 * the guest's own, so is what A and D come to (Svade).
 */
static struct paging_isa lsp_isa(void)
{
	bool told = !encoding.delegates;

	return (struct paging_isa){.svade = !told, .svadu = told, .svvptc = told};
}

/* One loses to another hart that changes the PTE just then, and no more than so often. */
#define MARK_TRIES 4

static struct lsp_vcpu *space_of(struct vcpu *vcpu)
{
	space_settle(vcpu->paging);
	return vcpu->paging;
}

/* Everything is the vCPUs' own. */
static enum status lsp_vm_create(struct vm *vm)
{
	(void)vm;
	return STATUS_OK;
}

static void lsp_vm_destroy(struct vm *vm)
{
	(void)vm;
}

static enum status lsp_vcpu_create(struct vcpu *vcpu)
{
	struct lsp_vcpu *space = page_alloc_zeroed(budget_state_order());

	vcpu->paging = space;
	if (!space)
		return STATUS_NO_MEMORY;
	space->vcpu = vcpu;
	space->memory = &vcpu->vm->memory;
	space->svadu = lsp_isa().svadu;
	if (budget_pool_create(&space->pool, vcpu->vm) != STATUS_OK)
		return STATUS_NO_MEMORY;
	return space_create(space);
}

static void lsp_vcpu_destroy(struct vcpu *vcpu)
{
	struct lsp_vcpu *space = vcpu->paging;

	if (!space)
		return;
	space_destroy(space);
	budget_pool_destroy(&space->pool);
	page_free(space, budget_state_order());
	vcpu->paging = NULL;
}

static void lsp_load(struct vcpu *vcpu)
{
	struct lsp_vcpu *space = vcpu->paging;

	arch_translate_shadow(vcpu, encoding.detour);
	space_load(space);
}

static void lsp_put(struct vcpu *vcpu)
{
	space_put(space_of(vcpu));
}

/* Bare has one leaf for everything: all permissions, and the U its tree is for. */
static pte_t bare_leaf(bool user)
{
	return PTE(PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D | (user ? PTE_U : 0));
}

/* A walk for an access that gets as far as it may, A and D included if it is Svadu's. */
static struct walk walk_permitted(const struct lsp_vcpu *space,
				  const struct access *access)
{
	return space->svadu ? guest_walk_permitted(space->memory, space->satp, access)
			    : guest_walk(space->memory, space->satp, access);
}

/* False: the leaf was not marked, for the guest keeps changing it. */
static bool walk_and_mark(const struct lsp_vcpu *space, const struct access *access,
			  struct walk *walk)
{
	for (unsigned i = 0; i < MARK_TRIES; i++) {
		*walk = walk_permitted(space, access);
		if (!walk_has_leaf(walk))
			return true;
		if (!(walk->leaf.raw & PTE_A))
			walk->ahead = access;
		if (leaf_mark(walk->at[walk->level], &walk->leaf, access))
			return true;
	}
	return false;
}

static bool walk_for(const struct lsp_vcpu *space, const struct access *access,
		     struct walk *walk)
{
	if (!space->active->bare)
		return walk_and_mark(space, access, walk);
	*walk = guest_walk(space->memory, space->satp, access);
	walk->leaf = bare_leaf(access->user);
	walk->level = mode_levels(space->active->mode) - 1;
	return true;
}

/*
 * An access fault where the shadow leaf is right may come of an older entry, for which
 * a real fence has been done. The next one with nothing in between is the hart's own,
 * such as that of an atomic access that it does not do there.
 */
static bool is_in_earnest(struct lsp_vcpu *space, gva_t gva)
{
	const struct last_right last = space->right;

	space->right = (struct last_right){
		.gva = gva,
		.fills = space->statistics.fills,
		.log_head = space->fences.log_head,
		.switches = space->vcpu->arch.fast.switches,
	};
	return last.gva.raw == gva.raw && last.fills + 1 == space->right.fills &&
	       last.log_head == space->right.log_head &&
	       last.switches == space->right.switches;
}

static struct translation lsp_fault(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct lsp_vcpu *space = space_of(vcpu);
	const struct access *access = &exit->access;
	struct translation translation = {.outcome = space_fill_known(space, access)};
	struct walk walk;

	space->statistics.fills++;
	if (translation.outcome != OUTCOME_DEVICE)
		return translation;
	/* The guest tries again, and finds less in its way by then. */
	if (!walk_for(space, access, &walk))
		return (struct translation){.outcome = OUTCOME_FILLED};
	translation = (struct translation){.outcome = walk.outcome, .gpa = walk.gpa};
	if (walk.outcome == OUTCOME_PAGE_FAULT)
		space_keep_faults(space, access->gva, &walk);
	if (walk.outcome != OUTCOME_FILLED)
		return translation;
	/* Bare: the fault may be the other privilege's U bit. */
	if (space->active->bare &&
	    space_activate(space, space->satp, access->user) != STATUS_OK)
		translation.outcome = OUTCOME_NO_MEMORY;
	else if (space_fill(space, access->gva, &walk) != STATUS_OK)
		translation.outcome = OUTCOME_NO_MEMORY;
	else if (exit->access_fault && space->was_right &&
		 is_in_earnest(space, access->gva))
		translation.outcome = OUTCOME_ACCESS_FAULT;
	return translation;
}

/* By the guest's own tables: a TLB may always have forgotten what it knew. */
static struct translation lsp_translate(struct vcpu *vcpu, const struct access *access)
{
	struct walk walk;

	if (!walk_for(space_of(vcpu), access, &walk))
		return (struct translation){.outcome = OUTCOME_UNPROTECTED};
	return (struct translation){.outcome = walk.outcome, .gpa = walk.gpa};
}

/*
 * What the hart just executed came through the shadow tree, so that is asked
 * first; for other addresses, the guest's own table. Nothing is marked: Gnomon's reading
 * is none of the guest's accesses. But code is wanted to be carried out, and so must be
 * marked already: behind a write of satp, nobody may have fetched it yet.
 */
static bool find_byte(struct lsp_vcpu *space, const struct access *access, hpa_t *hpa)
{
	unsigned level;
	pte_t leaf = tree_find(space->active, access->gva, &level);
	struct walk walk;

	if (pte_valid(leaf) && leaf_permits(leaf, access)) {
		*hpa = HPA(pte_address(leaf) |
			   (access->gva.raw & (level_size(level) - 1)));
		return true;
	}
	walk = access->kind == ACCESS_FETCH
		       ? guest_walk(space->memory, space->satp, access)
		       : walk_permitted(space, access);
	return walk.outcome == OUTCOME_FILLED &&
	       guest_memory_find(space->memory, walk.gpa, 1, hpa);
}

static bool lsp_read_half(struct vcpu *vcpu, const struct access *access, uint16_t *half)
{
	hpa_t hpa;

	if (!find_byte(space_of(vcpu), access, &hpa))
		return false;
	*half = __atomic_load_n((uint16_t *)hpa_pointer(hpa), __ATOMIC_RELAXED);
	return true;
}

static const uint16_t *lsp_code_page(struct vcpu *vcpu, const struct access *access)
{
	hpa_t hpa;

	if (!find_byte(space_of(vcpu), access, &hpa))
		return NULL;
	return hpa_pointer(HPA(align_down(hpa.raw, PAGE_SIZE)));
}

static uint64_t lsp_satp_read(struct vcpu *vcpu)
{
	const struct lsp_vcpu *space = space_of(vcpu);

	return space->satp;
}

/* All 16 ASID bits are offered, whatever the chip has: they only tag trees. */
static void lsp_satp_write(struct vcpu *vcpu, uint64_t value)
{
	struct lsp_vcpu *space = space_of(vcpu);
	unsigned mode = satp_mode(value);
	bool user = arch_access(vcpu, GVA(0), ACCESS_FETCH).user;

	/* "If satp is written with an unsupported MODE, the entire write has no effect."
	 */
	if (mode != SATP_BARE && !(arch_translation_modes() & 1u << mode))
		return;
	if (space_activate(space, value, user) != STATUS_OK) {
		vm_end(vcpu->vm, VM_STOPPED, "no memory left for a shadow root");
		return;
	}
	space->satp = value;
	/* The guest goes on there: the exit is paid already. */
	if (!space->active->bare)
		space_recall(space);
}

static void lsp_fence(struct vcpu *vcpu, const struct fence *fence)
{
	space_fence(space_of(vcpu), fence);
}

static const char *lsp_check(const struct vcpu *vcpu, unsigned turn)
{
	space_settle(vcpu->paging);
	return space_check(vcpu->paging, turn % CHECK_TURNS == 0);
}

static unsigned count_trees(const struct lsp_vcpu *space)
{
	unsigned trees = 0;

	for (unsigned i = 0; i < TREE_LIMIT; i++)
		trees += space->trees[i].root != NULL;
	return trees;
}

static void report_vcpu(const struct lsp_vcpu *space, struct json *json)
{
	const struct lsp_statistics *statistics = &space->statistics;

	json_object(json, NULL);
	json_number(json, "trees", count_trees(space));
	json_number(json, "fills", statistics->fills);
	json_number(json, "fence_installs", statistics->fence_installs);
	json_number(json, "tree_switches", statistics->tree_switches);
	json_number(json, "tree_creations", statistics->tree_creations);
	json_number(json, "tree_evictions", statistics->tree_evictions);
	json_number(json, "tree_unlinks", statistics->tree_unlinks);
	json_number(json, "tables_synced", statistics->tables_synced);
	json_number(json, "recalls", statistics->recalls);
	json_number(json, "unshared_slots", statistics->unshared_slots);
	json_number(json, "reclaims", statistics->reclaims);
	json_number(json, "log_replays", statistics->log_replays);
	json_object_end(json);
}

/* Of all vCPUs. They may not have had their peaks at the same time. */
struct sums {
	struct shadow_pool pool;
	uint64_t trees, fills, reclaims;
};

static struct sums sum_up(const struct vm *vm)
{
	struct sums sums = {0};

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		const struct lsp_vcpu *space = vm->vcpus[i].paging;

		sums.pool.used += space->pool.used;
		sums.pool.limit += space->pool.limit;
		sums.pool.peak += space->pool.peak;
		sums.trees += count_trees(space);
		sums.fills += space->statistics.fills;
		sums.reclaims += space->statistics.reclaims;
	}
	return sums;
}

static void lsp_report(const struct vm *vm, struct json *json)
{
	const struct sums sums = sum_up(vm);

	json_array(json, "vcpus");
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		report_vcpu(vm->vcpus[i].paging, json);
	json_array_end(json);
	json_number(json, "pages", sums.pool.used);
	json_number(json, "pages_peak", sums.pool.peak);
	json_number(json, "page_limit", sums.pool.limit);
	json_number(json, "state_pages", vm->vcpu_count * budget_state_pages());
	json_number(json, "reclaims", sums.reclaims);
	json_number(json, "trees", sums.trees);
	json_number(json, "fills", sums.fills);
}

static void lsp_log(const struct vm *vm)
{
	const struct sums sums = sum_up(vm);

	log_line("vm %s: shadow tables took up to %lu pages of %lu, reclaimed %lu times",
		 vm->name, sums.pool.peak, sums.pool.limit, sums.reclaims);
}

const struct paging_mode paging_lsp = {
	.name = "lsp",
	.missing = needs_missing,
	.isa = lsp_isa,
	.reach = needs_reach,
	.budget = budget_of,
	.vm_create = lsp_vm_create,
	.vm_destroy = lsp_vm_destroy,
	.vcpu_create = lsp_vcpu_create,
	.vcpu_destroy = lsp_vcpu_destroy,
	.load = lsp_load,
	.put = lsp_put,
	.fault = lsp_fault,
	.fill = space_fill_fast,
	.read_half = lsp_read_half,
	.translate = lsp_translate,
	.code_page = lsp_code_page,
	.satp_traps = true,
	.satp_read = lsp_satp_read,
	.satp_write = lsp_satp_write,
	.fence = lsp_fence,
	.check = lsp_check,
	.report = lsp_report,
	.log = lsp_log,
};
