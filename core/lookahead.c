/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carrying out the instructions around fences. See lookahead.h.
 *
 * Fences of adjacent pages are gathered, and applied as one range before the guest
 * goes on: nothing in between reads or writes memory but the fetches, and a fence that
 * may cover those is the last of its run.
 */
#include "core/lookahead.h"
#include "arch/riscv/decode.h"
#include "arch/riscv/decode_simple.h"
#include "core/arch.h"
#include "core/vm.h"
#include "mm/pte.h"

#define FENCE_LIMIT	63
#define STEP_LIMIT	8 /* instructions in a row that are no fence */
#define OPERATION_LIMIT 32

struct ahead {
	struct vcpu *vcpu;
	const uint16_t *code; /* of the page that pc is on; NULL: cannot be read */
	uint64_t page;	      /* gva of it */
	uint64_t reach;	      /* size of the largest leaf that it could be part of */
	bool has_fence;	      /* one is waiting to be applied */
	struct fence fence;
	uint64_t first;	  /* pc behind the first fence, or the write */
	bool turned_back; /* a branch was met that leads there, taken or not */
	unsigned fences;
	struct simple_operation operations[OPERATION_LIMIT]; /* decoded before, by pc */
};

/* ---- fetching ---- */

static void open_page(struct ahead *ahead)
{
	struct vcpu *vcpu = ahead->vcpu;
	const struct paging_mode *mode = vcpu->vm->mode;
	struct access access = arch_access(vcpu, GVA(vcpu->arch.pc), ACCESS_FETCH);

	ahead->code = mode->code_page ? mode->code_page(vcpu, &access) : NULL;
}

/* Of an instruction that ends on the page it begins on, the rest is none of ours. */
static bool fetch(const struct ahead *ahead, uint64_t pc, uint32_t *instruction,
		  unsigned *length)
{
	uint64_t offset = pc - ahead->page;
	uint16_t low, high = 0;

	if (!ahead->code || offset >= PAGE_SIZE || offset % 2 != 0)
		return false;
	low = __atomic_load_n(&ahead->code[offset / 2], __ATOMIC_RELAXED);
	*length = instruction_length(low);
	if (offset + *length > PAGE_SIZE)
		return false;
	if (*length == 4)
		high = __atomic_load_n(&ahead->code[offset / 2 + 1], __ATOMIC_RELAXED);
	*instruction = low | (uint32_t)high << 16;
	return *length == 2 || *length == 4;
}

/* Decode what is at pc; unknown where it cannot be told, too. */
static void decode_at(struct ahead *ahead, uint64_t pc,
		      struct simple_operation *operation)
{
	uint32_t instruction;
	unsigned length;

	*operation = (struct simple_operation){.pc = pc};
	if (fetch(ahead, pc, &instruction, &length))
		decode_simple(instruction, length, operation);
}

static const struct simple_operation *operation_at(struct ahead *ahead, uint64_t pc)
{
	struct simple_operation *operation = &ahead->operations[pc / 2 % OPERATION_LIMIT];

	if (operation->pc != pc)
		decode_at(ahead, pc, operation);
	return operation;
}

/* ---- fences ---- */

static void apply_fence(struct ahead *ahead)
{
	struct vcpu *vcpu = ahead->vcpu;

	if (ahead->has_fence)
		vcpu->vm->mode->fence(vcpu, &ahead->fence);
	ahead->has_fence = false;
}

/* A leaf of the largest size may be there, and a fence of any page of it changes that. */
static bool is_near_code(const struct ahead *ahead, uint64_t address)
{
	return align_down(address, ahead->reach) == align_down(ahead->page, ahead->reach);
}

/* Whether a fence may change what the page that is being read from is. */
static bool covers_code(const struct ahead *ahead, const struct fence *fence)
{
	return !fence->has_address || is_near_code(ahead, fence->start.raw);
}

static uint64_t largest_leaf(struct vcpu *vcpu)
{
	unsigned mode = satp_mode(vcpu->vm->mode->satp_read(vcpu));

	if (mode < SATP_SV39 || mode > SATP_SV57)
		return PAGE_SIZE;
	return level_size(mode_levels(mode) - 1);
}

/* A fence of a page next to those that are waiting makes one range with them. */
static bool join(struct fence *range, const struct fence *fence)
{
	if (!range->has_address || !fence->has_address ||
	    range->has_asid != fence->has_asid || range->asid != fence->asid)
		return false;
	if (fence->start.raw == range->start.raw + range->size)
		range->size += PAGE_SIZE;
	else if (fence->start.raw + PAGE_SIZE == range->start.raw) {
		range->start = fence->start;
		range->size += PAGE_SIZE;
	} else {
		return false;
	}
	return true;
}

