/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/exit_conditional.c arch/riscv/decode_logic.c */
/* sources: core/vcpu_requests.c tests/unit/prompt_scheduler.c */
/* sources: core/exit_store.c core/exit_misaligned.c arch/riscv/decode_atomic.c */
/* sources: core/pmu.c core/sbi/pmu.c */
/* sources: core/switch.c core/check_release.c */
/* sources: core/exit.c core/exit_translation.c core/exit_privileged.c core/lookahead.c */
/* sources: core/guest_code.c core/counters.c core/timer.c core/interrupt.c */
/* sources: core/console_mux.c core/sbi/base.c core/sbi/dbcn.c core/sbi/hsm.c */
/* sources: core/sbi/ipi.c core/sbi/legacy.c core/sbi/rfence.c core/sbi/sbi.c */
/* sources: core/sbi/srst.c core/sbi/sta.c core/sbi/time.c arch/riscv/decode.c arch/riscv/decode_simple.c drivers/host_mmio.c */
/* sources: drivers/mmio.c drivers/plic.c drivers/uart.c drivers/vplic.c */
/* sources: drivers/vuart.c mm/guest_memory.c tests/unit/fake_arch.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c tests/unit/vm_bench.c */
/* sources: drivers/virtio_console.c drivers/virtio_mmio.c drivers/virtio_queue.c */
/*
 * Exits, from what the hart says of them to what the guest finds afterwards:
 * translation faults and device accesses, satp and fences, what a guest may not
 * execute, and the end of a VM.
 */
#include <string.h>

#include "drivers/ns16550.h"
#include "tests/unit/vm_bench.h"

#define PC 0x80201000

static struct vcpu *const vcpu = &bench_vm.vcpus[0];

static int setup(void **state)
{
	(void)state;
	vm_bench_create(fake_default(), 1);
	vcpu->arch.pc = PC;
	for (unsigned i = 1; i < 32; i++)
		vcpu->arch.x[i] = UINT64_C(0x0101010101010101) * i;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vm_bench_destroy();
	return 0;
}

static uint64_t counted(enum exit_reason reason)
{
	return vcpu->counters.full[reason];
}

/* The guest runs on behind the instruction, with no exception. */
static void went_on(unsigned length)
{
	assert_int_equal(vcpu->arch.pc, PC + length);
	assert_int_equal(fake_machine.exceptions, 0);
	assert_int_equal(bench_vm.end, VM_RUNNING);
	vcpu->arch.pc = PC;
}

static void was_given(uint64_t number, uint64_t value)
{
	assert_int_equal(fake_machine.exceptions, 1);
	assert_int_equal(fake_machine.exception_number, number);
	assert_int_equal(fake_machine.exception_value, value);
	assert_int_equal(vcpu->arch.pc, PC);
	fake_machine.exceptions = 0;
}

/* ---- translation ---- */

static void translate(enum access_kind kind, uint64_t gva, enum outcome outcome)
{
	const struct vm_exit exit = {
		.cause = CAUSE_TRANSLATION,
		.access = {.gva = GVA(gva), .kind = kind},
	};

	scripted.translation = (struct translation){outcome, GPA(0x10000000)};
	exit_handle(vcpu, &exit);
}

static void what_a_translation_comes_to(void **state)
{
	static const uint64_t page[] = {12, 13, 15}, access[] = {1, 5, 7};

	(void)state;
	for (enum access_kind kind = ACCESS_FETCH; kind <= ACCESS_STORE; kind++) {
		translate(kind, 0x1234, OUTCOME_FILLED);
		went_on(0);
		translate(kind, 0x1234, OUTCOME_PAGE_FAULT);
		was_given(page[kind], 0x1234);
		translate(kind, 0x1235, OUTCOME_ACCESS_FAULT);
		was_given(access[kind], 0x1235);
	}
	assert_int_equal(counted(REASON_SHADOW_MISS), 3);
	assert_int_equal(counted(REASON_GUEST_PAGE_FAULT), 3);
	assert_int_equal(counted(REASON_GUEST_ACCESS_FAULT), 3);
	translate(ACCESS_LOAD, 0, OUTCOME_NO_MEMORY);
	assert_int_equal(bench_vm.end, VM_STOPPED);
	assert_true(strlen(bench_vm.detail) > 0);
	assert_int_equal(fake_machine.exceptions, 0);
}

/* ---- devices ---- */

/* An access to the UART: the instruction, or 0, and htinst, or 0. */
static void device(enum access_kind kind, uint64_t gpa, uint32_t code, uint64_t htinst)
{
	const struct vm_exit exit = {
		.cause = CAUSE_TRANSLATION,
		.access = {.gva = GVA(gpa), .kind = kind},
		.transformed = htinst,
	};

	if (code)
		vm_bench_code(code);
	scripted.translation = (struct translation){OUTCOME_DEVICE, GPA(gpa)};
	exit_handle(vcpu, &exit);
}

