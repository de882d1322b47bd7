/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filling of a miss: the guest's tables are walked from the active root, each of
 * them is mirrored (and so protected) before its entry is read, and the shadow
 * entries on the way are made what they should be.
 *
 * The engine holds the VM's lock, and the tables are protected by then, so what a
 * walk reads does not change under it; entries of an unsync leaf table may, as they
 * may under a hart's own walker.
 */
#include "lsp/protect.h"

/* The table an entry leads to, in line with what it mirrors, and linked. */
static struct protect_table *below(struct protect_vm *vm, struct protect_table *table,
				   unsigned slot, const struct protect_target *target,
				   bool *changed)
{
	struct protect_table *child = protect_get(vm, target);
	pte_t before = table->entries[slot];

	if (!child)
		return NULL;
	if (protect_is_pointer(before) &&
	    pte_address(before) == pointer_hpa(child->entries).raw)
		return child;
	/* What was left unsync was not reached this way: no TLB holds what it says. */
	if (child->unsync)
		protect_sync(vm, child);
	protect_sync_below(vm, child, 0);
	protect_set_pointer(vm, table, slot, child);
	*changed = true;
	return child;
}

/*
 * A guest leaf that was broken up stays so where it need no longer be: going back
 * and forth would cost more than the walk's last step.
 */
static bool is_broken_up(struct protect_vm *vm, const struct protect_table *table,
			 unsigned slot, struct protect_target *target)
{
	pte_t entry = table->entries[slot];
	const struct protect_table *child;

	if (!protect_is_pointer(entry))
		return false;
	child = protect_table_at(vm, HPA(pte_address(entry)));
	if (!child->direct)
		return false;
	*target = (struct protect_target){
		.kind = TARGET_TABLE,
		.gpa = child->gpa,
		.level = child->level,
		.direct = true,
		.flags = child->flags,
	};
	return true;
}

/* As a TLB may: those beside it that need nothing but themselves. */
static void fill_neighbours(struct protect_vm *vm, struct protect_table *table,
			    unsigned slot)
{
	unsigned window = vm->policy->window;
	unsigned first = slot - slot % window;

	if (table->level > 0 || table->direct)
		return;
	for (unsigned i = first; i < first + window; i++) {
		struct protect_target target;

		if (i == slot || pte_valid(table->entries[i]))
			continue;
		target = protect_target(vm, table, i);
		if (target.kind != TARGET_LEAF)
			continue;
		protect_set_leaf(vm, table, i, target.leaf);
		vm->statistics.neighbours++;
	}
}

/* The hart has what was there: what it may do now it must learn, or fault again. */
static void fill_leaf(struct protect_vcpu *vcpu, struct protect_table *table, gva_t gva,
		      pte_t leaf, bool *changed)
{
	unsigned slot = level_index(gva.raw, table->level);
	pte_t before = table->entries[slot];

	fill_neighbours(vcpu->vm, table, slot);
	if (before.raw == leaf.raw)
		return;
	protect_set_leaf(vcpu->vm, table, slot, leaf);
	*changed = true;
	if (pte_valid(before))
		asid_fence_leaf(&vcpu->active->tag, gva);
}

enum status protect_fill(struct protect_vcpu *vcpu, gva_t gva, bool *changed)
{
	struct protect_vm *vm = vcpu->vm;
	struct protect_table *table = vcpu->active->table;

	*changed = false;
	protect_use(vm, table);
	for (;;) {
		unsigned slot = level_index(gva.raw, table->level);
		struct protect_target target = protect_target(vm, table, slot);

		if (target.kind == TARGET_LEAF &&
		    !is_broken_up(vm, table, slot, &target)) {
			fill_leaf(vcpu, table, gva, target.leaf, changed);
			return STATUS_OK;
		}
		/* Another vCPU has changed it since the fault: the guest tries again. */
		if (target.kind == TARGET_NONE) {
			*changed = true;
			return STATUS_OK;
		}
		table = below(vm, table, slot, &target, changed);
		if (!table)
			return STATUS_NO_MEMORY;
	}
}

pte_t protect_find_leaf(const struct protect_vcpu *vcpu, gva_t gva, unsigned *level)
{
	const struct protect_table *root = vcpu->active->table;
	const pte_t *entries = root->entries;

	if (!gva_is_canonical(gva, root->level + 1u))
		return PTE(0);
	for (*level = root->level;; --*level) {
		pte_t entry = entries[level_index(gva.raw, *level)];

		if (!protect_is_pointer(entry))
			return entry;
		entries = hpa_pointer(HPA(pte_address(entry)));
	}
}