static void add_fence(struct ahead *ahead, const struct fence *fence)
{
	if (ahead->has_fence && join(&ahead->fence, fence))
		return;
	apply_fence(ahead);
	ahead->has_fence = true;
	ahead->fence = *fence;
}

/* One that has just been met: false if it has to be the last. */
static bool meet_fence(struct ahead *ahead, const struct simple_operation *operation)
{
	struct vcpu *vcpu = ahead->vcpu;
	const struct fence fence =
		fence_of_page(operation->rs1 != 0, vcpu_register(vcpu, operation->rs1),
			      operation->rs2 != 0, vcpu_register(vcpu, operation->rs2));

	ahead->fences++;
	add_fence(ahead, &fence);
	return !covers_code(ahead, &fence);
}

/* ---- carrying out ---- */

static bool condition_holds(unsigned condition, uint64_t a, uint64_t b)
{
	bool holds = a == b;

	if (condition >> 1 == 2)
		holds = (int64_t)a < (int64_t)b;
	else if (condition >> 1 == 3)
		holds = a < b;
	return holds != (condition & 1);
}

/* Looked at now and then: a fence takes no longer than a few instructions of its own. */
static bool may_fence(const struct ahead *ahead)
{
	return ahead->fences < FENCE_LIMIT &&
	       (ahead->fences % 16 != 0 || !arch_interrupt_is_pending());
}

/* The pc after an instruction that may turn back to before where this began. */
static uint64_t turned(struct ahead *ahead, uint64_t pc, uint64_t offset)
{
	ahead->turned_back |= pc + offset < ahead->first;
	return pc + offset;
}

/* ---- loops ---- */

#define STEPS_OF_A_LOOP 4

/*
 * A fence, additions of what does not change within the loop, and a branch back to
 * the fence: the form that compilers give to fencing one page after another.
 */
struct fence_loop {
	uint64_t *address; /* of the fence */
	unsigned count;
	struct {
		uint64_t *x;
		const uint64_t *other; /* the operand that must stay as it is */
		uint64_t addend;
		bool word;
	} steps[STEPS_OF_A_LOOP];
	const struct simple_operation *branch;
};

static bool steps_change(const struct fence_loop *loop, const uint64_t *x)
{
	for (unsigned i = 0; i < loop->count; i++)
		if (loop->steps[i].x == x)
			return true;
	return false;
}

static bool add_step(struct fence_loop *loop, uint64_t *x,
		     const struct simple_operation *operation)
{
	unsigned other =
		operation->rd == operation->rs1 ? operation->rs2 : operation->rs1;

	if (operation->kind != SIMPLE_ADD || operation->rd == 0 ||
	    loop->count == STEPS_OF_A_LOOP || operation->rd == other ||
	    (operation->rd != operation->rs1 && operation->rd != operation->rs2))
		return false;
	loop->steps[loop->count].x = &x[operation->rd];
	loop->steps[loop->count].other = &x[other];
	loop->steps[loop->count].addend =
		x[other] + (uint64_t)(int64_t)operation->immediate;
	loop->steps[loop->count++].word = operation->word;
	return true;
}

/* Whether the fence at pc begins such a loop; every operand that is to stay does. */
static bool find_loop(struct ahead *ahead, uint64_t pc,
		      const struct simple_operation *fence, struct fence_loop *loop)
{
	uint64_t *x = ahead->vcpu->arch.x;
	uint64_t at = pc + fence->length;

	loop->address = &x[fence->rs1];
	loop->count = 0;
	loop->branch = operation_at(ahead, at);
	while (add_step(loop, x, loop->branch)) {
		at += loop->branch->length;
		loop->branch = operation_at(ahead, at);
	}
	for (unsigned i = 0; i < loop->count; i++)
		if (steps_change(loop, loop->steps[i].other))
			return false;
	return loop->branch->kind == SIMPLE_BRANCH && fence->rs1 != 0 &&
	       !steps_change(loop, &x[fence->rs2]) &&
	       at + (uint64_t)(int64_t)loop->branch->immediate == pc;
}

static void take_steps(const struct fence_loop *loop)
{
	for (unsigned i = 0; i < loop->count; i++) {
		uint64_t sum = *loop->steps[i].x + loop->steps[i].addend;

		if (loop->steps[i].word)
			sum = (uint64_t)(int64_t)(int32_t)sum;
		*loop->steps[i].x = sum;
	}
}

