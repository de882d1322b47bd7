/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/lsp.c mm/guest_memory.c */
/* sources: core/json.c core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c tests/unit/lsp_bench.c */
/*
 * Lazy shadow paging as a paging mode, through its table of functions, on harts
 * whose TLB keeps all it may: faults, satp, fences, moving between harts, tiny
 * budgets and strangers' memory.
 */
#include <unistd.h>

#include "tests/unit/lsp_bench.h"

static struct bench bench;
static struct vcpu *vcpu;
static uint64_t satp;

static void create_with(const struct fake_profile *profile)
{
	fake_pages_create();
	fake_arch_create(profile);
	bench_create(&bench, 1);
	vcpu = &bench.vm.vcpus[0];
	bench_load(vcpu, 0);
	satp = bench_satp(&bench, SATP_SV39, 1);
}

static int setup(void **state)
{
	(void)state;
	create_with(fake_default());
	return 0;
}

/* Everything comes back, and was accounted for until then. */
static int teardown(void **state)
{
	(void)state;
	assert_int_equal(bench_count_pages(&bench), bench_pages_used(&bench));
	if (vcpu->arch.loaded)
		bench_put(vcpu);
	bench_destroy(&bench);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
	return 0;
}

static void map(uint64_t to, uint64_t page, uint64_t flags)
{
	guest_map(&bench.tables, to, GVA(0x1000), bench_ram(page * PAGE_SIZE), flags, 0);
}

/* ---- Bare ---- */

static void bare_reaches_ram_and_nothing_else(void **state)
{
	struct access access = {.gva = GVA(bench_ram(0x123).raw), .kind = ACCESS_STORE};

	(void)state;
	bench_reaches(vcpu, access.gva, ACCESS_STORE, bench_ram(0x123));
	bench_reaches(vcpu, access.gva, ACCESS_FETCH, bench_ram(0x123));
	/* the same for the user, and back */
	access.user = true;
	for (unsigned i = 0; i < 4; i++, access.user = !access.user)
		assert_int_equal(bench_access(vcpu, &access).outcome, OUTCOME_FILLED);
	access.gva = GVA(0x10000000);
	assert_int_equal(bench_access(vcpu, &access).outcome, OUTCOME_DEVICE);
	access.gva = GVA(UINT64_C(1) << 50);
	assert_int_equal(bench_access(vcpu, &access).outcome, OUTCOME_DEVICE);
	assert_int_equal(bench_access(vcpu, &access).gpa.raw, UINT64_C(1) << 50);
}

static void bare_is_not_touched_by_fences(void **state)
{
	gva_t gva = GVA(bench_ram(0).raw);
	const struct access access = {.gva = gva, .kind = ACCESS_LOAD};

	(void)state;
	bench_reaches(vcpu, gva, ACCESS_LOAD, bench_ram(0));
	bench_fence_all(vcpu);
	bench_fence_address(vcpu, gva);
	assert_int_equal(bench_access(vcpu, &access).faults, 0);
}

/* ---- satp ---- */

static void satp_is_warl(void **state)
{
	(void)state;
	assert_int_equal(paging_lsp.satp_read(vcpu), 0);
	for (uint64_t mode = 1; mode < 16; mode++) {
		uint64_t value = mode << 60 | UINT64_C(0xffff) << 44 | 0x80000;
		bool known = fake_profile()->modes >> mode & 1;

		bench_satp_write(vcpu, satp);
		bench_satp_write(vcpu, value);
		assert_int_equal(paging_lsp.satp_read(vcpu), known ? value : satp);
	}
	bench_satp_write(vcpu, 0);
	assert_int_equal(paging_lsp.satp_read(vcpu), 0);
	assert_int_equal(bench.vm.end, VM_RUNNING);
}

static void a_root_that_is_no_ram_is_the_guests_own_trouble(void **state)
{
	const struct access access = {.gva = GVA(0x1000), .kind = ACCESS_FETCH};

	(void)state;
	bench_satp_write(vcpu, guest_satp(SATP_SV39, 3, GPA(0x1000)));
	assert_int_equal(bench_access(vcpu, &access).outcome, OUTCOME_ACCESS_FAULT);
	assert_int_equal(bench.vm.end, VM_RUNNING);
}

static void going_back_to_a_satp_costs_no_fault(void **state)
{
	uint64_t other = bench_satp(&bench, SATP_SV39, 2);
	const struct access access = {.gva = GVA(0x1000), .kind = ACCESS_LOAD};

	(void)state;
	map(satp, 0, GUEST_RWX);
	map(other, 1, GUEST_RWX);
	bench_satp_write(vcpu, satp);
	bench_reaches(vcpu, GVA(0x1000), ACCESS_LOAD, bench_ram(0));
	bench_satp_write(vcpu, other);
	bench_reaches(vcpu, GVA(0x1000), ACCESS_LOAD, bench_ram(PAGE_SIZE));
	for (unsigned i = 0; i < 4; i++) {
		bench_satp_write(vcpu, i & 1 ? other : satp);
		assert_int_equal(bench_access(vcpu, &access).faults, 0);
		bench_reaches(vcpu, GVA(0x1000), ACCESS_LOAD,
			      bench_ram(i & 1 ? PAGE_SIZE : 0));
	}
}

