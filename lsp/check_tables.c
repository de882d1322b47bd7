/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking of the tables of a vCPU's trees. See check_tables.h.
 *
 * One pass looks at every entry of the tables that the hart can come to now, and at
 * software's side of it; what is in others is looked at when it can. A whole one comes
 * to those too, and sums up the pages of all. Each table is marked in a window of host
 * memory, so that one that is reached twice is seen; where it lies outside of it, the
 * sums tell, and further passes find it. The form of an entry is said here once more,
 * so that the engine is not checked against its own mistake.
 */
#include "lsp/check_tables.h"
#include "lsp/check_scan.h"
#include "lsp/check_window.h"
#include "mm/page_alloc.h"

/* RSW of a leaf: the level of the guest's leaf, 3 for 3 and 4. */
#define ORIGIN_WIDE 3
#define WIDE_LEVELS (1u << 3 | 1u << 4)
#define LEAF_NEVER  (PTE_HIGH | PTE_G)

#define WRONG_BELOW "the bit that says what hangs below it is wrong"
#define NO_PAGE	    "what hangs below it is no shadow page"

char check_text[192];

struct pass {
	const struct lsp_vcpu *space;
	const struct shadow_tree *tree; /* NULL: global tables */
	const struct globals *globals;	/* of the same MODE; NULL: the tree is Bare */
	const struct guest_run *run;	/* where the last leaf led */
	uint64_t pages;			/* of all tables so far, */
	uint64_t marks;			/* and the sum of their marks */
	bool whole;
	bool only_marks; /* the entries have been found to be right */
	struct check_window window;
};

/* Where in a tree: the table of this level whose first entry is for `first`. */
struct place {
	const pte_t *table;
	unsigned level;
	bool is_root;
	bool in_reach; /* of the hart, by what it walks now */
	uint64_t first;
	unsigned split; /* bit n: the slot of level n on the way is marked */
	uint64_t form;	/* of a leaf that was right: all of it but the address */
};

static const char *wrong_entry(const struct pass *pass, const struct place *place,
			       unsigned index, const char *what)
{
	return CHECK_WRONG("tree of satp 0x%lx%s: entry 0x%lx of level %u for 0x%lx: %s",
			   pass->tree ? pass->tree->satp : 0,
			   pass->tree ? "" : " (of global tables)",
			   place->table[index].raw, place->level,
			   place->first + index * level_size(place->level), what);
}

/* ---- leaves ---- */

/* What the leaf was made from is as large as it, or the way here is marked. */
static bool origin_is_marked(pte_t leaf, const struct place *place)
{
	unsigned origin = (unsigned)((leaf.raw & PTE_RSW) >> PTE_RSW_SHIFT);

	if (origin == ORIGIN_WIDE)
		return place->level >= ORIGIN_WIDE || (place->split & WIDE_LEVELS);
	return origin == place->level ||
	       (origin > place->level && (place->split & 1u << origin));
}

static bool is_bare(const struct pass *pass)
{
	return pass->tree && pass->tree->bare;
}

static const char *form_is_wrong(const struct pass *pass, const struct place *place,
				 pte_t leaf)
{
	if (!(leaf.raw & PTE_A))
		return "A is clear";
	if (leaf.raw & LEAF_NEVER)
		return "G or a high bit is set";
	if (!(leaf.raw & PTE_W) != !(leaf.raw & PTE_D))
		return "W and D differ";
	if ((leaf.raw & PTE_W) && !(leaf.raw & PTE_R))
		return "W without R";
	if (!origin_is_marked(leaf, place))
		return "no slot above it is marked for the guest leaf it came from";
	if (is_bare(pass) && !(leaf.raw & PTE_U) == pass->tree->user)
		return "U is not that of its tree";
	return NULL;
}

static bool leads_into(const struct guest_run *run, pte_t leaf, uint64_t size)
{
	return range_within(pte_address(leaf), size, run->hpa.raw, run->size);
}

