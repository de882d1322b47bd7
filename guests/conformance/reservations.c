/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lr and sc on page tables in use, the root among them.
 *
 * "An SC must fail" without an lr of that place since the last sc; and it may fail
 * otherwise too, but not in a constrained loop for ever. Whoever keeps guests from
 * storing to such a table has to see to both. On QEMU a trap takes the reservation, and
 * an sc without one makes no access: there the emulator itself fails what has to fail.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"
#include "guests/lib/context.h"

#define OLD 1
#define NEW 2

extern char sc_without_lr[], sc_elsewhere[], sc_again[], sc_loop[], sc_loop_compare[];

struct scene {
	struct space space;
	uint64_t va;
	uint64_t *slots[LEVELS_MAX]; /* of va */
	uint64_t spare;		     /* an entry of the same root that nothing uses */
};

static void scene_init(struct scene *scene, const struct paging_mode *mode)
{
	space_init(&scene->space, mode, nth_asid(mode, 1));
	frames_new(OLD, 2, 2 * PAGE_SIZE);
	scene->va = window(mode, WINDOW);
	space_map(&scene->space, scene->va, 0, frame_pa(OLD), PTE_USER);
	for_each_level(level, mode) scene->slots[level] =
		space_slot(&scene->space, scene->va, level);
	scene->spare = (uintptr_t)&scene->space.root[WINDOW + 7];
	space_start(&scene->space);
	expect("before", LD, scene->va, USER, OLD);
}

static struct context run(const char *code, uint64_t a0, uint64_t a1, uint64_t a3)
{
	struct context context = {.pc = (uintptr_t)code};

	context.x[REG_A0] = a0;
	context.x[REG_A1] = a1;
	context.x[REG_A3] = a3;
	context.sstatus = probe_sstatus(SUPERVISOR);
	context_run(&context);
	expect_equal("scause", context.cause, CAUSE_BREAKPOINT);
	return context;
}

/* A hart must have reported that each of so many sc's failed. */
static void expect_failed(const char *what, const struct context *context, unsigned first,
			  unsigned last)
{
	for (unsigned number = first; number <= last; number++)
		expect_true(what, context->x[number] != 0);
}

/* Of each table on the way, and of the root's unused entries. */
static void check_without(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for_each_level(level, mode)
	{
		uint64_t *slot = scene.slots[level], before = *slot;
		struct context context = run(sc_without_lr, (uintptr_t)slot, 0, 0);

		expect_failed("an sc with no lr failed", &context, REG_A4, REG_A6);
		expect_equal("the entry", *slot, before);
		expect("behind an sc with no lr", LD, scene.va, USER, OLD);
	}
	for (unsigned i = 0; i < 3; i++) {
		struct context context = run(sc_without_lr, scene.spare, 0, 0);

		expect_failed("an sc with no lr failed", &context, REG_A4, REG_A6);
	}
}

static void check_elsewhere(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t data, root;

	scene_init(&scene, mode);
	data = frame_new(3);
	root = (uintptr_t)scene.slots[mode->levels - 1];
	for (unsigned i = 0; i < 4; i++) {
		uint64_t reserved = i & 1 ? data : root;
		uint64_t other = i & 1 ? root : i & 2 ? scene.spare : data;
		uint64_t before = *(uint64_t *)other;
		struct context context =
			run(sc_elsewhere, reserved, *(uint64_t *)reserved ^ 1, other);

		/* The reservation may be of all there is, but is for one sc. */
		expect_failed("the next sc failed", &context, REG_A5, REG_A6);
		if (context.x[REG_A4] != 0)
			expect_equal("where each sc failed", *(uint64_t *)other, before);
		*(uint64_t *)other = before;
		fence_all();
	}
}

static void check_again(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for_each_level(level, mode)
	{
		uint64_t *slot = scene.slots[level], before = *slot;
		struct context context =
			run(sc_again, (uintptr_t)slot, before ^ PTE_RSW, 0);
		uint64_t succeeded = context.x[REG_A4];

		expect_true("no sc but the first succeeded", !(succeeded & 7));
		expect_equal("the entry", *slot, succeeded ? before ^ PTE_RSW : before);
		*slot = before;
		fence_all();
	}
}

/* Edits by lr and sc succeed, and count from the next fence on. */
static void check_loops(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for_each_level(level, mode)
	{
		uint64_t *slot = scene.slots[level], before = *slot, wrong;
		struct context context;

		run(sc_loop, (uintptr_t)slot, PTE_RSW, 0);
		expect_equal("the entry behind a loop", *slot, before | PTE_RSW);
		wrong = before ^ PTE_G;
		context = run(sc_loop_compare, (uintptr_t)slot, 0, wrong);
		expect_equal("what the lr read", context.x[REG_A2], before | PTE_RSW);
		expect_equal("the entry that is another", *slot, before | PTE_RSW);
		run(sc_loop_compare, (uintptr_t)slot, 0, before | PTE_RSW);
		expect_equal("the entry that was compared", *slot, 0);
		fence_va(scene.va);
		expect("the entry is gone", LD, scene.va, USER, PAGE_FAULT);
		run(sc_loop_compare, (uintptr_t)slot,
		    level ? before : pte_make(frame_pa(NEW), PTE_USER), 0);
		fence_va(scene.va);
		expect("the entry is back", LD, scene.va, USER, NEW);
	}
}

static const struct check checks[] = {
	{"an sc with no lr", check_without},
	{"an sc elsewhere takes the reservation", check_elsewhere},
	{"a reservation is for one sc", check_again},
	{"loops of lr and sc get on", check_loops},
};

const struct group reservations_group = {"reservations", checks, ARRAY_LENGTH(checks),
					 true};
