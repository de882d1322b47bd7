/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/pmu.c core/sbi/pmu.c core/interrupt.c drivers/plic.c */
/* sources: core/vcpu_requests.c tests/unit/prompt_scheduler.c */
/* sources: core/guest_code.c core/counters.c core/timer.c core/console_mux.c */
/* sources: core/sbi/base.c core/sbi/dbcn.c core/sbi/hsm.c core/sbi/ipi.c */
/* sources: core/sbi/legacy.c core/sbi/rfence.c core/sbi/sbi.c core/sbi/srst.c */
/* sources: core/sbi/sta.c core/sbi/time.c arch/riscv/decode.c drivers/host_mmio.c drivers/mmio.c */
/* sources: drivers/uart.c drivers/vplic.c drivers/vuart.c mm/guest_memory.c */
/* sources: tests/unit/fake_arch.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/* sources: tests/unit/vm_bench.c */
/* sources: drivers/virtio_console.c drivers/virtio_mmio.c drivers/virtio_queue.c */
/*
 * Mistakes that other hypervisors made in their SBI: function numbers swapped,
 * arguments cut to 32 bits, the base of a hart mask forgotten, error and value
 * mixed up, and registers that say more to a guest than the call does. Numbers
 * stand here as the SBI specification prints them, not as Gnomon names them.
 */
#include "core/sbi/sbi.h"
#include "tests/unit/vm_bench.h"

#define VCPUS	  6
#define WIDE	  UINT64_C(0x123456789abcdef0)
#define TOO_WIDE  (UINT64_C(1) << 32)
#define UNTOUCHED UINT64_C(0x5555aaaa5555aaaa)

#define BASE   0x10
#define TIME   0x54494d45
#define IPI    0x735049
#define RFENCE 0x52464e43
#define HSM    0x48534d
#define SRST   0x53525354
#define DBCN   0x4442434e

static struct vcpu *const vcpu = &bench_vm.vcpus[0];

static int setup(void **state)
{
	(void)state;
	vm_bench_create(&fake_worst, VCPUS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vm_bench_destroy();
	return 0;
}

static int64_t call(uint64_t extension, uint64_t function, const uint64_t *arguments)
{
	for (unsigned i = 0; i < 6; i++)
		vcpu->arch.x[10 + i] = arguments[i];
	vcpu->arch.x[16] = function;
	vcpu->arch.x[17] = extension;
	exit_sbi(vcpu, &(struct vm_exit){.cause = CAUSE_SBI});
	return (int64_t)vcpu->arch.x[10];
}

#define CALL(extension, function, ...)                                                   \
	call(extension, function, (const uint64_t[6]){__VA_ARGS__})

static uint64_t a1(void)
{
	return vcpu->arch.x[11];
}

/* ---- numbers ---- */

static void fences_by_their_numbers(void **state)
{
	static const struct {
		uint64_t function;
		bool has_asid;
	} fences[] = {{1, false}, {2, true}};

	(void)state;
	assert_int_equal(CALL(RFENCE, 0, 1, 0, 0x1000, 0x1000, 9), 0);
	assert_int_equal(fake_machine.counts.instruction_fences, 1);
	assert_int_equal(scripted.fences, 0);
	for (unsigned i = 0; i < ARRAY_LENGTH(fences); i++) {
		assert_int_equal(
			CALL(RFENCE, fences[i].function, 1, 0, 0x1000, 0x1000, 9), 0);
		assert_int_equal(scripted.fences, i + 1);
		assert_int_equal(scripted.fence.has_asid, fences[i].has_asid);
	}
	/* hfence.gvma.vmid, .gvma, .vvma.asid, .vvma, and what is none */
	for (uint64_t function = 3; function < 8; function++)
		assert_int_equal(CALL(RFENCE, function, 1, 0, 0x1000, 0x1000, 9), -2);
	assert_int_equal(scripted.fences, 2);
	assert_int_equal(fake_machine.counts.instruction_fences, 1);
}

/* Legacy: 5 is fence.i, 6 sfence.vma, 7 sfence.vma with an ASID in a3. */
static void legacy_fences_by_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(CALL(5, 0, 0), 0);
	assert_int_equal(fake_machine.counts.instruction_fences, VCPUS);
	assert_int_equal(CALL(6, 0, 0, 0x1000, 0x1000, 9), 0);
	assert_false(scripted.fence.has_asid);
	assert_int_equal(CALL(7, 0, 0, 0x1000, 0x1000, 9), 0);
	assert_true(scripted.fence.has_asid);
	assert_int_equal(scripted.fence.asid, 9);
	assert_int_equal(scripted.fences, 2 * VCPUS);
}

