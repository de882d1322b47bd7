/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single shadow entries: what one should be, and changes of one, which keep the
 * lists in step and note the fence that is due.
 *
 * A leaf is V, A, the guest leaf's R, X and U, and W and D where the guest has both
 * and the frame is not protected; never G, which would match in other VMs. A
 * change of a leaf is followed by the guest's own fence, as any of its PTE writes
 * is, but a frame is protected only when no hart keeps a writable leaf of it; a
 * pointer that is gone is fenced before any vCPU goes on.
 */
#include "lsp/protect.h"
#include "lsp/walker.h"

#define LEAF_FLAGS (PTE_R | PTE_X | PTE_U)

/* One store, so that a hart's walker sees the old entry or the new one. */
static void entry_store(struct protect_table *table, unsigned slot, pte_t value)
{
	__atomic_store_n(&table->entries[slot].raw, value.raw, __ATOMIC_RELEASE);
}

/* ---- what an entry should be ---- */

static uint64_t flags_of(pte_t guest_leaf)
{
	uint64_t flags = guest_leaf.raw & LEAF_FLAGS;

	/* With D = 0 the first store must still reach the guest. */
	if ((guest_leaf.raw & PTE_W) && (guest_leaf.raw & PTE_D))
		flags |= PTE_W;
	return flags;
}

/* True where one shadow leaf of that level will do for the guest's memory there. */
static bool is_one_leaf(const struct protect_vm *vm, gpa_t gpa, unsigned level,
			uint64_t flags, hpa_t *hpa)
{
	uint64_t size = level_size(level);

	if (level > PROTECT_LARGEST || !guest_memory_find(vm->memory, gpa, size, hpa) ||
	    !is_aligned(hpa->raw, size))
		return false;
	return level == 0 || !(flags & PTE_W) ||
	       protect_region(vm, gpa, level)->tables == 0;
}

/* For memory that the guest maps alike, from gpa on and as large as the level is. */
static struct protect_target target_of_memory(const struct protect_vm *vm, gpa_t gpa,
					      unsigned level, uint64_t flags)
{
	hpa_t hpa;

	if (is_one_leaf(vm, gpa, level, flags, &hpa)) {
		if (level == 0 && protect_frame_is_protected(protect_frame(vm, gpa)))
			flags &= ~PTE_W;
		flags |= PTE_V | PTE_A | (flags & PTE_W ? PTE_D : 0);
		return (struct protect_target){.kind = TARGET_LEAF,
					       .leaf = pte_make(hpa.raw, flags)};
	}
	if (level == 0)
		return (struct protect_target){.kind = TARGET_NONE};
	return (struct protect_target){
		.kind = TARGET_TABLE,
		.gpa = gpa,
		.level = level - 1,
		.direct = true,
		.flags = flags,
	};
}

static pte_t guest_entry(const struct protect_vm *vm, const struct protect_table *table,
			 unsigned slot)
{
	hpa_t hpa;

	if (!guest_memory_find(vm->memory, table->gpa, PAGE_SIZE, &hpa))
		return PTE(0);
	return PTE(
		__atomic_load_n((uint64_t *)hpa_pointer(hpa) + slot, __ATOMIC_RELAXED));
}

struct protect_target protect_target(const struct protect_vm *vm,
				     const struct protect_table *table, unsigned slot)
{
	pte_t guest;

	if (table->direct)
		return target_of_memory(
			vm, GPA(table->gpa.raw + slot * level_size(table->level)),
			table->level, table->flags);
	guest = guest_entry(vm, table, slot);
	switch (guest_entry_kind(guest, table->level)) {
	case GUEST_ENTRY_POINTER:
		return (struct protect_target){
			.kind = TARGET_TABLE,
			.gpa = GPA(pte_address(guest)),
			.level = table->level - 1u,
		};
	case GUEST_ENTRY_LEAF:
		/* Svade: with A = 0 every access is the guest's to see. */
		if (guest.raw & PTE_A)
			return target_of_memory(vm, GPA(pte_address(guest)), table->level,
						flags_of(guest));
		break;
	case GUEST_ENTRY_FAULT:
		break;
	}
	return (struct protect_target){.kind = TARGET_NONE};
}

/* ---- changes ---- */

static void clear_leaf(struct protect_vm *vm, struct protect_table *table, unsigned slot)
{
	pte_t leaf = table->entries[slot];

	entry_store(table, slot, PTE(0));
	if (!(leaf.raw & PTE_W))
		return;
	protect_unlink(vm, protect_writable(vm, leaf, table->level), table, slot);
	vm->unfenced = true;
}

/* A guest's table that nothing leads to is one no longer, as far as is known. */
static void clear_pointer(struct protect_vm *vm, struct protect_table *table,
			  unsigned slot)
{
	struct protect_table *below =
		protect_table_at(vm, HPA(pte_address(table->entries[slot])));

	entry_store(table, slot, PTE(0));
	table->unsync_below[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	protect_unlink(vm, &below->parents, table, slot);
	vm->must_fence = true;
	if (below->parents || below->active || below->direct)
		return;
	vm->statistics.orphans++;
	protect_drop(vm, below);
}

void protect_clear(struct protect_vm *vm, struct protect_table *table, unsigned slot)
{
	pte_t old = table->entries[slot];

	if (protect_is_pointer(old))
		clear_pointer(vm, table, slot);
	else if (pte_valid(old))
		clear_leaf(vm, table, slot);
}

void protect_set_leaf(struct protect_vm *vm, struct protect_table *table, unsigned slot,
		      pte_t leaf)
{
	if (table->entries[slot].raw == leaf.raw)
		return;
	protect_clear(vm, table, slot);
	if (leaf.raw & PTE_W)
		protect_link(vm, protect_writable(vm, leaf, table->level), table, slot);
	entry_store(table, slot, leaf);
	table->filled = ++vm->clock;
}

void protect_set_pointer(struct protect_vm *vm, struct protect_table *table,
			 unsigned slot, struct protect_table *below)
{
	pte_t pointer = pte_make((uintptr_t)below->entries, PTE_V);

	if (table->entries[slot].raw == pointer.raw)
		return;
	/* A leaf cannot become a pointer under the hart's eyes: see the va fence. */
	if (pte_valid(table->entries[slot]))
		vm->must_fence = true;
	protect_clear(vm, table, slot);
	protect_link(vm, &below->parents, table, slot);
	entry_store(table, slot, pointer);
	table->filled = ++vm->clock;
}

/* The leaf stays, to be read and executed; a large one is to be broken up. */
void protect_remove_writable(struct protect_vm *vm, gpa_t page)
{
	struct protect_frame *frame = protect_frame(vm, page);
	struct protect_table *table;
	unsigned slot;

	while (frame->writable) {
		table = protect_first(vm, frame->writable, &slot);
		entry_store(table, slot,
			    PTE(table->entries[slot].raw & ~(PTE_W | PTE_D)));
		protect_unlink(vm, &frame->writable, table, slot);
		vm->unfenced = true;
	}
	for (unsigned level = 1; level <= PROTECT_LARGEST; level++) {
		struct protect_region *region = protect_region(vm, page, level);

		while (region->writable) {
			table = protect_first(vm, region->writable, &slot);
			protect_clear(vm, table, slot);
		}
	}
}