/* Modes differ in what is canonical; each gets its own. */
static void every_mode(void **state)
{
	struct fake_profile profile = *fake_default();

	teardown(state);
	profile.modes = FAKE_ALL_MODES;
	create_with(&profile);
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		gva_t high = GVA(~UINT64_C(0) << (12 + 9 * mode_levels(mode) - 1));
		gva_t past = GVA(UINT64_C(1) << (12 + 9 * mode_levels(mode) - 1));
		uint64_t root = bench_satp(&bench, mode, 7);

		guest_map(&bench.tables, root, high, bench_ram(0), GUEST_RWX, 0);
		bench_satp_write(vcpu, root);
		bench_reaches(vcpu, high, ACCESS_STORE, bench_ram(0));
		bench_faults(vcpu, past, ACCESS_LOAD);
	}
}

/* ---- faults ---- */

static uint64_t leaf_at(gva_t gva, unsigned level)
{
	return guest_load(&bench.vm.memory, guest_entry(&bench.tables, satp, gva, level));
}

/* A and D are set by what may pass, and by nothing else. */
static void check_access(unsigned n)
{
	const struct access access = {
		.gva = GVA(0x1008),
		.kind = (enum access_kind)(n % 3),
		.user = n / 3 & 1,
		.sum = n / 6 & 1,
		.mxr = n / 12 & 1,
	};
	struct reference expected = reference_walk_svadu(&bench.vm.memory, satp, &access);
	uint64_t after = leaf_at(access.gva, 0);

	if (expected.outcome == OUTCOME_FILLED)
		after |= reference_marks(&access);
	assert_int_equal(bench_access(vcpu, &access).outcome, expected.outcome);
	assert_int_equal(leaf_at(access.gva, 0), after);
}

static void permissions_are_the_guests(void **state)
{
	static const uint64_t rights[] = {PTE_R, PTE_R | PTE_W, PTE_X, PTE_R | PTE_X,
					  PTE_R | PTE_W | PTE_X};

	(void)state;
	bench_satp_write(vcpu, satp);
	for (unsigned i = 0; i < ARRAY_LENGTH(rights) * 16; i++) {
		uint64_t flags = rights[i / 16] | PTE_V | (i & 1 ? PTE_A : 0) |
				 (i & 2 ? PTE_D : 0) | (i & 4 ? PTE_U : 0) |
				 (i & 8 ? PTE_G : 0);

		map(satp, i, flags);
		bench_fence_address(vcpu, GVA(0x1000));
		for (unsigned n = 0; n < 24; n++)
			check_access(n);
		/* Each again, on the leaf as it was. */
		for (unsigned n = 0; n < 24; n++) {
			map(satp, i, flags);
			bench_fence_address(vcpu, GVA(0x1000));
			check_access(n);
		}
	}
}

/* A hart that keeps invalid entries may fault on and on: a fence must end it. */
static void what_became_valid_is_found_in_the_end(void **state)
{
	(void)state;
	bench_satp_write(vcpu, satp);
	bench_faults(vcpu, GVA(0x1000), ACCESS_LOAD);
	map(satp, 3, PTE_V | PTE_R | PTE_A);
	bench_reaches(vcpu, GVA(0x1000), ACCESS_LOAD, bench_ram(3 * PAGE_SIZE));
	bench_faults(vcpu, GVA(0x1000), ACCESS_STORE);
	map(satp, 3, PTE_V | PTE_R | PTE_A | PTE_D);
	bench_faults(vcpu, GVA(0x1000), ACCESS_STORE);
	map(satp, 3, GUEST_RWX);
	bench_reaches(vcpu, GVA(0x1000), ACCESS_STORE, bench_ram(3 * PAGE_SIZE));
}

#define CLEAN (PTE_V | PTE_R | PTE_W | PTE_X)

