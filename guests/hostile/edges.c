/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single cases at the edges: instructions and accesses that straddle into a
 * device, into nothing, past the end of RAM, of the canonical half and of the
 * address space; CSRs that delegate; waiting for what never comes. Each outcome
 * is the ISA's, so each deviation is a breach.
 */
#include "guests/hostile/attack.h"
#include "guests/lib/context.h"
#include "guests/lib/csr.h"
#include "guests/lib/paging.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"
#include "guests/lib/sbi.h"
#include "guests/lib/string.h"

#define WINDOW	    64
#define HIGH_WINDOW 511
#define ADDI	    UINT32_C(0x00150513) /* addi a0, a0, 1 */
#define EBREAK	    UINT32_C(0x00100073)

static struct space space;
static uint8_t *pages; /* two */

static void expect(const char *what, uint64_t seen, uint64_t expected)
{
	if (seen != expected)
		breach("%s: 0x%lx, not 0x%lx (%s)", what, seen, expected,
		       space.mode ? space.mode->name : "bare");
}

static struct context run_at(uint64_t pc, unsigned how)
{
	struct context context = {.pc = pc};

	context.sstatus = probe_sstatus(how);
	context_run(&context);
	return context;
}

/* An instruction whose second half is at the start of the next page. */
static void straddle(uint64_t pc, uint64_t second, unsigned how, uint64_t cause)
{
	uint32_t instruction = ADDI;
	struct context context;

	memset(pages, 0, 2 * PAGE_SIZE);
	memcpy(pages + PAGE_SIZE - 2, &instruction, 2);
	fence_instructions();
	space_map(&space, pc + 2, 0, second, how & USER ? PTE_USER : PTE_KERNEL);
	fence_all();
	context = run_at(pc, how);
	expect("cause of a straddling fetch", context.cause, cause);
	expect("stval of a straddling fetch", context.stval, pc + 2);
	expect("pc of a straddling fetch", context.pc, pc);
}

static void straddling_fetches(unsigned how)
{
	uint64_t va = window(space.mode, WINDOW);
	uint64_t pc = va + PAGE_SIZE - 2;

	space_map(&space, va, 0, (uintptr_t)pages, how & USER ? PTE_USER : PTE_KERNEL);
	straddle(pc, UART, how, CAUSE_FETCH_ACCESS);
	straddle(pc, PLIC, how, CAUSE_FETCH_ACCESS);
	straddle(pc, VACANT, how, CAUSE_FETCH_ACCESS);
	straddle(pc, LAST_PAGE, how, CAUSE_FETCH_ACCESS);
	straddle(pc, platform.memory_end, how, CAUSE_FETCH_ACCESS);
	*space_slot(&space, pc + 2, 0) = 0;
	fence_all();
	expect("cause of a fetch into no page", run_at(pc, how).cause,
	       CAUSE_FETCH_PAGE_FAULT);
}

/* A doubleword, half of which is in RAM: never half of it done. */
static void straddling_accesses(void)
{
	uint64_t va = window(space.mode, WINDOW);
	uint64_t *last = (uint64_t *)(pages + PAGE_SIZE - 8);
	static const uint64_t behind[] = {UART, PLIC, VACANT, LAST_PAGE};

	space_map(&space, va, 0, (uintptr_t)pages, PTE_KERNEL);
	for (unsigned i = 0; i < ARRAY_LENGTH(behind); i++) {
		struct outcome outcome;

		*last = UINT64_C(0x1122334455667788);
		space_map(&space, va + PAGE_SIZE, 0, behind[i], PTE_KERNEL);
		fence_all();
		outcome = probe(LD, va + PAGE_SIZE - 4, 0, SUPERVISOR);
		if (outcome.cause == OUTCOME_DONE)
			breach("a load straddled into 0x%lx", behind[i]);
		outcome = probe(SD, va + PAGE_SIZE - 4, UINT64_MAX, SUPERVISOR);
		if (outcome.cause == OUTCOME_DONE)
			breach("a store straddled into 0x%lx", behind[i]);
	}
}

