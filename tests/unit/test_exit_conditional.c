/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/exit_conditional.c core/exit_store.c core/exit_misaligned.c core/guest_code.c */
/* sources: arch/riscv/decode.c arch/riscv/decode_atomic.c arch/riscv/decode_logic.c */
/* sources: arch/riscv/decode_simple.c core/counters.c core/pmu.c mm/guest_memory.c */
/* sources: mm/guest_store.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/host_ram.c */
/*
 * An sc to what stays a page table: without its lr it fails, however often it is tried;
 * a constrained loop around it succeeds, in one exit; and what is carried out on the
 * way leaves the registers as the instructions would.
 */
#include <string.h>

#include "arch/riscv/decode_logic.h"
#include "core/exit.h"
#include "core/vm.h"
#include "mm/guest_store.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

#define RAM   UINT64_C(0x80000000)
#define AT    UINT64_C(0x40001008) /* what a0 holds */
#define OTHER UINT64_C(0x40001010) /* what a3 holds */
#define PC    UINT64_C(0x2000)
#define OLD   UINT64_C(0x80000000deadbeef)
#define NEW   UINT64_C(0x1122334455667788)

#define LR_D	  0x1005362fu /* lr.d a2, (a0) */
#define LR_W	  0x1005262fu
#define LR_D_A3	  0x1006b62fu /* lr.d a2, (a3) */
#define SC_D	  0x18b5372fu /* sc.d a4, a1, (a0) */
#define SC_W	  0x18b5272fu
#define BNEZ_8	  0xfe071ce3u /* bnez a4, .-8 */
#define BNEZ_12	  0xfe071ae3u
#define BNE_OUT	  0x00d61663u /* bne a2, a3, .+12 */
#define ORI	  0x70066613u /* ori a2, a2, 0x700 */
#define NOP	  0x00000013u
#define LOOP	  0x0000006fu /* j . */
#define LD	  0x00053783u /* ld a5, 0(a0) */
#define INVAL	  0x18000073u /* sfence.w.inval */
#define AMOSWAP_D 0x08b5362fu

enum { A0 = 10, A1, A2, A3, A4, A5 };

static struct vm vm;
static struct vcpu *const vcpu = &vm.vcpus[0];
static _Alignas(4096) uint64_t page[512];
static uint64_t *const cell = &page[1];
static uint32_t program[16];
static unsigned readable, stores, interfered;

static bool read_half(struct vcpu *of, const struct access *access, uint16_t *half)
{
	uint64_t offset = access->gva.raw - PC;

	(void)of;
	if (offset >= 4 * readable)
		return false;
	*half = (uint16_t)(program[offset / 4] >> 8 * (offset % 4));
	return true;
}

/* Another hart's store comes first, as often as is said. */
static uint64_t store(struct vcpu *of, const struct access *access, gpa_t gpa,
		      const struct guest_store *what)
{
	assert_ptr_equal(of, vcpu);
	assert_int_equal(access->gva.raw, AT);
	assert_int_equal(gpa.raw, RAM + AT % PAGE_SIZE);
	stores++;
	if (interfered) {
		interfered--;
		*cell += 1;
	}
	return guest_store_apply(what, HPA((uintptr_t)cell));
}

static bool unprotect(struct vcpu *of, const struct access *access, gpa_t gpa)
{
	(void)of;
	(void)access;
	(void)gpa;
	return false;
}

static const struct paging_mode mode = {
	.read_half = read_half,
	.store = store,
	.unprotect = unprotect,
};

static int setup(void **state)
{
	(void)state;
	fake_arch_create(&fake_worst);
	memset(&vm, 0, sizeof(vm));
	memset(program, 0, sizeof(program));
	memset(page, 0, sizeof(page));
	vm.mode = &mode;
	vm.memory = (struct guest_memory){
		.base = GPA(RAM),
		.size = sizeof(page),
		.run_count = 1,
		.runs = {{GPA(RAM), HPA((uintptr_t)page), sizeof(page)}},
	};
	vcpu->vm = &vm;
	vcpu->arch.x[A0] = AT;
	vcpu->arch.x[A1] = NEW;
	vcpu->arch.x[A3] = OTHER;
	vcpu->arch.x[A4] = 77;
	*cell = OLD;
	readable = ARRAY_LENGTH(program);
	stores = interfered = 0;
	return 0;
}

/* The exit of the sc that is the so-manieth instruction. */
static void exit_at(unsigned index)
{
	const struct vm_exit exit = {
		.cause = CAUSE_TRANSLATION,
		.access = {.gva = GVA(AT), .kind = ACCESS_STORE},
	};

	vcpu->arch.pc = PC + 4 * index;
	assert_int_equal(exit_store(vcpu, &exit, GPA(RAM + AT % PAGE_SIZE)).action,
			 EXIT_RESUME);
}

