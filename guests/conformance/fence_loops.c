/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sfence.vma in numbers: every register as its operand, and long loops.
 *
 * Operating systems fence up to 64 pages and more one at a time, upwards and
 * downwards. Whoever takes such a loop in one step must leave the registers, the
 * pc, memory and pending interrupts exactly as the instructions would.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/instructions.h"
#include "guests/conformance/scene.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"

#define PAGES	   96
#define OLD(page)  (1 + (int)(page))
#define NEW(page)  (1 + PAGES + (int)(page))
#define LONG_LOOP  1000
#define DECOY_MARK 77

extern char loop_up[], loop_up_end[], loop_down_asid[], loop_down_asid_end[],
	loop_with_work[], loop_with_work_end[], loop_with_load[], loop_with_load_access[],
	loop_with_load_end[], loop_unrolled[], loop_unrolled_end[];

struct scene {
	struct space space;
	uint64_t va;
};

static void scene_init(struct scene *scene, const struct paging_mode *mode)
{
	space_init(&scene->space, mode, nth_asid(mode, 3));
	scene->va = window(mode, WINDOW);
	for (unsigned page = 0; page < PAGES; page++) {
		frame_new((unsigned)OLD(page));
		frame_new((unsigned)NEW(page));
		space_map(&scene->space, scene->va + page * PAGE_SIZE, 0,
			  frame_pa((unsigned)OLD(page)), PTE_USER);
	}
	space_start(&scene->space);
	for (unsigned page = 0; page < PAGES; page++)
		expect("before", LD, scene->va + page * PAGE_SIZE, USER, OLD(page));
}

static void remap_all(const struct scene *scene)
{
	for (unsigned page = 0; page < PAGES; page++)
		space_map(&scene->space, scene->va + page * PAGE_SIZE, 0,
			  frame_pa((unsigned)NEW(page)), PTE_USER);
}

static void expect_new(const struct scene *scene, const char *what)
{
	for (unsigned page = 0; page < PAGES; page++)
		expect(what, page % 3 ? LD : SD, scene->va + page * PAGE_SIZE, USER,
		       NEW(page));
}

/* Run a loop of fence_loops_code.S to its end. */
static void run_loop(const struct scene *scene, struct context *context, const char *loop,
		     const char *end)
{
	context->pc = (uintptr_t)loop;
	context->sstatus = probe_sstatus(SUPERVISOR | SUM);
	context->x[REG_A3] = scene->space.asid;
	context_run(context);
	expect_equal("scause at the end of the loop", context->cause, CAUSE_BREAKPOINT);
	expect_equal("pc at the end of the loop", context->pc, (uintptr_t)end);
}

static void check_up(const struct paging_mode *mode)
{
	struct scene scene;
	struct context context, expected;

	scene_init(&scene, mode);
	remap_all(&scene);
	registers_pattern(&context);
	context.x[REG_A0] = scene.va;
	context.x[REG_A1] = PAGE_SIZE;
	context.x[REG_A2] = PAGES;
	context.x[REG_A3] = scene.space.asid;
	expected = context;
	expected.x[REG_A0] = scene.va + PAGES * PAGE_SIZE;
	expected.x[REG_A2] = 0;
	run_loop(&scene, &context, loop_up, loop_up_end);
	expect_registers("after the loop", &context, &expected, 0);
	expect_new(&scene, "after the loop");
}

static void check_down(const struct paging_mode *mode)
{
	struct scene scene;
	struct context context, expected;

	scene_init(&scene, mode);
	remap_all(&scene);
	registers_pattern(&context);
	context.x[REG_A0] = scene.va + (PAGES - 1) * PAGE_SIZE;
	context.x[REG_A1] = PAGE_SIZE;
	context.x[REG_A3] = scene.space.asid;
	context.x[REG_A4] = scene.va;
	expected = context;
	expected.x[REG_A0] = scene.va - PAGE_SIZE;
	run_loop(&scene, &context, loop_down_asid, loop_down_asid_end);
	expect_registers("after the loop", &context, &expected, 0);
	expect_new(&scene, "after the loop");
}

static void check_work(const struct paging_mode *mode)
{
	struct scene scene;
	struct context context, expected;
	volatile uint64_t counted = 5;

	scene_init(&scene, mode);
	remap_all(&scene);
	registers_pattern(&context);
	context.x[REG_A0] = scene.va;
	context.x[REG_A1] = PAGE_SIZE;
	context.x[REG_A2] = PAGES;
	context.x[REG_A3] = scene.space.asid;
	context.x[REG_A5] = 0;
	context.x[REG_A6] = (uintptr_t)&counted;
	expected = context;
	expected.x[REG_A0] = scene.va + PAGES * PAGE_SIZE;
	expected.x[REG_A2] = 0;
	expected.x[REG_A5] = 3 * PAGES;
	expected.x[REG_T0] = 5 + PAGES;
	run_loop(&scene, &context, loop_with_work, loop_with_work_end);
	expect_registers("after the loop", &context, &expected, 0);
	expect_equal("what the loop counted in memory", counted, 5 + PAGES);
	expect_new(&scene, "after the loop");
}