/* The last page of the address space, and the last one of the lower half. */
static void canonical_ends(void)
{
	uint64_t top = -PAGE_SIZE;
	uint64_t low = (UINT64_C(1) << (space.mode->va_bits - 1)) - PAGE_SIZE;
	struct outcome outcome;

	memset(pages, 0x5a, PAGE_SIZE);
	space_map(&space, top, 0, (uintptr_t)pages, PTE_KERNEL);
	space_map(&space, low, 0, (uintptr_t)pages, PTE_KERNEL);
	fence_va(top);
	fence_va(low);
	expect("load of the last doubleword", probe(LD, top + PAGE_SIZE - 8, 0, 0).cause,
	       OUTCOME_DONE);
	expect("load at the end of the lower half",
	       probe(LD, low + PAGE_SIZE - 8, 0, 0).cause, OUTCOME_DONE);
	expect("load of what is not canonical", probe(LD, low + PAGE_SIZE, 0, 0).cause,
	       CAUSE_LOAD_PAGE_FAULT);
	outcome = probe(LD, low + PAGE_SIZE - 4, 0, 0);
	expect("load across the end of the lower half", outcome.cause,
	       CAUSE_LOAD_PAGE_FAULT);
	outcome = probe(SD, UINT64_MAX - 3, 0, 0);
	if (outcome.cause == OUTCOME_DONE && *space_slot(&space, 0, 0) == 0)
		breach("a store wrapped around the address space");
	SBI_CALL(SBI_EXT_RFENCE, SBI_RFENCE_SFENCE, 1, 0, top, PAGE_SIZE);
	SBI_CALL(SBI_EXT_RFENCE, SBI_RFENCE_SFENCE, 1, 0, top, UINT64_MAX - 1);
	*space_slot(&space, top, 0) = 0;
	fence_va(UINT64_MAX);
	expect("load of the last doubleword, unmapped",
	       probe(LD, top + PAGE_SIZE - 8, 0, 0).cause, CAUSE_LOAD_PAGE_FAULT);
	*space_slot(&space, low, 0) = 0;
	SBI_CALL(SBI_EXT_RFENCE, SBI_RFENCE_SFENCE, 1, 0, low, 1);
	expect("load at the end of the lower half, unmapped", probe(LD, low, 0, 0).cause,
	       CAUSE_LOAD_PAGE_FAULT);
}

/* The last instruction of RAM, with nothing behind it. */
static void end_of_memory(void)
{
	uint16_t *last = (uint16_t *)(platform.memory_end - 2);
	struct context context;

	*last = (uint16_t)ADDI;
	fence_instructions();
	context = run_at((uintptr_t)last, SUPERVISOR);
	expect("cause at the end of RAM", context.cause, CAUSE_FETCH_ACCESS);
	expect("stval at the end of RAM", context.stval, platform.memory_end);
	*last = 0x9002; /* c.ebreak */
	fence_instructions();
	context = run_at((uintptr_t)last, SUPERVISOR);
	expect("c.ebreak at the end of RAM", context.cause, CAUSE_BREAKPOINT);
	for (unsigned i = 1; i < 8; i++)
		if (probe(LD, platform.memory_end - i, 0, 0).cause == OUTCOME_DONE)
			breach("a load passed the end of RAM by %u bytes", 8 - i);
}

/* Whatever a guest writes there, the hypervisor's switches are the last word. */
static void delegating_csrs(void)
{
	static const uint64_t values[] = {UINT64_MAX, 0, UINT64_C(0x5555555555555555)};

	for (unsigned i = 0; i < ARRAY_LENGTH(values); i++) {
		csr_write(senvcfg, values[i]);
		csr_write(scounteren, values[i]);
		/* Only cycle, time and instret can ever be given to U-mode. */
		if (csr_read(scounteren) & ~values[i])
			breach("scounteren is 0x%lx", csr_read(scounteren));
		check_value(csr_read(senvcfg), 0x10a);
	}
	csr_write(senvcfg, 0);
	csr_write(scounteren, 7);
	csr_write(sie, UINT64_MAX);
	if (csr_read(sie) &
	    ~(INTERRUPT_SSI | INTERRUPT_STI | INTERRUPT_SEI | UINT64_C(1) << 13))
		breach("sie is 0x%lx", csr_read(sie));
	csr_write(sie, 0);
	csr_write(sip, UINT64_MAX);
	if (csr_read(sip) & (INTERRUPT_STI | INTERRUPT_SEI))
		breach("sip is 0x%lx", csr_read(sip));
	csr_write(sip, 0);
}

