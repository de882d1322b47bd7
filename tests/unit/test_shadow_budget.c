/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/lsp.c mm/guest_memory.c mm/page_stock.c */
/* sources: core/json.c core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c tests/unit/lsp_bench.c */
/*
 * The budget for shadow tables: how it is divided, that nothing exceeds it, how
 * it is reported, and that with the least of it every instruction completes,
 * wherever its code and its operand lie, on any hart and beside any other trees.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "tests/unit/lsp_bench.h"

/* An instruction's pages: two of code, two of data, each across a boundary. */
#define PAGES	4
#define LEAST	32 /* pages for Sv57: two roots, and 4 paths of 7 */
#define ROOTS	3
#define ROUNDS	120
#define SETTLED 64

struct instruction {
	gva_t gva[PAGES];
	enum access_kind kind[PAGES];
	gpa_t gpa[PAGES];
};

static struct bench bench;
static uint64_t guest_pages; /* what the VM's RAM takes of the host's */

static void create(const struct fake_profile *profile, unsigned vcpus, uint64_t budget)
{
	fake_pages_create();
	fake_arch_create(profile);
	bench_create(&bench, vcpus);
	for (unsigned i = 0; i < vcpus; i++)
		paging_lsp.vcpu_destroy(&bench.vm.vcpus[i]);
	guest_pages = fake_pages_taken();
	bench.vm.shadow_memory = budget;
	for (unsigned i = 0; i < vcpus; i++)
		assert_int_equal(paging_lsp.vcpu_create(&bench.vm.vcpus[i]), STATUS_OK);
}

static void destroy(void)
{
	assert_int_equal(bench_count_pages(&bench), bench_pages_used(&bench));
	bench_destroy(&bench);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
}

static uint64_t least(unsigned vcpus)
{
	return paging_lsp.budget(BENCH_RAM_SIZE, vcpus).least;
}

static void create_with_the_least(const struct fake_profile *profile)
{
	fake_arch_create(profile); /* which says how much that is */
	create(profile, 1, least(1));
}

/* Pages of the host's that the VM has beside its RAM. */
static uint64_t pages_taken(void)
{
	return fake_pages_taken() - guest_pages;
}

/* ---- what an instruction needs ---- */

/* As far apart as can be: each page under an entry of its own of the root. */
static struct instruction widest(unsigned mode, unsigned number)
{
	uint64_t slot = level_size(mode_levels(mode) - 1);
	struct instruction instruction;

	for (unsigned i = 0; i < PAGES; i++) {
		uint64_t boundary = slot * (2 + 8 * number + 4 * (i / 2));

		instruction.gva[i] = GVA(i % 2 ? boundary : boundary - PAGE_SIZE);
		instruction.kind[i] = i < 2 ? ACCESS_FETCH : ACCESS_STORE;
		instruction.gpa[i] = bench_ram((number * PAGES + i) * PAGE_SIZE);
	}
	return instruction;
}

static void map_instruction(uint64_t satp, const struct instruction *instruction)
{
	for (unsigned i = 0; i < PAGES; i++)
		guest_map(&bench.tables, satp, instruction->gva[i], instruction->gpa[i],
			  GUEST_RWX | (i / 2 ? PTE_G : 0), 0);
}

/* One try: false where an access faulted, which was seen to. */
static bool try(struct vcpu *vcpu, const struct instruction *instruction)
{
	for (unsigned i = 0; i < PAGES; i++) {
		const struct access access = {.gva = instruction->gva[i],
					      .kind = instruction->kind[i]};
		const struct vm_exit exit = {.cause = CAUSE_TRANSLATION,
					     .access = access};

		if (!fake_access(&access).may_fault)
			continue;
		assert_int_equal(paging_lsp.fault(vcpu, &exit).outcome, OUTCOME_FILLED);
		return false;
	}
	return true;
}

/* From its first access again at each fault, as a hart does it. */
static unsigned faults_of(struct vcpu *vcpu, const struct instruction *instruction)
{
	unsigned faults = 0;

	while (faults < SETTLED && !try(vcpu, instruction))
		faults++;
	return faults;
}

static void check_bounds(void)
{
	assert_true(bench_pool(&bench)->peak <= bench_pool(&bench)->limit);
	assert_true(pages_taken() << PAGE_SHIFT <= bench.vm.shadow_memory);
	assert_int_equal(bench_count_pages(&bench), bench_pages_used(&bench));
}

/*
 * A page faults once, once more where the hart has cached that nothing was
 * there, and both again where a fault of the same instruction took it away.
 */
#define FAULTS_MAX (4 * PAGES)

