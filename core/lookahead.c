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
#include "core/fence_loop.h"
#include "core/vm.h"
#include "mm/pte.h"

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
	uint32_t decoded; /* bit n: of these, operations[n] */
	struct simple_operation operations[OPERATION_LIMIT]; /* by pc */
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
	unsigned index = pc / 2 % OPERATION_LIMIT;
	struct simple_operation *operation = &ahead->operations[index];

	if (!(ahead->decoded >> index & 1) || operation->pc != pc)
		decode_at(ahead, pc, operation);
	ahead->decoded |= UINT32_C(1) << index;
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

/* Looked at now and then: a fence takes no longer than a few instructions of its own. */
static bool may_fence(const struct ahead *ahead)
{
	return ahead->fences < FENCE_LOOP_LIMIT &&
	       (ahead->fences % 16 != 0 || !arch_interrupt_is_pending());
}

/* The pc after an instruction that may turn back to before where this began. */
static uint64_t turned(struct ahead *ahead, uint64_t pc, uint64_t offset)
{
	ahead->turned_back |= pc + offset < ahead->first;
	return pc + offset;
}

/* ---- loops ---- */

/* Whether the fence at pc begins a loop; every operand that is to stay does. */
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

/* How many pages from that of the address on, up or down, are not near the code. */
static uint64_t pages_off_code(const struct ahead *ahead, uint64_t address, bool down)
{
	uint64_t within = (address & (ahead->reach - 1)) >> PAGE_SHIFT;

	if (is_near_code(ahead, address))
		return 0;
	return down ? within + 1 : (ahead->reach >> PAGE_SHIFT) - within;
}

/* Rounds from the fence that pc is at, each of a page next to the one before it. */
static bool run_rounds(struct ahead *ahead, const struct fence_loop *loop, bool down,
		       const struct comparison *comparison)
{
	struct vcpu *vcpu = ahead->vcpu;
	uint64_t limit = pages_off_code(ahead, *loop->address, down);
	unsigned rounds;
	bool ended;

	if (limit > FENCE_LOOP_LIMIT - ahead->fences)
		limit = FENCE_LOOP_LIMIT - ahead->fences;
	rounds = count_rounds(comparison, (unsigned)limit, &ended);
	if (rounds == 0)
		return false;
	ahead->fence.size += rounds * PAGE_SIZE;
	if (down)
		ahead->fence.start.raw -= rounds * PAGE_SIZE;
	ahead->fences += rounds;
	take_rounds(loop, rounds);
	if (ended)
		vcpu->arch.pc = loop->branch->pc + loop->branch->length;
	return true;
}

/* Whether a fence is of the page next to the range that waits, on that side. */
static bool goes_on(const struct ahead *ahead, uint64_t address, bool down)
{
	uint64_t page = align_down(address, PAGE_SIZE);

	return down ? page + PAGE_SIZE == ahead->fence.start.raw
		    : page == ahead->fence.start.raw + ahead->fence.size;
}

/* Where a loop begins that goes on the range that waits, all of it at once. */
static bool try_loop(struct ahead *ahead, const struct simple_operation *fence)
{
	struct vcpu *vcpu = ahead->vcpu;
	struct fence_loop loop;
	struct comparison comparison;
	uint64_t gain;
	bool word, down;

	if (!ahead->has_fence || !ahead->fence.has_address ||
	    ahead->fence.has_asid != (fence->rs2 != 0) ||
	    (fence->rs2 != 0 &&
	     ahead->fence.asid != (uint16_t)vcpu_register(vcpu, fence->rs2)) ||
	    !may_fence(ahead) || !find_loop(ahead, vcpu->arch.pc, fence, &loop))
		return false;
	gain = gain_of(&loop, loop.address, &word);
	down = gain == -PAGE_SIZE;
	if (word || (gain != PAGE_SIZE && !down) ||
	    !goes_on(ahead, *loop.address, down) ||
	    !find_comparison(&loop, vcpu->arch.x, &comparison))
		return false;
	return run_rounds(ahead, &loop, down, &comparison);
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
			vcpu_set_register(vcpu, operation->rd,
					  simple_sum(operation, a, b));
		} else if (operation->kind == SIMPLE_BRANCH) {
			uint64_t target = turned(ahead, pc, offset);

			if (simple_condition_holds(operation->condition, a, b))
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
	ahead->decoded = 0;
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
	/* One of another page may have more behind it. */
	return (struct lookahead){.alone = !fence->has_address};
}

struct lookahead lookahead(struct vcpu *vcpu)
{
	struct ahead ahead;

	begin(&ahead, vcpu);
	return go_on(&ahead);
}
