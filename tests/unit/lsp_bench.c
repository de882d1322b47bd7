/* SPDX-License-Identifier: BSD-2-Clause */
/* A bench for lazy shadow paging. See lsp_bench.h. */
#include "tests/unit/lsp_bench.h"

#include <string.h>

#include "tests/unit/captured_console.h"

/* core/vm.c's, without all that it takes to load a guest. */
void vm_end(struct vm *vm, enum vm_end end, const char *detail)
{
	if (vm->end == VM_RUNNING) {
		vm->end = end;
		vm->detail = detail;
	}
}

const char *bench_printed(void)
{
	captured_length = 0;
	return captured;
}

gpa_t bench_ram(uint64_t offset)
{
	return GPA(GUEST_RAM_BASE.raw + BENCH_TABLE_SIZE + offset);
}

void bench_create(struct bench *bench, unsigned vcpus)
{
	struct vm *vm = &bench->vm;

	memset(bench, 0, sizeof(*bench));
	captured_clear();
	vm->mode = &paging_lsp;
	vm->detail = "";
	vm->vcpu_count = vcpus;
	assert_int_equal(
		guest_memory_allocate(&vm->memory, GUEST_RAM_BASE, BENCH_RAM_SIZE),
		STATUS_OK);
	assert_int_equal(paging_lsp.vm_create(vm), STATUS_OK);
	for (unsigned i = 0; i < vcpus; i++) {
		vm->vcpus[i].vm = vm;
		vm->vcpus[i].id = i;
		assert_int_equal(paging_lsp.vcpu_create(&vm->vcpus[i]), STATUS_OK);
	}
	bench->tables = (struct guest_tables){
		.memory = &vm->memory,
		.next = GUEST_RAM_BASE,
		.end = bench_ram(0),
	};
}

void bench_destroy(struct bench *bench)
{
	for (unsigned i = 0; i < bench->vm.vcpu_count; i++)
		paging_lsp.vcpu_destroy(&bench->vm.vcpus[i]);
	paging_lsp.vm_destroy(&bench->vm);
	guest_memory_free(&bench->vm.memory);
}

uint64_t bench_satp(struct bench *bench, unsigned mode, unsigned asid)
{
	return guest_satp(mode, asid, guest_table(&bench->tables));
}

void bench_load(struct vcpu *vcpu, unsigned hart)
{
	fake_hart_switch(hart);
	arch_vcpu_load(vcpu);
	paging_lsp.load(vcpu);
}

void bench_put(struct vcpu *vcpu)
{
	paging_lsp.put(vcpu);
	arch_vcpu_put(vcpu);
}

struct lsp_vcpu *bench_space(struct vcpu *vcpu)
{
	space_settle(vcpu->paging);
	return vcpu->paging;
}

struct shadow_pool *bench_pool(struct bench *bench)
{
	return &bench_space(&bench->vm.vcpus[0])->pool;
}

uint64_t bench_pages_used(struct bench *bench)
{
	uint64_t used = 0;

	for (unsigned i = 0; i < bench->vm.vcpu_count; i++)
		used += bench_space(&bench->vm.vcpus[i])->pool.used;
	return used;
}

/* A hart may go on with any of them, whether or not it may fault as well. */
static void add_results(struct fake_results *all, const struct fake_results *more)
{
	/* No shadow table leads to where nothing is. */
	assert_false(more->may_access_fault);
	all->may_fault = more->may_fault;
	all->may_detour = more->may_detour;
	for (unsigned i = 0; i < more->count; i++) {
		assert_true(all->count < FAKE_RESULT_LIMIT);
		all->permitted[all->count++] = more->permitted[i];
	}
}

struct bench_access bench_access(struct vcpu *vcpu, const struct access *access)
{
	struct bench_access result = {.outcome = OUTCOME_FILLED};

	for (;;) {
		struct fake_results results = fake_access(access);
		const struct vm_exit exit = {
			.cause = CAUSE_TRANSLATION,
			.access = *access,
		};
		struct translation translation;

		add_results(&result.results, &results);
		result.is_own = results.may_fault && fake_delegates();
		if (result.is_own)
			result.outcome = OUTCOME_PAGE_FAULT;
		if (result.is_own || !(results.may_fault || results.may_detour))
			return result;
		if (++result.faults > BENCH_FAULT_LIMIT)
			fail_msg("0x%lx faults for ever", access->gva.raw);
		translation = paging_lsp.fault(vcpu, &exit);
		fake_guest_left();
		result.gpa = translation.gpa;
		result.outcome = translation.outcome;
		if (translation.outcome != OUTCOME_FILLED)
			return result;
	}
}

