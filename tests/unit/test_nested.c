/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: mm/page_table_check.c */
/* sources: mm/nested.c mm/page_table.c mm/guest_memory.c lsp/walker.c core/json.c */
/* sources: core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c */
/*
 * Nested paging through its table of functions: a G-stage table that maps all
 * of the VM's RAM and nothing else, and what its faults come to, on a hart that
 * keeps of the table what it may.
 */
#include <string.h>

#include "core/exit.h"
#include "core/json.h"
#include "core/vm.h"
#include "mm/pte.h"
#include "tests/unit/captured_console.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/guest_tables.h"
#include "tests/unit/host_ram.h"

static struct vm vm;
static struct vcpu *vcpu = &vm.vcpus[0];
static struct guest_tables tables;

static void create(const struct fake_profile *profile)
{
	fake_pages_create();
	fake_arch_create(profile);
	memset(&vm, 0, sizeof(vm));
	captured_clear();
	assert_int_equal(guest_memory_allocate(&vm.memory, GUEST_RAM_BASE, 8 * MIB),
			 STATUS_OK);
	vm.vcpu_count = 1;
	vcpu->vm = &vm;
	tables = (struct guest_tables){
		.memory = &vm.memory,
		.next = GUEST_RAM_BASE,
		.end = GPA(GUEST_RAM_BASE.raw + 8 * MIB),
	};
	assert_int_equal(paging_nested.vm_create(&vm), STATUS_OK);
	assert_int_equal(paging_nested.vcpu_create(vcpu), STATUS_OK);
	arch_vcpu_load(vcpu);
	paging_nested.load(vcpu);
}

static int setup(void **state)
{
	(void)state;
	create(fake_default());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	paging_nested.put(vcpu);
	arch_vcpu_put(vcpu);
	paging_nested.vcpu_destroy(vcpu);
	paging_nested.vm_destroy(&vm);
	/* before its pages are anyone else's: the hart has kept none of its tables */
	assert_int_equal(fake_gstage_count(fake_machine.gstage_vmid), 0);
	paging_nested.vm_destroy(&vm);
	guest_memory_free(&vm.memory);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
	return 0;
}

/* Where the hart comes to, by whatever it may have kept, and by which leaf. */
static bool gstage(gpa_t gpa, enum access_kind kind, hpa_t *hpa, uint64_t *flags)
{
	struct fake_results results = fake_gstage_access(gpa, kind);

	assert_false(results.may_access_fault);
	if (results.may_fault)
		return false;
	assert_int_equal(results.count, 1);
	*hpa = results.permitted[0].hpa;
	*flags = results.permitted[0].leaf.raw & (PTE_RSW | 0xff);
	return true;
}

/* The entry for a gpa, for a test that changes it behind the mode's back. */
static pte_t *gstage_leaf(gpa_t gpa)
{
	pte_t *table = hpa_pointer(fake_machine.gstage_root);
	unsigned level = mode_levels(fake_machine.gstage_mode) - 1;
	pte_t *entry = &table[gpa.raw >> (PAGE_SHIFT + PTE_INDEX_BITS * level)];

	while (!pte_is_leaf(*entry)) {
		assert_true(pte_valid(*entry));
		table = hpa_pointer(HPA(pte_address(*entry)));
		entry = &table[level_index(gpa.raw, --level)];
	}
	return entry;
}

static void all_of_ram_is_there(unsigned mode)
{
	hpa_t hpa, expected;
	uint64_t flags;

	assert_false(fake_machine.shadowed);
	assert_true(is_aligned(fake_machine.gstage_root.raw, 0x4000));
	assert_int_equal(fake_machine.gstage_mode, mode);
	for (uint64_t at = 0; at < 8 * MIB; at += PAGE_SIZE) {
		gpa_t gpa = GPA(GUEST_RAM_BASE.raw + at);
		enum access_kind kind = (enum access_kind)(at >> PAGE_SHIFT) % 3;

		assert_true(gstage(gpa, kind, &hpa, &flags));
		assert_true(guest_memory_find(&vm.memory, gpa, PAGE_SIZE, &expected));
		assert_int_equal(hpa.raw, expected.raw);
		/* U, since every access counts as a user's; A and D are no one's to set
		 */
		assert_int_equal(flags,
				 PTE_V | PTE_R | PTE_W | PTE_X | PTE_U | PTE_A | PTE_D);
	}
	assert_false(gstage(GPA(GUEST_RAM_BASE.raw - 8), ACCESS_LOAD, &hpa, &flags));
	assert_false(
		gstage(GPA(GUEST_RAM_BASE.raw + 8 * MIB), ACCESS_LOAD, &hpa, &flags));
	assert_false(gstage(GPA(0x10000000), ACCESS_LOAD, &hpa, &flags));
	assert_false(gstage(GPA(UINT64_C(1) << 40), ACCESS_LOAD, &hpa, &flags));
	assert_false(gstage(GPA(UINT64_C(1) << 63), ACCESS_LOAD, &hpa, &flags));
}