static void run_at_the_least(const struct fake_profile *profile, unsigned mode)
{
	struct vcpu *vcpu = &bench.vm.vcpus[0];
	struct instruction instructions[ROOTS];
	uint64_t satps[ROOTS];

	create_with_the_least(profile);
	bench_load(vcpu, 0);
	for (unsigned i = 0; i < ROOTS; i++) {
		satps[i] = bench_satp(&bench, mode, i);
		instructions[i] = widest(mode, i);
		for (unsigned j = 0; j < ROOTS; j++) {
			struct instruction other = widest(mode, j);

			map_instruction(satps[i], &other);
		}
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		bench_satp_write(vcpu, satps[round / 4 % ROOTS]);
		assert_true(faults_of(vcpu, &instructions[round % ROOTS]) <= FAULTS_MAX);
		/* what has completed once goes on doing so at no cost */
		assert_int_equal(faults_of(vcpu, &instructions[round % ROOTS]), 0);
		if (round % 7 == 0)
			bench_fence_address(vcpu, instructions[0].gva[round % PAGES]);
		check_bounds();
	}
	assert_int_equal(bench.vm.end, VM_RUNNING);
	assert_true(bench_space(vcpu)->statistics.reclaims > 0);
	bench_put(vcpu);
	destroy();
}

static void with_the_least_every_instruction_completes(void **state)
{
	static const struct fake_profile *const profiles[] = {&fake_worst, &fake_qemu,
							      &fake_cva6};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(profiles); i++)
		for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++)
			if (profiles[i]->modes & 1u << mode)
				run_at_the_least(profiles[i], mode);
}

/* The reason for the least: one page fewer, and misses can follow one another. */
static void with_a_page_less_one_never_does(void **state)
{
	struct vcpu *vcpu = &bench.vm.vcpus[0];
	struct instruction instruction = widest(SATP_SV57, 0);
	struct shadow_pool *pool;
	uint64_t satp;
	void *page;

	(void)state;
	create_with_the_least(&fake_qemu);
	pool = bench_pool(&bench);
	bench_load(vcpu, 0);
	satp = bench_satp(&bench, SATP_SV57, 1);
	map_instruction(satp, &instruction);
	bench_satp_write(vcpu, satp);
	page = stock_take(&pool->leaves);
	pool->limit--;
	assert_int_equal(faults_of(vcpu, &instruction), SETTLED);
	pool->limit++;
	stock_give(&pool->leaves, page);
	assert_true(faults_of(vcpu, &instruction) < SETTLED);
	bench_put(vcpu);
	destroy();
}

/*
 * The budget is large, but others have taken all of the machine's memory: what is
 * promised is there nevertheless, before the VM has begun and when it has grown.
 */
static void run_beside_greedy_ones(unsigned mode, bool grown)
{
	struct vcpu *vcpu = &bench.vm.vcpus[0];
	struct instruction instructions[ROOTS];
	uint64_t satps[ROOTS];

	create(&fake_qemu, 1, 0);
	bench_load(vcpu, 0);
	for (unsigned i = 0; i < ROOTS; i++) {
		satps[i] = bench_satp(&bench, mode, i);
		instructions[i] = widest(mode, i);
		map_instruction(satps[i], &instructions[i]);
	}
	for (unsigned round = 0; round < 4 * ROOTS; round++) {
		if (round == (grown ? 2 * ROOTS : 0))
			fake_pages_allow(0);
		bench_satp_write(vcpu, satps[round % ROOTS]);
		assert_true(faults_of(vcpu, &instructions[round % ROOTS]) <= FAULTS_MAX);
	}
	assert_int_equal(bench.vm.end, VM_RUNNING);
	fake_pages_allow(UINT64_MAX);
	bench_put(vcpu);
	destroy();
}

static void others_cannot_take_what_is_promised(void **state)
{
	(void)state;
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		run_beside_greedy_ones(mode, false);
		run_beside_greedy_ones(mode, true);
	}
}

/* A chip with fewer levels needs less; and it grows with the vCPUs. */
static void the_least_is_what_the_chip_and_the_vcpus_need(void **state)
{
	static const struct {
		uint32_t modes;
		uint64_t pages;
	} chips[] = {
		{1u << SATP_SV39, 16},
		{1u << SATP_SV39 | 1u << SATP_SV48, 24},
		{FAKE_ALL_MODES, LEAST},
	};
	struct fake_profile profile = fake_worst;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(chips); i++) {
		profile.modes = chips[i].modes;
		create_with_the_least(&profile);
		assert_int_equal(bench_pool(&bench)->limit, chips[i].pages);
		assert_int_equal(least(3), 3 * least(1));
		destroy();
	}
}

/* ---- division ---- */