static struct access supervisor(gva_t gva, enum access_kind kind)
{
	return (struct access){.gva = gva, .kind = kind};
}

static hpa_t host_of(const struct vcpu *vcpu, gpa_t gpa)
{
	hpa_t hpa;

	assert_true(guest_memory_find(&vcpu->vm->memory, gpa, 1, &hpa));
	return hpa;
}

void bench_reaches(struct vcpu *vcpu, gva_t gva, enum access_kind kind, gpa_t gpa)
{
	const struct access access = supervisor(gva, kind);
	struct bench_access result = bench_access(vcpu, &access);

	assert_int_equal(result.outcome, OUTCOME_FILLED);
	for (unsigned i = 0; i < result.results.count; i++)
		assert_int_equal(result.results.permitted[i].hpa.raw,
				 host_of(vcpu, gpa).raw);
	assert_true(result.results.count > 0);
}

void bench_faults(struct vcpu *vcpu, gva_t gva, enum access_kind kind)
{
	const struct access access = supervisor(gva, kind);

	assert_int_equal(bench_access(vcpu, &access).outcome, OUTCOME_PAGE_FAULT);
}

bool bench_may_find(struct vcpu *vcpu, gva_t gva, gpa_t gpa)
{
	const struct access access = supervisor(gva, ACCESS_LOAD);
	struct fake_results results = fake_access(&access);

	for (unsigned i = 0; i < results.count; i++)
		if (results.permitted[i].hpa.raw == host_of(vcpu, gpa).raw)
			return true;
	return false;
}

bool bench_may_find_any(struct vcpu *vcpu, gva_t gva)
{
	const struct access access = supervisor(gva, ACCESS_LOAD);

	(void)vcpu;
	return fake_access(&access).count > 0;
}

void bench_satp_write(struct vcpu *vcpu, uint64_t satp)
{
	if (!fake_vector_switches(vcpu, satp))
		paging_lsp.satp_write(vcpu, satp);
	fake_guest_left();
}

void bench_fence(struct vcpu *vcpu, bool has_address, gva_t gva, bool has_asid,
		 unsigned asid)
{
	const struct fence fence = {
		.has_address = has_address,
		.start = gva,
		.size = PAGE_SIZE,
		.has_asid = has_asid,
		.asid = (uint16_t)asid,
	};

	paging_lsp.fence(vcpu, &fence);
	fake_guest_left();
}

void bench_fence_address(struct vcpu *vcpu, gva_t gva)
{
	bench_fence(vcpu, true, gva, false, 0);
}

bool bench_fence_fast(struct vcpu *vcpu, gva_t gva, int asid)
{
	bool done = fake_vector_fences(vcpu, gva, asid >= 0, (uint16_t)asid);

	if (done)
		fake_guest_left();
	else
		bench_fence(vcpu, true, gva, asid >= 0, (uint16_t)asid);
	return done;
}

void bench_fence_all(struct vcpu *vcpu)
{
	bench_fence(vcpu, false, GVA(0), false, 0);
}

/* Linked or stale. */
static uint64_t count_tables(const pte_t *table, unsigned level)
{
	uint64_t count = table_pages(level);

	for (unsigned i = 0; level > 0 && i < PTE_PER_TABLE; i++)
		if (table_child(table, i))
			count += count_tables(table_child(table, i), level - 1);
	return count;
}

static uint64_t count_of_vcpu(const struct lsp_vcpu *space)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < TREE_LIMIT; i++)
		if (space->trees[i].root)
			count += count_tables(space->trees[i].root,
					      tree_top(&space->trees[i]));
	for (unsigned i = 0; i < GLOBALS_MODES; i++)
		if (space->globals[i].root)
			count += count_tables(space->globals[i].root, i + 2);
	return count;
}

uint64_t bench_count_pages(struct bench *bench)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < bench->vm.vcpu_count; i++)
		count += count_of_vcpu(bench->vm.vcpus[i].paging);
	return count;
}