static void assert_stopped(unsigned index, uint64_t failed, uint64_t value)
{
	assert_int_equal(vcpu->arch.pc, PC + 4 * index);
	assert_int_equal(vcpu->arch.x[A4], failed);
	assert_int_equal(*cell, value);
}

#define PROGRAM(...)                                                                     \
	memcpy(program, (const uint32_t[]){__VA_ARGS__},                                 \
	       sizeof((const uint32_t[]){__VA_ARGS__}))

static void an_sc_alone_fails_each_time(void **state)
{
	(void)state;
	PROGRAM(SC_D, LD);
	for (unsigned i = 0; i < 3; i++) {
		exit_at(0);
		assert_stopped(1, 1, OLD);
		assert_int_equal(fake_machine.counts.reservations_dropped, i + 1);
	}
	PROGRAM(SC_D, SC_D, SC_D, LD);
	exit_at(0);
	assert_stopped(3, 1, OLD);
	assert_int_equal(stores, 0);
}

static void a_loop_gets_on_in_one_exit(void **state)
{
	(void)state;
	PROGRAM(LR_D, SC_D, BNEZ_8, LD);
	exit_at(1);
	assert_stopped(2, 0, NEW);
	assert_int_equal(vcpu->arch.x[A2], OLD);
	/* Not a second time, by what was read before. */
	exit_at(1);
	assert_int_equal(*cell, NEW);
	assert_int_equal(vcpu->arch.x[A2], NEW);
}

static void words_are_words(void **state)
{
	(void)state;
	PROGRAM(LR_W, SC_W, BNEZ_8, LD);
	exit_at(1);
	assert_stopped(2, 0, (OLD & ~UINT64_C(0xffffffff)) | (uint32_t)NEW);
	assert_int_equal(vcpu->arch.x[A2], 0xffffffffdeadbeef);
}

/* Of what the lr reads something is made, or it leads out of the loop. */
static void what_the_lr_reads_is_used(void **state)
{
	(void)state;
	PROGRAM(LR_D, ORI, SC_D, BNEZ_12, LD);
	exit_at(2);
	assert_stopped(3, 0, NEW);
	assert_int_equal(vcpu->arch.x[A2], OLD | 0x700);
	setup(state);
	PROGRAM(LR_D, BNE_OUT, SC_D, BNEZ_12, LD);
	exit_at(2);
	assert_stopped(4, 1, OLD);
	vcpu->arch.x[A3] = OLD;
	exit_at(2);
	assert_stopped(3, 0, NEW);
}

static void another_harts_store_is_not_lost(void **state)
{
	(void)state;
	PROGRAM(LR_D, SC_D, BNEZ_8, LD);
	interfered = 2;
	exit_at(1);
	assert_stopped(2, 0, NEW);
	assert_int_equal(vcpu->arch.x[A2], OLD + 2);
	assert_int_equal(stores, 3);
	setup(state);
	PROGRAM(LR_D, SC_D, SC_D, BNEZ_12, LD);
	interfered = 1;
	exit_at(2);
	/* The second sc of the round is not the first one's heir. */
	assert_stopped(2, 0, NEW);
	assert_int_equal(stores, 2);
}

/* What stands between them, or is not of that place, is the guest's to execute. */
static void other_pairs_are_left_alone(void **state)
{
	static const uint32_t between[] = {LD,	      INVAL, LR_D_A3,
					   AMOSWAP_D, 0,     0x02b60633 /* mul */,
					   0x000600e7 /* jalr */};

	for (size_t i = 0; i < ARRAY_LENGTH(between); i++) {
		setup(state);
		PROGRAM(LR_D, between[i], SC_D, BNEZ_12, LD);
		exit_at(2);
		assert_stopped(1, 1, OLD);
		assert_int_equal(stores, 0);
	}
	setup(state);
	PROGRAM(LR_D_A3, SC_D, BNEZ_8, LD);
	exit_at(1);
	assert_stopped(0, 1, OLD);
	setup(state);
	PROGRAM(LR_W, SC_D, BNEZ_8, LD);
	exit_at(1);
	assert_int_equal(*cell, OLD);
	assert_int_equal(stores, 0);
}

static void it_ends_in_any_case(void **state)
{
	(void)state;
	PROGRAM(SC_D, LOOP);
	exit_at(0);
	assert_stopped(1, 1, OLD);
	/* Code that cannot be read is the guest's to fetch. */
	PROGRAM(LR_D, NOP, SC_D, BNEZ_12, LD);
	readable = 3;
	exit_at(2);
	assert_stopped(3, 1, OLD);
}

static void compressed_instructions_are_two_bytes_long(void **state)
{
	(void)state;
	/* lr.d a2, (a0); sc.d a4, a1, (a0); c.bnez a4, .-8; c.nop */
	PROGRAM(LR_D, SC_D, 0x0001ff65, LD);
	exit_at(1);
	assert_stopped(2, 0, NEW);
	/* c.or a0, a1 changes where the sc goes: no longer to that place. */
	setup(state);
	PROGRAM(0x8d4d0001, SC_D, 0x0001ff65, LD);
	vcpu->arch.x[A1] = 0x1000000;
	exit_at(1);
	assert_stopped(1, 1, OLD);
	assert_int_equal(vcpu->arch.x[A0], AT | 0x1000000);
}

