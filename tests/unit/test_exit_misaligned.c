/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/exit_misaligned.c core/guest_code.c core/counters.c arch/riscv/decode.c */
/* sources: tests/unit/fake_arch.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/* sources: mm/guest_memory.c */
/*
 * Misaligned loads and stores: every form at every offset, in a page and from one to
 * another, against bytes that are kept here a second time; the permissions that are
 * asked for; and what comes of it where one of the pages, or none, can be reached.
 */
#include <string.h>

#include "core/exit.h"
#include "core/vm.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

#define PC     UINT64_C(0x2000)
#define FIRST  UINT64_C(0x40001000) /* the guest's two pages */
#define SECOND UINT64_C(0x40002000)
#define VALUE  UINT64_C(0x89abcdef82345678)
#define LAST   (SECOND + PAGE_SIZE)

/* Where they are, in the other order and apart. */
#define FIRST_GPA  UINT64_C(0x80005000)
#define SECOND_GPA UINT64_C(0x80003000)

static struct vm vm;
static struct vcpu *const vcpu = &vm.vcpus[0];
static uint32_t code;
static bool readable;
static enum outcome outcomes[2]; /* of the two pages */
static struct access asked[4];
static unsigned asks, writes;
static uint8_t model[2 * PAGE_SIZE]; /* what the two hold */

/* x10 or x2 is the base, 11 the register; sign: of a load. */
static const struct form {
	uint32_t instruction;
	uint8_t width;
	bool is_store, is_float, sign;
} forms[] = {
	{0x00051583, 2, false, false, true},  /* lh a1, 0(a0) */
	{0x00055583, 2, false, false, false}, /* lhu */
	{0x00052583, 4, false, false, true},  /* lw */
	{0x00056583, 4, false, false, false}, /* lwu */
	{0x00053583, 8, false, false, false}, /* ld */
	{0x00b51023, 2, true, false, false},  /* sh a1, 0(a0) */
	{0x00b52023, 4, true, false, false},  /* sw */
	{0x00b53023, 8, true, false, false},  /* sd */
	{0x00052587, 4, false, true, false},  /* flw fa1, 0(a0) */
	{0x00053587, 8, false, true, false},  /* fld */
	{0x00b52027, 4, true, true, false},   /* fsw fa1, 0(a0) */
	{0x00b53027, 8, true, true, false},   /* fsd */
	{0x410c, 4, false, false, true},      /* c.lw a1, 0(a0) */
	{0x610c, 8, false, false, false},     /* c.ld */
	{0xc10c, 4, true, false, false},      /* c.sw */
	{0xe10c, 8, true, false, false},      /* c.sd */
	{0x4582, 4, false, false, true},      /* c.lwsp a1, 0(sp) */
	{0x6582, 8, false, false, false},     /* c.ldsp */
	{0xc02e, 4, true, false, false},      /* c.swsp */
	{0xe02e, 8, true, false, false},      /* c.sdsp */
	{0x210c, 8, false, true, false},      /* c.fld fa1, 0(a0) */
	{0xa10c, 8, true, true, false},	      /* c.fsd */
	{0x2582, 8, false, true, false},      /* c.fldsp fa1, 0(sp) */
	{0xa02e, 8, true, true, false},	      /* c.fsdsp */
	{0x850c, 2, false, false, false},     /* c.lhu a1, 0(a0) */
	{0x854c, 2, false, false, true},      /* c.lh */
	{0x8d0c, 2, true, false, false},      /* c.sh */
};

static const struct form *const sd = &forms[7], *const ld = &forms[4];
static const struct form *const fld = &forms[9], *const fsw = &forms[10];

/* ---- a paging mode that knows two pages ---- */

static bool read_half(struct vcpu *of, const struct access *access, uint16_t *half)
{
	(void)of;
	if (!readable || access->kind != ACCESS_FETCH || access->gva.raw >= PC + 4)
		return false;
	*half = (uint16_t)(code >> 8 * (access->gva.raw - PC));
	return true;
}

static struct translation translate(struct vcpu *of, const struct access *access)
{
	unsigned page = access->gva.raw >= SECOND;

	(void)of;
	assert_true(asks < ARRAY_LENGTH(asked));
	asked[asks++] = *access;
	return (struct translation){
		.outcome = outcomes[page],
		.gpa = GPA((page ? SECOND_GPA : FIRST_GPA) +
			   access->gva.raw % PAGE_SIZE),
	};
}

/* As of a mode that protects tables: nothing comes to RAM but by it. */
static void write(struct vm *of, gpa_t to, const void *from, uint64_t size)
{
	writes++;
	assert_int_equal(guest_memory_write(&of->memory, to, from, size), STATUS_OK);
}

static const struct paging_mode plain = {.read_half = read_half, .translate = translate};
static const struct paging_mode protecting = {
	.read_half = read_half, .translate = translate, .write = write};

static uint8_t *at(uint64_t gpa)
{
	return (uint8_t *)(uintptr_t)(vm.memory.runs[0].hpa.raw + gpa -
				      GUEST_RAM_BASE.raw);
}

