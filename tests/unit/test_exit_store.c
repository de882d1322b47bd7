/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: arch/riscv/decode_simple.c */
/* sources: core/exit_conditional.c arch/riscv/decode_logic.c */
/* sources: core/exit_store.c core/exit_misaligned.c core/guest_code.c core/counters.c core/pmu.c */
/* sources: arch/riscv/decode.c arch/riscv/decode_atomic.c mm/guest_store.c */
/* sources: tests/unit/fake_arch.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/* sources: mm/guest_memory.c */
/*
 * Stores that the paging mode keeps from the guest: what is decoded, what is asked of
 * the mode, and what the guest finds afterwards; and the stores themselves.
 */
#include <string.h>

#include "arch/riscv/decode_atomic.h"
#include "core/exit.h"
#include "core/vm.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

#define AT    UINT64_C(0x40001000) /* what a0 holds */
#define PC    UINT64_C(0x2000)
#define VALUE UINT64_C(0x1122334455667788)
#define OLD   UINT64_C(0xfedcba9876543210)

#define SD	  0x00b53023u /* sd a1, 0(a0) */
#define SW_8	  0x00b52423u /* sw a1, 8(a0) */
#define SH	  0x00b51023u
#define SB	  0x00b50023u
#define C_SD	  0xe10cu     /* c.sd a1, 0(a0) */
#define AMOADD_W  0x00b5262fu /* amoadd.w a2, a1, (a0) */
#define AMOSWAP_D 0x0eb5362fu /* with aq and rl */
#define AMOAND_D  0x60b5362fu
#define SC_D	  0x18b5362fu /* sc.d a2, a1, (a0) */
#define LR_D	  0x1005362fu
#define FSD	  0x00b53027u
#define CBO_ZERO  0x0045200fu

static struct vm vm;
static uint32_t code;
static bool readable, releases;
static unsigned stores, releases_asked;
static struct guest_store stored;
static gpa_t stored_at;

static bool read_half(struct vcpu *vcpu, const struct access *access, uint16_t *half)
{
	(void)vcpu;
	if (!readable || access->gva.raw >= PC + 4)
		return false;
	*half = (uint16_t)(code >> 8 * (access->gva.raw - PC));
	return true;
}

static uint64_t store(struct vcpu *vcpu, const struct access *access, gpa_t gpa,
		      const struct guest_store *what)
{
	(void)vcpu;
	(void)access;
	stores++;
	stored = *what;
	stored_at = gpa;
	return OLD;
}

static bool unprotect(struct vcpu *vcpu, const struct access *access, gpa_t gpa)
{
	(void)vcpu;
	(void)access;
	(void)gpa;
	releases_asked++;
	return releases;
}

/* There is nothing at all, for who asks. */
static struct translation translate(struct vcpu *vcpu, const struct access *access)
{
	(void)vcpu;
	assert_int_equal(access->kind, ACCESS_STORE);
	return (struct translation){.outcome = OUTCOME_ACCESS_FAULT};
}

static const struct paging_mode mode = {
	.read_half = read_half,
	.translate = translate,
	.store = store,
	.unprotect = unprotect,
};

static int setup(void **state)
{
	(void)state;
	fake_arch_create(&fake_worst);
	memset(&vm, 0, sizeof(vm));
	vm.mode = &mode;
	vm.vcpus[0].vm = &vm;
	vm.vcpus[0].arch.pc = PC;
	vm.vcpus[0].arch.x[10] = AT;
	vm.vcpus[0].arch.x[11] = VALUE;
	readable = releases = true;
	stores = releases_asked = 0;
	return 0;
}

static struct exit_result run(uint32_t instruction, uint64_t gva, uint64_t transformed)
{
	const struct vm_exit exit = {
		.cause = CAUSE_TRANSLATION,
		.access = {.gva = GVA(gva), .kind = ACCESS_STORE},
		.transformed = transformed,
	};

	code = instruction;
	return exit_store(&vm.vcpus[0], &exit, GPA(0x80000000 + gva % PAGE_SIZE));
}

static void assert_resumes_behind(struct exit_result result, unsigned length)
{
	assert_int_equal(result.action, EXIT_RESUME_NEXT);
	assert_int_equal(result.length, length);
	assert_int_equal(stores, 1);
	assert_int_equal(releases_asked, 0);
	assert_int_equal(vm.vcpus[0].counters.full[REASON_PTE_WRITE], 1);
}

