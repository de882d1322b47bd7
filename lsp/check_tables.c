/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking of the tables of a vCPU's trees. See check_tables.h.
 *
 * One pass looks at every entry, counts the pages and marks each of them in a
 * window of host memory; where some lie outside of it, further passes over the
 * pointers alone mark those. The form of an entry is said here once more, so
 * that tree.c is not checked against its own mistake.
 */
#include "lsp/check_tables.h"
#include "mm/page_alloc.h"

/* RSW of a leaf: the level of the guest's leaf, 3 for 3 and 4. Of a pointer: */
#define SPLIT_MARK   (UINT64_C(1) << PTE_RSW_SHIFT)
#define ORIGIN_WIDE  3
#define WIDE_LEVELS  (1u << 3 | 1u << 4)
#define LEAF_NEVER   (PTE_HIGH | PTE_G)
#define POINTER_BITS (PTE_PPN | SPLIT_MARK | PTE_V)

/* Entries that are looked at together, since most are zero. */
#define STRIDE 8

/* 32 MiB of host memory, aligned: 1 KiB of marks. */
#define WINDOW_PAGES 8192
#define WINDOW_SIZE  (WINDOW_PAGES * PAGE_SIZE)

char check_text[192];

struct window {
	uint64_t base;
	bool below;    /* some page lies below it, */
	uint64_t next; /* and this is the lowest one beyond it */
	uint64_t marks[WINDOW_PAGES / 64];
};

struct pass {
	const struct lsp_vcpu *space;
	const struct shadow_tree *tree;
	const struct guest_run *run; /* where the last leaf led */
	uint64_t pages;		     /* reached so far, in all trees */
	bool only_marks;	     /* the entries have been found to be right */
	struct window window;
};

/* Where in a tree: the table of this level whose first entry is for `first`. */
struct place {
	const pte_t *table;
	unsigned level;
	uint64_t first;
	unsigned split; /* bit n: the pointer of level n on the way is marked */
	uint64_t form;	/* of a leaf that was right: all of it but the address */
};