/* Page by page through one table, so that its path is known from the second on. */
static void accesses_set_a_and_stores_d(void **state)
{
	static const uint64_t marks[] = {[ACCESS_FETCH] = PTE_A,
					 [ACCESS_LOAD] = PTE_A,
					 [ACCESS_STORE] = PTE_A | PTE_D};

	(void)state;
	bench_satp_write(vcpu, satp);
	for (unsigned i = 0; i < 9; i++) {
		enum access_kind kind = (enum access_kind)(i % 3);
		gva_t gva = GVA(i * PAGE_SIZE);

		guest_map(&bench.tables, satp, gva, bench_ram(gva.raw), CLEAN, 0);
		bench_reaches(vcpu, gva, kind, bench_ram(gva.raw));
		assert_int_equal(leaf_at(gva, 0) & 0xff, CLEAN | marks[kind]);
		bench_reaches(vcpu, gva, ACCESS_LOAD, bench_ram(gva.raw));
		assert_int_equal(leaf_at(gva, 0) & 0xff, CLEAN | marks[kind]);
		bench_reaches(vcpu, gva, ACCESS_STORE, bench_ram(gva.raw));
		assert_int_equal(leaf_at(gva, 0) & 0xff, GUEST_RWX);
	}
}

/* With a path known, and PTEs beside that read the same: they get no D. */
static void a_store_sets_d_in_its_own_pte(void **state)
{
	(void)state;
	bench_satp_write(vcpu, satp);
	guest_map(&bench.tables, satp, GVA(0), bench_ram(0), GUEST_RWX, 0);
	bench_reaches(vcpu, GVA(0), ACCESS_LOAD, bench_ram(0));
	for (unsigned i = 2; i < 6; i++)
		guest_map(&bench.tables, satp, GVA(i * PAGE_SIZE), bench_ram(0), CLEAN,
			  0);
	bench_reaches(vcpu, GVA(4 * PAGE_SIZE), ACCESS_STORE, bench_ram(0));
	for (unsigned i = 2; i < 6; i++)
		assert_int_equal(leaf_at(GVA(i * PAGE_SIZE), 0) & PTE_D,
				 i == 4 ? PTE_D : 0);
}

/* Of a superpage, wherever it is accessed: its PTE is one. */
static void superpages_are_marked_too(void **state)
{
	const gva_t gva = GVA(4 * MIB), inside = GVA(gva.raw + 0x123000);
	const gpa_t gpa = GPA(GUEST_RAM_BASE.raw + 2 * MIB);

	(void)state;
	guest_map(&bench.tables, satp, gva, gpa, CLEAN, 1);
	bench_satp_write(vcpu, satp);
	bench_reaches(vcpu, inside, ACCESS_LOAD, GPA(gpa.raw + 0x123000));
	assert_int_equal(leaf_at(gva, 1) & 0xff, CLEAN | PTE_A);
	bench_reaches(vcpu, gva, ACCESS_STORE, gpa);
	assert_int_equal(leaf_at(gva, 1) & 0xff, GUEST_RWX);
}

/* Whole tables are read; A is set of what stands near the page missed, D of none. */
static void little_is_set_beside_an_access(void **state)
{
	const unsigned window = SYNC_WINDOW;

	(void)state;
	bench_satp_write(vcpu, satp);
	for (unsigned i = 0; i < 512; i++)
		guest_map(&bench.tables, satp, GVA(i * PAGE_SIZE), bench_ram(0), CLEAN,
			  0);
	for (unsigned i = 0; i < 512; i += 100)
		bench_reaches(vcpu, GVA(i * PAGE_SIZE), ACCESS_LOAD, bench_ram(0));
	bench_fence_address(vcpu, GVA(3 * PAGE_SIZE));
	bench_fence_all(vcpu);
	bench_reaches(vcpu, GVA(0), ACCESS_LOAD, bench_ram(0));
	for (unsigned i = 0; i < 512; i++) {
		unsigned next = (i + 50) / 100 * 100;
		bool near = next < 512 && i / window == next / window;

		assert_int_equal(leaf_at(GVA(i * PAGE_SIZE), 0) & (PTE_A | PTE_D),
				 near ? PTE_A : 0);
		if (i % 100 == 50)
			assert_false(bench_may_find_any(vcpu, GVA(i * PAGE_SIZE)));
	}
}

/* A cleared bit that was fenced is set again by the next access. */
static void what_was_cleared_is_set_again(void **state)
{
	(void)state;
	map(satp, 0, GUEST_RWX);
	bench_satp_write(vcpu, satp);
	for (unsigned i = 0; i < 4; i++) {
		bench_reaches(vcpu, GVA(0x1000), ACCESS_STORE, bench_ram(0));
		assert_int_equal(leaf_at(GVA(0x1000), 0) & 0xff, GUEST_RWX);
		map(satp, 0, i & 1 ? CLEAN : CLEAN | PTE_A);
		if (i & 2)
			bench_fence_all(vcpu);
		else
			bench_fence_address(vcpu, GVA(0x1000));
	}
}

