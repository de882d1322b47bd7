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
#include "core/panic.h"
#include "core/vm.h"
#include "lsp/space.h"
#include "lsp/walker.h"
#include "mm/page_alloc.h"
#include "mm/paging.h"

/* Shadow pages of a vCPU: what all RAM takes in 4 KiB leaves, eight times over. */
#define POOL_SHARE 64
#define POOL_LEAST (MIB / PAGE_SIZE)

static const char *lsp_missing(void)
{
	if (!arch_satp_traps())
		return "writes of satp do not trap here (hstatus.VTVM has no effect on "
		       "satp)";
	if (!arch_translation_modes())
		return "no translation mode that a shadow table could use";
	return NULL;
}

/*
 * The walker faults on A = 0 and on a store with D = 0, whatever the chip does.
 * Cache-block management instructions are not offered: they report a missing
 * translation as a store's, but want no more than a load's permission and no D
 * (CMO specification, "Virtual memory"), so that a miss would be taken for a
 * fault of the guest's.
 */
static struct paging_isa lsp_isa(void)
{
	return (struct paging_isa){.svade = true, .cache_management = false};
}

static unsigned order_for(uint64_t size)
{
	unsigned order = 0;

	while (PAGE_SIZE << order < size)
		order++;
	return order;
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
	struct lsp_vcpu *space = page_alloc_zeroed(order_for(sizeof(struct lsp_vcpu)));

	vcpu->paging = space;
	if (!space)
		return STATUS_NO_MEMORY;
	space->memory = &vcpu->vm->memory;
	space->pool.limit = (space->memory->size >> PAGE_SHIFT) / POOL_SHARE + POOL_LEAST;
	return space_create(space);
}

static void lsp_vcpu_destroy(struct vcpu *vcpu)
{
	struct lsp_vcpu *space = vcpu->paging;

	if (!space)
		return;
	space_destroy(space);
	assert(space->pool.used == 0);
	page_free(space, order_for(sizeof(*space)));
	vcpu->paging = NULL;
}

static void lsp_load(struct vcpu *vcpu)
{
	struct lsp_vcpu *space = vcpu->paging;

	arch_translate_shadow(vcpu);
	space_load(space);
}

static void lsp_put(struct vcpu *vcpu)
{
	(void)vcpu;
}

/* Bare has one leaf for everything: all permissions, and the U its tree is for. */
static pte_t bare_leaf(bool user)
{
	return PTE(PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D | (user ? PTE_U : 0));
}

/* Fill the active tree with what a walk found in RAM. */
static enum status fill(struct lsp_vcpu *space, gva_t gva, const struct walk *walk)
{
	unsigned largest = mode_levels(space->active->mode) - 1;
	struct shadow_fill fill = {
		.gva = gva,
		.guest_leaf = walk->leaf,
		.guest_level = walk->level,
	};
	uint64_t size;

	if (largest > walk->level)
		largest = walk->level;
	fill.level = guest_memory_level(space->memory, walk->gpa, largest);
	size = level_size(fill.level);
	if (!guest_memory_find(space->memory, GPA(align_down(walk->gpa.raw, size)), size,
			       &fill.hpa))
		return STATUS_INVALID;
	/* Isolation: a shadow leaf maps memory of its own VM and no other. */
	assert(guest_memory_owns(space->memory, fill.hpa, size));
	return space_install(space, &fill);
}

static struct walk walk_for(struct lsp_vcpu *space, const struct access *access)
{
	struct walk walk = guest_walk(space->memory, space->satp, access);

	if (space->active->bare) {
		walk.leaf = bare_leaf(access->user);
		walk.level = mode_levels(space->active->mode) - 1;
	}
	return walk;
}

static struct translation lsp_fault(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct lsp_vcpu *space = vcpu->paging;
	const struct access *access = &exit->access;
	struct walk walk = walk_for(space, access);
	struct translation translation = {.outcome = walk.outcome, .gpa = walk.gpa};

	if (walk.outcome != OUTCOME_FILLED)
		return translation;
	/* Bare: the fault may be the other privilege's U bit. */
	if (space->active->bare &&
	    space_activate(space, space->satp, access->user) != STATUS_OK)
		translation.outcome = OUTCOME_NO_MEMORY;
	else if (fill(space, access->gva, &walk) != STATUS_OK)
		translation.outcome = OUTCOME_NO_MEMORY;
	space->statistics.fills++;
	return translation;
}

