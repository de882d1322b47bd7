/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bench for lazy shadow paging with 4 GiB of RAM in one run, as well or badly
 * aligned in the host as a test wants it, for the tests of shadow trees: leaves of
 * every level, whole or in pieces.
 */
#ifndef TESTS_UNIT_WIDE_BENCH_H
#define TESTS_UNIT_WIDE_BENCH_H

#include "tests/unit/lsp_bench.h"

#define WIDE_RAM_SIZE (4 * GIB)

static struct bench bench;
static struct vcpu *vcpu;
static struct guest_memory small_memory;
static hpa_t wide_ram;

/* The shift says how aligned: 0 for leaves of 1 GiB, 2 MiB and 4 KiB for those alone. */
static void wide_create(struct fake_profile profile, uint64_t shift)
{
	profile.modes = FAKE_ALL_MODES;
	fake_pages_create();
	fake_arch_create(&profile);
	bench_create(&bench, 1);
	wide_ram = host_ram_map(WIDE_RAM_SIZE + GIB, GIB);
	small_memory = bench.vm.memory;
	guest_ram_single(&bench.vm.memory, GUEST_RAM_BASE, HPA(wide_ram.raw + shift),
			 WIDE_RAM_SIZE);
	vcpu = &bench.vm.vcpus[0];
	bench_load(vcpu, 0);
}

/* All pages that are there are known of, and nothing is wrong with any of them. */
static void wide_check(void)
{
	const char *wrong = vcpu->arch.loaded ? paging_lsp.check(vcpu, CHECK_ALL) : NULL;

	if (wrong)
		fail_msg("%s", wrong);
	assert_int_equal(bench_count_pages(&bench), bench_pages_used(&bench));
}

static void wide_destroy(void)
{
	wide_check();
	if (vcpu->arch.loaded)
		bench_put(vcpu);
	bench.vm.memory = small_memory;
	bench_destroy(&bench);
	assert_int_equal(fake_pages_taken(), 0);
	host_ram_unmap(wide_ram, WIDE_RAM_SIZE + GIB);
	fake_pages_destroy();
}

static inline struct lsp_vcpu *space(void)
{
	return bench_space(vcpu);
}

/* Change a PTE of the guest's, with no fence. */
static void set_entry(uint64_t satp, gva_t gva, unsigned level, uint64_t pte)
{
	guest_store(&bench.vm.memory, guest_entry(&bench.tables, satp, gva, level), pte);
}

static inline uint64_t get_entry(uint64_t satp, gva_t gva, unsigned level)
{
	return guest_load(&bench.vm.memory, guest_entry(&bench.tables, satp, gva, level));
}

static inline uint64_t leaf_of(gpa_t gpa, uint64_t flags)
{
	return gpa.raw >> 12 << 10 | flags;
}

/* Map with one leaf, and use it. */
static inline void put(uint64_t satp, gva_t gva, unsigned level, gpa_t gpa, uint64_t flags)
{
	set_entry(satp, gva, level, leaf_of(gpa, flags));
	bench_reaches(vcpu, gva, ACCESS_LOAD, gpa);
}

static inline void finds(gva_t gva, gpa_t gpa)
{
	assert_true(bench_may_find(vcpu, gva, gpa));
}

static inline void finds_nothing(gva_t gva)
{
	unsigned level;

	if (bench_may_find_any(vcpu, gva))
		fail_msg("something is found at 0x%lx", gva.raw);
	assert_false(pte_valid(tree_find(space()->active, gva, &level)));
}

/* How often an access that gets through had to come to the paging mode. */
static inline unsigned faults_at(gva_t gva)
{
	const struct access access = {.gva = gva, .kind = ACCESS_LOAD};
	struct bench_access result = bench_access(vcpu, &access);

	assert_int_equal(result.outcome, OUTCOME_FILLED);
	return result.faults;
}

#endif