/* ---- hart masks ---- */

/* Bit n of the mask is hart base + n, whichever call it is. */
static void every_call_counts_from_the_masks_base(void **state)
{
	static const struct {
		uint64_t extension, function;
	} calls[] = {{RFENCE, 1}, {RFENCE, 2}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(calls); i++)
		for (uint64_t base = 0; base < VCPUS; base++) {
			unsigned before = scripted.fences_of[base];

			assert_int_equal(CALL(calls[i].extension, calls[i].function, 1,
					      base, 0x1000, 0x1000),
					 0);
			assert_int_equal(scripted.fences_of[base], before + 1);
			assert_int_equal(scripted.fences, i * VCPUS + base + 1);
		}
	for (uint64_t base = 0; base < VCPUS; base++) {
		assert_int_equal(CALL(IPI, 0, 1, base), 0);
		for (unsigned i = 0; i < VCPUS; i++)
			assert_int_equal(fake_machine.interrupts[i] >> GUEST_SOFTWARE & 1,
					 i <= base);
		assert_int_equal(CALL(RFENCE, 0, 1, base), 0);
		assert_int_equal(fake_machine.counts.instruction_fences, base + 1);
	}
	/* fence.i has no target to look at, but one that is not there is an error */
	assert_int_equal(CALL(RFENCE, 0, 1, VCPUS), -3);
	assert_int_equal(fake_machine.counts.instruction_fences, VCPUS);
}

/* ---- arguments are as wide as registers ---- */

static void a_started_hart_gets_all_of_opaque(void **state)
{
	(void)state;
	assert_int_equal(CALL(HSM, 0, 3, GUEST_RAM_BASE.raw + 4, WIDE), 0);
	assert_int_equal(fake_machine.reset_entry.raw, GUEST_RAM_BASE.raw + 4);
	assert_int_equal(fake_machine.reset_a0, 3);
	assert_int_equal(fake_machine.reset_a1, WIDE);
}

/* Numbers whose low half names something that is there. */
static void nothing_is_found_by_half_its_number(void **state)
{
	(void)state;
	assert_int_equal(CALL(HSM, 0, TOO_WIDE + 2, GUEST_RAM_BASE.raw, 0), -3);
	assert_int_equal(CALL(HSM, 0, 2, TOO_WIDE + GUEST_RAM_BASE.raw, 0), -5);
	assert_int_equal(CALL(HSM, 2, TOO_WIDE), -3);
	assert_int_equal(CALL(IPI, 0, 1, TOO_WIDE), -3);
	assert_int_equal(CALL(IPI, 0, TOO_WIDE, 0), -3);
	assert_int_equal(CALL(DBCN, 0, 1, GUEST_RAM_BASE.raw, 1), -3);
	assert_int_equal(CALL(DBCN, 0, 1, TOO_WIDE + GUEST_RAM_BASE.raw, 0), -3);
	assert_int_equal(CALL(TIME + TOO_WIDE, 0, 5), -2);
	assert_int_equal(CALL(TIME, TOO_WIDE, 5), -2);
	assert_int_equal(fake_machine.resets, 0);
	assert_int_equal(fake_machine.interrupts[0], 0);
}

static void a_fence_keeps_all_of_its_address(void **state)
{
	const uint64_t start = UINT64_C(0xffffffd612345000), size = 3 * GIB;

	(void)state;
	assert_int_equal(CALL(RFENCE, 1, 1, 0, start, size), 0);
	assert_int_equal(scripted.fence.start.raw, start);
	assert_int_equal(scripted.fence.size, size);
}

