/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/exit_privileged.c core/lookahead.c core/check_release.c */
/* sources: core/counters.c arch/riscv/decode.c arch/riscv/decode_simple.c */
/*
 * Which way the exits of one fence take that a loop goes back to: the full path, which
 * looks at what is behind it; the vector's C; or the vector alone. The way is no more
 * than a hint, so this counts: in the long run loops are retired in one exit, and what
 * is none costs next to no looks, whatever the guest did before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/arch.h"
#include "core/exit.h"
#include "core/guest_code.h"
#include "core/lookahead.h"
#include "core/scheduler.h"
#include "core/timer.h"
#include "core/vcpu_requests.h"
#include "core/vm.h"
#include "mm/pte.h"

/* No vCPU waits here. */
void scheduler_block(struct vcpu *vcpu)
{
	(void)vcpu;
	fail();
}

#define CODE	    UINT64_C(0xffffffff80204000)
#define PC	    (CODE + 0x40)
#define FENCE	    0x12050073u /* sfence.vma a0, x0 */
#define NEXT_PAGE   0x00b50533u /* add a0, a0, a1 */
#define ROUND_AGAIN 0xfec56ce3u /* bltu a0, a2, to the fence */
#define BREAK	    0x00100073u /* ebreak */
#define ADDRESS	    UINT64_C(0x1000000)
#define PAGES	    16

enum { A0 = 10, A1, A2 };

static struct vm vm;
static struct vcpu *vcpu = &vm.vcpus[0];
static uint32_t code[PAGE_SIZE / 4];
static bool knows_site; /* the vector does, */
static enum arch_site known;
static unsigned looks, exits, in_c;
static uint64_t fenced;

/* ---- the vCPU's surroundings ---- */

static void fence(struct vcpu *of, const struct fence *fence)
{
	assert_ptr_equal(of, vcpu);
	fenced += (fence->size + PAGE_SIZE - 1) / PAGE_SIZE;
}

static const uint16_t *code_page(struct vcpu *of, const struct access *access)
{
	assert_ptr_equal(of, vcpu);
	assert_int_equal(align_down(access->gva.raw, PAGE_SIZE), CODE);
	looks++;
	return (const uint16_t *)code;
}

static uint64_t satp_read(struct vcpu *of)
{
	(void)of;
	return satp_make(SATP_SV39, 0, 0);
}

static const struct paging_mode mode = {
	.fence = fence, .code_page = code_page, .satp_read = satp_read};

struct access arch_access(const struct vcpu *of, gva_t gva, enum access_kind kind)
{
	(void)of;
	return (struct access){.gva = gva, .kind = kind};
}

bool arch_interrupt_is_pending(void)
{
	return false;
}

bool guest_code_fetch(struct vcpu *of, uint32_t *instruction)
{
	(void)of;
	(void)instruction;
	return false;
}

struct exit_result exit_retry(struct vcpu *of)
{
	(void)of;
	fail_msg("the instruction was given");
	return exit_resume();
}

void vcpu_satp_write(struct vcpu *of, uint64_t value)
{
	of->vm->mode->satp_write(of, value);
}

bool timer_emulate_read(struct vcpu *of, uint32_t instruction)
{
	(void)of;
	(void)instruction;
	return false;
}

bool pmu_emulate_read(struct vcpu *of, uint32_t instruction)
{
	(void)of;
	(void)instruction;
	return false;
}

void arch_site_learn(struct vcpu *of, uint64_t pc, uint32_t instruction,
		     enum arch_site kind)
{
	assert_ptr_equal(of, vcpu);
	assert_int_equal(pc, PC);
	assert_int_equal(instruction, FENCE);
	knows_site = true;
	known = kind;
}

void arch_site_forget(struct vcpu *of, uint64_t pc)
{
	assert_ptr_equal(of, vcpu);
	assert_int_equal(pc, PC);
	knows_site = false;
}

/* ---- the guest ---- */

static int setup(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	vm.mode = &mode;
	vcpu->vm = &vm;
	/* Anything but NULL says that the mode has fences for the vector. */
	vcpu->arch.fences = (struct fast_fences *)code;
	code[(PC - CODE) / 4] = FENCE;
	code[(PC - CODE) / 4 + 1] = NEXT_PAGE;
	code[(PC - CODE) / 4 + 2] = ROUND_AGAIN;
	code[(PC - CODE) / 4 + 3] = BREAK;
	knows_site = false;
	looks = exits = in_c = 0;
	return 0;
}

/* compare_last of exit_fast_fence.S */
static bool may_be_a_loop(void)
{
	if (known != ARCH_SITE_FENCE_ONCE || vcpu->last_fence != PC)
		return false;
	if (vcpu->fence_repeats == 0)
		return true;
	vcpu->fence_repeats--;
	return false;
}

static bool in_vector(void)
{
	if (!knows_site || may_be_a_loop())
		return false;
	vcpu->last_fence = PC;
	fenced++;
	return true;
}

/* As exit_fast_fence.S, exit_fast.S and exit_handle() have it, one after another. */
static void take_exit(void)
{
	const struct vm_exit exit = {.value = FENCE};

	exits++;
	if (in_vector()) {
		vcpu->arch.pc = PC + 4;
		return;
	}
	in_c++;
	if (exit_privileged_fast(vcpu, vcpu->arch.x[A0], 0, FENCE, PC)) {
		vcpu->arch.pc = PC + 4;
		return;
	}
	vcpu->last_fence = 0;
	assert_int_equal(exit_privileged(vcpu, &exit).action, EXIT_RESUME);
}

