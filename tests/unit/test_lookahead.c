/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/lookahead.c arch/riscv/decode.c arch/riscv/decode_simple.c */
/*
 * Instructions carried out around a fence, against a reference that takes one step
 * after another: registers, pc and the fences so far must be what the reference comes
 * to after some number of steps, and none of these may lie behind a fence that could
 * change the code. The reference is told what the program is, and decodes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/arch.h"
#include "core/lookahead.h"
#include "core/vm.h"
#include "mm/pte.h"

#define CODE_PAGE  UINT64_C(0xffffffff80204000)
#define FAR	   UINT64_C(0x1000000) /* of pages that are fenced */
#define MOST_STEPS 4096
#define MOST_PAGES 512
#define MOST_OPS   40

/* ---- the vCPU's surroundings ---- */

static struct vm vm;
static struct vcpu *vcpu = &vm.vcpus[0];
static uint64_t guest_satp;
static uint16_t code[PAGE_SIZE / 2];
static bool is_readable;
static unsigned code_reads;
static bool is_interrupted;

/* One page of a fence; of all addresses where ALL_PAGES. */
#define ALL_PAGES UINT64_MAX

struct fenced {
	uint64_t page;
	uint64_t asid; /* UINT64_MAX: all */
};

struct fence_list {
	unsigned count;
	struct fenced pages[MOST_PAGES];
};

static struct fence_list applied;

static void list_add(struct fence_list *list, uint64_t page, bool has_asid, uint64_t asid)
{
	assert_true(list->count < MOST_PAGES);
	list->pages[list->count++] =
		(struct fenced){page, has_asid ? (uint16_t)asid : UINT64_MAX};
}

static void record_fence(struct vcpu *of, const struct fence *fence)
{
	assert_ptr_equal(of, vcpu);
	if (!fence->has_address) {
		list_add(&applied, ALL_PAGES, fence->has_asid, fence->asid);
		return;
	}
	assert_true(is_aligned(fence->start.raw, PAGE_SIZE));
	assert_true(fence->size > 0 && is_aligned(fence->size, PAGE_SIZE));
	for (uint64_t offset = 0; offset < fence->size; offset += PAGE_SIZE)
		list_add(&applied, fence->start.raw + offset, fence->has_asid,
			 fence->asid);
}

static const uint16_t *code_page(struct vcpu *of, const struct access *access)
{
	assert_ptr_equal(of, vcpu);
	assert_int_equal(access->kind, ACCESS_FETCH);
	assert_int_equal(align_down(access->gva.raw, PAGE_SIZE), CODE_PAGE);
	code_reads++;
	return is_readable ? code : NULL;
}

static uint64_t satp_read(struct vcpu *of)
{
	assert_ptr_equal(of, vcpu);
	return guest_satp;
}

static const struct paging_mode mode = {
	.fence = record_fence, .code_page = code_page, .satp_read = satp_read};
static const struct paging_mode mode_without_code = {.fence = record_fence,
						     .satp_read = satp_read};

struct access arch_access(const struct vcpu *of, gva_t gva, enum access_kind kind)
{
	assert_ptr_equal(of, vcpu);
	return (struct access){.gva = gva, .kind = kind};
}

bool arch_interrupt_is_pending(void)
{
	return is_interrupted;
}

/* ---- programs ---- */

enum kind {
	OP_ADD, /* rd = rs1 + rs2 + immediate */
	OP_SUBTRACT,
	OP_BRANCH, /* to operation `target` */
	OP_JUMP,
	OP_FENCE,
	OP_OTHER,
};

struct op {
	enum kind kind;
	uint32_t bits; /* without what depends on where it leads */
	unsigned length;
	unsigned rd, rs1, rs2;
	int64_t immediate;
	bool word;
	unsigned condition; /* funct3 */
	unsigned target;
};

enum { ZERO, RA, SP, GP, TP, T0, S0 = 8, S1, A0, A1, A2, A3, A4, A5 };
enum { BEQ, BNE, BLT = 4, BGE, BLTU, BGEU };

