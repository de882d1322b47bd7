/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/lsp.c mm/guest_memory.c */
/* sources: core/json.c core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c tests/unit/lsp_bench.c */
/*
 * Lazy shadow paging under random guests: stores to page tables at every level,
 * satp writes, fences of all forms, accesses, moves between harts, two VMs.
 *
 * The model is the ISA's: for each satp a vCPU has used, and each address that
 * is watched, the set of the leaves that were valid while that satp was in
 * force and since the last fence that covers them. Whatever an access may find
 * must be in the set, or, with G, in one of the same MODE; whatever faults must
 * fault by the tables as they are.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/lsp_bench.h"

#define VMS	  2
#define VCPUS	  2
#define SATPS	  5
#define TABLES	  256
#define SET_LIMIT 128
#define STEPS	  3000

static const uint64_t gvas[] = {
	/* one 2 MiB and its neighbour, one 1 GiB and its, and where level 3 has RAM */
	0x0000000000,
	0x0000005000,
	0x00001ff000,
	0x0000200000,
	0x0000201000,
	0x0040000000,
	0x0040005000,
	0x0080000000,
	0x0080201000,
	0x0080601000,
	/* the same of the upper half, which all roots share */
	0xffffffffc0000000,
	0xffffffffc0201000,
	0xffffffffffe00000,
	0xfffffffffffff000,
};
#define GVAS ARRAY_LENGTH(gvas)

struct set {
	unsigned count;
	struct {
		uint64_t pte;
		unsigned level;
	} leaf[SET_LIMIT];
};

struct model {
	unsigned satp; /* in force; SATPS: Bare */
	unsigned hart;
	bool loaded;
	struct set sets[SATPS][GVAS];
};

struct table {
	unsigned owner; /* the satp; SATPS: all of that mode */
	unsigned mode;
	unsigned level;
	uint64_t prefix;
	gpa_t at;
};

static struct world {
	struct bench bench;
	uint64_t satps[SATPS];
	struct model models[VCPUS];
	unsigned table_count;
	struct table tables[TABLES];
} worlds[VMS];

/* Where the chip lacks the mode, Sv39. */
static const struct {
	unsigned mode;
	unsigned asid;
} kinds[SATPS] = {
	/* two roots of one ASID; 0 is an ASID as any other */
	{SATP_SV39, 1}, {SATP_SV39, 1}, {SATP_SV39, 2}, {SATP_SV48, 1}, {SATP_SV57, 0},
};

static uint64_t seed;
static unsigned step;
static unsigned vcpus; /* of each VM, for this run */

static unsigned below(unsigned limit)
{
	return random_below(&seed, limit);
}

/* ---- the guest's tables ---- */

/* The table of that level for gva, under that root: made once and never moved. */
static gpa_t table_for(struct world *world, unsigned satp, unsigned level, uint64_t gva)
{
	unsigned mode = (unsigned)(world->satps[satp] >> 60);
	bool is_root = level == mode_levels(mode) - 1;
	struct table wanted = {
		.owner = gva >> 63 && !is_root ? SATPS : satp,
		.mode = mode,
		.level = level,
		.prefix = is_root ? 0 : align_down(gva, level_size(level + 1)),
	};

	for (unsigned i = 0; i < world->table_count; i++) {
		const struct table *table = &world->tables[i];

		if (table->owner == wanted.owner && table->mode == wanted.mode &&
		    table->level == wanted.level && table->prefix == wanted.prefix)
			return table->at;
	}
	assert_true(world->table_count < TABLES);
	wanted.at = is_root ? GPA((world->satps[satp] & 0xfffffffffff) << 12)
			    : guest_table(&world->bench.tables);
	world->tables[world->table_count++] = wanted;
	return wanted.at;
}

static void store_at(struct world *world, unsigned satp, unsigned level, uint64_t gva,
		     uint64_t pte)
{
	gpa_t table = table_for(world, satp, level, gva);

	guest_store(&world->bench.vm.memory, GPA(table.raw + 8 * level_index(gva, level)),
		    pte);
}

static uint64_t pointer_to(struct world *world, unsigned satp, unsigned level,
			   uint64_t gva)
{
	return pte_make(table_for(world, satp, level, gva).raw, PTE_V).raw;
}