static const struct guest_run *find_run(const struct guest_memory *memory, pte_t leaf,
					uint64_t size)
{
	for (unsigned i = 0; i < memory->run_count; i++)
		if (leads_into(&memory->runs[i], leaf, size))
			return &memory->runs[i];
	return NULL;
}

/* As most are: of the last leaf's form, and within the same run of memory. */
static bool is_like_the_last(const struct pass *pass, const struct place *place,
			     pte_t leaf)
{
	return (leaf.raw & ~PTE_PPN) == place->form &&
	       leads_into(pass->run, leaf, PAGE_SIZE) && !is_bare(pass);
}

static const char *leaf_is_wrong(struct pass *pass, struct place *place, unsigned index)
{
	const struct guest_memory *memory = pass->space->memory;
	pte_t leaf = place->table[index];
	uint64_t size = level_size(place->level);
	const struct guest_run *run = find_run(memory, leaf, size);
	const char *wrong = form_is_wrong(pass, place, leaf);
	hpa_t same;

	if (!run)
		return "it maps what is not the VM's memory";
	if (!is_aligned(pte_address(leaf), size))
		return "it is not aligned for its level";
	if (wrong)
		return wrong;
	/* Bare translates to the same address. */
	if (is_bare(pass) &&
	    (!guest_memory_find(memory, GPA(place->first + index * size), size, &same) ||
	     same.raw != pte_address(leaf)))
		return "satp is Bare, and it maps another address";
	pass->run = run;
	place->form = leaf.raw & ~PTE_PPN;
	return NULL;
}

/* ---- slots of pointer tables ---- */

/* What hangs below a slot; what is split above is not known of what is stale. */
static struct place below(const struct place *place, unsigned index)
{
	const struct table_side *side = table_side(place->table);
	unsigned split = slot_test(side->split, index) ? 1u << place->level : 0;

	return (struct place){
		.table = table_child(place->table, index),
		.level = place->level - 1,
		.in_reach = place->in_reach && slot_test(side->live, index),
		.first = place->first + index * level_size(place->level),
		.split = slot_test(side->live, index) ? place->split | split : ~0u,
	};
}

/* What is given back goes by the bits, what is linked by the numbers. */
static bool below_is_wrong(const struct place *place, unsigned index)
{
	const struct table_side *side = table_side(place->table);

	return slot_test(side->below, index) != (side->child[index] != 0);
}

static bool is_page(const pte_t *table, unsigned level)
{
	return page_is_table(pointer_hpa(table), table_pages(level) - 1);
}

static const char *pointer_is_wrong(pte_t pointer, const pte_t *child)
{
	if (pointer.raw & ~(PTE_PPN | PTE_V))
		return "a bit is set that no pointer has";
	if (!child || pte_address(pointer) != (uintptr_t)child)
		return "it is no pointer to the table below it";
	return NULL;
}

/* A copy of what global tables have, or an older leaf of theirs if not in force. */
static const char *shared_is_wrong(struct pass *pass, struct place *place, unsigned index)
{
	const struct globals *globals = pass->globals;
	pte_t entry = place->table[index];

	if (!place->is_root || !pass->tree || !globals || !globals->root)
		return "it is shared, where nothing is";
	if (slot_test(globals->private, index) || table_child(place->table, index))
		return "it is shared, and its tree's own";
	if (!slot_test(table_side(place->table)->live, index))
		return "it is shared, but not live";
	if (pass->tree == pass->space->active && entry.raw != globals->root[index].raw)
		return "it is shared, but not as it was linked";
	if (pte_is_leaf(entry))
		return leaf_is_wrong(pass, place, index);
	return pointer_is_wrong(entry, table_child(globals->root, index));
}

/* In the root of a tree, what is not shared is in slots that never will be. */
static bool is_marked_private(const struct pass *pass, const struct place *place,
			      unsigned index)
{
	return !place->is_root || !pass->tree || !pass->globals ||
	       slot_test(pass->globals->private, index);
}