static struct op addi(unsigned rd, unsigned rs1, int immediate)
{
	return (struct op){
		OP_ADD,	   (uint32_t)immediate << 20 | rs1 << 15 | rd << 7 | 0x13,
		4,	   rd,
		rs1,	   ZERO,
		immediate, false,
		0,	   0};
}

static struct op word(struct op op)
{
	op.word = true;
	op.bits |= 8; /* OP-IMM-32 and OP-32, for OP-IMM and OP */
	return op;
}

static struct op add(unsigned rd, unsigned rs1, unsigned rs2)
{
	return (struct op){.kind = OP_ADD,
			   .bits = rs2 << 20 | rs1 << 15 | rd << 7 | 0x33,
			   .length = 4,
			   .rd = rd,
			   .rs1 = rs1,
			   .rs2 = rs2};
}

static struct op sub(unsigned rd, unsigned rs1, unsigned rs2)
{
	struct op op = add(rd, rs1, rs2);

	op.kind = OP_SUBTRACT;
	op.bits |= UINT32_C(1) << 30;
	return op;
}

static uint32_t compressed_immediate(int immediate)
{
	return ((uint32_t)immediate >> 5 & 1) << 12 | ((uint32_t)immediate & 31) << 2;
}

static struct op c_addi(unsigned rd, int immediate)
{
	return (struct op){.kind = OP_ADD,
			   .bits = 0x0001 | rd << 7 | compressed_immediate(immediate),
			   .length = 2,
			   .rd = rd,
			   .rs1 = rd,
			   .immediate = immediate};
}

static struct op c_li(unsigned rd, int immediate)
{
	return (struct op){.kind = OP_ADD,
			   .bits = 0x4001 | rd << 7 | compressed_immediate(immediate),
			   .length = 2,
			   .rd = rd,
			   .immediate = immediate};
}

static struct op c_mv(unsigned rd, unsigned rs2)
{
	return (struct op){.kind = OP_ADD,
			   .bits = 0x8002 | rd << 7 | rs2 << 2,
			   .length = 2,
			   .rd = rd,
			   .rs2 = rs2};
}

static struct op c_add(unsigned rd, unsigned rs2)
{
	struct op op = c_mv(rd, rs2);

	op.bits |= 0x1000;
	op.rs1 = rd;
	return op;
}

static struct op branch(unsigned condition, unsigned rs1, unsigned rs2, unsigned target)
{
	return (struct op){.kind = OP_BRANCH,
			   .bits = rs2 << 20 | rs1 << 15 | condition << 12 | 0x63,
			   .length = 4,
			   .rs1 = rs1,
			   .rs2 = rs2,
			   .condition = condition,
			   .target = target};
}

/* c.beqz, c.bnez; rs1 is one of x8 to x15. */
static struct op c_branch(unsigned condition, unsigned rs1, unsigned target)
{
	return (struct op){.kind = OP_BRANCH,
			   .bits = 0xc001 | condition << 13 | (rs1 - 8) << 7,
			   .length = 2,
			   .rs1 = rs1,
			   .condition = condition,
			   .target = target};
}

static struct op jump(unsigned target)
{
	return (struct op){.kind = OP_JUMP, .bits = 0x6f, .length = 4, .target = target};
}

static struct op sfence(unsigned rs1, unsigned rs2)
{
	return (struct op){.kind = OP_FENCE,
			   .bits = 0x12000073 | rs2 << 20 | rs1 << 15,
			   .length = 4,
			   .rs1 = rs1,
			   .rs2 = rs2};
}

static struct op other(uint32_t bits)
{
	return (struct op){
		.kind = OP_OTHER, .bits = bits, .length = (bits & 3) == 3 ? 4 : 2};
}

#define RET   other(0x8082)
#define LOAD  other(0x00053503) /* ld a0, 0(a0) */
#define FENCE other(0x0ff0000f)

static struct {
	unsigned count;
	struct op ops[MOST_OPS];
	uint64_t pc[MOST_OPS + 1];
} program;

static uint32_t bits_of(uint32_t value, unsigned from, unsigned count, unsigned to)
{
	return (value >> from & ((1u << count) - 1)) << to;
}

