/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps and privileged instructions in pages that are not at identity.
 *
 * Whoever emulates an instruction has to find it through the page tables in
 * force, across page boundaries too; and a write of satp decides where the next
 * instruction comes from. "CSR accesses are performed in program order with
 * respect to those instructions whose execution behavior is affected by the
 * state of the accessed CSR" (Zicsr).
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/instructions.h"
#include "guests/conformance/scene.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"
#include "guests/lib/string.h"

struct scene {
	struct space space;
	uint64_t va;	   /* two pages of code */
	uint8_t *pages[2]; /* where they are, not next to each other */
};

static void scene_init(struct scene *scene, const struct paging_mode *mode, unsigned asid,
		       uint64_t flags)
{
	space_init(&scene->space, mode, nth_asid(mode, asid));
	scene->va = window(mode, HIGH_WINDOW) + 6 * PAGE_SIZE;
	for (unsigned i = 0; i < 2; i++) {
		scene->pages[i] = arena_alloc(PAGE_SIZE);
		arena_alloc(PAGE_SIZE);
		space_map(&scene->space, scene->va + i * PAGE_SIZE, 0,
			  (uintptr_t)scene->pages[i], flags);
	}
	space_start(&scene->space);
}

/* Put instructions at an offset into the two pages, in halves. */
static void put_code(const struct scene *scene, uint64_t offset, const uint32_t *code,
		     unsigned count)
{
	for (unsigned half = 0; half < 2 * count; half++) {
		uint64_t at = offset + 2 * half;
		uint16_t bits = (uint16_t)(code[half / 2] >> 16 * (half % 2));

		memcpy(scene->pages[at / PAGE_SIZE] + at % PAGE_SIZE, &bits, 2);
	}
	fence_instructions();
}

static void run_at(struct context *context, uint64_t va, unsigned how)
{
	context->pc = va;
	context->sstatus = probe_sstatus(how);
	context_run(context);
}

/* Offsets of a 4-byte instruction: inside a page, and across the two. */
static const uint64_t offsets[] = {0x40, 0x42, PAGE_SIZE - 4, PAGE_SIZE - 2, PAGE_SIZE};

static void expect_illegal(const struct context *context, uint64_t at, uint32_t code)
{
	expect_equal("scause", context->cause, CAUSE_ILLEGAL);
	expect_equal("sepc", context->pc, at);
	if (context->stval || platform_promises("sstvala"))
		expect_equal("stval", context->stval, code);
}

static void check_illegal_in_user(const struct paging_mode *mode)
{
	const uint32_t instructions[] = {
		encode_sfence_vma(0, 0),
		encode_sfence_vma(REG_A0, REG_A1),
		encode_csr(CSRRS, REG_A0, CSR_SATP, 0),
		encode_csr(CSRRW, REG_A0, CSR_SATP, REG_A1),
		SRET,
		0xffffffff,
	};
	struct scene scene;

	scene_init(&scene, mode, 1, PTE_USER);
	for (unsigned i = 0; i < ARRAY_LENGTH(instructions); i++) {
		for (unsigned o = 0; o < ARRAY_LENGTH(offsets); o++) {
			struct context context, expected;

			put_code(&scene, offsets[o], &instructions[i], 1);
			registers_pattern(&context);
			expected = context;
			run_at(&context, scene.va + offsets[o], USER);
			expect_illegal(&context, scene.va + offsets[o], instructions[i]);
			expect_registers("illegal in U-mode", &context, &expected, 0);
			expect_equal("satp", csr_read(satp), space_satp(&scene.space));
		}
	}
}

static const uint32_t undefined[] = {
	0xffffffff, 0x30002573, /* csrr a0, mstatus */
	0, 0x2001,		/* c.addiw x0 */
};

/* In either privilege, of 16 bits too, in pages that can be executed and no more. */
static void check_undefined(const struct paging_mode *mode)
{
	static const uint64_t flags[] = {PTE_V | PTE_X | PTE_AD,
					 PTE_V | PTE_X | PTE_AD | PTE_U};
	uint64_t bits = SSTATUS_SPP | SSTATUS_SPIE | SSTATUS_SIE;

	for (unsigned how = SUPERVISOR; how <= USER; how++) {
		struct scene scene;

		scene_init(&scene, mode, 1, flags[how]);
		for (unsigned i = 0; i < ARRAY_LENGTH(undefined) * 5; i++) {
			const uint32_t *code = &undefined[i / 5];
			uint64_t offset = offsets[i % 5];
			struct context context = {.pc = 0};

			put_code(&scene, offset, code, 1);
			run_at(&context, scene.va + offset, how | INTERRUPTS);
			expect_illegal(&context, scene.va + offset, *code);
			expect_equal("sstatus", context.sstatus & bits,
				     SSTATUS_SPIE | (how & USER ? 0 : SSTATUS_SPP));
		}
	}
}

