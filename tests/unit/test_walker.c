/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/walker.c mm/guest_memory.c tests/unit/fake_pages.c tests/unit/lone_hart.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c */
/*
 * The guest page-table walker against an independent reading of the
 * specification: every encoding of an entry's low bits, each high bit, at each
 * level of each mode, for each kind of access; then the special cases by name.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "lsp/walker.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/guest_tables.h"
#include "tests/unit/host_ram.h"

#define RAM_SIZE GIB

static struct guest_memory memory;
static struct guest_tables tables;

static int setup(void **state)
{
	(void)state;
	guest_ram_single(&memory, GUEST_RAM_BASE, host_ram_map(RAM_SIZE, GIB), RAM_SIZE);
	tables = (struct guest_tables){
		.memory = &memory,
		.next = GUEST_RAM_BASE,
		.end = GPA(GUEST_RAM_BASE.raw + RAM_SIZE),
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_ram_unmap(memory.runs[0].hpa, RAM_SIZE);
	return 0;
}

/* The n-th of the 24 accesses to an address. */
static struct access access_number(unsigned n, gva_t gva)
{
	static const enum access_kind kinds[] = {ACCESS_FETCH, ACCESS_LOAD, ACCESS_STORE};

	return (struct access){
		.gva = gva,
		.kind = kinds[n % 3],
		.user = n / 3 & 1,
		.sum = n / 6 & 1,
		.mxr = n / 12 & 1,
	};
}

static void compare_walk(uint64_t satp, const struct access *access, struct walk walk,
			 struct reference expected)
{
	if (walk.outcome != expected.outcome)
		fail_msg(
			"satp 0x%lx gva 0x%lx kind %u user %u sum %u mxr %u: outcome %u, "
			"not %u (pte 0x%lx)",
			satp, access->gva.raw, access->kind, access->user, access->sum,
			access->mxr, walk.outcome, expected.outcome, expected.pte);
	if (walk.outcome != OUTCOME_FILLED && walk.outcome != OUTCOME_DEVICE)
		return;
	assert_int_equal(walk.gpa.raw, expected.gpa.raw);
	if (satp >> 60 == SATP_BARE)
		return;
	assert_int_equal(walk.leaf.raw, expected.pte);
	assert_int_equal(walk.level, expected.level);
}

/* For a hart that leaves A and D to the guest, and for one that sets them. */
static void check_walk(uint64_t satp, const struct access *access)
{
	compare_walk(satp, access, guest_walk(&memory, satp, access),
		     reference_walk(&memory, satp, access));
	compare_walk(satp, access, guest_walk_permitted(&memory, satp, access),
		     reference_walk_svadu(&memory, satp, access));
}

static void check_accesses(uint64_t satp, gva_t gva)
{
	struct reference leaf = reference_leaf(&memory, satp, gva);

	assert_int_equal(guest_walk_leaf(&memory, satp, gva).outcome, leaf.outcome);
	for (unsigned n = 0; n < 24; n++) {
		struct access access = access_number(n, gva);

		check_walk(satp, &access);
	}
}

/* ---- every encoding ---- */

static void check_encodings_at(uint64_t satp, unsigned level, gva_t gva)
{
	gpa_t entry = guest_entry(&tables, satp, gva, level);
	uint64_t size = level_size(level);
	const uint64_t addresses[] = {
		/* RAM or around it, and what misaligned superpages are made of */
		align_down(GUEST_RAM_BASE.raw, size),
		align_down(GUEST_RAM_BASE.raw, size) | PAGE_SIZE,
		align_down(GUEST_RAM_BASE.raw, size) | size >> 1,
		guest_table(&tables).raw,
		/* no RAM, and the last page there can be */
		0x10000000,
		(UINT64_C(1) << 56) - PAGE_SIZE,
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(addresses); i++) {
		for (uint64_t low = 0; low < 0x400; low++) {
			/* both bits of RSW at once will do */
			if ((low & 0x300) != 0 && (low & 0x300) != 0x300)
				continue;
			guest_store(
				&memory, entry,
				pte_make(align_down(addresses[i], PAGE_SIZE), low).raw);
			check_accesses(satp, gva);
		}
		for (unsigned bit = 54; bit < 64; bit++)
			for (uint64_t low = 1; low < 0x100; low += 2) {
				guest_store(&memory, entry,
					    pte_make(addresses[i], low).raw |
						    UINT64_C(1) << bit);
				check_walk(satp, &(struct access){.gva = gva,
								  .kind = ACCESS_LOAD});
			}
	}
}