static void the_vcpus_share_alike(void **state)
{
	uint64_t budget;

	(void)state;
	fake_arch_create(&fake_worst);
	budget = least(3) + 7 * PAGE_SIZE + 123;
	create(&fake_worst, 3, budget);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(bench_space(&bench.vm.vcpus[i])->pool.limit, LEAST + 2);
	for (unsigned i = 0; i < 3; i++) {
		struct vcpu *vcpu = &bench.vm.vcpus[i];
		struct instruction instruction = widest(SATP_SV57, i);
		uint64_t satp = bench_satp(&bench, SATP_SV57, 1);

		map_instruction(satp, &instruction);
		bench_load(vcpu, i);
		bench_satp_write(vcpu, satp);
		assert_true(faults_of(vcpu, &instruction) < SETTLED);
		bench_put(vcpu);
		check_bounds();
	}
	destroy();
}

static void the_usual_is_a_share_of_the_ram(void **state)
{
	uint64_t pages = BENCH_RAM_SIZE / PAGE_SIZE / 64 + MIB / PAGE_SIZE;
	uint64_t usual;

	(void)state;
	create(&fake_worst, 2, 0);
	assert_int_equal(bench_pool(&bench)->limit, pages);
	usual = paging_lsp.budget(BENCH_RAM_SIZE, 2).usual;
	destroy();
	/* saying so comes to the same */
	create(&fake_worst, 2, usual);
	assert_int_equal(bench_pool(&bench)->limit, pages);
	destroy();
}

/* ---- the report ---- */

static uint64_t reported(const char *member)
{
	const char *at = strstr(bench_printed(), member);

	assert_non_null(at);
	return strtoull(at + strlen(member), NULL, 10);
}

static void the_report_tells_the_peak_and_what_was_reclaimed(void **state)
{
	struct vcpu *vcpu = &bench.vm.vcpus[0];
	struct json json = {0};
	uint64_t satp;

	(void)state;
	create_with_the_least(&fake_qemu);
	bench_load(vcpu, 0);
	satp = bench_satp(&bench, SATP_SV57, 1);
	for (unsigned i = 0; i < ROOTS; i++) {
		struct instruction instruction = widest(SATP_SV57, i);

		map_instruction(satp, &instruction);
		bench_satp_write(vcpu, satp);
		faults_of(vcpu, &instruction);
	}
	bench_fence_all(vcpu);
	bench_printed();
	json_object(&json, NULL);
	paging_lsp.report(&bench.vm, &json);
	json_object_end(&json);
	assert_int_equal(reported("\"pages\":"), bench_pages_used(&bench));
	assert_int_equal(reported("\"pages_peak\":"), LEAST);
	assert_int_equal(reported("\"page_limit\":"), LEAST);
	/* the tree of Bare first, and then the one in use, twice at the least */
	assert_true(reported("\"reclaims\":") >= 3);
	assert_int_equal((reported("\"state_pages\":") + LEAST) * PAGE_SIZE, least(1));
	assert_int_equal(reported("\"state_pages\":") + bench_pages_used(&bench),
			 pages_taken());
	bench.vm.name = "small";
	paging_lsp.log(&bench.vm);
	assert_non_null(strstr(bench_printed(),
			       "vm small: shadow tables took up to 32 pages of "
			       "32, reclaimed "));
	bench_put(vcpu);
	destroy();
}

/* Fences and full tables of trees are no want of memory. */
static void only_want_of_a_page_is_a_reclaim(void **state)
{
	struct vcpu *vcpu = &bench.vm.vcpus[0];

	(void)state;
	create(&fake_qemu, 1, 0);
	bench_load(vcpu, 0);
	for (unsigned i = 0; i < 2 * TREE_LIMIT; i++) {
		bench_satp_write(vcpu, guest_satp(SATP_SV39, i, GPA(GUEST_RAM_BASE.raw)));
		bench_fence_all(vcpu);
	}
	assert_true(bench_space(vcpu)->statistics.tree_evictions >= TREE_LIMIT);
	assert_true(bench_space(vcpu)->statistics.tree_unlinks > 0);
	assert_int_equal(bench_space(vcpu)->statistics.reclaims, 0);
	bench_put(vcpu);
	destroy();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_the_least_every_instruction_completes),
		cmocka_unit_test(with_a_page_less_one_never_does),
		cmocka_unit_test(others_cannot_take_what_is_promised),
		cmocka_unit_test(the_least_is_what_the_chip_and_the_vcpus_need),
		cmocka_unit_test(the_vcpus_share_alike),
		cmocka_unit_test(the_usual_is_a_share_of_the_ram),
		cmocka_unit_test(the_report_tells_the_peak_and_what_was_reclaimed),
		cmocka_unit_test(only_want_of_a_page_is_a_reclaim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