static uint32_t with_offset(const struct op *op, uint64_t pc)
{
	uint32_t by = (uint32_t)(program.pc[op->target] - pc);

	if (op->kind == OP_JUMP)
		return op->bits | bits_of(by, 20, 1, 31) | bits_of(by, 1, 10, 21) |
		       bits_of(by, 11, 1, 20) | bits_of(by, 12, 8, 12);
	if (op->kind == OP_BRANCH && op->length == 4)
		return op->bits | bits_of(by, 12, 1, 31) | bits_of(by, 5, 6, 25) |
		       bits_of(by, 1, 4, 8) | bits_of(by, 11, 1, 7);
	if (op->kind == OP_BRANCH)
		return op->bits | bits_of(by, 8, 1, 12) | bits_of(by, 3, 2, 10) |
		       bits_of(by, 6, 2, 5) | bits_of(by, 1, 2, 3) | bits_of(by, 5, 1, 2);
	return op->bits;
}

/* Put the program there; what lies around it is no instruction. */
static void assemble(uint64_t offset, const struct op *ops, unsigned count)
{
	uint64_t pc = CODE_PAGE + offset;

	assert_true(count <= MOST_OPS);
	memset(&program, 0, sizeof(program));
	memset(code, 0, sizeof(code));
	program.count = count;
	memcpy(program.ops, ops, count * sizeof(*ops));
	for (unsigned i = 0; i < count; pc += ops[i++].length)
		program.pc[i] = pc;
	program.pc[count] = pc;
	for (unsigned i = 0; i < count; i++) {
		uint32_t bits = with_offset(&ops[i], program.pc[i]);
		uint64_t at = (program.pc[i] - CODE_PAGE) / 2;

		if (at < ARRAY_LENGTH(code))
			code[at] = (uint16_t)bits;
		if (ops[i].length == 4 && at + 1 < ARRAY_LENGTH(code))
			code[at + 1] = (uint16_t)(bits >> 16);
	}
	vcpu->arch.pc = CODE_PAGE + offset;
}

#define ASSEMBLE(offset, ...)                                                            \
	do {                                                                             \
		const struct op ops_[] = {__VA_ARGS__};                                  \
		assemble(offset, ops_, ARRAY_LENGTH(ops_));                              \
	} while (0)

/* ---- the reference ---- */

struct state {
	uint64_t x[32];
	uint64_t pc;
	struct fence_list fences;
	bool is_over; /* nothing may be done from here on */
};

static uint64_t reach_of_satp(void)
{
	switch (satp_mode(guest_satp)) {
	case SATP_SV39:
		return UINT64_C(1) << 30;
	case SATP_SV48:
		return UINT64_C(1) << 39;
	case SATP_SV57:
		return UINT64_C(1) << 48;
	default:
		return PAGE_SIZE;
	}
}

/* Any page of a leaf that the code may be in, whatever its size. */
static bool may_change_code(const struct op *op, uint64_t address)
{
	return op->rs1 == 0 || address / reach_of_satp() == CODE_PAGE / reach_of_satp();
}

static bool is_taken(const struct op *op, uint64_t a, uint64_t b)
{
	switch (op->condition) {
	case BEQ:
		return a == b;
	case BNE:
		return a != b;
	case BLT:
		return (int64_t)a < (int64_t)b;
	case BGE:
		return (int64_t)a >= (int64_t)b;
	case BLTU:
		return a < b;
	default:
		return a >= b;
	}
}

static const struct op *op_at(uint64_t pc)
{
	for (unsigned i = 0; i < program.count; i++)
		if (program.pc[i] == pc)
			return &program.ops[i];
	return NULL;
}

