/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking of the table of a VM's RAM. See page_table_check.h.
 *
 * A table page that is reached twice needs no search: of the two addresses that
 * its leaves would be for, one is wrong.
 */
#include "mm/page_table_check.h"
#include "core/log.h"
#include "mm/page_alloc.h"

static char text[192];

struct pass {
	const struct guest_memory *memory;
	uint64_t leaf_flags;
	uint64_t mapped; /* bytes so far */
};

static const char *wrong_entry(pte_t entry, unsigned level, uint64_t from,
			       const char *what)
{
	format_text(text, sizeof(text), "entry 0x%lx of level %u for 0x%lx: %s",
		    entry.raw, level, from, what);
	return text;
}

static const char *leaf_is_wrong(struct pass *pass, pte_t leaf, unsigned level,
				 uint64_t from)
{
	uint64_t size = level_size(level);
	hpa_t right, hpa = HPA(pte_address(leaf));

	if (!guest_memory_owns(pass->memory, hpa, size))
		return "it maps what is not the VM's memory";
	if (!guest_memory_find(pass->memory, GPA(from), size, &right) ||
	    right.raw != hpa.raw)
		return "it maps another address than the memory map";
	if (!is_aligned(hpa.raw, size))
		return "it is not aligned for its level";
	if ((leaf.raw & ~PTE_PPN) != (pass->leaf_flags | PTE_V))
		return "its flags are not those of all leaves";
	pass->mapped += size;
	return NULL;
}

static bool overlaps(const struct guest_memory *memory, uint64_t from, uint64_t size)
{
	return from < memory->base.raw + memory->size && memory->base.raw < from + size;
}

static const char *pointer_is_wrong(const struct pass *pass, pte_t pointer,
				    unsigned level, uint64_t from)
{
	if (level == 0)
		return "a pointer at level 0";
	if (pointer.raw & ~(PTE_PPN | PTE_V))
		return "a bit is set that no pointer has";
	if (!page_is_table(HPA(pte_address(pointer)), 0))
		return "it points to what is no table page";
	if (!overlaps(pass->memory, from, level_size(level)))
		return "a table where there is no RAM";
	return NULL;
}

static const char *check_entries(struct pass *pass, const pte_t *entries, unsigned count,
				 unsigned level, uint64_t first)
{
	const char *wrong = NULL;

	for (unsigned i = 0; !wrong && i < count; i++) {
		uint64_t from = first + i * level_size(level);
		const char *what = NULL;

		if (!pte_valid(entries[i])) {
			what = entries[i].raw ? "V is clear, but not all of it" : NULL;
		} else if (pte_is_leaf(entries[i])) {
			what = leaf_is_wrong(pass, entries[i], level, from);
		} else {
			what = pointer_is_wrong(pass, entries[i], level, from);
			if (!what)
				wrong = check_entries(
					pass, hpa_pointer(HPA(pte_address(entries[i]))),
					PTE_PER_TABLE, level - 1, from);
		}
		if (what)
			wrong = wrong_entry(entries[i], level, from, what);
	}
	return wrong;
}

const char *page_table_check(const struct page_table *table,
			     const struct guest_memory *memory, uint64_t leaf_flags)
{
	struct pass pass = {.memory = memory, .leaf_flags = leaf_flags};
	const char *wrong =
		check_entries(&pass, table->root, PTE_PER_TABLE << table->root_order,
			      table->levels - 1, 0);

	if (!wrong && pass.mapped != memory->size) {
		format_text(text, sizeof(text), "%lu bytes are mapped, the RAM has %lu",
			    pass.mapped, memory->size);
		wrong = text;
	}
	return wrong;
}
