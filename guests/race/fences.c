/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Remote fences: no hart sees a mapping any more once a fence that covers its change
 * has returned, whatever the fence's form.
 *
 * Each hart owns some mappings in two address spaces. It gives one of them a new
 * version, which is another page, a page that is only read, or none; says before that
 * it is changing, and after the fence that it is in force. The others read the version
 * in force, access the mapping, and read the version that is being made: what they
 * find must be one from the first to the last of these. What they store in pages that
 * are mapped no longer must have come there before the fence returned.
 */
#include "core/types.h"
#include "guests/lib/csr.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"
#include "guests/race/race.h"

#define SPACES	      2
#define PAGES	      4
#define WINDOW	      20
#define ARRAY	      (2 * HARTS_MAX) /* mappings in a space: two of each hart */
#define VERSION_WORD  0
#define FIRST_WORD    1	   /* of the harts, which store in one each */
#define TURN	      1000 /* microseconds */
#define VERSION_READS 2	   /* of the 4 kinds of version */
#define VERSION_NONE  3

struct mapping {
	uint64_t changing; /* versions */
	uint64_t published;
	/* The rest is its owner's. */
	uint64_t va;
	uint64_t *pages[PAGES];
	uint64_t *pointer; /* NULL: it shares its table with others */
	uint64_t *tables[2];
	unsigned table;
	uint64_t kept[HARTS_MAX]; /* what was stored in the last version's page */
};

static struct space spaces[SPACES];
static struct mapping mappings[SPACES][ARRAY];

/* ---- before ---- */

static void prepare(const struct space *space, struct mapping *mapping, unsigned number)
{
	bool own_table = number >= HARTS_MAX;
	uint64_t first = window(space->mode, WINDOW);

	*mapping = (struct mapping){.va = first + number * PAGE_SIZE};
	if (own_table)
		mapping->va = first + number * level_size(1);
	for (unsigned i = 0; i < PAGES; i++)
		mapping->pages[i] = arena_alloc(PAGE_SIZE);
	mapping->tables[0] = space_map(space, mapping->va, 0,
				       (uintptr_t)mapping->pages[0], PTE_KERNEL) -
			     va_index(mapping->va, 0);
	mapping->tables[1] = arena_alloc(PAGE_SIZE);
	if (own_table)
		mapping->pointer = space_slot(space, mapping->va, 1);
}

void fences_prepare(const struct paging_mode *mode)
{
	for (unsigned i = 0; i < SPACES; i++) {
		space_init(&spaces[i], mode, i + 1);
		for (unsigned j = 0; j < ARRAY; j++)
			prepare(&spaces[i], &mappings[i][j], j);
	}
}

/* ---- fences ---- */

struct form {
	bool has_asid;
	bool everything;
	uint64_t before; /* bytes of the range before the mapping, and of it all */
	uint64_t size;
};

static const struct form forms[] = {
	{false, false, 0, PAGE_SIZE},
	{true, false, 0, PAGE_SIZE},
	{false, false, 3 * PAGE_SIZE, 8 * PAGE_SIZE},
	{true, false, 3 * PAGE_SIZE, 8 * PAGE_SIZE},
	{false, false, 90 * PAGE_SIZE, 100 * PAGE_SIZE},
	{true, false, 90 * PAGE_SIZE, 100 * PAGE_SIZE},
	{false, false, 1, 2},
	{true, false, 2 * PAGE_SIZE - 8, 2 * PAGE_SIZE},
	{false, true, 0, 0},
	{true, true, 0, 0},
	{false, true, 0, UINT64_MAX},
	{true, true, 0, UINT64_MAX},
};

static bool fence_harts(struct hart *hart, const struct form *form, uint64_t va,
			uint64_t asid, uint64_t mask, uint64_t base)
{
	uint64_t start = form->everything ? 0 : va - form->before;
	struct sbi_result result =
		SBI_CALL(SBI_EXT_RFENCE,
			 form->has_asid ? SBI_RFENCE_SFENCE_ASID : SBI_RFENCE_SFENCE,
			 mask, base, start, form->size, asid);

	if (result.error != SBI_SUCCESS)
		return race_fail(hart, "error of a remote fence", (uint64_t)result.error,
				 0, 0);
	return true;
}