static void step(struct state *state)
{
	const struct op *op = op_at(state->pc);
	uint64_t a, b, result;

	if (!op || op->kind == OP_OTHER ||
	    state->pc + op->length > CODE_PAGE + PAGE_SIZE) {
		state->is_over = true;
		return;
	}
	a = state->x[op->rs1];
	b = state->x[op->rs2];
	result = op->kind == OP_SUBTRACT ? a - b : a + b + (uint64_t)op->immediate;
	if (op->word)
		result = (uint64_t)(int64_t)(int32_t)result;
	state->pc += op->length;
	if (op->kind == OP_JUMP || (op->kind == OP_BRANCH && is_taken(op, a, b)))
		state->pc = program.pc[op->target];
	if ((op->kind == OP_ADD || op->kind == OP_SUBTRACT) && op->rd != 0)
		state->x[op->rd] = result;
	if (op->kind != OP_FENCE)
		return;
	list_add(&state->fences, op->rs1 ? align_down(a, PAGE_SIZE) : ALL_PAGES,
		 op->rs2 != 0, b);
	state->is_over = may_change_code(op, a);
}

static int compare_fenced(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct fenced));
}

/* In whatever order: nothing is read between them. */
static bool same_fences(const struct fence_list *a, const struct fence_list *b)
{
	struct fence_list sorted[2] = {*a, *b};

	if (a->count != b->count)
		return false;
	for (unsigned i = 0; i < 2; i++)
		qsort(sorted[i].pages, sorted[i].count, sizeof(struct fenced),
		      compare_fenced);
	return memcmp(sorted[0].pages, sorted[1].pages,
		      a->count * sizeof(struct fenced)) == 0;
}

static bool is_here(const struct state *state)
{
	return state->pc == vcpu->arch.pc &&
	       memcmp(state->x, vcpu->arch.x, sizeof(state->x)) == 0 &&
	       same_fences(&state->fences, &applied);
}

static struct state state_now(void)
{
	struct state state = {.pc = vcpu->arch.pc};

	memcpy(state.x, vcpu->arch.x, sizeof(state.x));
	applied.count = 0;
	return state;
}

/* How many steps of the reference it is from there to where the vCPU is. */
static unsigned steps_from(struct state state)
{
	for (unsigned steps = 0; steps < MOST_STEPS; steps++) {
		if (is_here(&state))
			return steps;
		if (state.is_over)
			break;
		step(&state);
	}
	fail_msg("pc 0x%lx after %u fences is nowhere on the way", vcpu->arch.pc,
		 applied.count);
	return 0;
}

/* ---- what is tested ---- */

static struct lookahead last;

/* From behind a fence of that page; how many steps were taken. */
static unsigned behind_fence(uint64_t page, bool has_asid, uint64_t asid)
{
	const struct fence fence = fence_of_page(true, page, has_asid, asid);
	struct state state = state_now();
	unsigned steps;

	list_add(&state.fences, page, has_asid, asid);
	last = lookahead_fence(vcpu, &fence);
	steps = steps_from(state);
	assert_int_equal(last.fences, applied.count - 1);
	return steps;
}

/* From behind a write of satp. */
static unsigned behind_write(void)
{
	struct state state = state_now();
	unsigned steps;

	last = lookahead(vcpu);
	steps = steps_from(state);
	assert_int_equal(last.fences, applied.count);
	return steps;
}

static int setup(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	vcpu->vm = &vm;
	vm.mode = &mode;
	guest_satp = satp_make(SATP_SV39, 1, 0x80000000);
	is_readable = true;
	is_interrupted = false;
	code_reads = 0;
	return 0;
}

static uint64_t *x(unsigned number)
{
	return &vcpu->arch.x[number];
}

/* `for (; start < end; start += stride) sfence.vma start`, met at its first fence. */
static void loops_by_address(void **state)
{
	(void)state;
	for (unsigned pages = 1; pages <= 64; pages++)
		for (unsigned has_asid = 0; has_asid < 2; has_asid++) {
			ASSEMBLE(0x120, sfence(A5, has_asid ? A4 : ZERO), add(A5, A5, A3),
				 branch(BLTU, A5, A2, 0), RET);
			vcpu->arch.pc += 4;
			*x(A5) = FAR;
			*x(A4) = 7;
			*x(A3) = PAGE_SIZE;
			*x(A2) = FAR + pages * PAGE_SIZE;
			behind_fence(FAR, has_asid, 7);
			assert_int_equal(last.fences, pages - 1);
			assert_int_equal(vcpu->arch.pc, program.pc[3]);
		}
}

