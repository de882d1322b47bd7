/* SPDX-License-Identifier: BSD-2-Clause */
/* What a TLB may hold. See model.h. */
#include "tests/oracle/model.h"

#include <string.h>

#include "tests/unit/host_ram.h"

#define V 0x001u
#define R 0x002u
#define W 0x004u
#define X 0x008u
#define U 0x010u
#define G 0x020u
#define A 0x040u
#define D 0x080u

#define TABLE_LIMIT 64

static unsigned mode_of(uint64_t satp)
{
	return (unsigned)(satp >> 60);
}

static unsigned asid_of(uint64_t satp)
{
	return (unsigned)(satp >> 44) & 0xffff;
}

static uint64_t physical(uint64_t ppn)
{
	return (ppn & ((UINT64_C(1) << 44) - 1)) << 12;
}

/* Sv39 has 3 levels, Sv48 4, Sv57 5. */
static unsigned levels_of(uint64_t satp)
{
	return mode_of(satp) - 5;
}

static uint64_t span(unsigned level)
{
	return UINT64_C(1) << (12 + 9 * level);
}

static bool is_canonical(uint64_t address, unsigned levels)
{
	uint64_t upper = address >> (11 + 9 * levels);

	return upper == 0 || upper == ~UINT64_C(0) >> (11 + 9 * levels);
}

/* ---- PTEs, step 3 to 5 of the translation process ---- */

enum nature { NATURE_FAULT, NATURE_POINTER, NATURE_LEAF };

static enum nature nature_of(uint64_t pte, unsigned level)
{
	if (!(pte & V) || (!(pte & R) && (pte & W)))
		return NATURE_FAULT;
	if (pte >> 54)
		return NATURE_FAULT;
	if (pte & (R | X))
		return (physical(pte >> 10) & (span(level) - 1)) ? NATURE_FAULT
								 : NATURE_LEAF;
	if (level == 0 || (pte & (U | A | D)))
		return NATURE_FAULT;
	return NATURE_POINTER;
}

/* Whatever A and D are. */
static bool permits(uint64_t pte, const struct access *access)
{
	if (access->user && !(pte & U))
		return false;
	if (!access->user && (pte & U) && (access->kind == ACCESS_FETCH || !access->sum))
		return false;
	switch (access->kind) {
	case ACCESS_FETCH:
		return (pte & X) != 0;
	case ACCESS_STORE:
		return (pte & W) != 0;
	case ACCESS_LOAD:
		break;
	}
	return (pte & R) || (access->mxr && (pte & X));
}

bool model_permits(uint64_t pte, const struct access *access)
{
	return (pte & V) && (pte & (R | W)) != W && permits(pte, access);
}

/* Step 9: what has to be set before an access is made through the leaf. */
static uint64_t lacking(uint64_t pte, const struct access *access)
{
	return (access->kind == ACCESS_STORE ? A | D : A) & ~pte;
}

/* ---- what is kept ---- */

static int *bucket_of(struct model *model, unsigned level, uint64_t prefix)
{
	uint64_t hash = ((prefix >> 12) + level) * 0x9e3779b97f4a7c15u;

	return &model->buckets[hash >> 54];
}

static bool is_same(const struct kept *left, const struct kept *right)
{
	return left->satp == right->satp && left->prefix == right->prefix &&
	       left->pte == right->pte && left->level == right->level &&
	       left->global == right->global;
}

static void keep(struct model *model, struct kept entry)
{
	int *bucket = bucket_of(model, entry.level, entry.prefix);

	for (int at = *bucket; at >= 0; at = model->kept[at].next)
		if (is_same(&model->kept[at], &entry))
			return;
	assert_true(model->count < MODEL_LIMIT);
	entry.next = *bucket;
	*bucket = (int)model->count;
	model->kept[model->count++] = entry;
}

static bool is_worth_keeping(const struct model *model, uint64_t pte, unsigned level)
{
	return model->strength == MODEL_ISA || nature_of(pte, level) == NATURE_LEAF;
}

/*
 * Whether an entry read under one satp may serve under another. Promised is that of
 * leaves only such do as are marked G themselves, and only in their MODE.
 */
static bool may_serve(const struct model *model, const struct kept *entry)
{
	if (model->strength == MODEL_PROMISE)
		return entry->satp == model->satp ||
		       ((entry->pte & G) && mode_of(entry->satp) == mode_of(model->satp));
	return entry->global || asid_of(entry->satp) == asid_of(model->satp);
}