/* The SBI names harts in three ways; and the caller may do its own. */
static bool fence(struct hart *hart, const struct form *form, uint64_t va, uint64_t asid)
{
	const uint64_t all = race_mask(), own = UINT64_C(1) << hart->id;

	switch (hart_random(hart, 4)) {
	case 0:
		return fence_harts(hart, form, va, asid, hart_random(hart, 4),
				   UINT64_MAX);
	case 1:
		return fence_harts(hart, form, va, asid, all, 0);
	case 2:
		for (unsigned i = 0; i < hart_count; i++)
			if (!fence_harts(hart, form, va, asid, 1, harts[i].id))
				return false;
		return true;
	default:
		if (form->everything)
			fence_all();
		else
			fence_va(va);
		return fence_harts(hart, form, va, asid, all & ~own, 0);
	}
}

/* ---- changes ---- */

static bool is_there(uint64_t version)
{
	return version % PAGES != VERSION_NONE;
}

static bool takes_stores(uint64_t version)
{
	return is_there(version) && version % PAGES != VERSION_READS;
}

static uint64_t *page_of(const struct mapping *mapping, uint64_t version)
{
	return mapping->pages[version % PAGES];
}

static uint64_t pte_of(const struct mapping *mapping, uint64_t version)
{
	uint64_t flags = PTE_V | PTE_R | PTE_A;

	if (!is_there(version))
		return 0;
	if (takes_stores(version))
		flags |= PTE_W | PTE_D;
	return pte_make((uintptr_t)page_of(mapping, version), flags);
}

/* A guest's ways to write a PTE. */
static bool set_pte(struct hart *hart, uint64_t *slot, uint64_t pte)
{
	static struct seen (*const ways[])(uint64_t, uint64_t) = {
		access_store, access_swap, access_conditional};
	uint64_t cause =
		ways[hart_random(hart, ARRAY_LENGTH(ways))]((uintptr_t)slot, pte).cause;

	if (cause != (uint64_t)CAUSE_NONE)
		return race_fail(hart, "cause of a store to a page table", cause,
				 (uint64_t)CAUSE_NONE, (uint64_t)CAUSE_NONE);
	return true;
}

/* Through another table, where the fence covers pointers too. */
static bool write_version(struct hart *hart, struct mapping *mapping, uint64_t version,
			  bool by_pointer)
{
	unsigned index = va_index(mapping->va, 0);

	if (by_pointer)
		mapping->table ^= 1;
	if (!set_pte(hart, &mapping->tables[mapping->table][index],
		     pte_of(mapping, version)))
		return false;
	return !by_pointer ||
	       set_pte(hart, mapping->pointer,
		       pte_make((uintptr_t)mapping->tables[mapping->table], PTE_V));
}

/* Nobody stores in the page of the version before the last any more. */
static bool check_kept(struct hart *hart, struct mapping *mapping, uint64_t version)
{
	const uint64_t *old = page_of(mapping, version - 2);

	for (unsigned i = 0; version >= 2 && i < hart_count; i++)
		if (look(&old[FIRST_WORD + i]) != mapping->kept[i])
			return race_fail(hart, "stored in a page after the fence",
					 look(&old[FIRST_WORD + i]), mapping->kept[i],
					 mapping->kept[i]);
	return true;
}

static bool change(struct hart *hart, struct mapping *mapping, uint64_t asid)
{
	const struct form *form = &forms[hart_random(hart, ARRAY_LENGTH(forms))];
	uint64_t version = mapping->published + 1;

	if (!check_kept(hart, mapping, version))
		return false;
	page_of(mapping, version)[VERSION_WORD] = version;
	publish(&mapping->changing, version);
	if (!write_version(hart, mapping, version,
			   form->everything && mapping->pointer != NULL))
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!fence(hart, form, mapping->va, asid))
		return false;
	for (unsigned i = 0; i < hart_count; i++)
		mapping->kept[i] = look(&page_of(mapping, version - 1)[FIRST_WORD + i]);
	publish(&mapping->published, version);
	return true;
}