static void check_unrolled(const struct paging_mode *mode)
{
	struct scene scene;
	struct context context, expected;

	scene_init(&scene, mode);
	remap_all(&scene);
	registers_pattern(&context);
	context.x[REG_A0] = scene.va;
	context.x[REG_A1] = 2 * PAGE_SIZE; /* the last fence covers every other page */
	context.x[REG_A2] = PAGES / 2;
	context.x[REG_A3] = scene.space.asid;
	expected = context;
	expected.x[REG_A0] = scene.va + PAGES * PAGE_SIZE;
	expected.x[REG_A2] = 0;
	expected.x[REG_A5] = expected.x[REG_A0];
	run_loop(&scene, &context, loop_unrolled, loop_unrolled_end);
	expect_registers("after the loop", &context, &expected, 0);
	expect_new(&scene, "after the loop");
}

/* The loop's own load meets an unmapped page in the middle. */
static void check_fault_inside(const struct paging_mode *mode)
{
	const unsigned bad = 70;
	struct scene scene;
	struct context context, expected;

	scene_init(&scene, mode);
	remap_all(&scene);
	*space_slot(&scene.space, scene.va + bad * PAGE_SIZE, 0) = 0;
	registers_pattern(&context);
	context.x[REG_A0] = scene.va;
	context.x[REG_A1] = PAGE_SIZE;
	context.x[REG_A2] = PAGES;
	context.x[REG_A5] = 0;
	expected = context;
	expected.x[REG_A0] = scene.va + bad * PAGE_SIZE;
	expected.x[REG_A2] = PAGES - bad;
	expected.x[REG_A5] = bad + 1;
	expected.x[REG_T0] = frame_word((unsigned)NEW(bad - 1));
	context.pc = (uintptr_t)loop_with_load;
	context.sstatus = probe_sstatus(SUPERVISOR | SUM);
	context_run(&context);
	expect_equal("scause", context.cause, CAUSE_LOAD_PAGE_FAULT);
	expect_equal("stval", context.stval, expected.x[REG_A0]);
	expect_equal("sepc", context.pc, (uintptr_t)loop_with_load_access);
	expect_registers("at the fault", &context, &expected, 0);
}

/*
 * Run the context to its end, interrupted a few times; how often it was. The
 * timer then stays off, so that the loop ends however slow the machine is.
 */
static unsigned run_through_interrupts(struct context *context, uint64_t interval)
{
	unsigned interrupts = 0;

	for (;; interrupts++) {
		sbi_set_timer(interrupts < 4 ? time_now() + interval : UINT64_MAX);
		context->sstatus = probe_sstatus(SUPERVISOR | INTERRUPTS);
		context_run(context);
		if (context->cause != CAUSE_TIMER_INTERRUPT)
			return interrupts;
	}
}

/* Interrupts in a long loop come in time, and nothing is lost or repeated. */
static void check_interrupts(const struct paging_mode *mode)
{
	struct scene scene;
	unsigned interrupts = 0;

	scene_init(&scene, mode);
	csr_write(sie, INTERRUPT_STI);
	for (unsigned tries = 0; tries < 90 && interrupts < 3; tries++) {
		struct context context, expected;
		volatile uint64_t counted = 0;

		registers_pattern(&context);
		context.x[REG_A0] = scene.va;
		context.x[REG_A1] = 0;
		context.x[REG_A2] = LONG_LOOP;
		context.x[REG_A3] = scene.space.asid;
		context.x[REG_A5] = 0;
		context.x[REG_A6] = (uintptr_t)&counted;
		expected = context;
		expected.x[REG_A2] = 0;
		expected.x[REG_A5] = 3 * LONG_LOOP;
		expected.x[REG_T0] = LONG_LOOP;
		context.pc = (uintptr_t)loop_with_work;
		interrupts +=
			run_through_interrupts(&context, platform_ticks(1 << tries % 9));
		expect_equal("scause at the end", context.cause, CAUSE_BREAKPOINT);
		expect_equal("pc at the end", context.pc, (uintptr_t)loop_with_work_end);
		expect_registers("after the loop", &context, &expected, 0);
		expect_equal("what the loop counted in memory", counted, LONG_LOOP);
	}
	csr_write(sie, 0);
	sbi_set_timer(UINT64_MAX);
	expect_true("timer interrupts inside the loops", interrupts >= 3);
}

/* Every other page is fenced; the rest may be old or new, but nothing else. */
static void check_half_fenced(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	remap_all(&scene);
	for (unsigned page = 0; page < PAGES; page += 2)
		fence_va(scene.va + page * PAGE_SIZE);
	for (unsigned page = 0; page < PAGES; page++) {
		uint64_t va = scene.va + page * PAGE_SIZE;

		if (page % 2)
			expect("not fenced", LD, va, USER, OLD(page), NEW(page));
		else
			expect("fenced", LD, va, USER, NEW(page));
	}
}