#define A UINT64_C(0x9234567887654321)
#define B UINT64_C(0xffffffffffff0026)

/* a2 or a0 of a0 = A and a1 = B; each encoding is what the assembler makes of it. */
static void logic_computes_what_it_should(void **state)
{
	static const struct {
		uint32_t instruction;
		uint64_t result;
	} cases[] = {
		{0xfedcb637, 0xfffffffffedcb000}, /* lui a2, 0xfedcb */
		{0x80001617, PC - 0x7ffff000},	  /* auipc a2, 0x80001 */
		{0xffb52613, 1},		  /* slti a2, a0, -5 */
		{0xffb53613, 1},		  /* sltiu a2, a0, -5 */
		{0xffe54613, 0x6dcba987789abcdf}, /* xori a2, a0, -2 */
		{0x70056613, 0x9234567887654721}, /* ori a2, a0, 0x700 */
		{0xff057613, 0x9234567887654320}, /* andi a2, a0, -16 */
		{0x02851613, 0x6543210000000000}, /* slli a2, a0, 40 */
		{0x02155613, 0x491a2b3c},	  /* srli a2, a0, 33 */
		{0x42155613, 0xffffffffc91a2b3c}, /* srai a2, a0, 33 */
		{0x0045161b, 0x76543210},	  /* slliw a2, a0, 4 */
		{0x0045561b, 0x08765432},	  /* srliw a2, a0, 4 */
		{0x4045561b, 0xfffffffff8765432}, /* sraiw a2, a0, 4 */
		{0x00b51633, 0xd950c84000000000}, /* sll a2, a0, a1 */
		{0x00b52633, 1},		  /* slt */
		{0x00b53633, 1},		  /* sltu */
		{0x00b54633, A ^ B},		  /* xor */
		{0x00b55633, 0x0248d159},	  /* srl */
		{0x40b55633, 0xfffffffffe48d159}, /* sra */
		{0x00b56633, A | B},		  /* or */
		{0x00b57633, A & B},		  /* and */
		{0x00b5163b, 0xffffffffd950c840}, /* sllw a2, a0, a1 */
		{0x00b5563b, 0x021d950c},	  /* srlw */
		{0x40b5563b, 0xfffffffffe1d950c}, /* sraw */
		{0x1506, 0x0eca864200000000},	  /* c.slli a0, 33 */
		{0x9105, 0x491a2b3c},		  /* c.srli a0, 33 */
		{0x9505, 0xffffffffc91a2b3c},	  /* c.srai a0, 33 */
		{0x9975, 0x9234567887654321},	  /* c.andi a0, -3 */
		{0x8d2d, A ^ B},		  /* c.xor a0, a1 */
		{0x8d4d, A | B},		  /* c.or a0, a1 */
		{0x8d6d, A & B},		  /* c.and a0, a1 */
		{0x7541, 0xffffffffffff0000},	  /* c.lui a0, 0xffff0 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		bool is_short = (cases[i].instruction & 3) != 3;
		const uint64_t x[32] = {[A0] = A, [A1] = B};
		struct logic_operation operation;
		uint64_t b;

		assert_true(decode_logic(cases[i].instruction, &operation));
		assert_int_equal(operation.rd, is_short ? A0 : A2);
		b = operation.has_immediate ? (uint64_t)operation.immediate
					    : x[operation.rs2];
		assert_int_equal(logic_result(&operation, PC, x[operation.rs1], b),
				 cases[i].result);
	}
}

static void nothing_else_is_logic(void **state)
{
	static const uint32_t others[] = {
		0x02b50633, /* mul */ 0x40b57633,     /* andn */
		0x60b51633, /* rol */ 0x000600e7,     /* jalr */
		0x60051613, /* clz */ 0x0205161b,     /* slliw by 32 */
		0x6105,	    /* c.addi16sp */ 0x0808,  /* c.addi4spn */
		0x6501,	    /* c.lui a0, 0 */ 0x8082, /* c.jr ra */
		LR_D,	    SC_D,
		LD,	    0,
		0xffffffff,
	};
	struct logic_operation operation;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
		assert_false(decode_logic(others[i], &operation));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_sc_alone_fails_each_time),
		TEST(a_loop_gets_on_in_one_exit),
		TEST(words_are_words),
		TEST(what_the_lr_reads_is_used),
		TEST(another_harts_store_is_not_lost),
		TEST(other_pairs_are_left_alone),
		TEST(it_ends_in_any_case),
		TEST(compressed_instructions_are_two_bytes_long),
		TEST(logic_computes_what_it_should),
		TEST(nothing_else_is_logic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