static void fill(void)
{
	for (unsigned i = 0; i < sizeof(model); i++)
		model[i] = (uint8_t)(i * 7 + (i >> 8) + 129);
	memset(at(GUEST_RAM_BASE.raw), 0x5a, 2 * MIB);
	memcpy(at(FIRST_GPA), model, PAGE_SIZE);
	memcpy(at(SECOND_GPA), model + PAGE_SIZE, PAGE_SIZE);
}

static int setup(void **state)
{
	(void)state;
	fake_arch_create(&fake_worst);
	memset(&vm, 0, sizeof(vm));
	vm.mode = &plain;
	vm.memory = (struct guest_memory){
		.base = GUEST_RAM_BASE,
		.size = 2 * MIB,
		.run_count = 1,
		.runs = {{GUEST_RAM_BASE, host_ram_map(2 * MIB, 2 * MIB), 2 * MIB}},
	};
	vcpu->vm = &vm;
	readable = true;
	outcomes[0] = outcomes[1] = OUTCOME_FILLED;
	fill();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_ram_unmap(vm.memory.runs[0].hpa, 2 * MIB);
	return 0;
}

static struct exit_result run(uint32_t instruction, uint64_t gva)
{
	const struct vm_exit exit = {
		.cause = CAUSE_EXCEPTION, .number = EXCEPTION_STORE_MISALIGNED, .value = gva};

	code = instruction;
	asks = writes = 0;
	vcpu->arch.pc = PC;
	vcpu->arch.x[2] = vcpu->arch.x[10] = gva;
	vcpu->arch.x[11] = fake_machine.floats[11] = VALUE;
	return exit_misaligned(vcpu, &exit);
}

/* Nothing has changed but for what the model says. */
static void assert_memory(void)
{
	assert_memory_equal(at(FIRST_GPA), model, PAGE_SIZE);
	assert_memory_equal(at(SECOND_GPA), model + PAGE_SIZE, PAGE_SIZE);
	for (uint64_t page = GUEST_RAM_BASE.raw; page < GUEST_RAM_BASE.raw + 0x8000;
	     page += PAGE_SIZE)
		if (page != FIRST_GPA && page != SECOND_GPA)
			assert_true(*at(page) == 0x5a && *at(page + PAGE_SIZE - 1) == 0x5a);
}

/* ---- what is done ---- */

static uint64_t expected_load(const struct form *form, uint64_t gva)
{
	unsigned unused = 64 - 8U * form->width;
	uint64_t value = 0;

	memcpy(&value, model + (gva - FIRST), form->width);
	if (form->is_float)
		return form->width == 4 ? value | UINT64_C(0xffffffff00000000) : value;
	return form->sign ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

static void check(const struct form *form, uint64_t gva)
{
	const uint64_t value = VALUE;
	uint64_t loaded = form->is_store ? VALUE : expected_load(form, gva);
	struct exit_result result = run(form->instruction, gva);

	assert_int_equal(result.action, EXIT_RESUME_NEXT);
	assert_int_equal(result.length, (form->instruction & 3) == 3 ? 4 : 2);
	if (form->is_store)
		memcpy(model + (gva - FIRST), &value, form->width);
	assert_int_equal(vcpu->arch.x[11], form->is_float ? VALUE : loaded);
	assert_int_equal(fake_machine.floats[11], form->is_float ? loaded : VALUE);
	assert_int_equal(fake_machine.float_writes, form->is_float && !form->is_store);
	fake_machine.float_writes = 0;
	assert_memory();
}

static void every_form_at_every_offset(void **state)
{
	unsigned checks = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(forms); i++) {
		for (uint64_t gva = SECOND - 16; gva < SECOND + 16; gva++) {
			bool crosses = gva < SECOND && gva + forms[i].width > SECOND;

			if (gva % forms[i].width == 0)
				continue;
			vm.mode = gva & 1 ? &plain : &protecting;
			check(&forms[i], gva);
			assert_int_equal(asks, 1 + crosses);
			if (vm.mode == &protecting)
				assert_int_equal(writes,
						 forms[i].is_store ? 1 + crosses : 0);
			checks++;
		}
	}
	assert_int_equal(vcpu->counters.full[REASON_MISALIGNED], checks);
}

static void the_first_and_the_last_of_memory(void **state)
{
	(void)state;
	check(ld, FIRST + 1);
	check(sd, LAST - 9);
	check(fld, LAST - 9);
}

/* Offsets are the decoder's business; that they are added, and signed, is this one's. */
static void an_offset_and_x0(void **state)
{
	uint64_t value = VALUE;

	(void)state;
	assert_int_equal(run(0xfeb53fa3, SECOND + 0x104).action, /* sd a1, -1(a0) */
			 EXIT_RESUME_NEXT);
	memcpy(model + PAGE_SIZE + 0x103, &value, 8);
	assert_memory();
	assert_int_equal(run(0x00053003, SECOND + 0x101).action, /* ld x0, 0(a0) */
			 EXIT_RESUME_NEXT);
	assert_int_equal(vcpu->arch.x[0], 0);
	assert_int_equal(run(0x000530a3, SECOND + 0x102).action, /* sd x0, 1(a0) */
			 EXIT_RESUME_NEXT);
	memset(model + PAGE_SIZE + 0x103, 0, 8);
	assert_memory();
}