static void devices_are_told_with_their_gpa(void **state)
{
	const struct access access = {.gva = GVA(0x1004), .kind = ACCESS_LOAD};
	struct bench_access result;

	(void)state;
	guest_map(&bench.tables, satp, GVA(0x1000), GPA(0x10000000), GUEST_RWX, 0);
	bench_satp_write(vcpu, satp);
	result = bench_access(vcpu, &access);
	assert_int_equal(result.outcome, OUTCOME_DEVICE);
	assert_int_equal(result.gpa.raw, 0x10000004);
	/* It is accessed as any page is. */
	guest_map(&bench.tables, satp, GVA(0x1000), GPA(0x10000000), CLEAN, 0);
	assert_int_equal(bench_access(vcpu, &access).outcome, OUTCOME_DEVICE);
	assert_int_equal(leaf_at(GVA(0x1000), 0) & 0xff, CLEAN | PTE_A);
	bench_fence_address(vcpu, GVA(0x1000));
	assert_false(bench_may_find_any(vcpu, GVA(0x1000)));
}

/* ---- fences ---- */

static void a_fence_of_an_address_installs_what_is_there_now(void **state)
{
	const struct access access = {.gva = GVA(0x1000), .kind = ACCESS_LOAD};
	struct fake_profile profile = *fake_default();

	/* A hart that looked just then, and keeps invalid entries, faults once more. */
	teardown(state);
	profile.keeps_invalid = false;
	create_with(&profile);
	map(satp, 0, GUEST_RWX);
	bench_satp_write(vcpu, satp);
	bench_reaches(vcpu, access.gva, ACCESS_LOAD, bench_ram(0));
	map(satp, 1, GUEST_RWX);
	bench_fence_address(vcpu, access.gva);
	assert_int_equal(bench_access(vcpu, &access).faults, 0);
	bench_reaches(vcpu, access.gva, ACCESS_LOAD, bench_ram(PAGE_SIZE));
}

static void no_fence_installs_a_leaf_with_a_clear(void **state)
{
	gpa_t entry = guest_entry(&bench.tables, satp, GVA(0x1000), 0);

	(void)state;
	map(satp, 0, PTE_V | PTE_R | PTE_W);
	bench_satp_write(vcpu, satp);
	bench_fence_address(vcpu, GVA(0x1000));
	assert_false(bench_may_find_any(vcpu, GVA(0x1000)));
	assert_false(guest_load(&bench.vm.memory, entry) & (PTE_A | PTE_D));
}

static gva_t stretch(unsigned i)
{
	return GVA(0x1000 + i * 2 * MIB);
}

static unsigned faults_at(gva_t gva)
{
	const struct access access = {.gva = gva, .kind = ACCESS_LOAD};

	return bench_access(vcpu, &access).faults;
}

/*
 * What was in use before a fence of everything comes back at the first miss, each table
 * as the guest's is then: not what was changed, nor what has no A.
 */
static void tables_in_use_come_back_together(void **state)
{
	struct fake_profile profile = *fake_default();
	const uint64_t *recalls;

	teardown(state);
	profile.keeps_invalid = false;
	create_with(&profile);
	recalls = &bench_space(vcpu)->statistics.recalls;
	bench_satp_write(vcpu, satp);
	for (unsigned i = 0; i < TREE_RECENT; i++) {
		guest_map(&bench.tables, satp, stretch(i), bench_ram(0), GUEST_RWX, 0);
		bench_reaches(vcpu, stretch(i), ACCESS_LOAD, bench_ram(0));
	}
	bench_fence(vcpu, false, GVA(0), true, 1);
	for (unsigned i = 0; i < TREE_RECENT; i++)
		assert_false(bench_may_find_any(vcpu, stretch(i)));
	guest_map(&bench.tables, satp, stretch(2), bench_ram(PAGE_SIZE), GUEST_RWX, 0);
	guest_map(&bench.tables, satp, stretch(3), bench_ram(0), GUEST_RWX & ~PTE_A, 0);
	guest_map(&bench.tables, satp, stretch(4), bench_ram(0), 0, 0);
	assert_int_equal(faults_at(stretch(0)), 1);
	assert_int_equal(*recalls, TREE_RECENT - 3);
	bench_reaches(vcpu, stretch(2), ACCESS_LOAD, bench_ram(PAGE_SIZE));
	assert_false(bench_may_find_any(vcpu, stretch(3)));
	assert_false(leaf_at(stretch(3), 0) & PTE_A);
	assert_false(bench_may_find_any(vcpu, stretch(4)));
	for (unsigned i = 0; i < TREE_RECENT; i++)
		if (i != 3 && i != 4)
			assert_int_equal(faults_at(stretch(i)), 0);
	assert_int_equal(*recalls, TREE_RECENT - 3);
}

