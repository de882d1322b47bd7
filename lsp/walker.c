/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest page-table walker. See walker.h. */
#include "lsp/walker.h"

static struct walk walk_ends(enum outcome outcome)
{
	return (struct walk){.outcome = outcome};
}

/* False: the table is not in RAM, which a hart answers with an access fault. */
static bool read_pte(const struct guest_memory *memory, gpa_t table, unsigned index,
		     pte_t *pte)
{
	gpa_t at = GPA(table.raw + index * sizeof(pte_t));
	hpa_t hpa;

	if (!guest_memory_find(memory, at, sizeof(pte_t), &hpa))
		return false;
	pte->raw = __atomic_load_n((uint64_t *)hpa_pointer(hpa), __ATOMIC_RELAXED);
	return true;
}

/* Encodings that fault at any level: none of the high bits is offered. */
static bool is_malformed(pte_t pte)
{
	if (!pte_valid(pte) || (pte.raw & PTE_HIGH))
		return true;
	return (pte.raw & (PTE_R | PTE_W)) == PTE_W;
}

/* A, D and U are reserved in a pointer, and there is no table below level 0. */
static bool pointer_is_malformed(pte_t pte, unsigned level)
{
	return level == 0 || (pte.raw & (PTE_A | PTE_D | PTE_U)) != 0;
}

static bool leaf_is_malformed(pte_t pte, unsigned level)
{
	return !is_aligned(pte_address(pte), level_size(level));
}

static struct walk found(const struct guest_memory *memory, pte_t leaf, unsigned level,
			 gva_t gva)
{
	struct walk walk = {
		.outcome = OUTCOME_DEVICE,
		.gpa = GPA(pte_address(leaf) | (gva.raw & (level_size(level) - 1))),
		.leaf = leaf,
		.level = level,
	};

	if (guest_memory_run(memory, walk.gpa))
		walk.outcome = OUTCOME_FILLED;
	return walk;
}

static struct walk walk_tables(const struct guest_memory *memory, uint64_t satp,
			       gva_t gva)
{
	unsigned levels = mode_levels(satp_mode(satp));
	gpa_t table = GPA(satp_root(satp));

	if (!gva_is_canonical(gva, levels))
		return walk_ends(OUTCOME_PAGE_FAULT);
	for (unsigned level = levels; level-- > 0;) {
		pte_t pte;

		if (!read_pte(memory, table, level_index(gva.raw, level), &pte))
			return walk_ends(OUTCOME_ACCESS_FAULT);
		if (is_malformed(pte))
			break;
		if (pte_is_leaf(pte)) {
			if (leaf_is_malformed(pte, level))
				break;
			return found(memory, pte, level, gva);
		}
		if (pointer_is_malformed(pte, level))
			break;
		table = GPA(pte_address(pte));
	}
	return walk_ends(OUTCOME_PAGE_FAULT);
}

static bool kind_is_permitted(pte_t leaf, const struct access *access)
{
	switch (access->kind) {
	case ACCESS_FETCH:
		return (leaf.raw & PTE_X) != 0;
	case ACCESS_LOAD:
		return (leaf.raw & PTE_R) || (access->mxr && (leaf.raw & PTE_X));
	case ACCESS_STORE:
		break;
	}
	return (leaf.raw & PTE_W) && (leaf.raw & PTE_D);
}

bool leaf_permits(pte_t leaf, const struct access *access)
{
	bool user_page = (leaf.raw & PTE_U) != 0;

	if (access->user != user_page &&
	    (access->user || !access->sum || access->kind == ACCESS_FETCH))
		return false;
	return (leaf.raw & PTE_A) && kind_is_permitted(leaf, access);
}

static struct walk walk_bare(const struct guest_memory *memory, gva_t gva)
{
	struct walk walk = {.outcome = OUTCOME_DEVICE, .gpa = GPA(gva.raw)};

	if (guest_memory_run(memory, walk.gpa))
		walk.outcome = OUTCOME_FILLED;
	return walk;
}

struct walk guest_walk(const struct guest_memory *memory, uint64_t satp,
		       const struct access *access)
{
	struct walk walk;

	if (satp_mode(satp) == SATP_BARE)
		return walk_bare(memory, access->gva);
	walk = walk_tables(memory, satp, access->gva);
	if ((walk.outcome == OUTCOME_FILLED || walk.outcome == OUTCOME_DEVICE) &&
	    !leaf_permits(walk.leaf, access))
		return walk_ends(OUTCOME_PAGE_FAULT);
	return walk;
}

struct walk guest_walk_leaf(const struct guest_memory *memory, uint64_t satp, gva_t gva)
{
	if (satp_mode(satp) == SATP_BARE)
		return walk_bare(memory, gva);
	return walk_tables(memory, satp, gva);
}
