/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random page tables under a live satp: tables of every level shared between
 * three address spaces, entries of every kind, well-formed and not, changed by
 * hand, by stores through their own mappings and by mistake, with accesses,
 * fences and switches in between.
 *
 * The root slots by which the guest itself is mapped stay as they are, and no
 * well-formed entry maps its image: it can always come back.
 */
#include "guests/hostile/attack.h"
#include "guests/lib/csr.h"
#include "guests/lib/paging.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"
#include "guests/lib/sbi.h"

#define SPACES 4
#define TABLES 16
#define FRAMES 8

struct scene {
	struct space spaces[SPACES];
	uint64_t *tables[TABLES];
	uint64_t frames;
	const struct space *active;
};

static struct scene scene;

/* Entries that are used; in a root, the first ones belong to the guest itself. */
static const unsigned slots[] = {0, 1, 2, 255, 256, 510, 511};
static const unsigned root_slots[] = {16, 17, 64, 255, 256, 510, 511};

static uint64_t random_table(void)
{
	return (uintptr_t)scene.tables[random_below(TABLES)];
}

static uint64_t random_target(void)
{
	switch (random_below(10)) {
	case 0:
		return UART;
	case 1:
		return PLIC + PAGE_SIZE * random_below(PLIC_SIZE / PAGE_SIZE);
	case 2:
		return random_vacant();
	case 3:
		return platform.memory_end - PAGE_SIZE;
	case 4:
		return random_table();
	case 5:
		return (uintptr_t)scene.spaces[random_below(SPACES)].root;
	default:
		return scene.frames + PAGE_SIZE * random_below(FRAMES);
	}
}

static bool is_root(uint64_t page)
{
	for (unsigned i = 0; i < SPACES; i++)
		if (page == (uintptr_t)scene.spaces[i].root)
			return true;
	return false;
}

/*
 * Superpages only of what is not the guest itself; some are misaligned. Roots
 * are read-only, for they hold what maps the guest.
 */
static uint64_t random_leaf(void)
{
	static const uint64_t usual[] = {PTE_USER, PTE_USER, PTE_KERNEL};
	uint64_t flags = one_in(3) ? random_below(256) | PTE_V : random_of(usual);
	const uint64_t large[] = {
		scene.frames,	scene.frames, UART, PLIC, platform.memory_end - PAGE_SIZE,
		random_vacant()};
	uint64_t target = random_target();

	if (one_in(3))
		target = align_down(random_of(large), 2 * MIB);
	else if (one_in(8))
		target = align_down(one_in(2) ? UART : VACANT, GIB);
	return pte_make(target, is_root(target) ? flags & ~PTE_W : flags);
}

static uint64_t random_entry(void)
{
	static const uint64_t oddities[] = {
		PTE_N, PTE_PBMT, PTE_RSW, UINT64_C(1) << 54,	PTE_A,
		PTE_D, PTE_U,	 PTE_G,	  PTE_PBMT & -PTE_PBMT, PTE_V};

	switch (random_below(12)) {
	case 0:
		return 0;
	case 1:
		return random_word();
	case 2:
		return pte_make(random_target(), PTE_V);
	case 3:
		return random_leaf() ^ random_of(oddities);
	case 4:
		return pte_make(random_table(), PTE_V) ^ random_of(oddities);
	case 5:
	case 6:
	case 7:
		return pte_make(random_table(), PTE_V);
	default:
		return random_leaf();
	}
}

static uint64_t random_address(void)
{
	const struct paging_mode *mode = scene.active->mode;
	uint64_t va = random_of(root_slots);

	for (unsigned level = 1; level < mode->levels; level++)
		va = va << 9 | random_of(slots);
	va = va << 12 | (one_in(4) ? PAGE_SIZE - random_below(8) : 8 * random_below(512));
	if (one_in(20))
		return random_word();
	return va_canonical(mode, va);
}

static void change_entry(void)
{
	if (one_in(5))
		scene.spaces[random_below(SPACES)].root[random_of(root_slots)] =
			random_entry();
	else
		((uint64_t *)random_table())[random_of(slots)] = random_entry();
}

static void change_table(void)
{
	uint64_t *table = (uint64_t *)random_table();
	uint64_t entry = random_entry();

	for (unsigned i = 0; i < PTES_PER_TABLE; i++)
		table[i] = one_in(2) ? entry : random_entry();
}

