/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fetching instructions: across pages, and after they were changed.
 *
 * With 16-bit instructions a 32-bit one may lie in two pages; stval is then "the
 * virtual address of the portion of the instruction that caused the fault", sepc
 * its beginning. Stores to code are seen by fetches after a fence.i.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/instructions.h"
#include "guests/conformance/scene.h"

#define C_NOP	 0x0001
#define C_EBREAK 0x9002

extern const char patch_and_run[], patch_and_run_target[], patch_and_run_end[];

struct scene {
	struct space space;
	uint64_t second; /* the page the instruction's second half lies in */
	uint64_t start;	 /* of the instruction: two bytes before */
	uint64_t pa[2];
};

/* `li a0, value; c.ebreak`, two bytes before the end of the first page. */
static void write_code(const struct scene *scene, int value)
{
	uint32_t code = encode_addi(REG_A0, 0, value);

	*(uint16_t *)(scene->pa[0] + PAGE_SIZE - 2) = (uint16_t)code;
	*(uint16_t *)scene->pa[1] = (uint16_t)(code >> 16);
	*(uint16_t *)(scene->pa[1] + 2) = C_EBREAK;
	fence_instructions();
}

static void scene_init(struct scene *scene, const struct paging_mode *mode,
		       uint64_t flags)
{
	space_init(&scene->space, mode, nth_asid(mode, 1));
	scene->second = window(mode, WINDOW) + PAGE_SIZE;
	scene->start = scene->second - 2;
	for (unsigned i = 0; i < 2; i++) {
		scene->pa[i] = (uintptr_t)arena_alloc(PAGE_SIZE);
		arena_alloc(PAGE_SIZE); /* so that the two are not neighbours */
		space_map(&scene->space, scene->start + 2 * i, 0, scene->pa[i], flags);
	}
	space_start(&scene->space);
}

static struct context run_at(uint64_t va, unsigned how)
{
	struct context context = {.pc = va};

	registers_pattern(&context);
	context.pc = va;
	context.sstatus = probe_sstatus(how);
	context_run(&context);
	return context;
}

static void expect_ran(const char *what, uint64_t va, unsigned how, uint64_t end,
		       int value)
{
	struct context context = run_at(va, how);

	expect_equal(what, context.cause, CAUSE_BREAKPOINT);
	expect_equal(what, context.pc, end);
	expect_equal(what, context.x[REG_A0], (uint64_t)value);
}

static void expect_fault(const char *what, uint64_t va, unsigned how, uint64_t stval)
{
	struct context context = run_at(va, how);

	expect_equal(what, context.cause, CAUSE_FETCH_PAGE_FAULT);
	expect_equal(what, context.stval, stval);
	expect_equal(what, context.pc, va);
}

static void cross(const struct paging_mode *mode, uint64_t good, unsigned how)
{
	const uint64_t bad[] = {0, good & ~PTE_X, good ^ PTE_U};
	struct scene scene;

	scene_init(&scene, mode, good);
	write_code(&scene, 0x123);
	expect_ran("both pages good", scene.start, how, scene.second + 2, 0x123);
	for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++) {
		space_map(&scene.space, scene.second, 0, scene.pa[1], bad[i]);
		fence_va(scene.second);
		expect_fault("second page bad", scene.start, how, scene.second);
		space_map(&scene.space, scene.start, 0, scene.pa[0], bad[i]);
		fence_va(scene.start);
		expect_fault("both pages bad", scene.start, how, scene.start);
		space_map(&scene.space, scene.second, 0, scene.pa[1], good);
		fence_va(scene.second);
		expect_fault("first page bad", scene.start, how, scene.start);
		space_map(&scene.space, scene.start, 0, scene.pa[0], good);
		fence_va(scene.start);
		expect_ran("both good again", scene.start, how, scene.second + 2, 0x123);
	}
}

static void check_crossing(const struct paging_mode *mode)
{
	cross(mode, PTE_USER, USER);
	cross(mode, PTE_KERNEL, SUPERVISOR);
}

/* The second half comes from whatever page is mapped there now. */
static void check_crossing_remap(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t other = (uintptr_t)arena_alloc(PAGE_SIZE);

	scene_init(&scene, mode, PTE_USER);
	write_code(&scene, 0x111);
	*(uint16_t *)other = (uint16_t)(encode_addi(REG_A0, 0, 0x222) >> 16);
	*(uint16_t *)(other + 2) = C_EBREAK;
	fence_instructions();
	for (unsigned i = 0; i < 6; i++) {
		space_map(&scene.space, scene.second, 0, i % 2 ? other : scene.pa[1],
			  PTE_USER);
		fence_va(scene.second);
		expect_ran("second page remapped", scene.start, USER, scene.second + 2,
			   i % 2 ? 0x222 : 0x111);
	}
}