/* RAM past the tables, sometimes the tables, sometimes none at all. */
static uint64_t random_leaf(unsigned level)
{
	static const uint64_t rights[] = {
		PTE_R,	       PTE_R | PTE_W,	      PTE_X,
		PTE_R | PTE_X, PTE_R | PTE_W | PTE_X, PTE_R | PTE_W | PTE_X};
	uint64_t flags = PTE_V | rights[below(6)] | (below(8) ? PTE_A : 0) |
			 (below(4) ? PTE_D : 0) | (below(3) ? 0 : PTE_U) |
			 (below(3) ? 0 : PTE_G) | (uint64_t)below(4) << 8;
	uint64_t address = GUEST_RAM_BASE.raw + below(BENCH_RAM_SIZE >> 12) * PAGE_SIZE;

	if (below(12) == 0)
		address = 0x10000000;
	if (below(20) == 0)
		flags |= UINT64_C(1) << (54 + below(10));
	if (below(20) == 0)
		return pte_make(address, flags).raw; /* misaligned, most likely */
	return pte_make(align_down(address, level_size(level)), flags).raw;
}

static void random_store(struct world *world)
{
	unsigned satp = below(SATPS);
	uint64_t gva = gvas[below(GVAS)];
	unsigned levels = mode_levels((unsigned)(world->satps[satp] >> 60));
	unsigned level = below(2) ? 0 : below(levels);
	uint64_t pte = 0;

	switch (below(level == 0 ? 4 : 8)) {
	case 0:
		break;
	case 1:
	case 2:
	case 3:
		pte = random_leaf(level);
		break;
	default:
		pte = pointer_to(world, satp, level - 1, gva);
	}
	store_at(world, satp, level, gva, pte);
}

/* ---- the model ---- */

static void set_add(struct set *set, const struct reference *leaf)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->leaf[i].pte == leaf->pte && set->leaf[i].level == leaf->level)
			return;
	assert_true(set->count < SET_LIMIT);
	set->leaf[set->count].pte = leaf->pte;
	set->leaf[set->count++].level = leaf->level;
}

/* The leaves there are now, for the satp in force. */
static void model_look(struct world *world, struct model *model)
{
	if (model->satp == SATPS)
		return;
	for (unsigned g = 0; g < GVAS; g++) {
		struct reference leaf = reference_leaf(
			&world->bench.vm.memory, world->satps[model->satp], GVA(gvas[g]));

		if (leaf.outcome == OUTCOME_FILLED && (leaf.pte & PTE_A))
			set_add(&model->sets[model->satp][g], &leaf);
	}
}

static void world_look(struct world *world)
{
	for (unsigned i = 0; i < vcpus; i++)
		model_look(world, &world->models[i]);
}

static bool fence_covers_leaf(const struct fence *fence, uint64_t gva, unsigned level)
{
	uint64_t first = align_down(fence->start.raw, PAGE_SIZE);
	uint64_t last = fence->start.raw + fence->size - 1;
	uint64_t start = align_down(gva, level_size(level));

	return !fence->has_address ||
	       (first <= start + level_size(level) - 1 && last >= start);
}

static void model_fence(struct world *world, struct model *model,
			const struct fence *fence)
{
	for (unsigned s = 0; s < SATPS; s++) {
		if (fence->has_asid && fence->asid != kinds[s].asid)
			continue;
		for (unsigned g = 0; g < GVAS; g++) {
			struct set *set = &model->sets[s][g];
			unsigned kept = 0;

			for (unsigned i = 0; i < set->count; i++)
				if ((fence->has_asid && (set->leaf[i].pte & PTE_G)) ||
				    !fence_covers_leaf(fence, gvas[g],
						       set->leaf[i].level))
					set->leaf[kept++] = set->leaf[i];
			set->count = kept;
		}
	}
	model_look(world, model);
}

/* Leaves of another satp count only if they are global. */
static bool set_allows(const struct world *world, const struct set *set, bool own,
		       const struct access *access, hpa_t hpa)
{
	for (unsigned i = 0; i < set->count; i++) {
		uint64_t size = level_size(set->leaf[i].level);
		gpa_t gpa = GPA(align_down(pte_address(PTE(set->leaf[i].pte)), size) |
				(access->gva.raw & (size - 1)));
		hpa_t leads;

		if ((own || (set->leaf[i].pte & PTE_G)) &&
		    reference_permits(set->leaf[i].pte, access) &&
		    !(~set->leaf[i].pte & reference_marks(access)) &&
		    guest_memory_find(&world->bench.vm.memory, gpa, 1, &leads) &&
		    leads.raw == hpa.raw)
			return true;
	}
	return false;
}

static bool model_allows(const struct world *world, const struct model *model, unsigned g,
			 const struct access *access, hpa_t hpa)
{
	unsigned mode = satp_mode(world->satps[model->satp]);

	for (unsigned s = 0; s < SATPS; s++)
		if (satp_mode(world->satps[s]) == mode &&
		    set_allows(world, &model->sets[s][g], s == model->satp, access, hpa))
			return true;
	return false;
}

/* ---- what happens ---- */

