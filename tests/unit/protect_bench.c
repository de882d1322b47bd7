/* SPDX-License-Identifier: BSD-2-Clause */
/* A bench for the write-protecting modes. See protect_bench.h. */
#include "tests/unit/protect_bench.h"

#include <string.h>

#include "tests/unit/captured_console.h"

#define FAULT_LIMIT 6

static unsigned current;

/* core/vm.c's, without all that it takes to load a guest. */
void vm_end(struct vm *vm, enum vm_end end, const char *detail)
{
	fail_msg("VM %p ended, %u: %s", (void *)vm, end, detail);
}

struct vcpu *bench_vcpu(struct bench *bench, unsigned number)
{
	return &bench->vm.vcpus[number];
}

struct protect_vm *bench_state(struct bench *bench)
{
	return bench->vm.paging;
}

gpa_t bench_page(unsigned number)
{
	return GPA(GUEST_RAM_BASE.raw + BENCH_TABLE_SIZE + number * PAGE_SIZE);
}

gva_t bench_window(gpa_t gpa)
{
	return GVA(WINDOW + (gpa.raw - GUEST_RAM_BASE.raw));
}

uint64_t bench_space(struct bench *bench, unsigned asid, unsigned window_level)
{
	uint64_t satp = guest_satp(SATP_SV39, asid, guest_table(&bench->tables));
	uint64_t size = level_size(window_level);

	for (uint64_t at = 0; at < BENCH_RAM_SIZE; at += size)
		guest_map(&bench->tables, satp, GVA(WINDOW + at),
			  GPA(GUEST_RAM_BASE.raw + at), GUEST_RWX, window_level);
	return satp;
}

void bench_on(struct bench *bench, unsigned vcpu)
{
	assert_true(vcpu < bench->vm.vcpu_count);
	current = vcpu;
	fake_hart_switch(vcpu);
}

void bench_create(struct bench *bench, const struct paging_mode *mode, unsigned vcpus,
		  unsigned window_level)
{
	struct vm *vm = &bench->vm;

	memset(bench, 0, sizeof(*bench));
	captured_clear();
	vm->mode = mode;
	vm->detail = "";
	vm->vcpu_count = vcpus;
	assert_int_equal(
		guest_memory_allocate(&vm->memory, GUEST_RAM_BASE, BENCH_RAM_SIZE),
		STATUS_OK);
	bench->tables = (struct guest_tables){
		.memory = &vm->memory,
		.next = GUEST_RAM_BASE,
		.end = bench_page(0),
	};
	bench->satp = bench_space(bench, 1, window_level);
	assert_int_equal(mode->vm_create(vm), STATUS_OK);
	for (unsigned i = vcpus; i-- > 0;) {
		vm->vcpus[i].vm = vm;
		vm->vcpus[i].id = i;
		assert_int_equal(mode->vcpu_create(&vm->vcpus[i]), STATUS_OK);
		fake_hart_switch(i);
		arch_vcpu_load(&vm->vcpus[i]);
		mode->load(&vm->vcpus[i]);
		mode->satp_write(&vm->vcpus[i], bench->satp);
	}
	bench_on(bench, 0);
}

void bench_destroy(struct bench *bench)
{
	struct vm *vm = &bench->vm;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		fake_hart_switch(i);
		vm->mode->put(&vm->vcpus[i]);
		arch_vcpu_put(&vm->vcpus[i]);
		vm->mode->vcpu_destroy(&vm->vcpus[i]);
	}
	vm->mode->vm_destroy(vm);
	guest_memory_free(&vm->memory);
	assert_int_equal(fake_pages_taken(), 0);
}

void bench_satp(struct bench *bench, uint64_t satp)
{
	bench->vm.mode->satp_write(bench_vcpu(bench, current), satp);
	fake_guest_left();
}

void bench_fence_address(struct bench *bench, gva_t gva)
{
	const struct fence fence = {.has_address = true, .start = gva, .size = PAGE_SIZE};

	bench->vm.mode->fence(bench_vcpu(bench, current), &fence);
	fake_guest_left();
}