static const char *wrong_entry(const struct pass *pass, const struct place *place,
			       unsigned index, const char *what)
{
	return CHECK_WRONG("tree of satp 0x%lx: entry 0x%lx of level %u for 0x%lx: %s",
			   pass->tree->satp, place->table[index].raw, place->level,
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

static const char *form_is_wrong(const struct shadow_tree *tree,
				 const struct place *place, pte_t leaf)
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
		return "no pointer above it is marked for the guest leaf it came from";
	if (tree->bare && !(leaf.raw & PTE_U) == tree->user)
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
	uint64_t size = level_size(place->level);

	return (leaf.raw & ~PTE_PPN) == place->form &&
	       leads_into(pass->run, leaf, size) && is_aligned(pte_address(leaf), size) &&
	       !pass->tree->bare;
}

static const char *leaf_is_wrong(struct pass *pass, struct place *place, unsigned index)
{
	const struct guest_memory *memory = pass->space->memory;
	pte_t leaf = place->table[index];
	uint64_t size = level_size(place->level);
	const struct guest_run *run = find_run(memory, leaf, size);
	const char *wrong = form_is_wrong(pass->tree, place, leaf);
	hpa_t same;

	if (!run)
		return "it maps what is not the VM's memory";
	if (!is_aligned(pte_address(leaf), size))
		return "it is not aligned for its level";
	if (wrong)
		return wrong;
	/* Bare translates to the same address. */
	if (pass->tree->bare &&
	    (!guest_memory_find(memory, GPA(place->first + index * size), size, &same) ||
	     same.raw != pte_address(leaf)))
		return "satp is Bare, and it maps another address";
	pass->run = run;
	place->form = leaf.raw & ~PTE_PPN;
	return NULL;
}

/* ---- pointers ---- */

static bool is_pointer(pte_t entry)
{
	return pte_valid(entry) && !pte_is_leaf(entry);
}

static struct place below(const struct place *place, unsigned index)
{
	pte_t pointer = place->table[index];

	return (struct place){
		.table = hpa_pointer(HPA(pte_address(pointer))),
		.level = place->level - 1,
		.first = place->first + index * level_size(place->level),
		.split = place->split |
			 ((pointer.raw & SPLIT_MARK) ? 1u << place->level : 0),
	};
}

static const char *pointer_is_wrong(const struct place *place, pte_t pointer)
{
	if (place->level == 0)
		return "a pointer at level 0";
	if (pointer.raw & ~POINTER_BITS)
		return "a bit is set that no pointer has";
	if (!page_is_taken(HPA(pte_address(pointer))))
		return "it points to what is no shadow page";
	return NULL;
}

/* False if the page was reached before. */
static bool mark(struct window *window, const pte_t *page)
{
	uint64_t address = (uintptr_t)page;
	uint64_t index = (address - window->base) >> PAGE_SHIFT;
	uint64_t bit = UINT64_C(1) << index % 64;

	if (address < window->base) {
		window->below = true;
		return true;
	}
	if (index >= WINDOW_PAGES) {
		if (address < window->next)
			window->next = address;
		return true;
	}
	if (window->marks[index / 64] & bit)
		return false;
	window->marks[index / 64] |= bit;
	return true;
}

static const char *mark_page(struct pass *pass, const struct place *place)
{
	if (mark(&pass->window, place->table))
		return NULL;
	return CHECK_WRONG("page 0x%lx is reached twice, the second time for 0x%lx at "
			   "level %u of the tree of satp 0x%lx",
			   (uintptr_t)place->table, place->first, place->level,
			   pass->tree->satp);
}

/* ---- tables ---- */

/* Most tables are nearly empty. Spelled out, since nothing else here takes longer. */
static bool stride_is_zero(const pte_t *e)
{
	return (e[0].raw | e[1].raw | e[2].raw | e[3].raw | e[4].raw | e[5].raw |
		e[6].raw | e[7].raw) == 0;
}

static const char *entry_is_wrong(struct pass *pass, struct place *place, unsigned index)
{
	pte_t entry = place->table[index];

	if (!pte_valid(entry))
		return "V is clear, but not all of it";
	return pte_is_leaf(entry) ? leaf_is_wrong(pass, place, index)
				  : pointer_is_wrong(place, entry);
}

static const char *check_table(struct pass *pass, struct place place);

static const char *check_stride(struct pass *pass, struct place *place, unsigned from)
{
	const char *wrong;

	for (unsigned i = from; i < from + STRIDE; i++) {
		pte_t entry = place->table[i];

		if (entry.raw == 0 || is_like_the_last(pass, place, entry))
			continue;
		wrong = entry_is_wrong(pass, place, i);
		if (wrong)
			return wrong_entry(pass, place, i, wrong);
		if (is_pointer(entry)) {
			wrong = check_table(pass, below(place, i));
			if (wrong)
				return wrong;
		}
	}
	return NULL;
}

/* The sum of pages bounds the walk, whatever loops there are. */
static const char *check_table(struct pass *pass, struct place place)
{
	const char *wrong = mark_page(pass, &place);

	if (!wrong && ++pass->pages > pass->space->pool.used)
		return CHECK_WRONG("%lu pages in use, but more are in trees",
				   pass->space->pool.used);
	for (unsigned i = 0; !wrong && i < PTE_PER_TABLE; i += STRIDE)
		if (!stride_is_zero(&place.table[i]))
			wrong = check_stride(pass, &place, i);
	return wrong;
}

/* Only what points: the tables are known to be well-formed by now. */
static const char *mark_table(struct pass *pass, struct place place)
{
	const char *wrong = mark_page(pass, &place);

	for (unsigned i = 0; place.level > 0 && !wrong && i < PTE_PER_TABLE; i++) {
		if (i % STRIDE == 0 && stride_is_zero(&place.table[i]))
			i += STRIDE - 1;
		else if (is_pointer(place.table[i]))
			wrong = mark_table(pass, below(&place, i));
	}
	return wrong;
}

static const char *check_each_tree(struct pass *pass)
{
	const char *wrong = NULL;

	for (unsigned i = 0; !wrong && i < TREE_LIMIT; i++) {
		const struct shadow_tree *tree = &pass->space->trees[i];
		struct place root = {.table = tree->root};

		if (!tree->root)
			continue;
		pass->tree = tree;
		root.level = mode_levels(tree->mode) - 1;
		wrong = pass->only_marks ? mark_table(pass, root)
					 : check_table(pass, root);
	}
	return wrong;
}

static struct window window_at(uint64_t base)
{
	return (struct window){
		.base = align_down(base, WINDOW_SIZE),
		.next = UINT64_MAX,
	};
}

/* From the lowest address up, each time to the lowest page not marked yet. */
static const char *mark_all(struct pass *pass)
{
	const char *wrong = NULL;

	pass->only_marks = true;
	for (uint64_t base = 0; !wrong && base != UINT64_MAX; base = pass->window.next) {
		pass->window = window_at(base);
		wrong = check_each_tree(pass);
	}
	return wrong;
}

const char *check_tables(const struct lsp_vcpu *space)
{
	struct pass pass = {
		.space = space,
		.run = space->memory->runs,
		.window = window_at((uintptr_t)space->active->root),
	};
	const char *wrong = check_each_tree(&pass);

	if (wrong)
		return wrong;
	if (pass.pages != space->pool.used)
		return CHECK_WRONG("%lu pages in use, %lu of them in trees",
				   space->pool.used, pass.pages);
	/* Usually there is one window to look at, and it was. */
	if (pass.window.below || pass.window.next != UINT64_MAX)
		return mark_all(&pass);
	return NULL;
}