static void every_encoding_at_every_level(void **state)
{
	const gva_t gvas[] = {GVA(0x3080123458), GVA(0xffffffd080123458)};

	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++)
		for (unsigned level = 0; level < mode_levels(mode); level++) {
			uint64_t satp = guest_satp(mode, 5, guest_table(&tables));

			check_encodings_at(satp, level, gvas[level & 1]);
		}
}

/* ---- cases with a name ---- */

static struct walk load(uint64_t satp, gva_t gva)
{
	const struct access access = {.gva = gva, .kind = ACCESS_LOAD};

	return guest_walk(&memory, satp, &access);
}

static void addresses_that_are_not_canonical(void **state)
{
	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		unsigned top = 12 + 9 * mode_levels(mode);
		uint64_t satp = guest_satp(mode, 0, guest_table(&tables));
		gpa_t root = GPA((satp & 0xfffffffffff) << 12);

		/* the whole address space maps gpa 0, as far as there are leaves */
		for (unsigned i = 0; i < 512; i++)
			guest_store(&memory, GPA(root.raw + 8 * i), GUEST_RWX);
		for (unsigned bit = 12; bit < 64; bit++) {
			gva_t up = GVA(UINT64_C(1) << bit);
			gva_t down = GVA(~UINT64_C(0) << bit);
			bool up_is_right = bit < top - 1;
			bool down_is_right = bit < top;

			assert_int_equal(load(satp, up).outcome == OUTCOME_PAGE_FAULT,
					 !up_is_right);
			assert_int_equal(load(satp, down).outcome == OUTCOME_PAGE_FAULT,
					 !down_is_right);
		}
	}
}

static void tables_that_are_no_ram_are_access_faults(void **state)
{
	uint64_t satp = guest_satp(SATP_SV39, 0, GPA(0x10000000));
	gpa_t end = GPA(GUEST_RAM_BASE.raw + RAM_SIZE);
	gpa_t entry;

	(void)state;
	assert_int_equal(load(satp, GVA(0)).outcome, OUTCOME_ACCESS_FAULT);
	satp = guest_satp(SATP_SV48, 0, end);
	assert_int_equal(load(satp, GVA(0)).outcome, OUTCOME_ACCESS_FAULT);
	satp = guest_satp(SATP_SV57, 0, GPA((UINT64_C(1) << 56) - PAGE_SIZE));
	assert_int_equal(load(satp, GVA(0)).outcome, OUTCOME_ACCESS_FAULT);
	satp = guest_satp(SATP_SV39, 0, guest_table(&tables));
	entry = guest_entry(&tables, satp, GVA(0), 1);
	guest_store(&memory, entry, pte_make(end.raw, PTE_V).raw);
	assert_int_equal(load(satp, GVA(0)).outcome, OUTCOME_ACCESS_FAULT);
	/* the last table there is room for is one */
	guest_store(&memory, entry, pte_make(end.raw - PAGE_SIZE, PTE_V).raw);
	assert_int_equal(load(satp, GVA(0)).outcome, OUTCOME_PAGE_FAULT);
}

/* A table that points to itself ends at level 0, where a pointer is a fault. */
static void tables_that_lead_to_themselves(void **state)
{
	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		gpa_t root = guest_table(&tables);
		uint64_t satp = guest_satp(mode, 0, root);
		struct walk walk;

		guest_store(&memory, root, pte_make(root.raw, PTE_V).raw);
		assert_int_equal(load(satp, GVA(0)).outcome, OUTCOME_PAGE_FAULT);
		/* through itself down to a leaf: entry 1 of the same page */
		guest_store(&memory, GPA(root.raw + 8),
			    pte_make(GUEST_RAM_BASE.raw, GUEST_RWX).raw);
		walk = load(satp, GVA(PAGE_SIZE + 0x10));
		assert_int_equal(walk.outcome, OUTCOME_FILLED);
		assert_int_equal(walk.level, 0);
		assert_int_equal(walk.gpa.raw, GUEST_RAM_BASE.raw + 0x10);
	}
}