/* A 16-bit instruction in the last two bytes needs no second page. */
static void check_last_halfword(const struct paging_mode *mode)
{
	struct scene scene;
	struct context context;

	scene_init(&scene, mode, PTE_USER);
	*(uint16_t *)(scene.pa[0] + PAGE_SIZE - 4) = C_NOP;
	*(uint16_t *)(scene.pa[0] + PAGE_SIZE - 2) = C_EBREAK;
	fence_instructions();
	space_map(&scene.space, scene.second, 0, 0, 0);
	fence_va(scene.second);
	context = run_at(scene.start - 2, USER);
	expect_equal("cause", context.cause, CAUSE_BREAKPOINT);
	expect_equal("sepc", context.pc, scene.start);
	*(uint16_t *)(scene.pa[0] + PAGE_SIZE - 2) = C_NOP;
	fence_instructions();
	context = run_at(scene.start - 2, USER);
	expect_equal("cause at the next page", context.cause, CAUSE_FETCH_PAGE_FAULT);
	expect_equal("stval at the next page", context.stval, scene.second);
	expect_equal("sepc at the next page", context.pc, scene.second);
}

/* Code changed through another mapping, and through its own. */
static void check_self_modifying(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t va, code;

	scene_init(&scene, mode, PTE_USER);
	va = scene.second + 0x100;
	code = scene.pa[1] + 0x100;
	for (int i = 0; i < 32; i++) {
		uint64_t word = encode_addi(REG_A0, 0, i) | (uint64_t)EBREAK << 32;

		if (i % 2)
			*(uint64_t *)code = word;
		else
			probe(SD, va, word, USER);
		fence_instructions();
		expect_ran("changed code", va, USER, va + 4, i);
		expect_equal("changed code as data", probe(LD, va, 0, USER).value, word);
	}
}

/* U-mode code that changes itself and executes its own fence.i. */
static void check_user_fence_i(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t size = (uint64_t)patch_and_run_end - (uint64_t)patch_and_run;
	uint64_t target, code;

	scene_init(&scene, mode, PTE_USER);
	target = scene.second + (uint64_t)patch_and_run_target - (uint64_t)patch_and_run;
	for (uint64_t i = 0; i < size; i++)
		((char *)scene.pa[1])[i] = patch_and_run[i];
	fence_instructions();
	code = encode_addi(REG_A0, 0, 0) | (uint64_t)EBREAK << 32;
	for (unsigned i = 1; i < 32; i++) {
		struct context context = {.pc = scene.second};

		code += 1U << 20;
		context.x[REG_A1] = code;
		context.x[REG_A2] = target;
		context.sstatus = probe_sstatus(USER);
		context_run(&context);
		expect_equal("cause", context.cause, CAUSE_BREAKPOINT);
		expect_equal("sepc", context.pc, target + 4);
		expect_equal("a0 from patched code", context.x[REG_A0], i);
	}
}

/* Different code at one address, page after page. */
static void check_code_remap(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t *slot;

	space_init(&space, mode, nth_asid(mode, 1));
	slot = space_slot(&space, va, 0);
	for (unsigned tag = 1; tag <= 16; tag++)
		frame_new(tag);
	space_start(&space);
	for (unsigned i = 0; i < 48; i++) {
		unsigned tag = 1 + i * 5 % 16;

		*slot = pte_make(frame_pa(tag), i % 2 ? PTE_USER : PTE_KERNEL);
		fence(i % FENCE_FORMS, va, space.asid);
		expect("code of the page mapped now", FETCH, va + 8 * i,
		       i % 2 ? USER : SUM, (int)tag);
	}
}

static const struct check checks[] = {
	{"an instruction across two pages", check_crossing},
	{"its second page remapped", check_crossing_remap},
	{"a 16-bit instruction at the end of a page", check_last_halfword},
	{"code changed, then fence.i", check_self_modifying},
	{"U-mode code that patches itself", check_user_fence_i},
	{"other code at one address", check_code_remap},
};

const struct group fetch_group = {"fetches", checks, ARRAY_LENGTH(checks), true};
