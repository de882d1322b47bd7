/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest page-table walker. See walker.h. */
#include "lsp/walker.h"

/* False: the table is not in RAM, which a hart answers with an access fault. */
static bool read_pte(const struct guest_memory *memory, gpa_t at, unsigned level,
		     struct walk *walk)
{
	const struct guest_run *run = &memory->runs[0];
	hpa_t hpa = HPA(run->hpa.raw + (at.raw - run->gpa.raw));

	/* Most of RAM is one run, whose size is a multiple of a PTE's. */
	if (at.raw - run->gpa.raw >= run->size &&
	    !guest_memory_find(memory, at, sizeof(pte_t), &hpa))
		return false;
	walk->at[level] = hpa_pointer(hpa);
	walk->read[level] = pte_read(walk->at[level]);
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

enum guest_entry guest_entry_kind(pte_t pte, unsigned level)
{
	if (is_malformed(pte))
		return GUEST_ENTRY_FAULT;
	if (pte_is_leaf(pte))
		return leaf_is_malformed(pte, level) ? GUEST_ENTRY_FAULT
						     : GUEST_ENTRY_LEAF;
	return pointer_is_malformed(pte, level) ? GUEST_ENTRY_FAULT : GUEST_ENTRY_POINTER;
}

static void found(const struct guest_memory *memory, struct walk *walk, unsigned level,
		  gva_t gva)
{
	walk->leaf = walk->read[level];
	walk->level = level;
	walk->gpa = GPA(pte_address(walk->leaf) | (gva.raw & (level_size(level) - 1)));
	walk->outcome =
		guest_memory_run(memory, walk->gpa) ? OUTCOME_FILLED : OUTCOME_DEVICE;
}

/* The outcome is PAGE_FAULT already, for all encodings that end a walk so. */
static void walk_tables(const struct guest_memory *memory, uint64_t satp, gva_t gva,
			struct walk *walk)
{
	unsigned levels = mode_levels(satp_mode(satp));
	gpa_t table = GPA(satp_root(satp));

	if (!gva_is_canonical(gva, levels))
		return;
	for (unsigned level = levels; level-- > 0;) {
		gpa_t at = GPA(table.raw + level_index(gva.raw, level) * sizeof(pte_t));

		if (!read_pte(memory, at, level, walk)) {
			walk->outcome = OUTCOME_ACCESS_FAULT;
			return;
		}
		switch (guest_entry_kind(walk->read[level], level)) {
		case GUEST_ENTRY_FAULT:
			return;
		case GUEST_ENTRY_LEAF:
			found(memory, walk, level, gva);
			return;
		case GUEST_ENTRY_POINTER:
			table = GPA(pte_address(walk->read[level]));
		}
	}
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
	return (leaf.raw & PTE_W) != 0;
}

bool leaf_permits(pte_t leaf, const struct access *access)
{
	bool user_page = (leaf.raw & PTE_U) != 0;

	if (access->user != user_page &&
	    (access->user || !access->sum || access->kind == ACCESS_FETCH))
		return false;
	return kind_is_permitted(leaf, access);
}

/* D is for what stores alone, and "updates to the D bit must be exact". */
static uint64_t marks_of(const struct access *access)
{
	return access->kind == ACCESS_STORE ? PTE_A | PTE_D : PTE_A;
}

bool leaf_is_marked(pte_t leaf, const struct access *access)
{
	uint64_t marks = marks_of(access);

	return (leaf.raw & marks) == marks;
}

/*
 * Step 9 of the translation process: the comparison and the update are one, so that
 * all that was checked holds for the PTE that is written, and no store of another hart
 * is lost. Nothing is write-protected where harts set A and D, and a PTE was read from
 * RAM, so it is written where it is. The access comes after the update for all harts,
 * and what makes it is no instruction of ours: hence a barrier.
 */
bool leaf_mark(pte_t *at, pte_t *leaf, const struct access *access)
{
	pte_t marked = PTE(leaf->raw | marks_of(access));

	if (marked.raw == leaf->raw)
		return true;
	if (!__atomic_compare_exchange_n(&at->raw, &leaf->raw, marked.raw, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*leaf = marked;
	return true;
}

static void walk_bare(const struct guest_memory *memory, gva_t gva, struct walk *walk)
{
	walk->gpa = GPA(gva.raw);
	walk->outcome =
		guest_memory_run(memory, walk->gpa) ? OUTCOME_FILLED : OUTCOME_DEVICE;
}

struct walk guest_walk_leaf(const struct guest_memory *memory, uint64_t satp, gva_t gva)
{
	struct walk walk;

	/* The rest says nothing but where outcome and level say it does. */
	walk.outcome = OUTCOME_PAGE_FAULT;
	walk.level = 0;
	walk.ahead = NULL;
	walk.at[0] = NULL;
	walk.leaf = PTE(0);
	if (satp_mode(satp) == SATP_BARE)
		walk_bare(memory, gva, &walk);
	else
		walk_tables(memory, satp, gva, &walk);
	return walk;
}

struct walk guest_walk_permitted(const struct guest_memory *memory, uint64_t satp,
				 const struct access *access)
{
	struct walk walk = guest_walk_leaf(memory, satp, access->gva);

	if (walk_has_leaf(&walk) && satp_mode(satp) != SATP_BARE &&
	    !leaf_permits(walk.leaf, access))
		walk.outcome = OUTCOME_PAGE_FAULT;
	return walk;
}

struct walk guest_walk(const struct guest_memory *memory, uint64_t satp,
		       const struct access *access)
{
	struct walk walk = guest_walk_permitted(memory, satp, access);

	if (walk_has_leaf(&walk) && satp_mode(satp) != SATP_BARE &&
	    !leaf_is_marked(walk.leaf, access))
		walk.outcome = OUTCOME_PAGE_FAULT;
	return walk;
}