/* `for (i = 0; i < count; i++, start += PAGE_SIZE)`, as compiled in several ways. */
static void loops_by_count(void **state)
{
	const struct op loops[][5] = {
		{sfence(A5, A4), word(addi(A0, A0, 1)), add(A5, A5, A3),
		 branch(BNE, A0, A1, 0), RET},
		{sfence(A5, A4), c_addi(A0, 1), c_add(A5, A3), branch(BLTU, A0, A1, 0),
		 RET},
		{sfence(A5, A4), add(A5, A3, A5), c_addi(A1, -1), c_branch(BNE, A1, 0),
		 RET},
		{sfence(A5, ZERO), c_addi(A0, 1), c_add(A5, A3), branch(BGE, A1, A0, 0),
		 RET},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(loops); i++) {
		assemble(0xf00, loops[i], 5);
		vcpu->arch.pc += 4;
		*x(A0) = 0;
		*x(A1) = 20;
		*x(A3) = PAGE_SIZE;
		*x(A4) = 0x10005; /* 16 bits of it are an ASID */
		*x(A5) = FAR + 123;
		behind_fence(FAR, loops[i][0].rs2 != 0, *x(A4));
		assert_int_equal(last.fences, loops[i][3].condition == BGE ? 20 : 19);
		assert_int_equal(vcpu->arch.pc, program.pc[4]);
		assert_false(last.alone);
	}
}

/* Going down, and by more than a page: no range, but as many fences. */
static void loops_with_other_strides(void **state)
{
	const int64_t strides[] = {-4096, 8192, 2 << 20, 64, 0};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(strides); i++) {
		ASSEMBLE(0, sfence(A5, ZERO), c_add(A5, A3), c_addi(A1, -1),
			 c_branch(BNE, A1, 0), RET);
		vcpu->arch.pc += 4;
		*x(A1) = 30;
		*x(A3) = (uint64_t)strides[i];
		*x(A5) = FAR;
		behind_fence(FAR, false, 0);
		assert_int_equal(last.fences, 29);
		assert_int_equal(vcpu->arch.pc, program.pc[4]);
	}
}

/* What a loop's fence or steps depend on changes within the loop. */
static void loops_that_change_their_own_terms(void **state)
{
	const struct op loops[][6] = {
		{sfence(A5, A4), addi(A4, A4, 1), c_add(A5, A3), c_addi(A1, -1),
		 c_branch(BNE, A1, 0), RET},
		{sfence(A5, A4), c_add(A3, A3), c_add(A5, A3), c_addi(A1, -1),
		 c_branch(BNE, A1, 0), RET},
		{sfence(A5, A4), add(A5, A5, A1), add(A5, A5, A3), c_addi(A1, -1),
		 c_branch(BNE, A1, 0), RET},
		{sfence(A5, A4), c_mv(A5, A3), c_addi(A3, 1), c_addi(A1, -1),
		 c_branch(BNE, A1, 0), RET},
		{sfence(A5, A5), word(add(A5, A5, A3)), addi(ZERO, A5, 5), c_addi(A1, -1),
		 c_branch(BNE, A1, 0), RET},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(loops); i++) {
		assemble(0x800, loops[i], 6);
		*x(A1) = 10;
		*x(A3) = PAGE_SIZE;
		*x(A4) = 5;
		*x(A5) = FAR + PAGE_SIZE;
		behind_fence(FAR, true, 5);
		assert_int_equal(last.fences, 10);
		assert_int_equal(vcpu->arch.pc, program.pc[5]);
	}
}

static void loops_with_a_way_out(void **state)
{
	(void)state;
	ASSEMBLE(0x40, sfence(A5, ZERO), c_add(A5, A3), branch(BEQ, A5, A2, 5),
		 branch(BLTU, A5, A1, 0), RET, c_li(A0, 3), LOAD);
	*x(A3) = PAGE_SIZE;
	*x(A5) = FAR + PAGE_SIZE;
	*x(A2) = FAR + 9 * PAGE_SIZE;
	*x(A1) = FAR + 20 * PAGE_SIZE;
	behind_fence(FAR, false, 0);
	assert_int_equal(last.fences, 8);
	assert_int_equal(vcpu->arch.pc, program.pc[6]);
	assert_int_equal(*x(A0), 3);
}