/* What of the loop was not carried out at the exit. */
static void run_on(void)
{
	if (vcpu->arch.pc == PC + 4) {
		vcpu->arch.x[A0] += vcpu->arch.x[A1];
		vcpu->arch.pc += 4;
	}
	if (vcpu->arch.pc == PC + 8)
		vcpu->arch.pc = vcpu->arch.x[A0] < vcpu->arch.x[A2] ? PC : PC + 12;
}

/* The guest fences so many pages from there on, one in each round. */
static void fence_pages_at(uint64_t address, unsigned pages)
{
	fenced = 0;
	vcpu->arch.x[A0] = address;
	vcpu->arch.x[A1] = PAGE_SIZE;
	vcpu->arch.x[A2] = address + pages * PAGE_SIZE;
	for (vcpu->arch.pc = PC; vcpu->arch.pc == PC; run_on())
		take_exit();
	assert_int_equal(vcpu->arch.pc, PC + 12);
	assert_int_equal(fenced, pages);
	assert_int_equal(vcpu->arch.x[A0], vcpu->arch.x[A2]);
}

static void fence_pages(unsigned pages)
{
	fence_pages_at(ADDRESS, pages);
}

static unsigned exits_of(unsigned pages)
{
	unsigned before = exits;

	fence_pages(pages);
	return exits - before;
}

static void other_exit(void)
{
	vcpu->last_fence = 0;
}

/* ---- tests ---- */

static void test_a_loop_is_retired_in_one_exit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(exits_of(PAGES), 1);
}

static void test_one_page_at_a_time_takes_few_looks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		fence_pages(1);
		other_exit();
	}
	assert_int_equal(looks, SITE_SINGLES);
	assert_int_equal(exits, 1000);
}

/* With faults that are the guest's own there is no other exit in between. */
static void test_nor_does_one_page_after_another(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		fence_pages(1);
	assert_int_equal(exits, 1000);
	assert_in_range(looks, SITE_SINGLES + 1, SITE_SINGLES + 25);
}

/* Nor do they come to C: one in so many, which is looked at, is the most there is. */
static void test_one_page_after_another_stays_in_the_vector(void **state)
{
	unsigned before;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		fence_pages(1);
	before = in_c;
	for (unsigned i = 0; i < 10 * (SITE_PATIENCE + 1); i++)
		fence_pages(1);
	assert_in_range(in_c - before, 10, 30);
	assert_true(vcpu->fence_repeats <= SITE_PATIENCE);
}

/* What may repeat was said of another fence: a loop that is seen ends it. */
static void test_behind_a_loop_nothing_may_repeat(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		fence_pages(1);
	for (unsigned i = 0; i < SITE_PATIENCE; i++)
		fence_pages(PAGES);
	assert_int_equal(vcpu->fence_repeats, 0);
}

/* Three fences of Linux that fork() comes to in turn, and their neighbours. */
static void test_fences_of_fork_have_places_of_their_own(void **state)
{
	const uint64_t fences[] = {0xffffffff8025e5a0, 0xffffffff8025f2e2,
				   0xffffffff80011fa0};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(fences); i++)
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(fast_site_index(fences[i]),
					     fast_site_index(fences[j]));
	for (uint64_t pc = CODE; pc < CODE + 4 * FAST_SITE_COUNT; pc += 4)
		assert_true(fast_site_index(pc) < FAST_SITE_COUNT);
}

static void test_a_loop_is_seen_after_one_page_at_a_time(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		fence_pages(1);
		other_exit();
	}
	assert_in_range(exits_of(PAGES), 1, 3);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(exits_of(PAGES), 1);
}

static void test_a_loop_is_seen_after_one_page_after_another(void **state)
{
	unsigned more;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		fence_pages(1);
	more = exits;
	for (unsigned i = 0; i < SITE_PATIENCE; i++)
		fence_pages(PAGES);
	/* The first look may be at the last round of a loop. */
	assert_in_range(exits - more, SITE_PATIENCE, 3 * SITE_PATIENCE + 4);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(exits_of(PAGES), 1);
}

/* Behind a fence that may be of the code's own page nothing is looked at. */
static void test_a_page_near_the_code_says_nothing_of_others(void **state)
{
	(void)state;
	fence_pages_at(CODE + 16 * PAGE_SIZE, 1);
	assert_int_equal(looks, 0);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(exits_of(PAGES), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_loop_is_retired_in_one_exit, setup),
		cmocka_unit_test_setup(test_one_page_at_a_time_takes_few_looks, setup),
		cmocka_unit_test_setup(test_nor_does_one_page_after_another, setup),
		cmocka_unit_test_setup(test_one_page_after_another_stays_in_the_vector,
				       setup),
		cmocka_unit_test_setup(test_behind_a_loop_nothing_may_repeat, setup),
		cmocka_unit_test_setup(test_fences_of_fork_have_places_of_their_own,
				       setup),
		cmocka_unit_test_setup(test_a_loop_is_seen_after_one_page_at_a_time,
				       setup),
		cmocka_unit_test_setup(test_a_page_near_the_code_says_nothing_of_others,
				       setup),
		cmocka_unit_test_setup(test_a_loop_is_seen_after_one_page_after_another,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