/* The tables of the guest are others by then: those are read, by a walk from the root. */
static void what_is_recalled_is_walked_anew(void **state)
{
	gpa_t other = guest_table(&bench.tables);

	(void)state;
	bench_satp_write(vcpu, satp);
	for (unsigned i = 0; i < 2; i++) {
		guest_map(&bench.tables, satp, stretch(i), bench_ram(0), GUEST_RWX, 0);
		bench_reaches(vcpu, stretch(i), ACCESS_LOAD, bench_ram(0));
	}
	guest_store(&bench.vm.memory, GPA(other.raw + sizeof(pte_t)),
		    pte_make(bench_ram(2 * PAGE_SIZE).raw, GUEST_RWX).raw);
	guest_store(&bench.vm.memory, guest_entry(&bench.tables, satp, stretch(1), 1),
		    pte_make(other.raw, PTE_V).raw);
	bench_fence_all(vcpu);
	bench_reaches(vcpu, stretch(0), ACCESS_LOAD, bench_ram(0));
	assert_true(bench_may_find(vcpu, stretch(1), bench_ram(2 * PAGE_SIZE)));
	assert_false(bench_may_find(vcpu, stretch(1), bench_ram(0)));
}

/* What SBI RFENCE's and sfence.vma's forms must each put an end to. */
static void every_form_of_fence_ends_what_it_covers(void **state)
{
	static const struct fence forms[] = {
		{.has_address = false},
		{.has_asid = true, .asid = 1},
		{.has_address = true, .start = {0x1000}, .size = PAGE_SIZE},
		{.has_address = true, .start = {0x1fff}, .size = 1},
		{.has_address = true, .start = {0x0fff}, .size = 2},
		{.has_address = true, .start = {0x0}, .size = 64 * PAGE_SIZE},
		{.has_address = true, .start = {0x0}, .size = 65 * PAGE_SIZE},
		{.has_address = true, .start = {0x1000}, .size = UINT64_MAX - 0x1000},
		{.has_address = true,
		 .start = {0x1000},
		 .size = PAGE_SIZE,
		 .has_asid = true,
		 .asid = 1},
		/* beyond the end of the address space and on from 0 */
		{.has_address = true, .start = {UINT64_MAX - 0xfff}, .size = 0x3000},
	};

	(void)state;
	bench_satp_write(vcpu, satp);
	for (unsigned i = 0; i < ARRAY_LENGTH(forms); i++) {
		map(satp, i, GUEST_RWX);
		bench_fence_all(vcpu);
		bench_reaches(vcpu, GVA(0x1000), ACCESS_LOAD, bench_ram(i * PAGE_SIZE));
		guest_store(&bench.vm.memory,
			    guest_entry(&bench.tables, satp, GVA(0x1000), 0), 0);
		assert_true(bench_may_find_any(vcpu, GVA(0x1000)));
		paging_lsp.fence(vcpu, &forms[i]);
		if (bench_may_find_any(vcpu, GVA(0x1000)))
			fail_msg("form %u left the old translation", i);
		bench_faults(vcpu, GVA(0x1000), ACCESS_LOAD);
	}
}

/*
 * SBI specification, "RFENCE Extension": a size of 2^XLEN - 1 is the whole
 * address space. Linux's flush_tlb_all() and flush_tlb_mm() ask for just that.
 */
static void a_fence_from_0_of_size_minus_1_covers_everything(void **state)
{
	const struct fence fence = {
		.has_address = true, .start = GVA(0), .size = UINT64_MAX};

	(void)state;
	map(satp, 0, GUEST_RWX);
	bench_satp_write(vcpu, satp);
	bench_reaches(vcpu, GVA(0x1000), ACCESS_LOAD, bench_ram(0));
	guest_store(&bench.vm.memory, guest_entry(&bench.tables, satp, GVA(0x1000), 0),
		    0);
	paging_lsp.fence(vcpu, &fence);
	assert_false(bench_may_find_any(vcpu, GVA(0x1000)));
}

/* Fences of other ASIDs and addresses need not end anything, and here do not. */
static void a_fence_of_something_else_costs_nothing(void **state)
{
	const struct access access = {.gva = GVA(0x1000), .kind = ACCESS_LOAD};

	(void)state;
	map(satp, 0, GUEST_RWX);
	bench_satp_write(vcpu, satp);
	bench_reaches(vcpu, access.gva, ACCESS_LOAD, bench_ram(0));
	bench_fence(vcpu, false, GVA(0), true, 2);
	bench_fence(vcpu, true, access.gva, true, 2);
	bench_fence(vcpu, true, GVA(0x2000), false, 0);
	bench_fence(vcpu, true, GVA(UINT64_C(1) << 45), false, 0);
	assert_int_equal(bench_access(vcpu, &access).faults, 0);
}