static const char *slot_is_wrong(struct pass *pass, struct place *place, unsigned index)
{
	const struct table_side *side = table_side(place->table);
	const pte_t *child = table_child(place->table, index);
	pte_t entry = place->table[index];

	if (below_is_wrong(place, index))
		return WRONG_BELOW;
	if (slot_test(side->shared, index))
		return shared_is_wrong(pass, place, index);
	if (slot_test(side->split, index) &&
	    (!slot_test(side->live, index) || pte_is_leaf(entry)))
		return "it is marked as split, but is no table";
	if (!slot_test(side->live, index) && entry.raw != encoding.pointer.raw)
		return "something is there, but not live";
	if (child && !is_page(child, place->level - 1))
		return NO_PAGE;
	if ((child || slot_test(side->live, index)) &&
	    !is_marked_private(pass, place, index))
		return "it is its tree's own, but may be shared";
	if (!slot_test(side->live, index))
		return NULL;
	if (!pte_valid(entry))
		return "it is live, but nothing is there";
	if (!pte_is_leaf(entry))
		return pointer_is_wrong(entry, child);
	return child ? "a table hangs below a leaf" : leaf_is_wrong(pass, place, index);
}

/* ---- pages ---- */

static const char *check_table(struct pass *pass, struct place place);

static const char *mark_table(struct pass *pass, const struct place *place)
{
	if (check_window_mark(&pass->window, place->table))
		return NULL;
	return CHECK_WRONG("page 0x%lx is reached twice, the second time for 0x%lx at "
			   "level %u of the tree of satp 0x%lx",
			   (uintptr_t)place->table, place->first, place->level,
			   pass->tree ? pass->tree->satp : 0);
}

/* ---- tables ---- */

static bool stride_is_vacant(const struct place *place, unsigned from)
{
	if (place->level == 0)
		return stride_is(&place->table[from], encoding.leaf);
	return stride_is(&place->table[from], encoding.pointer) &&
	       slots_are_vacant(table_side(place->table), from);
}

static bool is_unsynced(pte_t entry)
{
	return entry.raw == encoding.leaf.raw ||
	       (encoding.delegates && entry.raw == (encoding.leaf.raw | PTE_U));
}

/* Of a tree's own tables, in the lower half, and not of satp Bare. */
static bool keeps_faults(const struct pass *pass, const struct place *place)
{
	unsigned half = PAGE_SHIFT - 1;

	if (!encoding.delegates || !pass->tree || is_bare(pass))
		return false;
	half += PTE_INDEX_BITS * mode_levels(pass->tree->mode);
	return !(place->first >> half & 1);
}

static const char *entry_is_wrong(struct pass *pass, struct place *place, unsigned index)
{
	pte_t entry = place->table[index];

	if (place->level > 0)
		return slot_is_wrong(pass, place, index);
	if (is_unsynced(entry) || is_like_the_last(pass, place, entry))
		return NULL;
	if (entry.raw == 0)
		return keeps_faults(pass, place) ? NULL : "a fault is kept for others";
	if (!pte_valid(entry))
		return "V is clear, but not all of it";
	if (!pte_is_leaf(entry))
		return "a pointer at level 0";
	return leaf_is_wrong(pass, place, index);
}

static const char *check_stride(struct pass *pass, struct place *place, unsigned from)
{
	for (unsigned i = from; i < from + STRIDE; i++) {
		const char *wrong = entry_is_wrong(pass, place, i);

		if (wrong)
			return wrong_entry(pass, place, i, wrong);
		if (place->level > 0 && table_child(place->table, i))
			wrong = check_table(pass, below(place, i));
		if (wrong)
			return wrong;
	}
	return NULL;
}