/*
 * What the hart just executed came through the shadow tree, so that is asked
 * first; for other addresses, the guest's own table.
 */
static bool lsp_read_half(struct vcpu *vcpu, const struct access *access, uint16_t *half)
{
	struct lsp_vcpu *space = vcpu->paging;
	unsigned level;
	pte_t leaf = tree_find(space->active, access->gva, &level);
	struct walk walk;
	hpa_t hpa;

	if (pte_valid(leaf) && leaf_permits(leaf, access)) {
		hpa = HPA(pte_address(leaf) |
			  (access->gva.raw & (level_size(level) - 1)));
	} else {
		walk = guest_walk(space->memory, space->satp, access);
		if (walk.outcome != OUTCOME_FILLED ||
		    !guest_memory_find(space->memory, walk.gpa, sizeof(*half), &hpa))
			return false;
	}
	*half = __atomic_load_n((uint16_t *)hpa_pointer(hpa), __ATOMIC_RELAXED);
	return true;
}

static uint64_t lsp_satp_read(struct vcpu *vcpu)
{
	const struct lsp_vcpu *space = vcpu->paging;

	return space->satp;
}

/* All 16 ASID bits are offered, whatever the chip has: they only tag trees. */
static void lsp_satp_write(struct vcpu *vcpu, uint64_t value)
{
	struct lsp_vcpu *space = vcpu->paging;
	unsigned mode = satp_mode(value);
	bool user = arch_access(vcpu, GVA(0), ACCESS_FETCH).user;

	/* "If satp is written with an unsupported MODE, the entire write has no effect."
	 */
	if (mode != SATP_BARE && !(arch_translation_modes() & 1u << mode))
		return;
	if (space_activate(space, value, user) == STATUS_OK)
		space->satp = value;
	else
		vm_end(vcpu->vm, VM_STOPPED, "no memory left for a shadow root");
}

/*
 * The exit for a fence of one address is paid already: if the guest's leaf is
 * valid now, it goes in at once and its first use costs no exit of its own.
 * Only for the satp in force: tables under any other root may be anything by
 * now. A is never set for it, so a leaf with A = 0 is left to a real access.
 */
static void install_fenced(struct lsp_vcpu *space, const struct fence *fence)
{
	struct walk walk;

	if (!fence->has_address || fence->size > PAGE_SIZE || space->active->bare)
		return;
	if (fence->has_asid && fence->asid != satp_asid(space->satp))
		return;
	walk = guest_walk_leaf(space->memory, space->satp, fence->start);
	if (walk.outcome == OUTCOME_FILLED && (walk.leaf.raw & PTE_A) &&
	    fill(space, fence->start, &walk) == STATUS_OK)
		space->statistics.fence_installs++;
}

static void lsp_fence(struct vcpu *vcpu, const struct fence *fence)
{
	struct lsp_vcpu *space = vcpu->paging;

	space_fence(space, fence);
	install_fenced(space, fence);
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
	json_number(json, "trees_emptied", statistics->trees_emptied);
	json_number(json, "log_replays", statistics->log_replays);
	json_object_end(json);
}

static void lsp_report(const struct vm *vm, struct json *json)
{
	uint64_t pages = 0, limit = 0, trees = 0, fills = 0;

	json_array(json, "vcpus");
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		const struct lsp_vcpu *space = vm->vcpus[i].paging;

		pages += space->pool.used;
		limit += space->pool.limit;
		trees += count_trees(space);
		fills += space->statistics.fills;
		report_vcpu(space, json);
	}
	json_array_end(json);
	json_number(json, "pages", pages);
	json_number(json, "page_limit", limit);
	json_number(json, "trees", trees);
	json_number(json, "fills", fills);
}

const struct paging_mode paging_lsp = {
	.name = "lsp",
	.missing = lsp_missing,
	.isa = lsp_isa,
	.vm_create = lsp_vm_create,
	.vm_destroy = lsp_vm_destroy,
	.vcpu_create = lsp_vcpu_create,
	.vcpu_destroy = lsp_vcpu_destroy,
	.load = lsp_load,
	.put = lsp_put,
	.fault = lsp_fault,
	.read_half = lsp_read_half,
	.satp_read = lsp_satp_read,
	.satp_write = lsp_satp_write,
	.fence = lsp_fence,
	.report = lsp_report,
};