/* The last 16 bits of a page, with nothing behind them. */
static void check_undefined_at_the_end(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode, 1, PTE_USER);
	space_map(&scene.space, scene.va + PAGE_SIZE, 0, 0, 0);
	fence_all();
	for (unsigned i = 2; i < ARRAY_LENGTH(undefined); i++) {
		struct context context = {.pc = 0};

		put_code(&scene, PAGE_SIZE - 2, &undefined[i], 1);
		run_at(&context, scene.va + PAGE_SIZE - 2, USER);
		expect_illegal(&context, scene.va + PAGE_SIZE - 2, undefined[i]);
	}
}

static void check_calls_in_user(const struct paging_mode *mode)
{
	static const struct {
		uint32_t instruction;
		uint64_t cause;
	} cases[] = {{ECALL, CAUSE_USER_ECALL}, {EBREAK, CAUSE_BREAKPOINT}};
	struct scene scene;

	scene_init(&scene, mode, 1, PTE_USER);
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		for (unsigned o = 0; o < ARRAY_LENGTH(offsets); o++) {
			struct context context, expected;

			put_code(&scene, offsets[o], &cases[i].instruction, 1);
			registers_pattern(&context);
			expected = context;
			run_at(&context, scene.va + offsets[o], USER);
			expect_equal("scause", context.cause, cases[i].cause);
			expect_equal("sepc", context.pc, scene.va + offsets[o]);
			expect_registers("call in U-mode", &context, &expected, 0);
		}
	}
}

/* sfence.vma and satp accesses of S-mode, from pages of its own. */
static void check_supervisor_code(const struct paging_mode *mode)
{
	const uint32_t code[] = {
		encode_csr(CSRRS, REG_A0, CSR_SATP, 0),	     encode_sfence_vma(REG_A1, 0),
		encode_csr(CSRRW, REG_A2, CSR_SATP, REG_A0), encode_sfence_vma(0, REG_A3),
		encode_sfence_vma(REG_A1, REG_A3),	     EBREAK,
	};
	struct scene scene;
	uint64_t data = window(mode, WINDOW), length = sizeof(code) - 4;
	uint64_t *slot;

	scene_init(&scene, mode, 1, PTE_KERNEL);
	slot = space_map(&scene.space, data, 0, frame_new(1), PTE_USER);
	frame_new(2);
	for (uint64_t offset = PAGE_SIZE - length - 4; offset <= PAGE_SIZE; offset += 2) {
		unsigned tag = 1 + offset / 2 % 2;
		struct context context, expected;

		put_code(&scene, offset, code, ARRAY_LENGTH(code));
		*slot = pte_make(frame_pa(tag), PTE_USER);
		registers_pattern(&context);
		context.x[REG_A1] = data;
		context.x[REG_A3] = scene.space.asid;
		expected = context;
		expected.x[REG_A0] = expected.x[REG_A2] = space_satp(&scene.space);
		run_at(&context, scene.va + offset, SUPERVISOR);
		expect_equal("scause", context.cause, CAUSE_BREAKPOINT);
		expect_equal("sepc", context.pc, scene.va + offset + length);
		expect_registers("fences and satp", &context, &expected, 0);
		expect("fenced", LD, data, USER, (int)tag);
	}
}