static void all_of_ram_and_nothing_else(void **state)
{
	(void)state;
	all_of_ram_is_there(SATP_SV39);
}

/*
 * All that is ever taken is taken at the start: its own state, a root of
 * 4 pages, and below it as much as 2 MiB leaves for the RAM need.
 */
static void its_tables_are_bounded_by_the_ram(void **state)
{
	static const struct {
		unsigned mode;
		unsigned pages;
	} chips[] = {
		{SATP_SV39, 1 + 4 + 1}, {SATP_SV48, 1 + 4 + 2}, {SATP_SV57, 1 + 4 + 3}};
	struct fake_profile profile = *fake_default();
	struct vm_exit exit = {
		.cause = CAUSE_TRANSLATION, .gstage = true, .gpa_known = true};

	(void)state;
	assert_null(paging_nested.budget);
	for (unsigned i = 0; i < ARRAY_LENGTH(chips); i++) {
		teardown(state);
		profile.gstage_modes = 1u << chips[i].mode;
		create(&profile);
		assert_int_equal(fake_pages_taken() - 8 * MIB / PAGE_SIZE,
				 chips[i].pages);
		fake_pages_allow(0);
		for (uint64_t at = 0; at < 16 * MIB; at += PAGE_SIZE) {
			exit.gpa = GPA(GUEST_RAM_BASE.raw + at);
			paging_nested.fault(vcpu, &exit);
			paging_nested.fence(vcpu, &(struct fence){0});
		}
		fake_pages_allow(UINT64_MAX);
		assert_int_equal(fake_pages_taken() - 8 * MIB / PAGE_SIZE,
				 chips[i].pages);
	}
}

/* 0 is the VMID of shadow tables, whose hgatp is Bare. */
static void the_vmid_is_none_of_shadow_tables(void **state)
{
	(void)state;
	assert_int_not_equal(fake_machine.gstage_vmid, 0);
	fake_machine.gstage_root = HPA(0);
	paging_nested.load(vcpu);
	all_of_ram_is_there(SATP_SV39);
}

static void a_chip_without_vmids(void **state)
{
	struct fake_profile profile = *fake_default();

	(void)state;
	teardown(state);
	profile.vmid_bits = 0;
	profile.gstage_modes = 1u << SATP_SV57;
	create(&profile);
	assert_int_equal(fake_machine.gstage_vmid, 0);
	all_of_ram_is_there(SATP_SV57);
}

static struct translation fault(const struct vm_exit *exit)
{
	return paging_nested.fault(vcpu, exit);
}

static void faults_of_the_gstage(void **state)
{
	struct vm_exit exit = {
		.gstage = true,
		.gpa_known = true,
		.gpa = GPA(0x10000004),
	};
	struct translation translation = fault(&exit);
	unsigned fences = fake_machine.counts.gstage_fences;

	(void)state;
	assert_int_equal(translation.outcome, OUTCOME_DEVICE);
	assert_int_equal(translation.gpa.raw, 0x10000004);
	/* RAM is mapped: what the hart kept was too old */
	exit.gpa = GUEST_RAM_BASE;
	assert_int_equal(fault(&exit).outcome, OUTCOME_FILLED);
	assert_int_equal(fake_machine.counts.gstage_fences, fences + 1);
	/* the guest's tables are where nothing is */
	exit.implicit = true;
	exit.gpa = GPA(0x10000000);
	assert_int_equal(fault(&exit).outcome, OUTCOME_ACCESS_FAULT);
}