static void check_results(const struct world *world, const struct model *model,
			  unsigned g, const struct access *access,
			  const struct fake_results *results)
{
	for (unsigned i = 0; i < results->count; i++)
		if (!model_allows(world, model, g, access, results->permitted[i].hpa))
			fail_msg("step %u: gva 0x%lx kind %u user %u satp %u: leaf 0x%lx "
				 "at level %u is none that a TLB may hold",
				 step, access->gva.raw, access->kind, access->user,
				 model->satp, results->permitted[i].leaf.raw,
				 results->permitted[i].level);
}

/* A and D are set for what may pass, or for nothing where it did not come to it. */
static void check_marks(const struct world *world, uint64_t satp,
			const struct access *access, const struct reference *before)
{
	struct reference leaf =
		reference_leaf(&world->bench.vm.memory, satp, access->gva);
	bool passed =
		before->outcome == OUTCOME_FILLED || before->outcome == OUTCOME_DEVICE;

	if (passed && leaf.pte != before->pte)
		assert_int_equal(leaf.pte, before->pte | reference_marks(access));
}

static void check_access(struct world *world, struct vcpu *vcpu, struct model *model)
{
	unsigned g = below(GVAS);
	const struct access access = {
		.gva = GVA(gvas[g] | below(512) * 8),
		.kind = (enum access_kind)below(3),
		.user = below(3) == 0,
		.sum = below(2),
		.mxr = below(2),
	};
	uint64_t satp = world->satps[model->satp];
	struct reference expected =
		reference_walk_svadu(&world->bench.vm.memory, satp, &access);
	struct bench_access result = bench_access(vcpu, &access);

	check_marks(world, satp, &access, &expected);
	model_look(world, model);
	check_results(world, model, g, &access, &result.results);
	if (result.outcome == OUTCOME_FILLED)
		return;
	if (result.outcome != expected.outcome)
		fail_msg("step %u: gva 0x%lx satp %u: outcome %u, not %u", step,
			 access.gva.raw, model->satp, result.outcome, expected.outcome);
	if (result.outcome == OUTCOME_DEVICE)
		assert_int_equal(result.gpa.raw, expected.gpa.raw);
}

static void check_bare(struct vcpu *vcpu)
{
	gpa_t gpa = GPA(GUEST_RAM_BASE.raw + below(4) * 0x1fe000);
	const struct access access = {.gva = GVA(gpa.raw),
				      .kind = (enum access_kind)below(3),
				      .user = below(2)};
	struct bench_access result = bench_access(vcpu, &access);
	hpa_t hpa;

	assert_int_equal(result.outcome, OUTCOME_FILLED);
	assert_true(guest_memory_find(&vcpu->vm->memory, gpa, 1, &hpa));
	for (unsigned i = 0; i < result.results.count; i++)
		assert_int_equal(result.results.permitted[i].hpa.raw, hpa.raw);
}

static struct fence random_fence(void)
{
	struct fence fence = {
		.has_address = below(4) != 0,
		.start = GVA(gvas[below(GVAS)] | below(4096)),
		.size = PAGE_SIZE,
		.has_asid = below(2),
		.asid = (uint16_t)below(4),
	};

	/* As sfence.vma has it: one page; or a range of SBI's that does not wrap. */
	fence.start.raw = align_down(fence.start.raw, PAGE_SIZE);
	if (below(4) == 0 && !(fence.start.raw >> 63))
		fence.size = (1 + below(100)) * PAGE_SIZE - below(2);
	return fence;
}

static void change_satp(struct world *world, struct vcpu *vcpu, struct model *model)
{
	model->satp = below(SATPS + 1);
	bench_satp_write(vcpu, model->satp == SATPS ? 0 : world->satps[model->satp]);
	model_look(world, model);
}

static void move(struct vcpu *vcpu, struct model *model)
{
	bool taken[FAKE_HART_LIMIT] = {false};

	fake_hart_switch(model->hart);
	if (model->loaded)
		bench_put(vcpu);
	model->loaded = false;
	for (unsigned v = 0; v < VMS; v++)
		for (unsigned i = 0; i < vcpus; i++)
			if (worlds[v].models[i].loaded)
				taken[worlds[v].models[i].hart] = true;
	model->hart = below(FAKE_HART_LIMIT);
	while (taken[model->hart])
		model->hart = (model->hart + 1) % FAKE_HART_LIMIT;
	bench_load(vcpu, model->hart);
	model->loaded = true;
}