#define SCRATCH (0x10000000 + NS16550_SCR)

static void a_store_and_a_load_by_transformed_instructions(void **state)
{
	(void)state;
	/* sb x7, lb x8; of 32 bits, then as a 16-bit one (bit 1 clear) */
	vcpu->arch.x[7] = 0x1234567890abcd9a;
	device(ACCESS_STORE, SCRATCH, 0, 0x00700023);
	went_on(4);
	device(ACCESS_LOAD, SCRATCH, 0, 0x00000403);
	went_on(4);
	assert_int_equal(vcpu->arch.x[8], 0xffffffffffffff9a);
	device(ACCESS_LOAD, SCRATCH, 0, 0x00004481);
	went_on(2);
	assert_int_equal(vcpu->arch.x[9], 0x9a);
	assert_int_equal(counted(REASON_MMIO_READ), 2);
	assert_int_equal(counted(REASON_MMIO_WRITE), 1);
}

static void the_instruction_is_fetched_where_htinst_is_silent(void **state)
{
	(void)state;
	vcpu->arch.x[10] = SCRATCH - 1;
	vcpu->arch.x[11] = 0x5c;
	device(ACCESS_STORE, SCRATCH, 0x00b500a3, 0); /* sb a1, 1(a0) */
	went_on(4);
	device(ACCESS_LOAD, SCRATCH, 0x00154603, 0); /* lbu a2, 1(a0) */
	went_on(4);
	assert_int_equal(vcpu->arch.x[12], 0x5c);
	vcpu->arch.x[10] = SCRATCH;
	device(ACCESS_LOAD, SCRATCH, 0x8110, 0); /* c.lbu a2, 0(a0) */
	went_on(2);
	assert_int_equal(vcpu->arch.x[12], 0x5c);
	/* a load to x0 happens, and goes nowhere */
	device(ACCESS_LOAD, SCRATCH, 0x00050003, 0);
	went_on(4);
	assert_int_equal(vcpu->arch.x[0], 0);
}

static void code_that_cannot_be_read_is_tried_again(void **state)
{
	(void)state;
	vcpu->arch.x[10] = SCRATCH;
	device(ACCESS_LOAD, SCRATCH, 0, 0);
	went_on(0);
	/* the second half lies on a page that is not there */
	vm_bench_code(0x00054603);
	scripted.code_length = 1;
	device(ACCESS_LOAD, SCRATCH, 0, 0);
	went_on(0);
	assert_int_equal(counted(REASON_MMIO_READ), 0);
}

static void accesses_no_device_takes(void **state)
{
	(void)state;
	vcpu->arch.x[10] = SCRATCH;
	/* none there; code in a device; none of that width */
	device(ACCESS_LOAD, 0x20000000, 0x00054603, 0x00000403);
	was_given(EXCEPTION_LOAD_ACCESS, 0x20000000);
	device(ACCESS_FETCH, SCRATCH, 0, 0);
	was_given(EXCEPTION_FETCH_ACCESS, SCRATCH);
	device(ACCESS_STORE, 0x20000000, 0, 0);
	was_given(EXCEPTION_STORE_ACCESS, 0x20000000);
	/* not decodable: flw, amoadd.w, lr.w */
	device(ACCESS_LOAD, SCRATCH, 0x00052007, 0);
	was_given(EXCEPTION_LOAD_ACCESS, SCRATCH);
	device(ACCESS_STORE, SCRATCH, 0x00b5202f, 0);
	was_given(EXCEPTION_STORE_ACCESS, SCRATCH);
	/* the code is not that of this access: another kind, another address */
	device(ACCESS_STORE, SCRATCH, 0x00054603, 0);
	was_given(EXCEPTION_STORE_ACCESS, SCRATCH);
	device(ACCESS_LOAD, SCRATCH, 0x00154603, 0);
	was_given(EXCEPTION_LOAD_ACCESS, SCRATCH);
	device(ACCESS_STORE, SCRATCH, 0, 0x00000403);
	was_given(EXCEPTION_STORE_ACCESS, SCRATCH);
}

/* A walk that ended in a device is no access of the instruction's. */
static void implicit_accesses_reach_no_device(void **state)
{
	const struct vm_exit exit = {
		.cause = CAUSE_TRANSLATION,
		.access = {.gva = GVA(SCRATCH), .kind = ACCESS_LOAD},
		.gstage = true,
		.implicit = true,
		.transformed = 0x00000403,
	};

	(void)state;
	scripted.translation = (struct translation){OUTCOME_DEVICE, GPA(SCRATCH)};
	exit_handle(vcpu, &exit);
	was_given(EXCEPTION_LOAD_ACCESS, SCRATCH);
}