static void walks_write_nothing(void **state)
{
	uint64_t satp = guest_satp(SATP_SV39, 0, guest_table(&tables));
	const struct access store = {.gva = GVA(0x1000), .kind = ACCESS_STORE};
	gpa_t entry = guest_entry(&tables, satp, store.gva, 0);
	uint64_t pte = pte_make(GUEST_RAM_BASE.raw, PTE_V | PTE_R | PTE_W).raw;

	(void)state;
	guest_store(&memory, entry, pte);
	assert_int_equal(load(satp, store.gva).outcome, OUTCOME_PAGE_FAULT);
	guest_store(&memory, entry, pte | PTE_D);
	assert_int_equal(load(satp, store.gva).outcome, OUTCOME_PAGE_FAULT);
	guest_store(&memory, entry, pte | PTE_A);
	assert_int_equal(load(satp, store.gva).outcome, OUTCOME_FILLED);
	assert_int_equal(guest_walk(&memory, satp, &store).outcome, OUTCOME_PAGE_FAULT);
	assert_int_equal(guest_load(&memory, entry), pte | PTE_A);
	guest_store(&memory, entry, pte | PTE_A | PTE_D);
	assert_int_equal(guest_walk(&memory, satp, &store).outcome, OUTCOME_FILLED);
}

static void bare_is_identity(void **state)
{
	struct access access;

	(void)state;
	for (unsigned n = 0; n < 24; n++) {
		access = access_number(n, GVA(GUEST_RAM_BASE.raw + 0x1234));
		assert_int_equal(guest_walk(&memory, 0, &access).outcome, OUTCOME_FILLED);
		access.gva = GVA(0x10000000);
		assert_int_equal(guest_walk(&memory, 0, &access).outcome, OUTCOME_DEVICE);
		assert_int_equal(guest_walk(&memory, 0, &access).gpa.raw, 0x10000000);
		access.gva = GVA(UINT64_MAX);
		assert_int_equal(guest_walk(&memory, 0, &access).outcome, OUTCOME_DEVICE);
	}
}

/* A superpage leads on from where RAM ends into nothing. */
static void superpages_reach_past_ram(void **state)
{
	uint64_t satp = guest_satp(SATP_SV48, 0, guest_table(&tables));
	struct walk walk;

	(void)state;
	guest_map(&tables, satp, GVA(0), GPA(0), GUEST_RWX, 3);
	walk = load(satp, GVA(GUEST_RAM_BASE.raw + RAM_SIZE - 8));
	assert_int_equal(walk.outcome, OUTCOME_FILLED);
	assert_int_equal(walk.level, 3);
	walk = load(satp, GVA(GUEST_RAM_BASE.raw + RAM_SIZE));
	assert_int_equal(walk.outcome, OUTCOME_DEVICE);
	assert_int_equal(walk.gpa.raw, GUEST_RAM_BASE.raw + RAM_SIZE);
}

/* The same leaf for whoever asks, with A and D or not. */
static void a_leaf_for_whoever(void **state)
{
	uint64_t satp = guest_satp(SATP_SV39, 0, guest_table(&tables));
	gpa_t entry = guest_entry(&tables, satp, GVA(0), 0);

	(void)state;
	guest_store(&memory, entry,
		    pte_make(GUEST_RAM_BASE.raw, PTE_V | PTE_X | PTE_U).raw);
	assert_int_equal(guest_walk_leaf(&memory, satp, GVA(0x10)).outcome,
			 OUTCOME_FILLED);
	assert_int_equal(guest_walk_leaf(&memory, satp, GVA(0x10)).gpa.raw,
			 GUEST_RAM_BASE.raw + 0x10);
	guest_store(&memory, entry, pte_make(0x10000000, GUEST_RWX).raw);
	assert_int_equal(guest_walk_leaf(&memory, satp, GVA(0)).outcome, OUTCOME_DEVICE);
	guest_store(&memory, entry, 0);
	assert_int_equal(guest_walk_leaf(&memory, satp, GVA(0)).outcome,
			 OUTCOME_PAGE_FAULT);
	assert_int_equal(guest_walk_leaf(&memory, 0, GVA(0x10000000)).outcome,
			 OUTCOME_DEVICE);
	assert_int_equal(guest_walk_leaf(&memory, 0, GVA(GUEST_RAM_BASE.raw)).outcome,
			 OUTCOME_FILLED);
}