static void one_step(void)
{
	struct world *world = &worlds[below(VMS)];
	unsigned which = below(vcpus);
	struct vcpu *vcpu = &world->bench.vm.vcpus[which];
	struct model *model = &world->models[which];
	unsigned choice = below(100);
	struct fence fence;

	fake_hart_switch(model->hart);
	if (choice < 4)
		move(vcpu, model);
	else if (choice < 25)
		random_store(world);
	else if (choice < 35)
		change_satp(world, vcpu, model);
	else if (choice < 45) {
		fence = random_fence();
		paging_lsp.fence(vcpu, &fence);
		fake_guest_left();
		model_fence(world, model, &fence);
	} else if (model->satp == SATPS)
		check_bare(vcpu);
	else
		check_access(world, vcpu, model);
	world_look(world);
}

static unsigned mode_of(unsigned satp)
{
	unsigned mode = kinds[satp].mode;

	return fake_profile()->modes & 1u << mode ? mode : SATP_SV39;
}

static void create_world(struct world *world, uint64_t pool_limit)
{
	memset(world, 0, sizeof(*world));
	bench_create(&world->bench, vcpus);
	for (unsigned i = 0; pool_limit && i < vcpus; i++)
		bench_space(&world->bench.vm.vcpus[i])->pool.limit = pool_limit;
	for (unsigned s = 0; s < SATPS; s++)
		world->satps[s] = bench_satp(&world->bench, mode_of(s), kinds[s].asid);
	for (unsigned s = 0; s < SATPS; s++)
		for (unsigned g = 0; g < GVAS; g++)
			for (unsigned level = mode_levels(mode_of(s)) - 1; level > 0;
			     level--)
				store_at(world, s, level, gvas[g],
					 pointer_to(world, s, level - 1, gvas[g]));
	for (unsigned i = 0; i < vcpus; i++)
		world->models[i].satp = SATPS;
}

static void destroy_world(struct world *world)
{
	assert_int_equal(bench_count_pages(&world->bench),
			 bench_pages_used(&world->bench));
	for (unsigned i = 0; i < vcpus; i++) {
		fake_hart_switch(world->models[i].hart);
		if (world->models[i].loaded)
			bench_put(&world->bench.vm.vcpus[i]);
	}
	bench_destroy(&world->bench);
}

/* With a limit, one vCPU: they share the pool, and one may not take the other's. */
static void run(const struct fake_profile *profile, uint64_t start, uint64_t pool_limit)
{
	seed = start;
	vcpus = pool_limit ? 1 : VCPUS;
	fake_pages_create();
	fake_arch_create(profile);
	for (unsigned v = 0; v < VMS; v++)
		create_world(&worlds[v], pool_limit);
	for (unsigned v = 0; v < VMS; v++)
		for (unsigned i = 0; i < vcpus; i++)
			move(&worlds[v].bench.vm.vcpus[i], &worlds[v].models[i]);
	for (unsigned g = 0; g < GVAS; g++)
		fake_speculate_on(GVA(gvas[g]));
	for (step = 0; step < STEPS; step++)
		one_step();
	for (unsigned v = 0; v < VMS; v++) {
		assert_int_equal(worlds[v].bench.vm.end, VM_RUNNING);
		destroy_world(&worlds[v]);
	}
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
}

static void run_seeds(struct fake_profile profile, unsigned asid_bits,
		      uint64_t pool_limit)
{
	profile.asid_bits = asid_bits;
	for (uint64_t start = 1; start <= 4; start++)
		run(&profile, start * 0x9e3779b97f4a7c15, pool_limit);
}

static void as_many_asids_as_it_has(void **state)
{
	(void)state;
	run_seeds(*fake_default(), fake_default()->asid_bits, 0);
}

static void six_bits_of_asid(void **state)
{
	(void)state;
	run_seeds(*fake_default(), 6, 0);
}

static void few_pages(void **state)
{
	(void)state;
	for (uint64_t limit = 11; limit < 60; limit += 12)
		run_seeds(*fake_default(), 6, limit);
}

static void no_walking_ahead(void **state)
{
	struct fake_profile profile = *fake_default();

	(void)state;
	profile.speculates = false;
	for (unsigned bits = 0; bits < 4; bits++)
		run_seeds(profile, bits, 0);
}

static void only_leaves_are_kept(void **state)
{
	struct fake_profile profile = *fake_default();

	(void)state;
	profile.keeps_pointers = false;
	profile.keeps_invalid = false;
	run_seeds(profile, 16, 0);
}

static void two_bits_of_asid(void **state)
{
	(void)state;
	run_seeds(*fake_default(), 2, 0);
}

static void no_asids(void **state)
{
	(void)state;
	run_seeds(*fake_default(), 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_asids_as_it_has),
		cmocka_unit_test(six_bits_of_asid),
		cmocka_unit_test(few_pages),
		cmocka_unit_test(no_walking_ahead),
		cmocka_unit_test(only_leaves_are_kept),
		cmocka_unit_test(two_bits_of_asid),
		cmocka_unit_test(no_asids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
