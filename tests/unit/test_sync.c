/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/lsp.c mm/guest_memory.c */
/* sources: core/json.c core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c tests/unit/lsp_bench.c */
/*
 * Guest leaves into shadow leaves: each state of a PTE alone, and whole tables of
 * them, over what was there before, in memory of one run and of several.
 */
#include <string.h>

#include "lsp/sync.h"
#include "lsp/walker.h"
#include "tests/unit/lsp_bench.h"

#define RAM_SIZE (4 * MIB)
#define ROUNDS	 400

static struct guest_memory memory;
static struct fast_run run; /* the first of memory */
static hpa_t ram;
static uint64_t seed;

static pte_t guest[PTE_PER_TABLE], shadow[PTE_PER_TABLE], before[PTE_PER_TABLE];

static unsigned below(unsigned limit)
{
	return random_below(&seed, limit);
}

/* In one run, or in two whose halves have changed places. */
static void make_memory(unsigned runs)
{
	uint64_t half = RAM_SIZE / 2;

	guest_ram_single(&memory, GUEST_RAM_BASE, ram, RAM_SIZE);
	if (runs == 2) {
		memory.run_count = 2;
		memory.runs[0] =
			(struct guest_run){GUEST_RAM_BASE, HPA(ram.raw + half), half};
		memory.runs[1] =
			(struct guest_run){GPA(GUEST_RAM_BASE.raw + half), ram, half};
	}
	run = sync_run(&memory);
}

static int setup(void **state)
{
	(void)state;
	ram = host_ram_map(RAM_SIZE + PAGE_SIZE, 2 * MIB);
	make_memory(1);
	seed = 1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_ram_unmap(ram, RAM_SIZE + PAGE_SIZE);
	return 0;
}

/* What the specification says of a leaf, and Gnomon's own rules on top of it. */
static pte_t expected(const struct sync *sync, pte_t pte)
{
	uint64_t flags = PTE_V | PTE_A | (pte.raw & (PTE_R | PTE_X | PTE_U));
	uint64_t size = level_size(sync->level);
	uint64_t gpa = pte_address(pte);
	hpa_t hpa;

	if (!(pte.raw & PTE_V) || !(pte.raw & PTE_A) || pte.raw >> 54 != 0 ||
	    !(pte.raw & (PTE_R | PTE_X)) || (pte.raw & (PTE_R | PTE_W)) == PTE_W ||
	    (sync->only_global && !(pte.raw & PTE_G)) || gpa % size != 0 ||
	    !guest_memory_find(sync->memory, GPA(gpa), size, &hpa) || hpa.raw % size != 0)
		return PTE(0);
	if ((pte.raw & PTE_W) && (pte.raw & PTE_D))
		flags |= PTE_W | PTE_D;
	return PTE(hpa.raw >> 12 << 10 | flags | (uint64_t)sync->level << 8);
}

static gpa_t gpa_number(unsigned number)
{
	static const uint64_t ends[] = {
		0,	  RAM_SIZE / 2,		RAM_SIZE - PAGE_SIZE,
		RAM_SIZE, (uint64_t)-PAGE_SIZE, UINT64_C(1) << 50};

	if (number < ARRAY_LENGTH(ends))
		return GPA((GUEST_RAM_BASE.raw + ends[number]) &
			   ((UINT64_C(1) << 56) - 1));
	return GPA(GUEST_RAM_BASE.raw + below(RAM_SIZE / PAGE_SIZE) * PAGE_SIZE);
}

static void every_state_of_a_leaf(void **state)
{
	(void)state;
	for (unsigned level = 0; level < 2; level++)
		for (unsigned n = 0; n < 2 * 8 * 0x400; n++) {
			const struct sync sync = {.memory = &memory,
						  .run = &run,
						  .level = level,
						  .only_global = n & 1};
			pte_t pte = pte_make(gpa_number(n / 2 % 8).raw, n / 16);

			assert_int_equal(sync_leaf(&sync, pte).raw,
					 expected(&sync, pte).raw);
			for (unsigned bit = 54; bit < 64; bit++)
				assert_int_equal(sync_leaf(&sync, PTE(pte.raw |
								      UINT64_C(1) << bit))
							 .raw,
						 0);
		}
}

/* A large leaf must be aligned on both sides: here, what is on one is not on the other.
 */
static void large_leaves_that_are_aligned_on_one_side(void **state)
{
	const struct sync sync = {.memory = &memory, .run = &run, .level = 1};

	(void)state;
	memory.runs[0].hpa.raw += PAGE_SIZE;
	for (uint64_t gpa = GUEST_RAM_BASE.raw; gpa < GUEST_RAM_BASE.raw + RAM_SIZE;
	     gpa += PAGE_SIZE)
		assert_int_equal(sync_leaf(&sync, pte_make(gpa, GUEST_RWX)).raw, 0);
}

static void levels_are_kept_in_the_leaf(void **state)
{
	(void)state;
	for (unsigned level = 0; level < 5; level++) {
		assert_int_equal(origin_code(level), level < 3 ? level : 3);
		assert_int_equal((sync_flags(PTE(GUEST_RWX), level) & PTE_RSW) >> 8,
				 level < 3 ? level : 3);
	}
}

/* ---- whole tables ---- */

/* Mostly what guests have; else anything, and what is right but for one bit. */
static pte_t random_pte(void)
{
	uint64_t flags = GUEST_RWX | (below(2) ? PTE_G : 0) | (below(4) ? 0 : PTE_U);
	pte_t pte = pte_make(gpa_number(below(40)).raw, flags);

	switch (below(8)) {
	case 0:
		return PTE(0);
	case 1:
		return PTE((uint64_t)below(0x10000) << 48 |
			   (uint64_t)below(0x1000000) << 24 | below(0x1000000));
	case 2:
		return PTE(pte.raw ^ UINT64_C(1) << below(64));
	case 3:
		return PTE(pte.raw & ~(uint64_t)below(0x400));
	default:
		return pte;
	}
}