/* ---- where it ends ---- */

static void it_ends_after_a_while(void **state)
{
	struct op nothing[MOST_OPS];

	(void)state;
	for (unsigned i = 0; i < MOST_OPS; i++)
		nothing[i] = c_addi(A0, 1);
	nothing[MOST_OPS - 1] = sfence(A5, ZERO);
	assemble(0, nothing, MOST_OPS);
	behind_fence(FAR, false, 0);
	assert_int_equal(last.fences, 0);
	/* one that never ends, with a fence in it and without */
	ASSEMBLE(0, jump(0));
	behind_fence(FAR, false, 0);
	ASSEMBLE(0, sfence(A5, ZERO), c_add(A5, A3), jump(0));
	*x(A5) = FAR;
	behind_fence(FAR, false, 0);
	assert_in_range(last.fences, 16, 64);
	*x(A3) = PAGE_SIZE;
	vcpu->arch.pc = CODE_PAGE;
	behind_fence(FAR, false, 0);
	assert_in_range(last.fences, 16, 64);
}

/* Soon, and nothing is lost. */
static void it_ends_before_an_interrupt(void **state)
{
	(void)state;
	is_interrupted = true;
	for (unsigned stride = 1; stride <= 2; stride++) {
		ASSEMBLE(0, sfence(A5, ZERO), c_add(A5, A3), branch(BLTU, A5, A2, 0),
			 RET);
		*x(A3) = stride * PAGE_SIZE;
		*x(A5) = FAR + PAGE_SIZE;
		*x(A2) = FAR + 200 * PAGE_SIZE;
		behind_fence(FAR, false, 0);
		assert_in_range(last.fences, 0, 16);
	}
}

static void it_ends_at_anything_else(void **state)
{
	const struct op others[] = {RET,
				    LOAD,
				    FENCE,
				    other(0x18051073),
				    other(0x9002),
				    other(0x10500073),
				    other(0x00000000),
				    other(0x02b50533),
				    other(0x000080e7),
				    other(0x00c0006f | 1u << 7)};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(others); i++) {
		ASSEMBLE(0x10, c_mv(A0, A5), others[i], sfence(A5, ZERO));
		*x(A5) = FAR;
		assert_int_equal(behind_fence(FAR, false, 0), 1);
		assert_true(last.alone);
		assert_int_equal(vcpu->arch.pc, program.pc[1]);
	}
}

/* A fence that may change the page which the code is read from is the last. */
static void it_ends_with_a_fence_near_the_code(void **state)
{
	const unsigned modes[] = {SATP_BARE, SATP_SV39, SATP_SV48, SATP_SV57};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(modes); i++) {
		uint64_t first, reach;

		guest_satp = satp_make(modes[i], 1, 0x80000000);
		reach = reach_of_satp();
		first = align_down(CODE_PAGE, reach);
		for (unsigned near = 0; near < 3; near++) {
			const uint64_t pages[] = {first, CODE_PAGE,
						  first + reach - PAGE_SIZE};

			ASSEMBLE(0, sfence(A5, ZERO), c_li(A0, 1), sfence(A4, ZERO), RET);
			*x(A5) = pages[near];
			*x(A4) = FAR;
			assert_int_equal(behind_fence(FAR, false, 0), 1);
			assert_int_equal(vcpu->arch.pc, program.pc[1]);
			/* the first itself: the code is not even read */
			code_reads = 0;
			vcpu->arch.pc = CODE_PAGE;
			assert_int_equal(behind_fence(pages[near], false, 0), 0);
			assert_int_equal(code_reads, 0);
			assert_false(last.alone);
		}
		ASSEMBLE(0, sfence(A5, ZERO), c_li(A0, 1), sfence(A4, ZERO), RET);
		*x(A5) = first - PAGE_SIZE;
		assert_int_equal(behind_fence(FAR, false, 0), 3);
		/* and one of all addresses is near whatever it is */
		ASSEMBLE(0, sfence(ZERO, ZERO), c_li(A0, 1), RET);
		assert_int_equal(behind_fence(FAR, false, 0), 1);
		ASSEMBLE(0, sfence(ZERO, A5), c_li(A0, 1), RET);
		assert_int_equal(behind_fence(FAR, false, 0), 1);
	}
}

