/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/lsp.c mm/guest_memory.c */
/* sources: core/json.c core/log.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/guest_tables.c tests/unit/host_ram.c tests/unit/lsp_bench.c */
/*
 * Shadow trees and the harts they are walked by: vCPUs that move between harts,
 * VMs that share one, and chips with few real ASIDs or none.
 */
#include "tests/unit/lsp_bench.h"

#define AT GVA(0x1000)

static struct bench benches[2];

static void create(unsigned asid_bits, unsigned vms, unsigned vcpus)
{
	struct fake_profile profile = *fake_default();

	profile.asid_bits = asid_bits;
	fake_pages_create();
	fake_arch_create(&profile);
	for (unsigned i = 0; i < vms; i++)
		bench_create(&benches[i], vcpus);
}

static void destroy(unsigned vms)
{
	for (unsigned i = 0; i < vms; i++) {
		assert_int_equal(bench_count_pages(&benches[i]),
				 bench_pages_used(&benches[i]));
		bench_destroy(&benches[i]);
	}
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
}

/* A satp under which AT is a page of its own. */
static uint64_t make_satp(struct bench *bench, unsigned asid, unsigned page)
{
	uint64_t satp = bench_satp(bench, SATP_SV39, asid);

	guest_map(&bench->tables, satp, AT, bench_ram(page * PAGE_SIZE), GUEST_RWX, 0);
	return satp;
}

static void remap(struct bench *bench, uint64_t satp, unsigned page)
{
	guest_map(&bench->tables, satp, AT, bench_ram(page * PAGE_SIZE), GUEST_RWX, 0);
}

/*
 * Privileged specification, "Supervisor Memory-Management Fence Instruction": who
 * recycles an ASID must "first change satp to point to the new page table using
 * the recycled ASID, then execute SFENCE.VMA", or fence while satp has another
 * one. Until satp is changed, the hart may walk the old tables after the fence.
 */
static void switch_roots(unsigned asid_bits)
{
	struct vcpu *vcpu = &benches[0].vm.vcpus[0];
	uint64_t satps[3];

	create(asid_bits, 1, 1);
	for (unsigned i = 0; i < 3; i++)
		satps[i] = make_satp(&benches[0], i, i);
	bench_load(vcpu, 0);
	for (unsigned i = 0; i < 12; i++) {
		bench_satp_write(vcpu, satps[i % 3]);
		bench_reaches(vcpu, AT, ACCESS_LOAD, bench_ram(i % 3 * PAGE_SIZE));
	}
	bench_put(vcpu);
	destroy(1);
}

static void roots_on_a_chip_without_asids(void **state)
{
	(void)state;
	switch_roots(0);
}

static void roots_on_a_chip_with_one_bit_of_asid(void **state)
{
	(void)state;
	switch_roots(1);
}

static void roots_on_a_chip_with_many_asids(void **state)
{
	(void)state;
	switch_roots(16);
}

/* The generation ends while the guest runs on the very ASID that is next. */
static void the_asid_in_use_is_handed_out_again(void **state)
{
	struct vcpu *vcpu = &benches[0].vm.vcpus[0];
	uint64_t first;
	unsigned page = 0;

	(void)state;
	create(3, 1, 1);
	bench_load(vcpu, 0);
	do {
		page++;
		first = make_satp(&benches[0], page, page);
		bench_satp_write(vcpu, first);
	} while (fake_root_asid() != 1);
	for (unsigned i = 100; i < 110; i++) {
		bench_satp_write(vcpu, first);
		bench_reaches(vcpu, AT, ACCESS_LOAD, bench_ram(page * PAGE_SIZE));
		bench_satp_write(vcpu, make_satp(&benches[0], i, i));
		bench_reaches(vcpu, AT, ACCESS_LOAD, bench_ram(i * PAGE_SIZE));
	}
	bench_put(vcpu);
	destroy(1);
}

/* Fences reach the trees, whatever hart they were used on. */
static void a_vcpu_moves_between_harts(void **state)
{
	struct vcpu *vcpu = &benches[0].vm.vcpus[0];
	uint64_t satp, other;

	(void)state;
	create(16, 1, 1);
	satp = make_satp(&benches[0], 1, 0);
	other = make_satp(&benches[0], 2, 100);
	bench_load(vcpu, 0);
	bench_satp_write(vcpu, satp);
	for (unsigned i = 1; i < 20; i++) {
		bench_reaches(vcpu, AT, ACCESS_LOAD, bench_ram((i - 1) * PAGE_SIZE));
		bench_put(vcpu);
		bench_load(vcpu, i * 7 % FAKE_HART_LIMIT);
		bench_reaches(vcpu, AT, ACCESS_LOAD, bench_ram((i - 1) * PAGE_SIZE));
		/* a fence while another tree is in use, another while this one is */
		bench_satp_write(vcpu, other);
		bench_reaches(vcpu, AT, ACCESS_LOAD, bench_ram(100 * PAGE_SIZE));
		remap(&benches[0], satp, 200 + i);
		bench_fence(vcpu, true, AT, true, 1);
		bench_satp_write(vcpu, satp);
		bench_reaches(vcpu, AT, ACCESS_LOAD, bench_ram((200 + i) * PAGE_SIZE));
		remap(&benches[0], satp, i);
		bench_fence_all(vcpu);
	}
	bench_put(vcpu);
	destroy(1);
}

