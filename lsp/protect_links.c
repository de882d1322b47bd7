/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doubly linked lists of shadow entries: those that point to a table, and the
 * leaves that let a frame or region of guest RAM be written (the reverse map).
 *
 * An entry is named by its table's number and its slot; 0 ends a list. Each is in
 * one list at most, since it points, or lets write, or neither: so its table's
 * second page has room for its place, and nothing is ever allocated for one.
 */
#include "core/panic.h"
#include "lsp/protect.h"

static uint32_t name_of(const struct protect_vm *vm, const struct protect_table *table,
			unsigned slot)
{
	return (uint32_t)(table - vm->tables) << PTE_INDEX_BITS | slot;
}

static struct protect_link *link_of(const struct protect_vm *vm, uint32_t name)
{
	return &vm->tables[name >> PTE_INDEX_BITS].links[name & (PTE_PER_TABLE - 1)];
}

void protect_link(struct protect_vm *vm, uint32_t *list, struct protect_table *table,
		  unsigned slot)
{
	uint32_t name = name_of(vm, table, slot);

	table->links[slot] = (struct protect_link){.next = *list};
	if (*list)
		link_of(vm, *list)->previous = name;
	*list = name;
}

void protect_unlink(struct protect_vm *vm, uint32_t *list, struct protect_table *table,
		    unsigned slot)
{
	struct protect_link *link = &table->links[slot];

	if (link->previous) {
		link_of(vm, link->previous)->next = link->next;
	} else {
		assert(*list == name_of(vm, table, slot));
		*list = link->next;
	}
	if (link->next)
		link_of(vm, link->next)->previous = link->previous;
	*link = (struct protect_link){0};
}

struct protect_table *protect_first(const struct protect_vm *vm, uint32_t list,
				    unsigned *slot)
{
	*slot = list & (PTE_PER_TABLE - 1);
	return &vm->tables[list >> PTE_INDEX_BITS];
}

static gpa_t gpa_of(const struct guest_memory *memory, hpa_t hpa)
{
	unsigned i = 0;

	while (!range_within(hpa.raw, 1, memory->runs[i].hpa.raw, memory->runs[i].size))
		assert(++i < memory->run_count);
	return GPA(memory->runs[i].gpa.raw + (hpa.raw - memory->runs[i].hpa.raw));
}

uint32_t *protect_writable(const struct protect_vm *vm, pte_t leaf, unsigned level)
{
	gpa_t gpa = gpa_of(vm->memory, HPA(pte_address(leaf)));

	if (level == 0)
		return &protect_frame(vm, gpa)->writable;
	return &protect_region(vm, gpa, level)->writable;
}