/* ---- accesses ---- */

static bool any(bool (*holds)(uint64_t), bool wanted, uint64_t first, uint64_t last)
{
	for (; first <= last; first++)
		if (holds(first) == wanted)
			return true;
	return false;
}

static bool check_load(struct hart *hart, struct mapping *mapping)
{
	uint64_t first;
	struct seen seen = late_load(mapping->va, 0, &mapping->published, &first);
	uint64_t last = look(&mapping->changing);

	if (seen.cause == (uint64_t)CAUSE_NONE) {
		if (seen.value >= first && seen.value <= last && is_there(seen.value))
			return true;
		return race_fail(hart, "version found by a load", seen.value, first,
				 last);
	}
	if (seen.cause == CAUSE_LOAD_PAGE_FAULT && any(is_there, false, first, last))
		return true;
	return race_fail(hart, "cause of a load that faults", seen.cause, first, last);
}

static bool check_store(struct hart *hart, struct mapping *mapping)
{
	const uint64_t token = hart->rounds;
	const unsigned word = FIRST_WORD + hart->index;
	uint64_t first;
	struct seen seen =
		late_store(mapping->va + 8 * word, token, &mapping->published, &first);
	uint64_t last = look(&mapping->changing);

	if (seen.cause == (uint64_t)CAUSE_NONE) {
		for (uint64_t i = first; i <= last; i++)
			if (takes_stores(i) && look(&page_of(mapping, i)[word]) == token)
				return true;
		return race_fail(hart, "stored in no page of the mapping", token, first,
				 last);
	}
	if (seen.cause == CAUSE_STORE_PAGE_FAULT && any(takes_stores, false, first, last))
		return true;
	return race_fail(hart, "cause of a store that faults", seen.cause, first, last);
}

/* ---- who does what ---- */

/*
 * Most of the time all harts are about one mapping, each for a moment: what its owner
 * changes again and again, and the others look at meanwhile.
 */
struct target {
	unsigned space;
	unsigned owner;
	unsigned number; /* of the mapping in its space */
};

static struct target choose(struct hart *hart)
{
	uint64_t turn = time_now() / platform_ticks(TURN);

	if (hart_random(hart, 8) == 0)
		turn = hart_random(hart, UINT64_MAX);
	return (struct target){
		.space = (unsigned)(turn / hart_count % SPACES),
		.owner = (unsigned)(turn % hart_count),
		.number = (unsigned)(turn % hart_count +
				     turn / hart_count / SPACES % 2 * HARTS_MAX),
	};
}

/* The space that it runs in need not be the one that it changes a mapping of. */
static unsigned go(struct hart *hart, unsigned from, unsigned to)
{
	if (hart_random(hart, 16) == 0)
		to = (unsigned)hart_random(hart, SPACES);
	if (to != from)
		csr_write(satp, space_satp(&spaces[to]));
	return to;
}

static bool act(struct hart *hart, unsigned *space)
{
	struct target target = choose(hart);
	struct mapping *mapping;

	hart->rounds++;
	*space = go(hart, *space, target.space);
	mapping = &mappings[target.space][target.number];
	if (target.owner == hart->index && hart_random(hart, 4))
		return change(hart, mapping, spaces[target.space].asid);
	mapping = &mappings[*space][target.number];
	return hart_random(hart, 2) ? check_load(hart, mapping)
				    : check_store(hart, mapping);
}

void fences_run(struct hart *hart)
{
	unsigned number = 0;
	bool ok = true;

	space_enter(&spaces[0]);
	fence_all();
	while (ok && race_goes_on())
		ok = act(hart, &number);
	csr_write(satp, 0);
}