/* Tables that one hart knows of are freed on another. */
static void tables_are_freed_far_from_who_walked_them(void **state)
{
	struct vcpu *vcpu = &benches[0].vm.vcpus[0];
	uint64_t satps[4];

	(void)state;
	create(16, 1, 1);
	for (unsigned i = 0; i < 4; i++)
		satps[i] = make_satp(&benches[0], i, i);
	bench_load(vcpu, 0);
	bench_pool(&benches[0])->limit = 7;
	for (unsigned i = 0; i < 64; i++) {
		bench_put(vcpu);
		bench_load(vcpu, i % 3);
		bench_satp_write(vcpu, satps[i % 4]);
		bench_reaches(vcpu, AT, ACCESS_STORE, bench_ram(i % 4 * PAGE_SIZE));
		if (i % 5 == 0)
			bench_fence_all(vcpu);
	}
	bench_put(vcpu);
	destroy(1);
}

/* Both VMs use the same satp, ASID and addresses, on the same hart. */
static void strangers_on_one_hart(void **state)
{
	static const unsigned bits[] = {0, 1, 2, 16};
	uint64_t satps[2];

	(void)state;
	for (unsigned b = 0; b < ARRAY_LENGTH(bits); b++) {
		create(bits[b], 2, 1);
		for (unsigned i = 0; i < 2; i++)
			satps[i] = make_satp(&benches[i], 1, i);
		assert_int_equal(satps[0], satps[1]);
		for (unsigned i = 0; i < 24; i++) {
			struct vcpu *vcpu = &benches[i % 2].vm.vcpus[0];

			bench_load(vcpu, i / 8);
			if (i < 2)
				bench_satp_write(vcpu, satps[i]);
			bench_reaches(vcpu, AT, ACCESS_LOAD,
				      bench_ram(i % 2 * PAGE_SIZE));
			bench_put(vcpu);
		}
		destroy(2);
	}
}

/* A VM ends, and another gets its memory. */
static void memory_of_a_vm_that_ended(void **state)
{
	(void)state;
	create(2, 0, 0);
	for (unsigned i = 0; i < 20; i++) {
		struct vcpu *vcpu = &benches[0].vm.vcpus[0];

		bench_create(&benches[0], 1);
		bench_load(vcpu, 0);
		bench_satp_write(vcpu, make_satp(&benches[0], 1, i));
		bench_reaches(vcpu, AT, ACCESS_STORE, bench_ram(i * PAGE_SIZE));
		bench_put(vcpu);
		bench_destroy(&benches[0]);
		assert_int_equal(fake_pages_taken(), 0);
	}
	fake_pages_destroy();
}

/* vCPUs of a VM have TLBs of their own: a fence of one is not the other's. */
static void vcpus_of_a_vm_are_apart(void **state)
{
	struct vcpu *one = &benches[0].vm.vcpus[0], *two = &benches[0].vm.vcpus[1];
	uint64_t satp;

	(void)state;
	create(16, 1, 2);
	satp = make_satp(&benches[0], 1, 0);
	bench_load(one, 0);
	bench_satp_write(one, satp);
	bench_reaches(one, AT, ACCESS_LOAD, bench_ram(0));
	bench_load(two, 1);
	bench_satp_write(two, satp);
	bench_reaches(two, AT, ACCESS_LOAD, bench_ram(0));
	remap(&benches[0], satp, 1);
	bench_fence_all(two);
	bench_reaches(two, AT, ACCESS_LOAD, bench_ram(PAGE_SIZE));
	fake_hart_switch(0);
	assert_true(bench_may_find(one, AT, bench_ram(0)));
	bench_fence_address(one, AT);
	bench_reaches(one, AT, ACCESS_LOAD, bench_ram(PAGE_SIZE));
	bench_put(one);
	fake_hart_switch(1);
	bench_put(two);
	destroy(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_on_a_chip_without_asids),
		cmocka_unit_test(roots_on_a_chip_with_one_bit_of_asid),
		cmocka_unit_test(roots_on_a_chip_with_many_asids),
		cmocka_unit_test(the_asid_in_use_is_handed_out_again),
		cmocka_unit_test(a_vcpu_moves_between_harts),
		cmocka_unit_test(tables_are_freed_far_from_who_walked_them),
		cmocka_unit_test(strangers_on_one_hart),
		cmocka_unit_test(memory_of_a_vm_that_ended),
		cmocka_unit_test(vcpus_of_a_vm_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