/* ---- a0 and a1 ---- */

/* What is an error and what is a value, where one could pass for the other. */
static void errors_are_in_a0_and_values_in_a1(void **state)
{
	(void)state;
	assert_int_equal(CALL(HSM, 2, 1, UNTOUCHED), 0);
	assert_int_equal(a1(), 1); /* stopped */
	assert_int_equal(CALL(BASE, 3, HSM, UNTOUCHED), 0);
	assert_int_not_equal(a1(), 0);
	assert_int_equal(CALL(BASE, 3, 0x1234, UNTOUCHED), 0);
	assert_int_equal(a1(), 0);
	assert_int_equal(CALL(DBCN, 0, 2, GUEST_RAM_BASE.raw, 0), 0);
	assert_int_equal(a1(), 2);
	/* the legacy one answers in a0, and leaves a1 */
	vuart_receive(&bench_vm.uart, 'x');
	assert_int_equal(CALL(2, 0, 0, UNTOUCHED), 'x');
	assert_int_equal(a1(), UNTOUCHED);
	assert_int_equal(CALL(2, 0, 0, UNTOUCHED), -1);
	assert_int_equal(a1(), UNTOUCHED);
}

/* Whatever a call has nothing to say in is 0: no byte of Gnomon's own. */
static void a1_is_0_where_a_call_has_no_value(void **state)
{
	static const struct {
		uint64_t extension, function;
		uint64_t arguments[6];
	} calls[] = {
		/* that succeed */
		{TIME, 0, {5, UNTOUCHED}},
		{IPI, 0, {1, 0}},
		{RFENCE, 0, {1, 0}},
		{RFENCE, 1, {1, 0, 0x1000, 0x1000}},
		{RFENCE, 2, {1, 0, 0x1000, 0x1000, 1}},
		{HSM, 0, {1, UINT64_C(0x80000000), UNTOUCHED}},
		{HSM, 3, {0, UNTOUCHED, UNTOUCHED}},
		{DBCN, 2, {'x', UNTOUCHED}},
		/* that are refused */
		{HSM, 0, {VCPUS, UINT64_C(0x80000000), UNTOUCHED}},
		{HSM, 0, {0, UINT64_C(0x80000000), UNTOUCHED}},
		{HSM, 2, {VCPUS, UNTOUCHED}},
		{HSM, 3, {1, UNTOUCHED}},
		{IPI, 0, {1, VCPUS}},
		{RFENCE, 1, {1, VCPUS, UNTOUCHED}},
		{SRST, 0, {3, UNTOUCHED}},
		{DBCN, 0, {1, UNTOUCHED, 0}},
		/* that do not exist */
		{BASE, 99, {UNTOUCHED, UNTOUCHED}},
		{TIME, 1, {UNTOUCHED, UNTOUCHED}},
		{IPI, 1, {UNTOUCHED, UNTOUCHED}},
		{RFENCE, 3, {UNTOUCHED, UNTOUCHED}},
		{HSM, 4, {UNTOUCHED, UNTOUCHED}},
		{SRST, 1, {UNTOUCHED, UNTOUCHED}},
		{DBCN, 3, {UNTOUCHED, UNTOUCHED}},
		{0x535345, 0, {UNTOUCHED, UNTOUCHED}},
		{UNTOUCHED, UNTOUCHED, {UNTOUCHED, UNTOUCHED}},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(calls); i++) {
		call(calls[i].extension, calls[i].function, calls[i].arguments);
		if (a1() != 0)
			fail_msg("call %u: a1 is 0x%lx", i, a1());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(fences_by_their_numbers),
		TEST(legacy_fences_by_their_numbers),
		TEST(every_call_counts_from_the_masks_base),
		TEST(a_started_hart_gets_all_of_opaque),
		TEST(nothing_is_found_by_half_its_number),
		TEST(a_fence_keeps_all_of_its_address),
		TEST(errors_are_in_a0_and_values_in_a1),
		TEST(a1_is_0_where_a_call_has_no_value),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