/* A loop that comes to the code's own leaf goes no further than its first page. */
static void loops_that_come_near_the_code(void **state)
{
	uint64_t first;

	(void)state;
	first = align_down(CODE_PAGE, reach_of_satp());
	ASSEMBLE(0, sfence(A5, ZERO), c_add(A5, A3), branch(BNE, A5, A2, 0), RET);
	*x(A3) = PAGE_SIZE;
	*x(A5) = first - 10 * PAGE_SIZE;
	*x(A2) = first + 10 * PAGE_SIZE;
	behind_fence(first - 11 * PAGE_SIZE, false, 0);
	assert_int_equal(last.fences, 11);
	assert_int_equal(vcpu->arch.pc, program.pc[1]);
	assert_int_equal(*x(A5), first);
}

static void behind_a_write_of_satp(void **state)
{
	(void)state;
	ASSEMBLE(0, sfence(ZERO, ZERO), c_li(A0, 1), RET);
	assert_int_equal(behind_write(), 1);
	assert_int_equal(last.fences, 1);
	assert_false(last.alone);
	ASSEMBLE(0, sfence(ZERO, A4), RET);
	*x(A4) = 9;
	assert_int_equal(behind_write(), 1);
	/* the first fence there is of a page, and another one follows */
	ASSEMBLE(0, c_li(A0, 2), sfence(A5, A4), sfence(A5, A4), RET);
	*x(A5) = FAR;
	assert_int_equal(behind_write(), 3);
	assert_int_equal(last.fences, 2);
	/* no fence at all: what is simple has been done even so */
	ASSEMBLE(0, c_li(A0, 3), RET);
	assert_int_equal(behind_write(), 1);
	assert_true(last.alone);
	/* nor here, but it turns back to before the write */
	ASSEMBLE(0, sfence(A5, A4), c_li(A0, 4), branch(BEQ, A0, ZERO, 0), RET);
	vcpu->arch.pc = program.pc[1];
	assert_int_equal(behind_write(), 2);
	assert_false(last.alone);
}

static void code_at_the_end_of_its_page(void **state)
{
	(void)state;
	/* an instruction on two pages is left to the hart */
	ASSEMBLE(PAGE_SIZE - 4, c_li(A0, 1), sfence(A5, ZERO));
	*x(A5) = FAR;
	assert_int_equal(behind_fence(FAR, false, 0), 1);
	assert_int_equal(vcpu->arch.pc, CODE_PAGE + PAGE_SIZE - 2);
	/* as is all on the next page */
	ASSEMBLE(PAGE_SIZE - 6, sfence(A5, ZERO), c_li(A0, 1), c_li(A0, 2));
	assert_int_equal(behind_fence(FAR, false, 0), 2);
	assert_int_equal(vcpu->arch.pc, CODE_PAGE + PAGE_SIZE);
	/* and on the one before */
	ASSEMBLE(2, jump(1));
	program.pc[1] = CODE_PAGE - 8;
	code[1] = (uint16_t)with_offset(&program.ops[0], program.pc[0]);
	code[2] = (uint16_t)(with_offset(&program.ops[0], program.pc[0]) >> 16);
	assert_int_equal(behind_fence(FAR, false, 0), 1);
	assert_int_equal(vcpu->arch.pc, CODE_PAGE - 8);
}

static void code_that_cannot_be_read(void **state)
{
	(void)state;
	ASSEMBLE(0, c_li(A0, 1), sfence(A5, ZERO), RET);
	*x(A5) = FAR;
	is_readable = false;
	assert_int_equal(behind_fence(FAR, false, 0), 0);
	assert_int_equal(behind_write(), 0);
	assert_int_equal(code_reads, 2);
	vm.mode = &mode_without_code;
	assert_int_equal(behind_fence(FAR, false, 0), 0);
}

/* ---- random programs ---- */

static uint64_t seed = 1;

static unsigned random_below(unsigned limit)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % limit;
}