/* Deadlines that have passed, that never come, and the one a wfi waits for. */
static void waiting(void)
{
	static const uint64_t deadlines[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63};
	uint64_t before;

	for (unsigned i = 0; i < ARRAY_LENGTH(deadlines); i++)
		sbi_set_timer(deadlines[i]);
	csr_write(sie, INTERRUPT_STI);
	before = time_now();
	sbi_set_timer(before + platform_ticks(2000));
	wait_for_interrupt();
	while (!(csr_read(sip) & INTERRUPT_STI) &&
	       time_now() - before < platform_ticks(MIB))
		wait_for_interrupt();
	if (!(csr_read(sip) & INTERRUPT_STI))
		breach("no timer interrupt");
	sbi_set_timer(UINT64_MAX);
	csr_write(sie, 0);
}

/* cbo.inval, cbo.clean, cbo.flush and cbo.zero (a0). */
static const struct {
	const char *name;
	uint32_t instruction;
	const char *extension;
} cache_blocks[] = {
	{"cbo.inval", 0x0005200f, "zicbom"},
	{"cbo.clean", 0x0015200f, "zicbom"},
	{"cbo.flush", 0x0025200f, "zicbom"},
	{"cbo.zero", 0x0045200f, "zicboz"},
};

static uint64_t run_cache_block(uint32_t instruction, uint64_t address)
{
	static uint32_t code[2] __attribute__((aligned(8)));
	struct context context = {.pc = (uintptr_t)code};

	code[0] = instruction;
	code[1] = EBREAK;
	fence_instructions();
	context.x[REG_A0] = address;
	context.sstatus = probe_sstatus(SUPERVISOR);
	context_run(&context);
	return context.cause;
}

/* On a page that may only be read, on a device, and on nothing. */
static void cache_block_operations(void)
{
	static const uint64_t places[] = {UART, PLIC, VACANT, LAST_PAGE};
	uint64_t va = window(space.mode, WINDOW);

	csr_write(senvcfg, UINT64_MAX);
	for (unsigned i = 0; i < ARRAY_LENGTH(cache_blocks); i++) {
		const char *name = cache_blocks[i].name;
		uint32_t instruction = cache_blocks[i].instruction;
		bool zeroes = instruction == 0x0045200f;

		if (!platform_has_extension(cache_blocks[i].extension)) {
			expect(name, run_cache_block(instruction, va), CAUSE_ILLEGAL);
			continue;
		}
		memset(pages, 0x5a, PAGE_SIZE);
		space_map(&space, va, 0, (uintptr_t)pages, PTE_KERNEL & ~PTE_W);
		fence_all();
		expect(name, run_cache_block(instruction, va),
		       zeroes ? CAUSE_STORE_PAGE_FAULT : CAUSE_BREAKPOINT);
		expect(name, pages[0], 0x5a);
		for (unsigned p = 0; p < ARRAY_LENGTH(places); p++) {
			space_map(&space, va, 0, places[p], PTE_KERNEL);
			fence_all();
			expect(name, run_cache_block(instruction, va),
			       CAUSE_STORE_ACCESS);
		}
	}
	csr_write(senvcfg, 0);
}

static void paged_edges(const struct paging_mode *mode)
{
	space_init(&space, mode, 3);
	space_enter(&space);
	fence_all();
	straddling_fetches(SUPERVISOR);
	space.root[WINDOW] = 0;
	straddling_fetches(USER);
	space.root[WINDOW] = 0;
	straddling_accesses();
	canonical_ends();
	space.root[WINDOW] = 0;
	cache_block_operations();
	recover();
}

void attack_edges(void)
{
	pages = pages_new(2);
	for (uint64_t i = 0; i < attack_count(); i++) {
		space.mode = NULL;
		end_of_memory();
		delegating_csrs();
		waiting();
		for (unsigned m = 0; m < PAGING_MODES; m++)
			if (paging_supported(&paging_modes[m]))
				paged_edges(&paging_modes[m]);
	}
}