/* Change, fence and use each page in turn. */
static void check_page_by_page(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for (unsigned page = 0; page < PAGES; page++) {
		uint64_t va = scene.va + page * PAGE_SIZE;
		uint64_t *slot = space_slot(&scene.space, va, 0);

		*slot = 0;
		fence_va_asid(va, scene.space.asid);
		expect("unmapped", LD, va, USER, PAGE_FAULT);
		*slot = pte_make(frame_pa((unsigned)NEW(page)), PTE_USER);
		fence_va(va);
		expect("mapped again", SD, va, USER, NEW(page));
	}
	expect_new(&scene, "at the end");
}

/*
 * A loop across two pages that are neighbours only virtually: between them in
 * memory lies other code, which must not be taken for the loop's.
 */
static void check_loop_across_pages(const struct paging_mode *mode)
{
	struct scene scene;
	struct context context, expected;
	uint64_t code = window(mode, HIGH_WINDOW);
	uint32_t *memory = arena_alloc(4 * PAGE_SIZE);
	uint32_t *decoy = memory + PAGE_SIZE / 4, *tail = memory + 2 * PAGE_SIZE / 4;

	scene_init(&scene, mode);
	space_map(&scene.space, code, 0, (uintptr_t)memory, PTE_KERNEL);
	space_map(&scene.space, code + PAGE_SIZE, 0, (uintptr_t)tail, PTE_KERNEL);
	fence_all();
	remap_all(&scene);
	memory[PAGE_SIZE / 4 - 1] = encode_sfence_vma(REG_A0, 0);
	decoy[0] = encode_addi(REG_A5, 0, DECOY_MARK);
	decoy[1] = EBREAK;
	tail[0] = encode_add(REG_A0, REG_A0, REG_A1);
	tail[1] = encode_addi(REG_A2, REG_A2, -1);
	tail[2] = encode_bne(REG_A2, 0, -12);
	tail[3] = EBREAK;
	fence_instructions();
	registers_pattern(&context);
	context.x[REG_A0] = scene.va;
	context.x[REG_A1] = PAGE_SIZE;
	context.x[REG_A2] = PAGES;
	expected = context;
	expected.x[REG_A0] += PAGES * PAGE_SIZE;
	expected.x[REG_A2] = 0;
	context.pc = code + PAGE_SIZE - 4;
	context.sstatus = probe_sstatus(SUPERVISOR);
	context_run(&context);
	expect_equal("scause", context.cause, CAUSE_BREAKPOINT);
	expect_equal("pc", context.pc, code + PAGE_SIZE + 12);
	expect_registers("after the loop", &context, &expected, 0);
	expect_new(&scene, "after the loop");
}

/* Each register holds the address, then the ASID; all others hold nonsense. */
static void check_registers(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	space_init(&space, mode, nth_asid(mode, 3));
	slot = space_map(&space, va, 0, frame_new(1), PTE_USER);
	frame_new(2);
	space_start(&space);
	for (unsigned n = 1; n < 32; n++) {
		for (unsigned form = FENCE_VA; form < FENCE_FORMS; form++) {
			unsigned other = n == 31 ? 1 : n + 1;
			uint32_t code;
			struct context context, expected;

			registers_pattern(&context);
			context.x[n] = form == FENCE_ASID ? space.asid : va;
			if (form == FENCE_VA_ASID)
				context.x[other] = space.asid;
			expected = context;
			code = form == FENCE_VA	    ? encode_sfence_vma(n, 0)
			       : form == FENCE_ASID ? encode_sfence_vma(0, n)
						    : encode_sfence_vma(n, other);
			expect("before", LD, va, USER,
			       *slot == pte_make(frame_pa(1), PTE_USER) ? 1 : 2);
			*slot = pte_make(frame_pa(1 + (n + form) % 2), PTE_USER);
			run_instructions(&context, &code, 1, SUPERVISOR);
			expect_equal("scause", context.cause, CAUSE_BREAKPOINT);
			expect_registers("a fence", &context, &expected, 0);
			expect("after", LD, va, USER, 1 + (int)((n + form) % 2));
		}
	}
}

static const struct check checks[] = {
	{"every register as an operand", check_registers},
	{"a loop upwards", check_up},
	{"a loop downwards, with an ASID", check_down},
	{"a loop with loads, stores and sums", check_work},
	{"an unrolled loop and a fence behind it", check_unrolled},
	{"a page fault inside a loop", check_fault_inside},
	{"timer interrupts inside a long loop", check_interrupts},
	{"a loop across pages that are not neighbours", check_loop_across_pages},
	{"every other page fenced", check_half_fenced},
	{"change, fence, use, page by page", check_page_by_page},
};

const struct group fence_loops_group = {"fence loops", checks, ARRAY_LENGTH(checks),
					true};
