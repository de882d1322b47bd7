/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The roots of one vCPU and its fences.
 *
 * Any guest root that is mirrored is switched to in one exit, with nothing to fill
 * again; each value of satp has a real ASID of its own, as long as it is one of the
 * last PROTECT_ROOTS. A fence of the guest's is passed on to the hart, for the real
 * ASIDs it covers, since what it covers may have changed with no real fence.
 */
#include "core/arch.h"
#include "core/panic.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "lsp/needs.h"
#include "lsp/protect.h"
#include "lsp/walker.h"

/* Longer ranges are taken for all addresses, as Linux does. */
#define FENCE_PAGES 64

unsigned protect_root_mode(const struct protect_root *root)
{
	return root->table->level + 1u - mode_levels(SATP_SV39) + SATP_SV39;
}

/* ---- roots ---- */

static bool is_for(const struct protect_root *root, uint64_t satp, bool user)
{
	bool bare = satp_mode(satp) == SATP_BARE;

	if (!root->table || root->bare != bare)
		return false;
	return bare ? root->user == user : root->satp == satp;
}

static struct protect_root *find_root(struct protect_vcpu *vcpu, uint64_t satp, bool user)
{
	for (unsigned i = 0; i < PROTECT_ROOTS; i++)
		if (is_for(&vcpu->roots[i], satp, user))
			return &vcpu->roots[i];
	return NULL;
}

static struct protect_root *oldest_root(struct protect_vcpu *vcpu)
{
	struct protect_root *oldest = NULL;

	for (unsigned i = 0; i < PROTECT_ROOTS; i++) {
		struct protect_root *root = &vcpu->roots[i];

		if (!root->table)
			return root;
		if (root != vcpu->active &&
		    (!oldest || root->last_use < oldest->last_use))
			oldest = root;
	}
	return oldest;
}

/* Bare has one leaf for everything: all permissions, and the U its root is for. */
static struct protect_target root_target(uint64_t satp, bool user)
{
	if (satp_mode(satp) == SATP_BARE)
		return (struct protect_target){
			.level = needs_levels() - 1,
			.direct = true,
			.flags = PTE_R | PTE_W | PTE_X | (user ? PTE_U : 0),
		};
	return (struct protect_target){
		.gpa = GPA(satp_root(satp)),
		.level = mode_levels(satp_mode(satp)) - 1,
	};
}

static struct protect_root *make_root(struct protect_vcpu *vcpu, uint64_t satp, bool user)
{
	const struct protect_target target = root_target(satp, user);
	struct protect_table *table = protect_get(vcpu->vm, &target);
	struct protect_root *root = oldest_root(vcpu);

	if (!table)
		return NULL;
	*root = (struct protect_root){
		.table = table,
		.satp = satp,
		.bare = satp_mode(satp) == SATP_BARE,
		.user = user,
		.resync = true,
	};
	return root;
}

void protect_forget_root(struct protect_vm *vm, const struct protect_table *table)
{
	for (unsigned i = 0; i < vm->vm->vcpu_count; i++) {
		struct protect_vcpu *vcpu = vm->vm->vcpus[i].paging;

		for (unsigned j = 0; vcpu && j < PROTECT_ROOTS; j++)
			if (vcpu->roots[j].table == table)
				vcpu->roots[j].table = NULL;
	}
}

/*
 * A hart that has gone on may be in a VM of another VMID, where a fence leaves alone what
 * it keeps of this one: none of that is used again. Where a vCPU is, it has fenced.
 */
void protect_forget_tags(struct protect_vm *vm)
{
	for (unsigned i = 0; i < vm->vm->vcpu_count; i++) {
		struct protect_vcpu *vcpu = vm->vm->vcpus[i].paging;

		for (unsigned j = 0; vcpu && j < PROTECT_ROOTS; j++)
			if (!vcpu->loaded || vcpu->roots[j].tag.hart != vcpu->hart)
				vcpu->roots[j].tag.generation = 0;
	}
}

/* To the front; the one that falls out may be older than its last fences. */
static void make_recent(struct protect_vcpu *vcpu, struct protect_root *root)
{
	unsigned at = 0;

	while (at < PROTECT_RECENT - 1 && vcpu->recent[at] != root)
		at++;
	if (vcpu->recent[at] && vcpu->recent[at] != root)
		vcpu->recent[at]->resync = true;
	for (; at > 0; at--)
		vcpu->recent[at] = vcpu->recent[at - 1];
	vcpu->recent[0] = root;
}