/* The guest's privilege and permissions go with each part. */
static void what_is_asked_for(void **state)
{
	(void)state;
	fake_machine.guest = (struct access){.user = true, .mxr = true};
	run(ld->instruction, SECOND - 3);
	assert_int_equal(asks, 2);
	assert_int_equal(asked[0].gva.raw, SECOND - 3);
	assert_int_equal(asked[1].gva.raw, SECOND);
	assert_int_equal(asked[0].kind, ACCESS_LOAD);
	assert_true(asked[1].user && asked[1].mxr && !asked[1].sum);
	fake_machine.guest = (struct access){.sum = true};
	run(fsw->instruction, SECOND - 3);
	assert_int_equal(asked[1].kind, ACCESS_STORE);
	assert_true(!asked[1].user && !asked[1].mxr && asked[1].sum);
}

/* ---- what is not ---- */

static void assert_gives(struct exit_result result, uint64_t number, uint64_t value)
{
	assert_int_equal(result.action, EXIT_INJECT);
	assert_int_equal(result.number, number);
	assert_int_equal(result.value, value);
	assert_int_equal(vcpu->arch.x[11], VALUE);
	assert_int_equal(fake_machine.floats[11], VALUE);
	assert_memory();
}

static void faults_of_either_page(void **state)
{
	static const struct {
		enum outcome outcome;
		uint64_t load, store;
	} cases[] = {
		{OUTCOME_PAGE_FAULT, EXCEPTION_LOAD_PAGE, EXCEPTION_STORE_PAGE},
		{OUTCOME_ACCESS_FAULT, EXCEPTION_LOAD_ACCESS, EXCEPTION_STORE_ACCESS},
		{OUTCOME_DEVICE, EXCEPTION_LOAD_ACCESS, EXCEPTION_STORE_ACCESS},
	};
	const uint64_t gva = SECOND - 5;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		for (unsigned bad = 1; bad <= 3; bad++) {
			uint64_t value = bad & 1 ? gva : SECOND;

			outcomes[0] = bad & 1 ? cases[i].outcome : OUTCOME_FILLED;
			outcomes[1] = bad & 2 ? cases[i].outcome : OUTCOME_FILLED;
			assert_gives(run(ld->instruction, gva), cases[i].load, value);
			assert_gives(run(fld->instruction, gva), cases[i].load, value);
			assert_gives(run(sd->instruction, gva), cases[i].store, value);
			assert_gives(run(0xe10c, gva), cases[i].store, value);
		}
		outcomes[0] = OUTCOME_FILLED;
		assert_gives(run(sd->instruction, SECOND + 1), cases[i].store, SECOND + 1);
	}
	assert_int_equal(writes, 0);
}

static void a_leaf_that_keeps_changing_is_tried_again(void **state)
{
	(void)state;
	outcomes[1] = OUTCOME_UNPROTECTED;
	assert_int_equal(run(sd->instruction, SECOND - 1).action, EXIT_RESUME);
	assert_memory();
}

/* With the number and the value that the hart gave. */
static void others_are_the_guests_own(void **state)
{
	static const uint32_t others[] = {
		0x00b5362f, /* amoadd.d a2, a1, (a0) */
		0x1005362f, /* lr.d */
		0x18b5362f, /* sc.d */
		0x0205f507, /* vle64.v */
		0x00051587, /* flh */
		0x00000013, /* nop */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(others); i++)
		assert_gives(run(others[i], FIRST + 2), EXCEPTION_STORE_MISALIGNED,
			     FIRST + 2);
	assert_int_equal(asks, 0);
}

static void floating_point_that_is_off(void **state)
{
	(void)state;
	fake_machine.float_off = true;
	assert_gives(run(fld->instruction, FIRST + 2), EXCEPTION_ILLEGAL_INSTRUCTION,
		     fld->instruction);
	assert_gives(run(0xa10c, FIRST + 2), EXCEPTION_ILLEGAL_INSTRUCTION, 0xa10c);
	check(ld, FIRST + 2);
}

/* Another hart may have written it since. */
static void code_that_is_no_longer_there(void **state)
{
	(void)state;
	readable = false;
	assert_int_equal(run(sd->instruction, FIRST + 1).action, EXIT_RESUME);
	readable = true;
	assert_int_equal(run(sd->instruction, FIRST + 8).action, EXIT_RESUME);
	assert_int_equal(asks, 0);
	assert_memory();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_form_at_every_offset),
		TEST(the_first_and_the_last_of_memory),
		TEST(an_offset_and_x0),
		TEST(what_is_asked_for),
		TEST(faults_of_either_page),
		TEST(a_leaf_that_keeps_changing_is_tried_again),
		TEST(others_are_the_guests_own),
		TEST(floating_point_that_is_off),
		TEST(code_that_is_no_longer_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