/* Of a table that is out of reach, or was looked at before: only what hangs there. */
static const char *check_children(struct pass *pass, const struct place *place)
{
	const char *wrong = NULL;

	for (unsigned i = 0; place->level > 0 && !wrong && i < PTE_PER_TABLE; i++) {
		const pte_t *child;

		if (i % STRIDE == 0 && !has_children(table_side(place->table), i)) {
			i += STRIDE - 1;
			continue;
		}
		if (below_is_wrong(place, i))
			return wrong_entry(pass, place, i, WRONG_BELOW);
		child = table_child(place->table, i);
		if (child && !is_page(child, place->level - 1))
			return wrong_entry(pass, place, i, NO_PAGE);
		if (child)
			wrong = check_table(pass, below(place, i));
	}
	return wrong;
}

/* The sum of pages bounds the walk, whatever loops there are. */
static const char *check_table(struct pass *pass, struct place place)
{
	const char *wrong;

	if (!pass->whole && !place.in_reach)
		return NULL;
	wrong = mark_table(pass, &place);
	if (!pass->only_marks) {
		pass->pages += table_pages(place.level);
		pass->marks += table_mark(place.table);
	}
	if (!wrong && pass->pages > pass->space->pool.used)
		return CHECK_WRONG("%lu pages in use, but more are in trees",
				   pass->space->pool.used);
	if (!wrong && (pass->only_marks || !place.in_reach))
		return check_children(pass, &place);
	for (unsigned i = 0; !wrong && i < PTE_PER_TABLE; i += STRIDE)
		if (!stride_is_vacant(&place, i))
			wrong = check_stride(pass, &place, i);
	return wrong;
}

/* Of global tables, the active tree has copies of all the pointers. */
static bool is_in_reach(const struct pass *pass, unsigned mode)
{
	const struct shadow_tree *active = pass->space->active;

	return pass->tree ? pass->tree == active : !active->bare && active->mode == mode;
}

static const char *check_root(struct pass *pass, const pte_t *root, unsigned mode)
{
	const struct place place = {
		.in_reach = is_in_reach(pass, mode),
		.table = root,
		.level = mode_levels(mode) - 1,
		.is_root = true,
	};

	pass->globals = is_bare(pass) ? NULL : &pass->space->globals[mode - SATP_SV39];
	return check_table(pass, place);
}

static const char *check_each_root(struct pass *pass)
{
	const struct lsp_vcpu *space = pass->space;
	const char *wrong = NULL;

	pass->tree = NULL;
	for (unsigned i = 0; !wrong && i < GLOBALS_MODES; i++)
		if (space->globals[i].root)
			wrong = check_root(pass, space->globals[i].root, SATP_SV39 + i);
	for (unsigned i = 0; !wrong && i < TREE_LIMIT; i++) {
		pass->tree = &space->trees[i];
		if (pass->tree->root)
			wrong = check_root(pass, pass->tree->root, pass->tree->mode);
	}
	return wrong;
}

/*
 * As many pages hang from the trees as are in use, but not the same ones. The windows go
 * from the lowest address up, each time to the lowest table not marked yet.
 */
static const char *find_marked_twice(struct pass *pass)
{
	const char *wrong = NULL;

	pass->only_marks = true;
	for (uint64_t base = 0; !wrong && base != UINT64_MAX; base = pass->window.next) {
		pass->window = check_window_at(base);
		wrong = check_each_root(pass);
	}
	return wrong ? wrong : CHECK_WRONG("other pages are in trees than are in use");
}

const char *check_tables(const struct lsp_vcpu *space, bool whole)
{
	struct pass pass = {
		.space = space,
		.whole = whole,
		.run = space->memory->runs,
		.window = check_window_at((uintptr_t)space->active->root),
	};
	const char *wrong = check_each_root(&pass);

	if (wrong || !whole)
		return wrong;
	if (pass.pages != space->pool.used)
		return CHECK_WRONG("%lu pages in use, %lu of them in trees",
				   space->pool.used, pass.pages);
	return pass.marks == space->pool.marks ? NULL : find_marked_twice(&pass);
}