bool model_is_full(const struct model *model)
{
	return model->count > MODEL_LIMIT - 16 * ORACLE_ADDRESSES;
}

static void forget_all(struct model *model)
{
	model->count = 0;
	memset(model->buckets, -1, sizeof(model->buckets));
}

/* ---- walks ---- */

struct tables {
	unsigned count;
	struct {
		uint64_t gpa;
		bool global;
	} at[TABLE_LIMIT];
};

struct candidate {
	uint64_t pte;
	unsigned level;
	bool global;
	bool now;
	uint64_t at; /* in memory, if now */
};

/* Where a walk is, and for what: access is NULL for one that only looks ahead. */
struct walk {
	struct model *model;
	uint64_t address;
	const struct access *access;
	struct legal *legal;
};

static void add_table(struct tables *tables, uint64_t gpa, bool global)
{
	for (unsigned i = 0; i < tables->count; i++)
		if (tables->at[i].gpa == gpa && tables->at[i].global == global)
			return;
	assert_true(tables->count < TABLE_LIMIT);
	tables->at[tables->count].gpa = gpa;
	tables->at[tables->count++].global = global;
}

static void add_reach(struct legal *legal, uint64_t gpa, bool now)
{
	for (unsigned i = 0; i < legal->count; i++)
		if (legal->reaches[i].gpa == gpa && legal->reaches[i].now == now)
			return;
	assert_true(legal->count < LEGAL_LIMIT);
	legal->reaches[legal->count].gpa = gpa;
	legal->reaches[legal->count++].now = now;
}

static void add_mark(struct legal *legal, const struct candidate *candidate,
		     uint64_t bits, uint64_t gpa)
{
	for (unsigned i = 0; i < legal->mark_count; i++)
		if (legal->marks[i].at == candidate->at && legal->marks[i].gpa == gpa)
			return;
	assert_true(legal->mark_count < MARK_LIMIT);
	legal->marks[legal->mark_count].at = candidate->at;
	legal->marks[legal->mark_count].bits = bits;
	legal->marks[legal->mark_count++].gpa = gpa;
}

/* A fault that only kept entries lead to is the ISA's, not ours. */
static bool fault_is_legal(const struct walk *walk, bool now)
{
	return now || walk->model->strength == MODEL_ISA;
}

static void use_leaf(struct walk *walk, const struct candidate *candidate)
{
	uint64_t offset = walk->address & (span(candidate->level) - 1);
	uint64_t gpa = physical(candidate->pte >> 10) | offset, bits;
	bool is_fault;

	if (!walk->access)
		return;
	bits = lacking(candidate->pte, walk->access);
	is_fault =
		!permits(candidate->pte, walk->access) || (bits && !walk->model->svadu);
	if (is_fault)
		walk->legal->page_fault |= fault_is_legal(walk, candidate->now);
	else if (!bits)
		add_reach(walk->legal, gpa, candidate->now);
	else if (candidate->now)
		add_mark(walk->legal, candidate, bits, gpa);
}

static void use(struct walk *walk, const struct candidate *candidate,
		struct tables *below)
{
	switch (nature_of(candidate->pte, candidate->level)) {
	case NATURE_LEAF:
		use_leaf(walk, candidate);
		break;
	case NATURE_POINTER:
		add_table(below, physical(candidate->pte >> 10),
			  candidate->global || (candidate->pte & G));
		break;
	case NATURE_FAULT:
		if (walk->access)
			walk->legal->page_fault |= fault_is_legal(walk, candidate->now);
	}
}

static void use_memory(struct walk *walk, uint64_t table, unsigned level, bool global,
		       struct tables *below)
{
	uint64_t index = walk->address >> (12 + 9 * level) & 511;
	uint64_t at = table + 8 * index;
	struct candidate candidate = {
		.level = level, .global = global, .now = true, .at = at};

	if (!guest_is_ram(at, 8)) {
		if (walk->access)
			walk->legal->access_fault = true;
		return;
	}
	candidate.pte = guest_read(walk->model->guest, at);
	candidate.global |= (candidate.pte & V) && (candidate.pte & G);
	if (is_worth_keeping(walk->model, candidate.pte, level))
		keep(walk->model,
		     (struct kept){.satp = walk->model->satp,
				   .prefix = walk->address & ~(span(level) - 1),
				   .pte = candidate.pte,
				   .level = (uint8_t)level,
				   .global = candidate.global});
	use(walk, &candidate, below);
}