void protect_load_root(struct protect_vcpu *vcpu)
{
	struct protect_root *root = vcpu->active;
	bool recycled = !asid_tag_is_valid(&root->tag) && asid_tag_renew(&root->tag);

	arch_shadow_root_set(protect_root_mode(root), pointer_hpa(root->table->entries),
			     root->tag.asid);
	/* Not before: until vsatp is written, the hart may walk the old root. */
	if (recycled)
		arch_shadow_fence_all();
}

enum status protect_activate(struct protect_vcpu *vcpu, uint64_t satp, bool user)
{
	struct protect_vm *vm = vcpu->vm;
	struct protect_root *old = vcpu->active;
	struct protect_root *root = find_root(vcpu, satp, user);

	if (!root)
		root = make_root(vcpu, satp, user);
	if (!root)
		return STATUS_NO_MEMORY;
	root->last_use = ++vm->clock;
	if (root == old)
		return STATUS_OK;
	protect_use(vm, root->table);
	protect_sync_below(vm, root->table, root->resync ? 0 : root->left);
	root->resync = false;
	root->table->active++;
	if (old) {
		old->table->active--;
		old->left = ++vm->clock;
	}
	vcpu->active = root;
	make_recent(vcpu, root);
	vm->statistics.switches++;
	if (vcpu->loaded)
		protect_load_root(vcpu);
	return STATUS_OK;
}

/* ---- fences ---- */

static bool fence_covers(const struct fence *fence, const struct protect_root *root)
{
	return root->table && !root->bare &&
	       (!fence->has_asid || fence->asid == satp_asid(root->satp));
}

/* All addresses of the address spaces it covers. */
static void fence_spaces(struct protect_vcpu *vcpu, const struct fence *fence)
{
	for (unsigned i = 0; i < PROTECT_ROOTS; i++) {
		struct protect_root *root = &vcpu->roots[i];

		if (!fence_covers(fence, root))
			continue;
		if (root == vcpu->active)
			protect_sync_below(vcpu->vm, root->table, 0);
		else
			root->resync = true;
		asid_fence_tree(&root->tag);
	}
}

/* The exit is paid for: what is valid now goes in, and needs none of its own. */
static void install_fenced(struct protect_vcpu *vcpu, gva_t gva)
{
	struct protect_vm *vm = vcpu->vm;
	struct walk walk = guest_walk_leaf(vm->memory, vcpu->satp, gva);
	bool changed;

	if (walk.outcome != OUTCOME_FILLED || !(walk.leaf.raw & PTE_A))
		return;
	if (protect_fill(vcpu, gva, &changed) == STATUS_OK)
		vm->statistics.fence_installs += changed;
}

/* One real fence for all ASIDs that are this hart's; the others are given up. */
static void fence_leaves(struct protect_vcpu *vcpu, const struct fence *fence, gva_t gva)
{
	for (unsigned i = 0; i < PROTECT_ROOTS; i++) {
		struct protect_root *root = &vcpu->roots[i];

		if (!fence_covers(fence, root))
			continue;
		if (fence->has_asid)
			asid_fence_leaf(&root->tag, gva);
		else if (!asid_tag_is_valid(&root->tag))
			root->tag.generation = 0;
	}
	if (!fence->has_asid)
		arch_shadow_fence_leaf_all(gva);
}

static void fence_page(struct protect_vcpu *vcpu, const struct fence *fence, gva_t gva)
{
	bool active_covered = fence_covers(fence, vcpu->active);

	for (unsigned i = 0; i < PROTECT_RECENT; i++) {
		struct protect_root *root = vcpu->recent[i];

		if (root && fence_covers(fence, root))
			protect_sync_address(vcpu->vm, root, gva, root == vcpu->active);
	}
	if (active_covered && vcpu->vm->policy->fence_installs)
		install_fenced(vcpu, gva);
	fence_leaves(vcpu, fence, gva);
}

void protect_fence(struct vcpu *vcpu, const struct fence *fence)
{
	struct protect_vcpu *state = vcpu->paging;
	uint64_t first = align_down(fence->start.raw, PAGE_SIZE);
	/* Not by the end, which may be that of the address space. */
	uint64_t bytes = fence->start.raw - first + fence->size;
	uint64_t pages = (bytes >> PAGE_SHIFT) + !is_aligned(bytes, PAGE_SIZE);

	protect_begin(state->vm);
	if (!fence->has_address || pages > FENCE_PAGES) {
		fence_spaces(state, fence);
	} else {
		for (uint64_t i = 0; i < pages; i++)
			fence_page(state, fence, GVA(first + i * PAGE_SIZE));
	}
	protect_end(state->vm);
}