/* Accesses, and what the mode does about them, until one gets through. */
static unsigned faults_until_it_reaches(gpa_t gpa, enum access_kind kind)
{
	const struct vm_exit exit = {
		.cause = CAUSE_TRANSLATION,
		.access.kind = kind,
		.gstage = true,
		.gpa_known = true,
		.gpa = gpa,
	};
	unsigned faults = 0;

	while (fake_gstage_access(gpa, kind).may_fault) {
		assert_int_equal(fault(&exit).outcome, OUTCOME_FILLED);
		fake_guest_left();
		assert_true(++faults < 4);
	}
	return faults;
}

/*
 * The hart has seen a leaf that was not what it is now, and kept it, or that
 * there was none. RAM is mapped, so one fault on it is the last.
 */
static void what_the_hart_kept_too_long_ends_with_one_fault(void **state)
{
	const gpa_t gpa = GPA(GUEST_RAM_BASE.raw + 0x5008);
	const struct fake_profile *profile = fake_profile();
	pte_t *entry = gstage_leaf(gpa), right = *entry;
	const struct {
		pte_t seen;
		bool is_kept;
	} past[] = {
		{PTE(0), profile->keeps_invalid},
		{PTE(right.raw & ~(PTE_W | PTE_D)), !profile->flushed_by_exits},
		{PTE(right.raw & ~PTE_U), !profile->flushed_by_exits},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(past); i++) {
		*entry = past[i].seen;
		arch_gstage_fence(fake_machine.gstage_vmid);
		assert_true(fake_gstage_access(gpa, ACCESS_STORE).may_fault);
		fake_guest_left();
		*entry = right;
		assert_int_equal(faults_until_it_reaches(gpa, ACCESS_STORE),
				 past[i].is_kept ? 1 : 0);
	}
}

/* A and D are there beforehand: a hart finds nothing to set and nothing to fault on. */
static void no_access_changes_the_table(void **state)
{
	const gpa_t gpa = GPA(GUEST_RAM_BASE.raw + 0x7000);
	pte_t before = *gstage_leaf(gpa);

	(void)state;
	for (enum access_kind kind = ACCESS_FETCH; kind <= ACCESS_STORE; kind++)
		assert_int_equal(faults_until_it_reaches(gpa, kind), 0);
	assert_int_equal(gstage_leaf(gpa)->raw, before.raw);
}

static void faults_of_the_guests_own_tables(void **state)
{
	const struct vm_exit exit = {.gstage = false};

	(void)state;
	assert_int_equal(fault(&exit).outcome, OUTCOME_PAGE_FAULT);
}

/* htval may be 0; then the guest's tables say where it went. */
static void a_gpa_that_is_not_told(void **state)
{
	struct vm_exit exit = {
		.gstage = true,
		.access = {.gva = GVA(0x1004), .kind = ACCESS_LOAD},
	};
	uint64_t satp = guest_satp(SATP_SV48, 1, guest_table(&tables));

	(void)state;
	guest_map(&tables, satp, GVA(0x1000), GPA(0x10000000), GUEST_RWX, 0);
	fake_machine.guest_satp = satp;
	assert_int_equal(fault(&exit).outcome, OUTCOME_DEVICE);
	assert_int_equal(fault(&exit).gpa.raw, 0x10000004);
	/* A and D the hart may have been about to set */
	guest_map(&tables, satp, GVA(0x1000), GPA(0x10000000), PTE_V | PTE_R, 0);
	assert_int_equal(fault(&exit).outcome, OUTCOME_DEVICE);
	exit.access.gva = GVA(0x2000);
	assert_int_equal(fault(&exit).outcome, OUTCOME_ACCESS_FAULT);
	fake_machine.guest_satp = 0;
	exit.access.gva = GVA(0x10000008);
	assert_int_equal(fault(&exit).gpa.raw, 0x10000008);
}

static bool read_half_of(gva_t gva, enum access_kind kind, uint16_t *half)
{
	*half = 0x4501;
	return gva.raw == 0x2000 && kind == ACCESS_FETCH;
}

static void the_rest_is_the_harts(void **state)
{
	struct access access = {.gva = GVA(0x2000), .kind = ACCESS_FETCH};
	unsigned fences = fake_machine.counts.all_fences;
	uint16_t half = 0;

	(void)state;
	fake_machine.read_half = read_half_of;
	assert_true(paging_nested.read_half(vcpu, &access, &half));
	assert_int_equal(half, 0x4501);
	access.kind = ACCESS_LOAD;
	assert_false(paging_nested.read_half(vcpu, &access, &half));
	paging_nested.satp_write(vcpu, 0x1234);
	assert_int_equal(paging_nested.satp_read(vcpu), 0x1234);
	paging_nested.fence(vcpu, &(struct fence){0});
	assert_int_equal(fake_machine.counts.all_fences, fences + 1);
	assert_true(paging_nested.isa().svade);
}