/* ---- A and D ---- */

/* All else of the PTE stays, RSW and the high bits too. */
static void a_mark_is_what_the_access_needs(void **state)
{
	static const uint64_t needed[] = {
		[ACCESS_FETCH] = 0x40, [ACCESS_LOAD] = 0x40, [ACCESS_STORE] = 0xc0};

	(void)state;
	for (uint64_t low = 0; low < 0x400; low++)
		for (unsigned kind = ACCESS_FETCH; kind <= ACCESS_STORE; kind++) {
			const struct access access = {.kind = (enum access_kind)kind};
			pte_t memory_pte = PTE(UINT64_C(0x9a80000012345400) | low);
			pte_t leaf = memory_pte;
			uint64_t marked = leaf.raw | needed[kind];

			assert_int_equal(leaf_is_marked(leaf, &access),
					 marked == leaf.raw);
			assert_true(leaf_mark(&memory_pte, &leaf, &access));
			assert_int_equal(memory_pte.raw, marked);
			assert_int_equal(leaf.raw, marked);
			assert_true(leaf_is_marked(leaf, &access));
		}
}

static void what_changed_meanwhile_is_not_marked(void **state)
{
	const struct access access = {.kind = ACCESS_STORE};

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		pte_t read = PTE(GUEST_RAM_BASE.raw >> 2 | PTE_V | PTE_R | PTE_W);
		pte_t now = PTE(read.raw ^ UINT64_C(1) << bit), then = now;

		assert_false(leaf_mark(&now, &read, &access));
		assert_int_equal(now.raw, then.raw);
	}
}

/* As many races have shown what there is to see; where no two harts run, few come. */
#define RACES	5000
#define SECONDS 5

struct counter {
	pte_t pte;
	bool stop;
	uint64_t changes;
};

/* Another hart counts in the PPN. */
static void *count_up(void *argument)
{
	struct counter *counter = argument;

	while (!__atomic_load_n(&counter->stop, __ATOMIC_ACQUIRE)) {
		__atomic_fetch_add(&counter->pte.raw, UINT64_C(1) << PTE_PPN_SHIFT,
				   __ATOMIC_RELAXED);
		counter->changes++;
	}
	return NULL;
}

static void no_store_of_another_hart_is_lost(void **state)
{
	const struct access access = {.kind = ACCESS_STORE};
	struct counter counter = {.pte = PTE(PTE_V | PTE_R | PTE_W)};
	const time_t end = time(NULL) + SECONDS;
	unsigned lost = 0, won = 0;
	pthread_t other;
	pte_t leaf;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, count_up, &counter), 0);
	while ((lost < RACES || won < RACES) && time(NULL) < end) {
		__atomic_fetch_and(&counter.pte.raw, ~(PTE_A | PTE_D), __ATOMIC_RELAXED);
		leaf = pte_read(&counter.pte);
		if (leaf_mark(&counter.pte, &leaf, &access))
			won++;
		else
			lost++;
	}
	__atomic_store_n(&counter.stop, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_int_equal(counter.pte.raw >> PTE_PPN_SHIFT, counter.changes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_encoding_at_every_level, setup,
						teardown),
		cmocka_unit_test(a_mark_is_what_the_access_needs),
		cmocka_unit_test(what_changed_meanwhile_is_not_marked),
		cmocka_unit_test(no_store_of_another_hart_is_lost),
		cmocka_unit_test_setup_teardown(addresses_that_are_not_canonical, setup,
						teardown),
		cmocka_unit_test_setup_teardown(tables_that_are_no_ram_are_access_faults,
						setup, teardown),
		cmocka_unit_test_setup_teardown(tables_that_lead_to_themselves, setup,
						teardown),
		cmocka_unit_test_setup_teardown(walks_write_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(bare_is_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(superpages_reach_past_ram, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_leaf_for_whoever, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