/* Tables of an inactive root may be anything by now: only the active is read. */
static void fences_of_inactive_trees_are_made_up_for(void **state)
{
	uint64_t other = bench_satp(&bench, SATP_SV48, 1);

	(void)state;
	map(satp, 0, GUEST_RWX);
	bench_satp_write(vcpu, satp);
	bench_reaches(vcpu, GVA(0x1000), ACCESS_LOAD, bench_ram(0));
	bench_satp_write(vcpu, other);
	map(satp, 1, GUEST_RWX);
	bench_fence_address(vcpu, GVA(0x1000));
	bench_satp_write(vcpu, satp);
	assert_false(bench_may_find(vcpu, GVA(0x1000), bench_ram(0)));
	bench_reaches(vcpu, GVA(0x1000), ACCESS_LOAD, bench_ram(PAGE_SIZE));
	bench_satp_write(vcpu, other);
	map(satp, 2, GUEST_RWX);
	bench_fence_all(vcpu);
	bench_satp_write(vcpu, satp);
	assert_false(bench_may_find(vcpu, GVA(0x1000), bench_ram(PAGE_SIZE)));
	assert_true(bench_may_find(vcpu, GVA(0x1000), bench_ram(2 * PAGE_SIZE)));
}

/* The short way of a miss fills gaps beside it; what is there waits for its fence. */
static void a_short_miss_leaves_other_entries_alone(void **state)
{
	const gva_t changed = GVA(0x1000), missed = GVA(0x2000);

	(void)state;
	map(satp, 0, GUEST_RWX);
	bench_satp_write(vcpu, satp);
	bench_reaches(vcpu, changed, ACCESS_LOAD, bench_ram(0));
	map(satp, 2, GUEST_RWX);
	guest_map(&bench.tables, satp, missed, bench_ram(3 * PAGE_SIZE), GUEST_RWX, 0);
	assert_int_equal(paging_lsp.fill(vcpu, missed, 0), OUTCOME_FILLED);
	fake_guest_left();
	bench_fence_address(vcpu, changed);
	assert_false(bench_may_find(vcpu, changed, bench_ram(0)));
	bench_reaches(vcpu, changed, ACCESS_LOAD, bench_ram(2 * PAGE_SIZE));
}

/* ---- reading the guest's code ---- */

static bool half_is(gva_t gva, enum access_kind kind, uint16_t expected)
{
	const struct access access = {.gva = gva, .kind = kind};
	uint16_t half;

	return paging_lsp.read_half(vcpu, &access, &half) && half == expected;
}

static void halves_are_read_as_the_hart_would(void **state)
{
	(void)state;
	guest_store(&bench.vm.memory, bench_ram(8), UINT64_C(0x4444333322221111));
	guest_store(&bench.vm.memory, bench_ram(PAGE_SIZE + 8), 0x5555);
	assert_true(half_is(GVA(bench_ram(10).raw), ACCESS_FETCH, 0x2222));
	assert_false(half_is(GVA(0x10000000), ACCESS_LOAD, 0));
	map(satp, 0, PTE_V | PTE_X | PTE_A);
	bench_satp_write(vcpu, satp);
	/* with no shadow leaf, from the guest's table */
	assert_true(half_is(GVA(0x100e), ACCESS_FETCH, 0x4444));
	/* what may be carried out has its A; data need not, and nothing is set for it */
	map(satp, 0, PTE_V | PTE_R | PTE_X);
	assert_false(half_is(GVA(0x100e), ACCESS_FETCH, 0x4444));
	assert_true(half_is(GVA(0x100e), ACCESS_LOAD, 0x4444));
	assert_int_equal(leaf_at(GVA(0x1000), 0) & 0xff, PTE_V | PTE_R | PTE_X);
	assert_false(half_is(GVA(0x2000), ACCESS_FETCH, 0));
	assert_false(half_is(GVA(UINT64_C(1) << 40), ACCESS_FETCH, 0));
	/* and with one, from what the hart executes, though it is old */
	bench_reaches(vcpu, GVA(0x1008), ACCESS_FETCH, bench_ram(8));
	map(satp, 1, PTE_V | PTE_X | PTE_A);
	assert_true(half_is(GVA(0x1008), ACCESS_FETCH, 0x1111));
	bench_fence_address(vcpu, GVA(0x1008));
	assert_true(half_is(GVA(0x1008), ACCESS_FETCH, 0x5555));
}

/* ---- budgets ---- */

/* Five roots and thirty far pages with room for so many tables. */
static void run_with_budget(uint64_t limit)
{
	uint64_t satps[5];

	for (unsigned i = 0; i < ARRAY_LENGTH(satps); i++) {
		satps[i] = bench_satp(&bench, SATP_SV39, i);
		for (unsigned j = 0; j < 3; j++)
			guest_map(&bench.tables, satps[i], GVA(j * (GIB + 2 * MIB)),
				  bench_ram((i * 8 + j) * PAGE_SIZE), GUEST_RWX, 0);
	}
	bench_pool(&bench)->limit = limit;
	for (unsigned round = 0; round < 60; round++) {
		unsigned i = round * 3 % 5, j = round % 3;

		bench_satp_write(vcpu, satps[i]);
		bench_reaches(vcpu, GVA(j * (GIB + 2 * MIB)), ACCESS_STORE,
			      bench_ram((i * 8 + j) * PAGE_SIZE));
		assert_true(bench_pool(&bench)->used <= limit);
		assert_int_equal(bench_count_pages(&bench), bench_pages_used(&bench));
	}
	assert_int_equal(bench.vm.end, VM_RUNNING);
}