static void use_kept(struct walk *walk, unsigned level, struct tables *below)
{
	struct model *model = walk->model;
	uint64_t prefix = walk->address & ~(span(level) - 1);
	int at = *bucket_of(model, level, prefix);

	for (; at >= 0; at = model->kept[at].next) {
		const struct kept *entry = &model->kept[at];
		const struct candidate candidate = {
			.pte = entry->pte, .level = level, .global = entry->global};

		if (entry->prefix == prefix && entry->level == level &&
		    may_serve(model, entry))
			use(walk, &candidate, below);
	}
}

/*
 * All paths from the root at once: at each level the PTEs in memory, of every
 * table that a path has led to, and those kept. Without an access, on to every
 * address there is.
 */
static void walk_tables(struct walk *walk, const struct tables *tables, unsigned level)
{
	struct tables below;
	uint64_t address = walk->address;

	below.count = 0;
	for (unsigned i = 0; i < tables->count; i++)
		use_memory(walk, tables->at[i].gpa, level, tables->at[i].global, &below);
	use_kept(walk, level, &below);
	if (level == 0)
		return;
	if (walk->access) {
		walk_tables(walk, &below, level - 1);
		return;
	}
	for (unsigned i = 0; below.count > 0 && i < guest_indices[level - 1].count; i++) {
		walk->address = address | (uint64_t)guest_indices[level - 1].at[i]
						  << (12 + 9 * (level - 1));
		walk_tables(walk, &below, level - 1);
	}
}

static void walk_root(struct walk *walk)
{
	uint64_t satp = walk->model->satp;
	struct tables root;

	root.count = 1;
	root.at[0].gpa = physical(satp);
	root.at[0].global = false;
	walk_tables(walk, &root, levels_of(satp) - 1);
}

void model_walk_ahead(struct model *model)
{
	struct walk walk = {.model = model};
	unsigned top, shift;

	if (mode_of(model->satp) == 0)
		return;
	top = levels_of(model->satp) - 1;
	shift = 64 - 12 - 9 * (top + 1);
	for (unsigned i = 0; i < guest_indices[top].count; i++) {
		uint64_t index = guest_indices[top].at[i];

		/* The upper bits as the highest that is translated. */
		walk.address =
			(uint64_t)((int64_t)(index << (12 + 9 * top + shift)) >> shift);
		walk_root(&walk);
	}
}

/* ---- the hart ---- */

void model_reset(struct model *model, const struct guest *guest,
		 enum model_strength strength, bool svadu)
{
	model->guest = guest;
	model->strength = strength;
	model->svadu = svadu;
	model->satp = 0;
	forget_all(model);
}

void model_satp(struct model *model, uint64_t satp)
{
	unsigned mode = mode_of(satp);

	/* Even an unsupported MODE is below 16. */
	if (mode != 0 && !(model->guest->modes >> mode & 1))
		return;
	model->satp = satp;
	model_walk_ahead(model);
}

/*
 * "sfence.vma with rs1 = x0 orders all levels of the page tables; else leaf PTEs
 * that correspond to the address alone. With rs2 = x0 all address spaces; else
 * the ASID's, but for global mappings."
 */
static bool is_covered(const struct kept *entry, const struct fence *fence)
{
	uint64_t first = fence->start.raw & ~UINT64_C(0xfff);
	uint64_t last = fence->start.raw + fence->size - 1;

	if (fence->has_asid && (entry->global || asid_of(entry->satp) != fence->asid))
		return false;
	if (!fence->has_address)
		return true;
	if (fence->size == 0 || nature_of(entry->pte, entry->level) == NATURE_POINTER)
		return false;
	return first <= entry->prefix + (span(entry->level) - 1) && last >= entry->prefix;
}

void model_fence(struct model *model, const struct fence *fence)
{
	unsigned count = model->count;

	forget_all(model);
	for (unsigned i = 0; i < count; i++) {
		struct kept entry = model->kept[i];

		if (!is_covered(&entry, fence))
			keep(model, entry);
	}
	model_walk_ahead(model);
}

void model_access(struct model *model, const struct access *access, struct legal *legal)
{
	struct walk walk;

	legal->page_fault = legal->access_fault = false;
	legal->count = legal->mark_count = 0;
	if (mode_of(model->satp) == 0) {
		add_reach(legal, access->gva.raw, true);
		return;
	}
	if (!is_canonical(access->gva.raw, levels_of(model->satp))) {
		legal->page_fault = true;
		return;
	}
	walk.model = model;
	walk.address = access->gva.raw;
	walk.access = access;
	walk.legal = legal;
	walk_root(&walk);
}