/*
 * Over and over into the same shadow table, of which much stays as it is; and PTEs that
 * name the host's own address, which comes out as nothing however it looks.
 */
static void sync_many(bool only_global)
{
	struct sync sync = {.memory = &memory, .run = &run, .only_global = only_global};

	memset(guest, 0, sizeof(guest));
	memset(shadow, 0, sizeof(shadow));
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < 80; i++)
			guest[below(PTE_PER_TABLE)] = random_pte();
		for (unsigned i = 0; i < 8; i++)
			guest[below(PTE_PER_TABLE)] = shadow[below(PTE_PER_TABLE)];
		sync.known = round > 0;
		sync_leaves(&sync, shadow, guest);
		for (unsigned i = 0; i < PTE_PER_TABLE; i++)
			assert_int_equal(shadow[i].raw, expected(&sync, guest[i]).raw);
	}
}

static void whole_tables_in_one_run(void **state)
{
	(void)state;
	sync_many(false);
	sync_many(true);
}

static void whole_tables_in_several_runs(void **state)
{
	(void)state;
	make_memory(2);
	sync_many(false);
	sync_many(true);
}

/* A table that was private is not what a shared one may be, and was made of others. */
static void tables_of_another_kind_before(void **state)
{
	struct sync sync = {.memory = &memory, .run = &run};

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < PTE_PER_TABLE; i++)
			guest[i] = random_pte();
		sync.only_global = round & 1;
		sync_leaves(&sync, shadow, guest);
		for (unsigned i = 0; i < PTE_PER_TABLE; i++)
			assert_int_equal(shadow[i].raw, expected(&sync, guest[i]).raw);
	}
}

/* ---- what is added beside an entry ---- */

static void additions_fill_gaps_and_no_more(void **state)
{
	const struct sync sync = {.memory = &memory, .run = &run};

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		unsigned first = below(PTE_PER_TABLE / SYNC_WINDOW) * SYNC_WINDOW;

		for (unsigned i = 0; i < PTE_PER_TABLE; i++) {
			guest[i] = random_pte();
			shadow[i] = below(2) ? PTE(0) : expected(&sync, random_pte());
		}
		memcpy(before, shadow, sizeof(before));
		sync_add(&sync, shadow, guest, first, SYNC_WINDOW);
		for (unsigned i = 0; i < PTE_PER_TABLE; i++)
			if (i < first || i >= first + SYNC_WINDOW || before[i].raw != 0)
				assert_int_equal(shadow[i].raw, before[i].raw);
			else
				assert_int_equal(shadow[i].raw,
						 expected(&sync, guest[i]).raw);
	}
}

/* Old ones that the access could come to are made young, and no more than that. */
static void old_neighbours_are_marked_ahead(void **state)
{
	static const enum access_kind kinds[] = {ACCESS_LOAD, ACCESS_STORE, ACCESS_FETCH};
	struct access access = {.gva = GVA(0)};
	const struct sync ahead = {.memory = &memory, .run = &run, .ahead = &access};

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		access.kind = kinds[round % 3];
		access.user = below(2);
		for (unsigned i = 0; i < PTE_PER_TABLE; i++) {
			guest[i] = before[i] = random_pte();
			shadow[i] = PTE(0);
		}
		sync_add(&ahead, shadow, guest, 16, SYNC_WINDOW);
		for (unsigned i = 0; i < PTE_PER_TABLE; i++) {
			bool in = i / SYNC_WINDOW == 1 &&
				  guest_entry_kind(before[i], 0) == GUEST_ENTRY_LEAF &&
				  leaf_permits(before[i], &access);

			assert_int_equal(guest[i].raw, before[i].raw | (in ? PTE_A : 0));
			if (i / SYNC_WINDOW == 1)
				assert_int_equal(shadow[i].raw,
						 expected(&ahead, guest[i]).raw);
		}
	}
}

/* In a pointer table: where a table hangs, stale or not, no leaf goes. */
static void additions_to_a_pointer_table(void **state)
{
	const struct sync sync = {.memory = &memory, .run = &run, .level = 1};
	struct shadow_pool pool = {.limit = 10, .pointers.order = 1};
	pte_t *table, *child;

	(void)state;
	fake_pages_create();
	table = table_create(&pool, 1);
	child = table_create(&pool, 0);
	table_child_set(table, 1, child);
	for (unsigned i = 0; i < 4; i++)
		guest[i] =
			pte_make(GUEST_RAM_BASE.raw, GUEST_RWX & ~(i == 3 ? PTE_A : 0));
	sync_add(&sync, table, guest, 0, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(entry_is_leaf(table[i]), i % 2 == 0);
		assert_int_equal(slot_test(table_side(table)->live, i), i % 2 == 0);
	}
	assert_ptr_equal(table_child(table, 1), child);
	table_destroy(&pool, table, 1);
	assert_int_equal(pool.used, 0);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(every_state_of_a_leaf),
		TEST(large_leaves_that_are_aligned_on_one_side),
		TEST(levels_are_kept_in_the_leaf),
		TEST(whole_tables_in_one_run),
		TEST(whole_tables_in_several_runs),
		TEST(tables_of_another_kind_before),
		TEST(additions_fill_gaps_and_no_more),
		TEST(old_neighbours_are_marked_ahead),
		TEST(additions_to_a_pointer_table),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