static void plain_stores_of_each_width(void **state)
{
	static const struct {
		uint32_t instruction;
		unsigned width, length;
	} cases[] = {{SD, 8, 4}, {C_SD, 8, 2}, {SH, 2, 4}, {SB, 1, 4}};

	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		setup(state);
		assert_resumes_behind(run(cases[i].instruction, AT, 0), cases[i].length);
		assert_int_equal(stored.operation, STORE_SET);
		assert_int_equal(stored.width, cases[i].width);
		assert_int_equal(stored.value, VALUE);
		assert_int_equal(stored_at.raw, 0x80000000);
		assert_int_equal(vm.vcpus[0].arch.x[12], 0);
	}
}

static void an_offset_is_added(void **state)
{
	(void)state;
	assert_resumes_behind(run(SW_8, AT + 8, 0), 4);
	assert_int_equal(stored.width, 4);
}

/* No code is read where the hart tells the instruction. */
static void what_htinst_tells_is_believed(void **state)
{
	(void)state;
	readable = false;
	assert_resumes_behind(run(0, AT + 16, 0x00b03023), 4);
	setup(state);
	readable = false;
	assert_resumes_behind(run(0, AT + 16, 0x00b03021), 2);
	assert_int_equal(stored.value, VALUE);
}

static void amos_give_what_was_there(void **state)
{
	static const struct {
		uint32_t instruction;
		enum store_operation operation;
		unsigned width;
	} cases[] = {{AMOADD_W, STORE_ADD, 4},
		     {AMOSWAP_D, STORE_SWAP, 8},
		     {AMOAND_D, STORE_AND, 8}};

	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		setup(state);
		assert_resumes_behind(run(cases[i].instruction, AT, 0), 4);
		assert_int_equal(stored.operation, cases[i].operation);
		assert_int_equal(stored.width, cases[i].width);
		assert_int_equal(vm.vcpus[0].arch.x[12], OLD);
	}
}

/* The hart can do these itself, once the frame is free. */
static void others_wait_until_the_frame_is_free(void **state)
{
	static const uint32_t others[] = {SC_D, LR_D, FSD, CBO_ZERO, 0, 0xffffffff};

	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		setup(state);
		assert_int_equal(run(others[i], AT, 0).action, EXIT_RESUME);
		assert_int_equal(releases_asked, 1);
		assert_int_equal(stores, 0);
	}
	/* Misaligned, and one whose first part lies on the page before. */
	setup(state);
	vm.vcpus[0].arch.x[10] = AT + 4;
	assert_int_equal(run(SD, AT + 4, 0).action, EXIT_RESUME);
	assert_int_equal(releases_asked, 1);
	vm.vcpus[0].arch.x[10] = AT - 4;
	assert_int_equal(run(SD, AT, 0).action, EXIT_RESUME);
	assert_int_equal(releases_asked, 2);
	assert_int_equal(stores, 0);
}

static void assert_injects(struct exit_result result, uint64_t number, uint64_t value)
{
	assert_int_equal(result.action, EXIT_INJECT);
	assert_int_equal(result.number, number);
	assert_int_equal(result.value, value);
}

static void where_it_cannot_be_freed(void **state)
{
	releases = false;
	assert_int_equal(run(SC_D, AT, 0).action, EXIT_RESUME);
	assert_int_equal(vm.vcpus[0].arch.pc, PC + 4);
	assert_int_equal(vm.vcpus[0].arch.x[12], 1);
	assert_int_equal(stores, 0);
	setup(state);
	releases = false;
	assert_injects(run(FSD, AT, 0), EXCEPTION_STORE_ACCESS, AT);
	vm.vcpus[0].arch.x[10] = AT - 4;
	/* This one is made page by page, from its own address on. */
	assert_injects(run(SD, AT, 0), EXCEPTION_STORE_ACCESS, AT - 4);
	assert_injects(run(SC_D, AT - 4, 0), EXCEPTION_STORE_MISALIGNED, AT - 4);
}

static void code_that_cannot_be_read_is_fetched_again(void **state)
{
	(void)state;
	readable = false;
	assert_int_equal(run(SD, AT, 0).action, EXIT_RESUME);
	assert_int_equal(stores + releases_asked, 0);
}

static void only_what_stores_in_one_step_is_decoded(void **state)
{
	struct atomic_access access;

	(void)state;
	assert_false(decode_atomic(LR_D, &access));
	assert_false(decode_atomic(SD, &access));
	assert_false(decode_atomic(0x00b5462f, &access)); /* of 16 bytes */
	assert_false(decode_atomic(0x28b5362f, &access)); /* amocas.d */
	assert_true(decode_atomic(AMOSWAP_D, &access));
	assert_true(access.base == 10 && access.operand == 11 && access.rd == 12);
}