/* A path is 5 pages; the root before, 2, goes for them. */
static void tiny_budgets_are_enough(void **state)
{
	(void)state;
	for (uint64_t limit = 5; limit < 26; limit++) {
		run_with_budget(limit);
		bench_fence_all(vcpu);
		bench.tables.next = GUEST_RAM_BASE;
	}
}

static void no_memory_for_a_root_stops_the_vm_and_nothing_else(void **state)
{
	(void)state;
	bench_satp_write(vcpu, satp);
	bench_pool(&bench)->limit = 3;
	bench_satp_write(vcpu, bench_satp(&bench, SATP_SV39, 2));
	assert_int_equal(bench.vm.end, VM_STOPPED);
	assert_int_equal(paging_lsp.satp_read(vcpu), satp);
}

static void no_memory_for_a_table_is_told(void **state)
{
	const struct access access = {.gva = GVA(0x1000), .kind = ACCESS_LOAD};

	(void)state;
	map(satp, 0, GUEST_RWX);
	bench_satp_write(vcpu, satp);
	bench_pool(&bench)->limit = 4;
	assert_int_equal(bench_access(vcpu, &access).outcome, OUTCOME_NO_MEMORY);
	bench_pool(&bench)->limit = 5;
	bench_reaches(vcpu, GVA(0x1000), ACCESS_LOAD, bench_ram(0));
}

/* The machine's memory may end before the VM's budget does. */
static void the_machine_runs_out(void **state)
{
	const struct access access = {.gva = GVA(0x1000), .kind = ACCESS_LOAD};

	(void)state;
	map(satp, 0, GUEST_RWX);
	bench_satp_write(vcpu, satp);
	for (unsigned calls = 0; calls < 2; calls++) {
		fake_pages_allow(calls);
		assert_int_equal(bench_access(vcpu, &access).outcome, OUTCOME_NO_MEMORY);
	}
	fake_pages_allow(UINT64_MAX);
	bench_reaches(vcpu, GVA(0x1000), ACCESS_LOAD, bench_ram(0));
}

/* ---- creation ---- */

static void creation_that_fails_leaves_nothing(void **state)
{
	static struct vm other;
	uint64_t before = fake_pages_taken();

	(void)state;
	other.memory = bench.vm.memory;
	fake_pages_allow(0);
	assert_int_equal(paging_lsp.vm_create(&other), STATUS_OK);
	other.vcpus[0].vm = &other;
	assert_int_equal(paging_lsp.vcpu_create(&other.vcpus[0]), STATUS_NO_MEMORY);
	paging_lsp.vcpu_destroy(&other.vcpus[0]);
	paging_lsp.vcpu_destroy(&other.vcpus[0]);
	paging_lsp.vm_destroy(&other);
	paging_lsp.vm_destroy(&other);
	assert_int_equal(fake_pages_taken(), before);
	fake_pages_allow(UINT64_MAX);
}

/* The state of a vCPU, and then its first root. */
static void a_vcpu_without_memory(void **state)
{
	static struct vm other;
	uint64_t before = fake_pages_taken();

	(void)state;
	other.memory = bench.vm.memory;
	assert_int_equal(paging_lsp.vm_create(&other), STATUS_OK);
	other.vcpus[0].vm = &other;
	for (uint64_t calls = 0; calls < 2; calls++) {
		fake_pages_allow(calls);
		assert_int_equal(paging_lsp.vcpu_create(&other.vcpus[0]),
				 STATUS_NO_MEMORY);
		paging_lsp.vcpu_destroy(&other.vcpus[0]);
	}
	fake_pages_allow(UINT64_MAX);
	paging_lsp.vm_destroy(&other);
	assert_int_equal(fake_pages_taken(), before);
}

/* An RFENCE names all harts of the VM, also those that have not started. */
static void a_fence_of_a_vcpu_that_never_ran(void **state)
{
	static struct bench other;
	const struct fence fence = {
		.has_address = true, .start = GVA(0x1000), .size = PAGE_SIZE};

	(void)state;
	bench_put(vcpu);
	bench_create(&other, 2);
	bench_load(&other.vm.vcpus[0], 0);
	paging_lsp.fence(&other.vm.vcpus[1], &fence);
	paging_lsp.fence(&other.vm.vcpus[1], &(struct fence){0});
	bench_put(&other.vm.vcpus[0]);
	bench_load(&other.vm.vcpus[1], 0);
	bench_reaches(&other.vm.vcpus[1], GVA(bench_ram(0).raw), ACCESS_LOAD,
		      bench_ram(0));
	bench_put(&other.vm.vcpus[1]);
	bench_destroy(&other);
}