/* From the fence that pc is at, which belongs to the range that waits or goes on it. */
static void run_loop(struct ahead *ahead, const struct fence_loop *loop)
{
	const struct simple_operation *branch = loop->branch;
	struct vcpu *vcpu = ahead->vcpu;
	const uint64_t *x = vcpu->arch.x;

	while (may_fence(ahead) && ahead->has_fence &&
	       align_down(*loop->address, PAGE_SIZE) ==
		       ahead->fence.start.raw + ahead->fence.size &&
	       !is_near_code(ahead, *loop->address)) {
		ahead->fence.size += PAGE_SIZE;
		ahead->fences++;
		take_steps(loop);
		if (condition_holds(branch->condition, x[branch->rs1], x[branch->rs2]))
			continue;
		vcpu->arch.pc = branch->pc + branch->length;
		break;
	}
}

/* Where a loop begins that goes on the range that waits, all of it at once. */
static bool try_loop(struct ahead *ahead, const struct simple_operation *fence)
{
	struct vcpu *vcpu = ahead->vcpu;
	struct fence_loop loop;
	unsigned before = ahead->fences;

	if (!ahead->has_fence || !ahead->fence.has_address ||
	    ahead->fence.has_asid != (fence->rs2 != 0) ||
	    (fence->rs2 != 0 &&
	     ahead->fence.asid != (uint16_t)vcpu_register(vcpu, fence->rs2)) ||
	    !find_loop(ahead, vcpu->arch.pc, fence, &loop))
		return false;
	run_loop(ahead, &loop);
	return ahead->fences != before;
}

/* Until something that is not to be done here; x[0] is 0. */
static void run(struct ahead *ahead)
{
	struct vcpu *vcpu = ahead->vcpu;
	uint64_t *x = vcpu->arch.x;
	bool last = false;

	for (unsigned steps = 0; steps < STEP_LIMIT && !last; steps++) {
		uint64_t pc = vcpu->arch.pc;
		const struct simple_operation *operation = operation_at(ahead, pc);
		uint64_t offset = (uint64_t)(int64_t)operation->immediate;
		uint64_t a = x[operation->rs1], b = x[operation->rs2];
		uint64_t next = pc + operation->length;

		if (operation->kind == SIMPLE_FENCE && try_loop(ahead, operation))
			continue;
		if (operation->kind == SIMPLE_ADD || operation->kind == SIMPLE_SUBTRACT) {
			a = operation->kind == SIMPLE_ADD ? a + b + offset : a - b;
			if (operation->word)
				a = (uint64_t)(int64_t)(int32_t)a;
			vcpu_set_register(vcpu, operation->rd, a);
		} else if (operation->kind == SIMPLE_BRANCH) {
			uint64_t target = turned(ahead, pc, offset);

			if (condition_holds(operation->condition, a, b))
				next = target;
		} else if (operation->kind == SIMPLE_FENCE && may_fence(ahead)) {
			last = !meet_fence(ahead, operation);
			steps = 0;
		} else if (operation->kind == SIMPLE_JUMP) {
			next = turned(ahead, pc, offset);
		} else if (operation->kind != SIMPLE_NOTHING) {
			break;
		}
		vcpu->arch.pc = next;
	}
}

/* No pc is odd. */
#define NO_PC 1

static void begin(struct ahead *ahead, struct vcpu *vcpu)
{
	ahead->vcpu = vcpu;
	ahead->has_fence = false;
	ahead->fences = 0;
	ahead->turned_back = false;
	ahead->first = vcpu->arch.pc;
	ahead->page = align_down(vcpu->arch.pc, PAGE_SIZE);
	ahead->reach = largest_leaf(vcpu);
}

static struct lookahead go_on(struct ahead *ahead)
{
	for (unsigned i = 0; i < OPERATION_LIMIT; i++)
		ahead->operations[i].pc = NO_PC;
	open_page(ahead);
	run(ahead);
	apply_fence(ahead);
	return (struct lookahead){
		.fences = ahead->fences,
		.alone = ahead->fences == 0 && !ahead->turned_back,
	};
}

struct lookahead lookahead_fence(struct vcpu *vcpu, const struct fence *fence)
{
	struct ahead ahead;

	begin(&ahead, vcpu);
	add_fence(&ahead, fence);
	if (!covers_code(&ahead, fence))
		return go_on(&ahead);
	apply_fence(&ahead);
	return (struct lookahead){.alone = true};
}

struct lookahead lookahead(struct vcpu *vcpu)
{
	struct ahead ahead;

	begin(&ahead, vcpu);
	return go_on(&ahead);
}
