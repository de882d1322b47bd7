/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unsync: a leaf table of the guest's that is stored to is left writable, and its
 * shadow may be as old as a TLB's entries may be, until the guest fences.
 *
 * For a vCPU an old entry is legal if it could have been in the hart's TLB, under
 * the same satp, since the last fence that covers it. So a table is brought into
 * line when a whole address space is fenced, when a new pointer leads to it, and
 * when a root comes back, if any of its entries was filled while that was away;
 * a fence of one address does so with one entry. Tables above the leaves are never
 * unsync; each knows below which of its entries there are some.
 */
#include "lsp/protect.h"
#include "lsp/walker.h"

static bool has_unsync_below(const struct protect_table *table)
{
	uint64_t any = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(table->unsync_below); i++)
		any |= table->unsync_below[i];
	return any != 0;
}

void protect_mark_unsync(struct protect_vm *vm, const struct protect_table *table)
{
	for (uint32_t name = table->parents; name;) {
		unsigned slot;
		struct protect_table *parent = protect_first(vm, name, &slot);
		uint64_t bit = UINT64_C(1) << slot % 64;

		name = parent->links[slot].next;
		if (parent->unsync_below[slot / 64] & bit)
			continue;
		parent->unsync_below[slot / 64] |= bit;
		protect_mark_unsync(vm, parent);
	}
}

bool protect_unsync(struct protect_vm *vm, gpa_t page)
{
	struct protect_frame *frame = protect_frame(vm, page);
	struct protect_table *table = protect_find(vm, page, 0);

	if (!table || frame->tables != 1)
		return false;
	table->unsync = true;
	frame->unsync = 1;
	vm->statistics.unsyncs++;
	protect_mark_unsync(vm, table);
	return true;
}

static void sync_entry(struct protect_vm *vm, struct protect_table *table, unsigned slot)
{
	struct protect_target target = protect_target(vm, table, slot);

	if (target.kind == TARGET_LEAF)
		protect_set_leaf(vm, table, slot, target.leaf);
	else
		protect_clear(vm, table, slot);
}

void protect_sync(struct protect_vm *vm, struct protect_table *table)
{
	protect_remove_writable(vm, table->gpa);
	if (vm->unfenced)
		protect_fence_all(vm);
	table->unsync = false;
	protect_frame(vm, table->gpa)->unsync = 0;
	vm->statistics.resyncs++;
	for (unsigned slot = 0; slot < PTE_PER_TABLE; slot++)
		if (pte_valid(table->entries[slot]))
			sync_entry(vm, table, slot);
}

/* Calls `visit` for each unsync table below, and forgets where there are none. */
static void
for_each_below(struct protect_vm *vm, struct protect_table *table, uint64_t since,
	       void (*visit)(struct protect_vm *vm, struct protect_table *table))
{
	for (unsigned slot = 0; slot < PTE_PER_TABLE; slot++) {
		uint64_t bit = UINT64_C(1) << slot % 64;
		struct protect_table *child;

		if (!(table->unsync_below[slot / 64] & bit))
			continue;
		child = protect_table_at(vm, HPA(pte_address(table->entries[slot])));
		for_each_below(vm, child, since, visit);
		if (child->unsync && child->filled >= since)
			visit(vm, child);
		if (!child->unsync && !has_unsync_below(child))
			table->unsync_below[slot / 64] &= ~bit;
	}
}

static void protect_again(struct protect_vm *vm, struct protect_table *table)
{
	protect_remove_writable(vm, table->gpa);
}

/* All are protected first, so that one fence of the harts does for all. */
void protect_sync_below(struct protect_vm *vm, struct protect_table *table,
			uint64_t since)
{
	if (!has_unsync_below(table))
		return;
	for_each_below(vm, table, since, protect_again);
	for_each_below(vm, table, since, protect_sync);
}

/* The leaf table for gva and its entry; NULL where there is none. */
static struct protect_table *find_leaf_table(struct protect_vm *vm,
					     const struct protect_root *root, gva_t gva)
{
	struct protect_table *table = root->table;

	if (!gva_is_canonical(gva, table->level + 1u))
		return NULL;
	while (table->level > 0) {
		pte_t entry = table->entries[level_index(gva.raw, table->level)];

		if (!protect_is_pointer(entry))
			return NULL;
		table = protect_table_at(vm, HPA(pte_address(entry)));
	}
	return table;
}

void protect_sync_address(struct protect_vm *vm, const struct protect_root *root,
			  gva_t gva, bool active)
{
	struct protect_table *table = find_leaf_table(vm, root, gva);

	if (!table)
		return;
	/* The guest keeps it as a table: it says which of its entries has changed. */
	table->writes = 0;
	if (!table->unsync) {
		/* True now, but the root that is away cannot have read it since. */
		if (!active)
			table->filled = ++vm->clock;
	} else if (active && pte_valid(table->entries[level_index(gva.raw, 0)])) {
		sync_entry(vm, table, level_index(gva.raw, 0));
	} else {
		protect_clear(vm, table, level_index(gva.raw, 0));
	}
}