static void missing_and_memory(void **state)
{
	struct fake_profile profile = *fake_default();
	static struct vm other;
	uint64_t before = fake_pages_taken();

	(void)state;
	assert_null(paging_nested.missing());
	other.memory = vm.memory;
	for (uint64_t calls = 0; calls < 3; calls++) {
		fake_pages_allow(calls);
		assert_int_equal(paging_nested.vm_create(&other), STATUS_NO_MEMORY);
		assert_null(other.paging);
		assert_int_equal(fake_pages_taken(), before);
	}
	fake_pages_allow(UINT64_MAX);
	arch_vcpu_put(vcpu);
	profile.gstage_modes = 0;
	fake_arch_create(&profile);
	assert_non_null(paging_nested.missing());
	fake_arch_create(fake_default());
	arch_vcpu_load(vcpu);
}

static void the_report(void **state)
{
	struct json json = {0};

	(void)state;
	paging_nested.report(&vm, &json);
	assert_string_equal(captured,
			    "\"pages\":0,\"trees\":0,\"fills\":0,\"gstage_levels\":3");
}

static void load(void)
{
	arch_vcpu_load(vcpu);
	paging_nested.load(vcpu);
}

static void unload(void)
{
	paging_nested.put(vcpu);
	arch_vcpu_put(vcpu);
}

/* As memory is after long use: every run of it must be mapped, wherever it lies. */
static void every_run_is_mapped(void **state)
{
	struct guest_memory whole = vm.memory;

	(void)state;
	unload();
	paging_nested.vm_destroy(&vm);
	vm.memory.run_count = 4;
	for (unsigned i = 0; i < 4; i++)
		vm.memory.runs[i] = (struct guest_run){
			.gpa = GPA(GUEST_RAM_BASE.raw + i * 2 * MIB),
			.hpa = HPA(whole.runs[0].hpa.raw + (3 - i) * 2 * MIB),
			.size = 2 * MIB,
		};
	/* As many runs as there may be, though they lie in one another's place. */
	for (unsigned i = 4; i < GUEST_RUN_LIMIT; i++) {
		vm.memory.runs[i] = vm.memory.runs[i % 4];
		vm.memory.runs[i].gpa.raw += (uint64_t)(i / 4) * 8 * MIB;
	}
	vm.memory.run_count = GUEST_RUN_LIMIT;
	vm.memory.size = GUEST_RUN_LIMIT * 2 * MIB;
	assert_int_equal(paging_nested.vm_create(&vm), STATUS_OK);
	load();
	for (unsigned i = 0; i < GUEST_RUN_LIMIT; i++) {
		gpa_t gpa = GPA(vm.memory.runs[i].gpa.raw + 5 * PAGE_SIZE);
		struct fake_results results = fake_gstage_access(gpa, ACCESS_LOAD);

		assert_int_equal(results.count, 1);
		assert_int_equal(results.permitted[0].hpa.raw,
				 vm.memory.runs[i].hpa.raw + 5 * PAGE_SIZE);
	}
	assert_null(paging_nested.check(vcpu, CHECK_ALL));
	assert_int_equal(paging_nested.reach(), UINT64_C(1) << 41);
	unload();
	paging_nested.vm_destroy(&vm);
	vm.memory = whole;
	assert_int_equal(paging_nested.vm_create(&vm), STATUS_OK);
	load();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(all_of_ram_and_nothing_else),
		TEST(its_tables_are_bounded_by_the_ram),
		TEST(the_vmid_is_none_of_shadow_tables),
		TEST(a_chip_without_vmids),
		TEST(faults_of_the_gstage),
		TEST(what_the_hart_kept_too_long_ends_with_one_fault),
		TEST(no_access_changes_the_table),
		TEST(faults_of_the_guests_own_tables),
		TEST(a_gpa_that_is_not_told),
		TEST(the_rest_is_the_harts),
		TEST(missing_and_memory),
		TEST(the_report),
		TEST(every_run_is_mapped),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