/* ---- privileged instructions ---- */

static void privileged(uint32_t instruction)
{
	const struct vm_exit exit = {.cause = CAUSE_PRIVILEGED, .value = instruction};

	exit_handle(vcpu, &exit);
}

static uint32_t csr(unsigned funct3, unsigned number, unsigned rd, unsigned rs1)
{
	return number << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x73;
}

static void every_form_of_satp_access(void **state)
{
	static const struct {
		unsigned funct3, rs1;
		bool writes;
		uint64_t value; /* of satp afterwards, from 0xf0 and x5 = 0x3c */
	} forms[] = {
		{1, 5, true, 0x3c},  {1, 0, true, 0},	  {2, 5, true, 0xfc},
		{2, 0, false, 0xf0}, {3, 5, true, 0xc0},  {3, 0, false, 0xf0},
		{5, 9, true, 9},     {5, 0, true, 0},	  {6, 9, true, 0xf9},
		{6, 0, false, 0xf0}, {7, 16, true, 0xe0}, {7, 0, false, 0xf0},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(forms); i++)
		for (unsigned rd = 0; rd < 7; rd += 5) {
			scripted.satp = 0xf0;
			scripted.satp_writes = 0;
			vcpu->arch.x[5] = 0x3c;
			privileged(csr(forms[i].funct3, 0x180, rd, forms[i].rs1));
			went_on(4);
			assert_int_equal(scripted.satp, forms[i].value);
			assert_int_equal(scripted.satp_writes, forms[i].writes);
			assert_int_equal(vcpu->arch.x[rd], rd ? 0xf0 : 0);
		}
	assert_int_equal(counted(REASON_SATP_READ), 8);
	assert_int_equal(counted(REASON_SATP_WRITE), 16);
}

static void fences_are_decoded(void **state)
{
	static const struct {
		uint32_t base;
		unsigned rs1, rs2;
	} forms[] = {
		{0x12000073, 0, 0}, {0x12000073, 0, 6}, {0x12000073, 5, 0},
		{0x12000073, 5, 6}, {0x16000073, 0, 0}, {0x16000073, 0, 6},
		{0x16000073, 5, 0}, {0x16000073, 5, 6},
	};

	(void)state;
	vcpu->arch.x[5] = 0xffffffc000123456;
	vcpu->arch.x[6] = 0x12345;
	for (unsigned i = 0; i < ARRAY_LENGTH(forms); i++) {
		privileged(forms[i].base | forms[i].rs1 << 15 | forms[i].rs2 << 20);
		went_on(4);
		assert_int_equal(scripted.fences, i + 1);
		assert_int_equal(scripted.fence.has_address, forms[i].rs1 != 0);
		assert_int_equal(scripted.fence.has_asid, forms[i].rs2 != 0);
		if (forms[i].rs1)
			assert_int_equal(align_down(scripted.fence.start.raw, PAGE_SIZE),
					 0xffffffc000123000);
		if (forms[i].rs2)
			assert_int_equal(scripted.fence.asid, 0x2345);
		assert_int_equal(scripted.fence.size, PAGE_SIZE);
	}
	assert_int_equal(counted(REASON_FENCE_ALL), 2);
	assert_int_equal(counted(REASON_FENCE_ASID), 2);
	assert_int_equal(counted(REASON_FENCE_ADDRESS), 2);
	assert_int_equal(counted(REASON_FENCE_ADDRESS_ASID), 2);
}

static void the_instruction_is_fetched_where_stval_is_silent(void **state)
{
	(void)state;
	vm_bench_code(0x12000073);
	privileged(0);
	went_on(4);
	assert_int_equal(scripted.fences, 1);
	scripted.code_length = 0;
	privileged(0);
	went_on(0);
	assert_int_equal(scripted.fences, 1);
}

static void reads_of_time_are_counted(void **state)
{
	(void)state;
	fake_machine.time = 12345;
	privileged(csr(2, 0xc01, 5, 0));
	went_on(4);
	assert_int_equal(vcpu->arch.x[5], 12345 + vcpu->arch.time_delta);
	vm_bench_code(csr(3, 0xc01, 6, 0));
	privileged(0);
	went_on(4);
	assert_int_equal(vcpu->arch.x[6], 12345 + vcpu->arch.time_delta);
	assert_int_equal(counted(REASON_TIME_READ), 2);
	fake_machine.guest.user = fake_machine.counter_denied = true;
	privileged(0);
	was_given(EXCEPTION_ILLEGAL_INSTRUCTION, csr(3, 0xc01, 6, 0));
	assert_int_equal(counted(REASON_TIME_READ), 2);
}