/* Behind a switch of satp, code goes on in what the new space maps there. */
static void check_switch_under_code(const struct paging_mode *mode)
{
	struct scene scenes[2];

	if (paging_asid_bits(mode) < 2) {
		skip("too few ASID bits");
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		scene_init(&scenes[i], mode, 1 + i, PTE_KERNEL);
	for (uint64_t offset = PAGE_SIZE - 8; offset <= PAGE_SIZE; offset += 2) {
		for (unsigned i = 0; i < 2; i++) {
			const uint32_t code[] = {encode_csr(CSRRW, 0, CSR_SATP, REG_A1),
						 encode_addi(REG_A0, 0, 1 + (int)i),
						 EBREAK};

			put_code(&scenes[i], offset, code, ARRAY_LENGTH(code));
		}
		for (unsigned i = 0; i < 4; i++) {
			struct context context = {.pc = 0};

			space_enter(&scenes[i % 2].space);
			context.x[REG_A1] = space_satp(&scenes[!(i % 2)].space);
			run_at(&context, scenes[0].va + offset, SUPERVISOR);
			expect_equal("scause", context.cause, CAUSE_BREAKPOINT);
			expect_equal("sepc", context.pc, scenes[0].va + offset + 8);
			expect_equal("the space that code went on in", context.x[REG_A0],
				     2 - i % 2);
		}
	}
}

/* The level 1 entry for an address, in tables no other space shares. */
static uint64_t *private_slot(struct space *space, uint64_t va)
{
	uint64_t *table = space->root;

	for (unsigned level = space->mode->levels - 1; level > 1; level--) {
		uint64_t *pte = &table[va_index(va, level)];

		table = memcpy(arena_alloc(PAGE_SIZE), (const void *)pte_pa(*pte),
			       PAGE_SIZE);
		*pte = pte_make((uintptr_t)table, PTE_V);
	}
	return &table[va_index(va, 1)];
}

/* Code at address 0, where nobody expects any. */
static void check_at_zero(const struct paging_mode *mode)
{
	static const uint64_t flags[] = {PTE_KERNEL, PTE_USER};
	uint32_t *code = arena_alloc(PAGE_SIZE);
	uint64_t *table = arena_alloc(PAGE_SIZE);
	struct space space;

	space_init(&space, mode, nth_asid(mode, 1));
	*private_slot(&space, 0) = pte_make((uintptr_t)table, PTE_V);
	for (unsigned how = SUPERVISOR; how <= USER; how++) {
		table[0] = pte_make((uintptr_t)code, flags[how]);
		space_start(&space);
		for (unsigned i = 0; i < ARRAY_LENGTH(undefined); i++) {
			struct context context = {.pc = 0};

			*code = undefined[i];
			fence_instructions();
			run_at(&context, 0, how);
			expect_illegal(&context, 0, undefined[i]);
		}
	}
}

/* satp turned on by code the new tables do not map: a fetch fault right behind. */
static void check_unmaps_itself(const struct paging_mode *mode)
{
	uint32_t *code = arena_alloc(2 * MIB);
	struct space space;
	struct context context = {.pc = 0};

	space_init(&space, mode, nth_asid(mode, 1));
	*private_slot(&space, (uintptr_t)code) = 0;
	code[0] = encode_csr(CSRRW, 0, CSR_SATP, REG_A1);
	code[1] = EBREAK;
	fence_instructions();
	fence_all();
	for (unsigned i = 0; i < 4; i++) {
		context.x[REG_A1] = space_satp(&space);
		run_at(&context, (uintptr_t)code, SUPERVISOR);
		expect_equal("scause", context.cause, CAUSE_FETCH_PAGE_FAULT);
		expect_equal("sepc", context.pc, (uintptr_t)(code + 1));
		expect_equal("stval", context.stval, (uintptr_t)(code + 1));
		expect_equal("satp", csr_read(satp), space_satp(&space));
		csr_write(satp, 0);
	}
}

/* The trap vector at another address than the one it was linked for. */
static void check_vector_alias(const struct paging_mode *mode)
{
	uint64_t vector = csr_read(stvec), base = window(mode, HIGH_WINDOW);
	uint64_t page = window(mode, WINDOW);
	struct space space;

	space_init(&space, mode, nth_asid(mode, 1));
	space_map(&space, base, 1, align_down(vector, 2 * MIB), PTE_KERNEL);
	space_map(&space, page, 0, frame_new(1), PTE_USER);
	space_start(&space);
	csr_write(stvec, base + vector % (2 * MIB));
	expect("access that works", LD, page, USER, 1);
	expect("page fault from U-mode", LD, page + PAGE_SIZE, USER, PAGE_FAULT);
	expect("page fault from S-mode", SD, page + PAGE_SIZE, SUPERVISOR, PAGE_FAULT);
	csr_write(stvec, vector);
	expect("page fault at the old vector", LD, page + PAGE_SIZE, USER, PAGE_FAULT);
}

/* Whoever takes the fault first: sstatus is as if the hart had come straight here. */
static void check_fault_sstatus(const struct paging_mode *mode)
{
	uint64_t bits =
		SSTATUS_SPP | SSTATUS_SPIE | SSTATUS_SIE | SSTATUS_SUM | SSTATUS_MXR;
	struct scene scene;

	scene_init(&scene, mode, 1, PTE_KERNEL);
	for (unsigned how = SUPERVISOR; how <= (USER | SUM | MXR | INTERRUPTS); how++) {
		struct context context = {.pc = 0};

		run_at(&context, scene.va + 2 * PAGE_SIZE, how);
		expect_equal("scause", context.cause, CAUSE_FETCH_PAGE_FAULT);
		expect_equal("sstatus in the handler", context.sstatus & bits,
			     (how & USER ? 0 : SSTATUS_SPP) |
				     (how & INTERRUPTS ? SSTATUS_SPIE : 0) |
				     (how & SUM ? SSTATUS_SUM : 0) |
				     (how & MXR ? SSTATUS_MXR : 0));
	}
}

/* "Exceptions set pc to the address in the BASE field", cause 1 for one too. */
static void check_fault_vectored(const struct paging_mode *mode)
{
	extern char vector_table[];
	extern uint64_t vectored_marker;
	uint64_t vector = csr_read(stvec), vectored = (uintptr_t)vector_table | 1;
	struct context context = {.pc = 0};
	struct scene scene;

	if (sbi_is_opensbi()) {
		skip("OpenSBI passes access faults on to stvec with its MODE");
		return;
	}
	scene_init(&scene, mode, 1, PTE_KERNEL);
	space_map(&scene.space, scene.va, 0, align_up(platform.memory_end, 2 * MIB),
		  PTE_KERNEL);
	fence_va(scene.va);
	csr_write(stvec, vectored);
	vectored_marker = 0;
	if (csr_read(stvec) != vectored) {
		csr_write(stvec, vector);
		skip("stvec takes no vectored mode");
		return;
	}
	run_at(&context, scene.va, SUPERVISOR);
	csr_write(stvec, vector);
	expect_equal("scause", context.cause, CAUSE_FETCH_ACCESS);
	expect_equal("entries by interrupt vector", vectored_marker, 0);
}

/* sret to where the privilege may not fetch: the fault is the target's. */
static void check_sret_to_wrong_page(const struct paging_mode *mode)
{
	struct scene user, kernel;
	struct context context = {.pc = 0};

	scene_init(&kernel, mode, 1, PTE_KERNEL);
	run_at(&context, kernel.va, USER);
	expect_equal("scause of U-mode in S-mode's page", context.cause,
		     CAUSE_FETCH_PAGE_FAULT);
	expect_equal("SPP", context.sstatus & SSTATUS_SPP, 0);
	expect_equal("sepc", context.pc, kernel.va);
	scene_init(&user, mode, 1, PTE_USER);
	run_at(&context, user.va, SUPERVISOR);
	expect_equal("scause of S-mode in U-mode's page", context.cause,
		     CAUSE_FETCH_PAGE_FAULT);
	expect_equal("SPP", context.sstatus & SSTATUS_SPP, SSTATUS_SPP);
	expect_equal("sepc", context.pc, user.va);
}

static const struct check checks[] = {
	{"illegal instructions in U-mode", check_illegal_in_user},
	{"undefined instructions", check_undefined},
	{"undefined instructions at the end of a page", check_undefined_at_the_end},
	{"undefined instructions at address 0", check_at_zero},
	{"ecall and ebreak in U-mode", check_calls_in_user},
	{"fences and satp in S-mode", check_supervisor_code},
	{"code behind a switch of satp", check_switch_under_code},
	{"satp that unmaps the code that wrote it", check_unmaps_itself},
	{"the trap vector at another address", check_vector_alias},
	{"sstatus of a page fault", check_fault_sstatus},
	{"a fetch's access fault in vectored mode", check_fault_vectored},
	{"sret to a page of the other privilege", check_sret_to_wrong_page},
};

const struct group paged_traps_group = {"traps under paging", checks,
					ARRAY_LENGTH(checks), true};