/* Few registers, so that operations meet in them; x0 now and then. */
static unsigned random_register(void)
{
	static const unsigned some[] = {ZERO, S0, S1, A0, A1, A4, A5};

	return some[random_below(ARRAY_LENGTH(some))];
}

static unsigned random_small_register(void)
{
	return 8 + random_below(8);
}

static struct op random_op(unsigned count)
{
	static const unsigned conditions[] = {BEQ, BNE, BLT, BGE, BLTU, BGEU};
	static const uint32_t others[] = {0x8082, 0x00053503, 0x0ff0000f, 0x18051073};
	unsigned rd = random_register(), rs1 = random_register(), rs2 = random_register(),
		 target = random_below(count);
	int small = (int)random_below(64) - 32;

	switch (random_below(16)) {
	case 0:
		return addi(rd, rs1, (int)random_below(4096) - 2048);
	case 1:
		return word(addi(rd, rs1, small));
	case 2:
		return add(rd, rs1, rs2);
	case 3:
		return word(add(rd, rs1, rs2));
	case 4:
		return random_below(2) ? sub(rd, rs1, rs2) : word(sub(rd, rs1, rs2));
	case 5:
		return c_addi(rd, small);
	case 6:
		return c_li(rd, small);
	case 7:
		return c_mv(rd, random_small_register());
	case 8:
		return c_add(rd, random_small_register());
	case 9:
		return branch(conditions[random_below(6)], rs1, rs2, target);
	case 10:
		return c_branch(random_below(2), random_small_register(), target);
	case 11:
		return random_below(4) ? jump(target) : other(others[random_below(4)]);
	default:
		return sfence(random_below(16) ? A5 : rs1, random_below(2) ? A4 : ZERO);
	}
}

/* One after another, far away and near the code, or anything. */
static uint64_t random_value(void)
{
	switch (random_below(5)) {
	case 0:
		return FAR + random_below(4) * PAGE_SIZE;
	case 1:
		return CODE_PAGE - (uint64_t)random_below(4) * (UINT64_C(1) << 30);
	case 2:
		return PAGE_SIZE;
	case 3:
		return random_below(8);
	default:
		return (uint64_t)random_below(1u << 31) << 33 | random_below(1u << 31);
	}
}

static void random_programs(void **state)
{
	uint64_t retired = 0, steps = 0;

	(void)state;
	for (unsigned round = 0; round < 40000; round++) {
		unsigned count = 2 + random_below(12);
		struct op ops[14];

		for (unsigned i = 0; i < count; i++)
			ops[i] = random_op(count);
		assemble(random_below(8) ? 0x200 : PAGE_SIZE - 2 * random_below(12), ops,
			 count);
		guest_satp = satp_make(SATP_SV39 + random_below(3), 1, 0x80000000);
		for (unsigned i = 1; i < 32; i++)
			*x(i) = random_value();
		if (random_below(2))
			*x(A5) = FAR + PAGE_SIZE;
		is_interrupted = random_below(8) == 0;
		if (random_below(8) && vcpu->arch.pc < CODE_PAGE + PAGE_SIZE) {
			bool has_asid = random_below(2);

			steps += behind_fence(FAR, has_asid, *x(A4));
		} else if (vcpu->arch.pc < CODE_PAGE + PAGE_SIZE) {
			steps += behind_write();
		}
		retired += last.fences;
	}
	/* they are not all over at once */
	assert_in_range(retired, 40000, UINT64_MAX);
	assert_in_range(steps, 100000, UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup(function, setup)
		TEST(loops_by_address),		TEST(loops_by_count),
		TEST(loops_with_other_strides), TEST(loops_that_change_their_own_terms),
		TEST(loops_with_a_way_out),	TEST(loops_that_come_near_the_code),
		TEST(it_ends_after_a_while),	TEST(it_ends_before_an_interrupt),
		TEST(it_ends_at_anything_else), TEST(it_ends_with_a_fence_near_the_code),
		TEST(behind_a_write_of_satp),	TEST(code_at_the_end_of_its_page),
		TEST(code_that_cannot_be_read), TEST(random_programs),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