static void fence_at_random(void)
{
	uint64_t va = random_address(), asid = random_below(SPACES + 1);

	switch (random_below(6)) {
	case 0:
		fence_all();
		break;
	case 1:
		fence_asid(asid);
		break;
	case 2:
		fence_va(va);
		break;
	case 3:
		SBI_CALL(SBI_EXT_RFENCE, SBI_RFENCE_SFENCE_ASID, 1, 0, va,
			 random_word() >> random_below(64), asid);
		break;
	default:
		fence_va_asid(va, asid);
	}
}

static void enter(unsigned number)
{
	scene.active = &scene.spaces[number];
	space_enter(scene.active);
}

/* Not below the root slots that every space has for the guest itself. */
static bool is_ours(uint64_t va)
{
	const struct paging_mode *mode = scene.active->mode;

	return va_is_canonical(mode, va) && va_index(va, mode->levels - 1) >= 16;
}

/* Make a path of entries that lead somewhere, or most of it. */
static void mend(uint64_t va)
{
	uint64_t *table = scene.active->root;
	unsigned level = scene.active->mode->levels - 1;

	if (!is_ours(va))
		return;
	for (; level > 0 && !one_in(8); level--) {
		uint64_t next = random_table();

		table[va_index(va, level)] = pte_make(next, PTE_V);
		table = (uint64_t *)next;
	}
	table[va_index(va, level)] = random_leaf();
}

static void access_at(uint64_t va)
{
	enum access access = random_below(ACCESS_COUNT);
	uint64_t operand = one_in(3) ? random_word() : random_entry();
	struct outcome outcome;

	outcome = probe(access, va, operand, random_below(8));
	check_value(outcome.value, va);
}

static void build(void)
{
	unsigned mode = random_below(PAGING_MODES);

	scene.frames = (uintptr_t)arena_alloc(2 * MIB);
	for (unsigned i = 0; i < TABLES; i++)
		scene.tables[i] = pages_new(1);
	for (unsigned i = 0; i < SPACES; i++) {
		/* One in another mode, over the same tables; two with the same ASID. */
		unsigned other = i == 1 ? (mode + 1) % PAGING_MODES : mode;

		space_init(&scene.spaces[i], &paging_modes[other], i == 3 ? 1 : i);
		for (unsigned s = 0; s < ARRAY_LENGTH(root_slots); s++)
			scene.spaces[i].root[root_slots[s]] =
				pte_make(random_table(), PTE_V);
	}
	for (unsigned i = 0; i < 20 * TABLES; i++)
		change_entry();
	enter(0);
	fence_all();
}

void attack_tables(void)
{
	build();
	for (uint64_t i = 0; i < attack_count(); i++) {
		unsigned kind = random_below(100);

		if (kind < 50) {
			uint64_t va = random_address();

			if (kind < 25)
				mend(va);
			if (kind % 4 == 0)
				fence_va(va);
			access_at(va);
		} else if (kind < 80)
			change_entry();
		else if (kind < 82)
			change_table();
		else if (kind < 92)
			fence_at_random();
		else
			enter(random_below(SPACES));
	}
	recover();
}

/* ---- tables that contain themselves ---- */

static const uint64_t loop_flags[] = {
	PTE_V,
	PTE_V,
	PTE_V | PTE_G,
	PTE_USER,
	PTE_KERNEL,
	PTE_V | PTE_R | PTE_A | PTE_U,
	PTE_V | PTE_W | PTE_AD,
};

/* Two tables and a root that point to each other and to themselves, as table or leaf. */
static void tie_knot(const struct space *space)
{
	uint64_t knot[] = {(uintptr_t)space->root, (uintptr_t)scene.tables[0],
			   (uintptr_t)scene.tables[1]};

	for (unsigned i = 0; i < ARRAY_LENGTH(root_slots); i++)
		space->root[root_slots[i]] = pte_make(random_of(knot), PTE_V);
	for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
		scene.tables[0][i] = pte_make(random_of(knot), random_of(loop_flags));
		scene.tables[1][i] = pte_make(random_of(knot), random_of(loop_flags));
	}
}

void attack_loops(void)
{
	build();
	for (uint64_t i = 0; i < attack_count(); i++) {
		if (i % 50 == 0) {
			/* Stores through the knot may have untied the guest's own slots.
			 */
			enter(random_below(SPACES));
			space_copy_kernel(scene.active->root, scene.active->mode);
			tie_knot(scene.active);
			fence_all();
		}
		access_at(random_address());
		if (one_in(8))
			fence_at_random();
	}
	recover();
}