/* hfence.vvma, hfence.gvma, hlv.w, csrr hgatp, csrr vsatp, sfence with rd, wrs.nto */
static void what_a_guest_may_not_execute_is_illegal(void **state)
{
	static const uint32_t instructions[] = {
		0x22000073, 0x62000073, 0x6805c573, 0x68002573, 0x28002573, 0x120000f3,
		0x00d00073, 0x18100073, 0x18000073, 0x180042f3, 0x18000273,
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(instructions); i++) {
		privileged(instructions[i]);
		was_given(EXCEPTION_ILLEGAL_INSTRUCTION, instructions[i]);
	}
	assert_int_equal(scripted.fences + scripted.satp_writes, 0);
	assert_int_equal(counted(REASON_VIRTUAL_INSTRUCTION), ARRAY_LENGTH(instructions));
}

static void a_user_gets_nothing(void **state)
{
	static const uint32_t instructions[] = {0x12000073, 0x16000073, 0x18029073,
						0x18002573};

	(void)state;
	fake_machine.guest.user = true;
	for (unsigned i = 0; i < ARRAY_LENGTH(instructions); i++) {
		privileged(instructions[i]);
		was_given(EXCEPTION_ILLEGAL_INSTRUCTION, instructions[i]);
	}
	assert_int_equal(scripted.fences + scripted.satp_writes, 0);
}

/* What is told may be more than the instruction, or nothing: the guest finds just it. */
static void short_instructions_are_told_as_such(void **state)
{
	(void)state;
	privileged(0x00732001);
	was_given(EXCEPTION_ILLEGAL_INSTRUCTION, 0x2001);
	vm_bench_code(0x2001);
	privileged(0);
	was_given(EXCEPTION_ILLEGAL_INSTRUCTION, 0x2001);
	vm_bench_code(0);
	privileged(0x12000000);
	was_given(EXCEPTION_ILLEGAL_INSTRUCTION, 0);
	vm_bench_code(0x30002573);
	privileged(0);
	was_given(EXCEPTION_ILLEGAL_INSTRUCTION, 0x30002573);
	/* Not readable now: the guest fetches it again. */
	scripted.code_length = 1;
	privileged(0);
	assert_int_equal(fake_machine.exceptions, 0);
	assert_int_equal(counted(REASON_RETRY), 1);
}

/* ---- the rest ---- */

static void exceptions_of_the_guests_own(void **state)
{
	const struct vm_exit exit = {
		.cause = CAUSE_EXCEPTION, .number = EXCEPTION_BREAKPOINT, .value = PC};

	(void)state;
	exit_handle(vcpu, &exit);
	was_given(EXCEPTION_BREAKPOINT, PC);
}

static void interrupts_of_the_hosts_own(void **state)
{
	(void)state;
	exit_handle(vcpu, &(struct vm_exit){.cause = CAUSE_SOFTWARE});
	assert_int_equal(fake_machine.counts.kicks_received, 1);
	exit_handle(vcpu, &(struct vm_exit){.cause = CAUSE_EXTERNAL});
	exit_handle(vcpu, &(struct vm_exit){.cause = CAUSE_TIMER});
	went_on(0);
}

/* SBI shutdown: ecall, a7 = SRST, a6 = 0, a0 = a1 = 0. */
static void an_ecall_goes_to_the_sbi(void **state)
{
	(void)state;
	vcpu->arch.x[17] = 0x10;
	vcpu->arch.x[16] = 0;
	exit_handle(vcpu, &(struct vm_exit){.cause = CAUSE_SBI});
	went_on(4);
	assert_int_equal(vcpu->arch.x[10], 0);
	assert_int_equal(vcpu->arch.x[11], 2 << 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(what_a_translation_comes_to),
		TEST(a_store_and_a_load_by_transformed_instructions),
		TEST(the_instruction_is_fetched_where_htinst_is_silent),
		TEST(code_that_cannot_be_read_is_tried_again),
		TEST(accesses_no_device_takes),
		TEST(implicit_accesses_reach_no_device),
		TEST(every_form_of_satp_access),
		TEST(fences_are_decoded),
		TEST(the_instruction_is_fetched_where_stval_is_silent),
		TEST(reads_of_time_are_counted),
		TEST(what_a_guest_may_not_execute_is_illegal),
		TEST(a_user_gets_nothing),
		TEST(short_instructions_are_told_as_such),
		TEST(exceptions_of_the_guests_own),
		TEST(interrupts_of_the_hosts_own),
		TEST(an_ecall_goes_to_the_sbi),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