void bench_fence_all(struct bench *bench)
{
	const struct fence fence = {.has_address = false};

	bench->vm.mode->fence(bench_vcpu(bench, current), &fence);
	fake_guest_left();
}

static hpa_t host_of(struct bench *bench, gpa_t gpa)
{
	hpa_t hpa;

	assert_true(guest_memory_find(&bench->vm.memory, gpa, sizeof(uint64_t), &hpa));
	return hpa;
}

/* True if the hart lets it through, to where it should go. */
static bool goes_through(struct bench *bench, const struct access *access, gpa_t expected)
{
	struct fake_results results = fake_access(access);

	assert_false(results.may_access_fault);
	for (unsigned i = 0; i < results.count; i++)
		assert_int_equal(results.permitted[i].hpa.raw,
				 host_of(bench, expected).raw);
	return !results.may_fault;
}

static struct bench_access try(struct bench *bench, const struct access *access,
			       gpa_t expected, uint64_t value)
{
	struct vcpu *vcpu = bench_vcpu(bench, current);
	const struct vm_exit exit = {.cause = CAUSE_TRANSLATION, .access = *access};
	const struct guest_store store = {.width = sizeof(value), .value = value};
	struct bench_access result = {.outcome = OUTCOME_FILLED};

	while (!goes_through(bench, access, expected)) {
		struct translation translation = bench->vm.mode->fault(vcpu, &exit);

		fake_guest_left();
		if (++result.exits > FAULT_LIMIT)
			fail_msg("0x%lx faults for ever", access->gva.raw);
		result.outcome = translation.outcome;
		if (translation.outcome == OUTCOME_EMULATE_STORE) {
			assert_int_equal(translation.gpa.raw, expected.raw);
			bench->vm.mode->store(vcpu, access, translation.gpa, &store);
			result.emulated = true;
			return result;
		}
		if (translation.outcome == OUTCOME_PAGE_FAULT)
			return result;
	}
	result.outcome = OUTCOME_FILLED;
	return result;
}

struct bench_access bench_load(struct bench *bench, gva_t gva, gpa_t expected)
{
	const struct access access = {.gva = gva, .kind = ACCESS_LOAD};
	struct bench_access result = try(bench, &access, expected, 0);

	assert_int_equal(result.outcome, OUTCOME_FILLED);
	return result;
}

struct bench_access bench_store(struct bench *bench, gva_t gva, gpa_t expected,
				uint64_t value)
{
	const struct access access = {.gva = gva, .kind = ACCESS_STORE};
	struct bench_access result = try(bench, &access, expected, value);
	uint64_t *at = hpa_pointer(host_of(bench, expected));

	assert_int_not_equal(result.outcome, OUTCOME_PAGE_FAULT);
	if (!result.emulated)
		*at = value;
	assert_int_equal(*at, value);
	return result;
}

void bench_faults(struct bench *bench, gva_t gva)
{
	const struct access access = {.gva = gva, .kind = ACCESS_LOAD};

	assert_int_equal(try(bench, &access, GPA(0), 0).outcome, OUTCOME_PAGE_FAULT);
}

struct bench_access bench_store_pte(struct bench *bench, gpa_t at, gpa_t to,
				    uint64_t flags)
{
	return bench_store(bench, bench_window(at), at, to.raw >> 12 << 10 | flags);
}

bool bench_is_protected(struct bench *bench, gpa_t gpa)
{
	struct protect_frame *frame = protect_frame(bench_state(bench), gpa);

	if (!protect_frame_is_protected(frame))
		return false;
	assert_int_equal(frame->writable, 0);
	assert_false(fake_tlb_may_write(host_of(bench, gpa)));
	return true;
}

void bench_check(struct bench *bench)
{
	const char *wrong = bench->vm.mode->check(bench_vcpu(bench, current), CHECK_ALL);

	if (wrong)
		fail_msg("%s", wrong);
}