static uint64_t memory[2];

static uint64_t apply(enum store_operation operation, unsigned width, unsigned offset,
		      uint64_t value)
{
	const struct guest_store what = {
		.operation = operation, .width = width, .value = value};
	uint64_t expected = guest_store_result(&what, offset, memory[0]);
	uint64_t old = guest_store_apply(&what, HPA((uintptr_t)memory + offset));

	assert_int_equal(memory[0], expected);
	return old;
}

static void stores_change_what_they_should(void **state)
{
	static const struct {
		enum store_operation operation;
		unsigned width, offset;
		uint64_t before, value, after, old;
	} cases[] = {
		{STORE_SET, 8, 0, OLD, VALUE, VALUE, 0},
		{STORE_SET, 4, 4, OLD, VALUE, 0x5566778876543210, 0},
		{STORE_SET, 2, 2, OLD, VALUE, 0xfedcba9877883210, 0},
		{STORE_SET, 1, 7, OLD, VALUE, 0x88dcba9876543210, 0},
		{STORE_SWAP, 4, 4, OLD, 1, 0x0000000176543210, 0xfffffffffedcba98},
		{STORE_ADD, 4, 0, 0x1ffffffff, 1, 0x100000000, UINT64_MAX},
		{STORE_ADD, 8, 0, UINT64_MAX, 2, 1, UINT64_MAX},
		{STORE_XOR, 8, 0, 0xff, 0xf0, 0x0f, 0xff},
		{STORE_AND, 8, 0, 0xff, 0xf0, 0xf0, 0xff},
		{STORE_OR, 8, 0, 0x0f, 0xf0, 0xff, 0x0f},
		{STORE_MIN, 8, 0, 5, UINT64_MAX, UINT64_MAX, 5},
		{STORE_MAX, 8, 0, 5, UINT64_MAX, 5, 5},
		{STORE_MIN_UNSIGNED, 8, 0, 5, UINT64_MAX, 5, 5},
		{STORE_MAX_UNSIGNED, 8, 0, 5, UINT64_MAX, UINT64_MAX, 5},
		{STORE_MIN, 4, 0, 0x80000000, 1, 0x80000000, 0xffffffff80000000},
		{STORE_MAX_UNSIGNED, 4, 0, 0x80000000, 1, 0x80000000, 0xffffffff80000000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		memory[0] = cases[i].before;
		assert_int_equal(apply(cases[i].operation, cases[i].width,
				       cases[i].offset, cases[i].value),
				 cases[i].old);
		assert_int_equal(memory[0], cases[i].after);
		assert_int_equal(memory[1], 0);
	}
}

static void a_conditional_store_compares(void **state)
{
	struct guest_store what = {.operation = STORE_CONDITIONAL,
				   .width = 4,
				   .value = VALUE,
				   .expected = UINT64_C(0xffffffff76543210)};
	hpa_t at = HPA((uintptr_t)memory);

	(void)state;
	memory[0] = OLD;
	assert_int_equal(guest_store_result(&what, 0, OLD), 0xfedcba9855667788);
	assert_int_equal(guest_store_result(&what, 4, OLD), OLD);
	assert_int_equal(guest_store_apply(&what, HPA(at.raw + 4)), 1);
	assert_int_equal(memory[0], OLD);
	assert_int_equal(guest_store_apply(&what, at), 0);
	assert_int_equal(memory[0], 0xfedcba9855667788);
	assert_int_equal(guest_store_apply(&what, at), 1);
	what.width = 8;
	what.expected = memory[0] ^ UINT64_C(1) << 63;
	assert_int_equal(guest_store_apply(&what, at), 1);
	what.expected = memory[0];
	assert_int_equal(guest_store_apply(&what, at), 0);
	assert_int_equal(memory[0], VALUE);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plain_stores_of_each_width),
		TEST(an_offset_is_added),
		TEST(what_htinst_tells_is_believed),
		TEST(amos_give_what_was_there),
		TEST(others_wait_until_the_frame_is_free),
		TEST(where_it_cannot_be_freed),
		TEST(code_that_cannot_be_read_is_fetched_again),
		TEST(only_what_stores_in_one_step_is_decoded),
		TEST(stores_change_what_they_should),
		TEST(a_conditional_store_compares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