/* The trees of one vCPU must not keep another from having any. */
static void one_vcpu_takes_the_whole_budget(void **state)
{
	static struct bench other;
	struct vcpu *first = &other.vm.vcpus[0], *second = &other.vm.vcpus[1];
	uint64_t root;
	enum vm_end end;

	(void)state;
	bench_put(vcpu);
	bench_create(&other, 2);
	bench_pool(&other)->limit = 24;
	root = bench_satp(&other, SATP_SV39, 1);
	for (unsigned i = 0; i < 30; i++)
		guest_map(&other.tables, root, GVA(i * 2 * MIB), bench_ram(0), GUEST_RWX,
			  0);
	bench_load(second, 0);
	bench_put(second);
	bench_load(first, 0);
	bench_satp_write(first, root);
	for (unsigned i = 0; i < 30; i++)
		bench_reaches(first, GVA(i * 2 * MIB), ACCESS_LOAD, bench_ram(0));
	bench_put(first);
	while (bench_pool(&other)->used < bench_pool(&other)->limit)
		bench_pool(&other)->limit--;
	bench_load(second, 0);
	bench_satp_write(second, root);
	end = other.vm.end;
	bench_put(second);
	bench_destroy(&other);
	assert_int_equal(end, VM_RUNNING);
}

/* With the pages of the machine gone, an emptied tree need not give one back. */
static void two_vcpus_and_no_page_left(void **state)
{
	static struct bench other;
	struct vcpu *first = &other.vm.vcpus[0];

	(void)state;
	bench_put(vcpu);
	bench_create(&other, 2);
	bench_load(&other.vm.vcpus[1], 0);
	bench_put(&other.vm.vcpus[1]);
	bench_load(first, 0);
	fake_pages_allow(0);
	alarm(10);
	bench_satp_write(first, bench_satp(&other, SATP_SV39, 1));
	alarm(0);
	assert_int_equal(other.vm.end, VM_STOPPED);
	fake_pages_allow(UINT64_MAX);
	bench_put(first);
	bench_destroy(&other);
}

static void missing_says_what_a_machine_lacks(void **state)
{
	struct fake_profile profile = *fake_default();

	(void)state;
	assert_null(paging_lsp.missing());
	assert_true(paging_lsp.isa().svadu);
	assert_false(paging_lsp.isa().svade);
	assert_false(paging_lsp.isa().cache_management);
	bench_put(vcpu);
	profile.satp_traps = false;
	fake_arch_create(&profile);
	assert_non_null(paging_lsp.missing());
	profile = *fake_default();
	profile.modes = 0;
	fake_arch_create(&profile);
	assert_non_null(paging_lsp.missing());
	fake_arch_create(fake_default());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(bare_reaches_ram_and_nothing_else),
		TEST(bare_is_not_touched_by_fences),
		TEST(satp_is_warl),
		TEST(a_root_that_is_no_ram_is_the_guests_own_trouble),
		TEST(going_back_to_a_satp_costs_no_fault),
		TEST(every_mode),
		TEST(permissions_are_the_guests),
		TEST(what_became_valid_is_found_in_the_end),
		TEST(accesses_set_a_and_stores_d),
		TEST(a_store_sets_d_in_its_own_pte),
		TEST(superpages_are_marked_too),
		TEST(little_is_set_beside_an_access),
		TEST(what_was_cleared_is_set_again),
		TEST(devices_are_told_with_their_gpa),
		TEST(a_fence_of_an_address_installs_what_is_there_now),
		TEST(no_fence_installs_a_leaf_with_a_clear),
		TEST(tables_in_use_come_back_together),
		TEST(what_is_recalled_is_walked_anew),
		TEST(every_form_of_fence_ends_what_it_covers),
		TEST(a_fence_from_0_of_size_minus_1_covers_everything),
		TEST(a_fence_of_something_else_costs_nothing),
		TEST(fences_of_inactive_trees_are_made_up_for),
		TEST(a_short_miss_leaves_other_entries_alone),
		TEST(halves_are_read_as_the_hart_would),
		TEST(tiny_budgets_are_enough),
		TEST(no_memory_for_a_root_stops_the_vm_and_nothing_else),
		TEST(no_memory_for_a_table_is_told),
		TEST(the_machine_runs_out),
		TEST(creation_that_fails_leaves_nothing),
		TEST(a_vcpu_without_memory),
		TEST(a_fence_of_a_vcpu_that_never_ran),
		TEST(one_vcpu_takes_the_whole_budget),
		TEST(missing_says_what_a_machine_lacks),
		/* Last, since it may never come back. */
		TEST(two_vcpus_and_no_page_left),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
