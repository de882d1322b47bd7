/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: mm/nested.c mm/page_table.c mm/guest_memory.c lsp/walker.c core/json.c */
/* sources: core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c */
/*
 * Nested paging through its table of functions: a G-stage table that maps all
 * of the VM's RAM and nothing else, and what its faults come to.
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
	create(&fake_worst);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	paging_nested.put(vcpu);
	arch_vcpu_put(vcpu);
	paging_nested.vcpu_destroy(vcpu);
	paging_nested.vm_destroy(&vm);
	paging_nested.vm_destroy(&vm);
	guest_memory_free(&vm.memory);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
	return 0;
}

/* The G-stage of the fake hart: 2 more bits in the root. */
static bool gstage(gpa_t gpa, hpa_t *hpa, uint64_t *flags)
{
	const pte_t *table = hpa_pointer(fake_machine.gstage_root);
	unsigned levels = fake_machine.gstage_mode - SATP_SV39 + 3;
	uint64_t mask = 2047;

	for (unsigned level = levels; level-- > 0; mask = 511) {
		pte_t pte = table[gpa.raw >> (12 + 9 * level) & mask];
		uint64_t below = (UINT64_C(1) << (12 + 9 * level)) - 1;

		if (!(pte.raw & PTE_V))
			return false;
		if (pte.raw & (PTE_R | PTE_W | PTE_X)) {
			*hpa = HPA((pte.raw >> 10 << 12) | (gpa.raw & below));
			*flags = pte.raw & 0x3ff;
			return true;
		}
		table = hpa_pointer(HPA(pte.raw >> 10 << 12));
	}
	return false;
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

		assert_true(gstage(gpa, &hpa, &flags));
		assert_true(guest_memory_find(&vm.memory, gpa, PAGE_SIZE, &expected));
		assert_int_equal(hpa.raw, expected.raw);
		/* U, since every access counts as a user's; A and D are no one's to set
		 */
		assert_int_equal(flags,
				 PTE_V | PTE_R | PTE_W | PTE_X | PTE_U | PTE_A | PTE_D);
	}
	assert_false(gstage(GPA(GUEST_RAM_BASE.raw - 8), &hpa, &flags));
	assert_false(gstage(GPA(GUEST_RAM_BASE.raw + 8 * MIB), &hpa, &flags));
	assert_false(gstage(GPA(0x10000000), &hpa, &flags));
	assert_false(gstage(GPA(UINT64_C(1) << 40), &hpa, &flags));
}

static void all_of_ram_and_nothing_else(void **state)
{
	(void)state;
	all_of_ram_is_there(SATP_SV39);
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
	struct fake_profile profile = fake_worst;

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
	struct fake_profile profile = fake_worst;
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
	fake_arch_create(&fake_worst);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(all_of_ram_and_nothing_else),
		TEST(the_vmid_is_none_of_shadow_tables),
		TEST(a_chip_without_vmids),
		TEST(faults_of_the_gstage),
		TEST(faults_of_the_guests_own_tables),
		TEST(a_gpa_that_is_not_told),
		TEST(the_rest_is_the_harts),
		TEST(missing_and_memory),
		TEST(the_report),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
