/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vector unit, where the device tree lists `v`: its registers belong to the hart and
 * survive whatever happens below it, VS=Off makes its instructions illegal, and a vector
 * load goes on at the element that faulted.
 */
#include <stddef.h>

#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/instructions.h"
#include "guests/conformance/scene.h"
#include "guests/conformance/vector_registers.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"
#include "guests/lib/string.h"

#define CALLS	    10000
#define E8_M8	    3
#define VLE8_A0	    0x02050407U /* vle8.v v8, (a0) */
#define VSETVLI_E8  0x00307057U /* vsetvli x0, x0, e8, m8: keeps vl */
#define SSTATUS_VSI (UINT64_C(1) << 9)

_Static_assert(offsetof(struct vector_registers, v) == VECTOR_V, "assembly offset");
_Static_assert(offsetof(struct vector_registers, vcsr) == VECTOR_VCSR, "assembly offset");

static struct vector_registers values, seen;

/* False, and the check is skipped, where there are none. */
static bool begin(void)
{
	if (!platform_has_extension("v")) {
		skip("no vector unit");
		return false;
	}
	csr_set(sstatus, SSTATUS_VSI);
	if (csr_read(0xc22) <= VLENB_LIMIT)
		return true;
	csr_clear(sstatus, SSTATUS_VS);
	skip("registers larger than the check knows");
	return false;
}

static void end(void)
{
	csr_clear(sstatus, SSTATUS_VS);
}

static uint64_t words(void)
{
	return 32 * csr_read(0xc22) / 8;
}

static void fill(uint64_t seed)
{
	for (uint64_t i = 0; i < words(); i++)
		values.v[i] = seed * (i + 1) ^ i << 56;
	values.vl = 1 + seed % 16;
	values.vtype = E8_M8;
	values.vcsr = seed & 7;
	vector_load(&values);
}

static void expect_kept(const char *what)
{
	memset(&seen, 0, sizeof(seen));
	vector_store(&seen);
	for (uint64_t i = 0; i < words(); i++)
		if (!expect_equal(what, seen.v[i], values.v[i]))
			return;
	expect_equal("vl", seen.vl, values.vl);
	expect_equal("vtype", seen.vtype, values.vtype);
	expect_equal("vcsr", seen.vcsr, values.vcsr);
}

static void check_survive_calls(const struct paging_mode *mode)
{
	(void)mode;
	if (!begin())
		return;
	fill(UINT64_C(0x0123456789abcdef));
	for (unsigned i = 0; i < CALLS; i++)
		SBI_CALL(SBI_EXT_BASE, SBI_BASE_SPEC_VERSION, 0);
	expect_kept("register after many SBI calls");
	end();
}

/* Traps, fences, switches of satp and U-mode in between. */
static void exercise(const struct paging_mode *mode)
{
	struct space space;

	space_init(&space, mode, nth_asid(mode, 1));
	space_map(&space, window(mode, WINDOW), 0, frame_new(1), PTE_USER);
	for (unsigned i = 0; i < 20; i++) {
		fill(UINT64_C(0x9e3779b97f4a7c15) * (i + 1));
		space_start(&space);
		expect("mapped", LD, window(mode, WINDOW), USER, 1);
		expect("unmapped", LD, window(mode, WINDOW + 1), USER, PAGE_FAULT);
		fence_va(window(mode, WINDOW));
		expect("mapped", FETCH, window(mode, WINDOW), USER, 1);
		space_leave();
		expect_kept("register after traps and fences");
	}
}

static void check_survive_traps(const struct paging_mode *mode)
{
	(void)mode;
	if (!begin())
		return;
	for (unsigned i = 0; i < PAGING_MODES; i++)
		if (paging_supported(&paging_modes[i]))
			exercise(&paging_modes[i]);
	end();
}

static void check_off(const struct paging_mode *mode)
{
	static const uint32_t instructions[] = {VSETVLI_E8, VLE8_A0};

	(void)mode;
	if (!begin())
		return;
	fill(0x1357);
	csr_clear(sstatus, SSTATUS_VS);
	for (unsigned i = 0; i < ARRAY_LENGTH(instructions); i++)
		for (unsigned how = SUPERVISOR; how <= USER; how++) {
			struct context context = {.pc = 0};
			uint64_t at =
				run_instructions(&context, &instructions[i], 1, how);

			expect_equal("scause with VS off", context.cause, CAUSE_ILLEGAL);
			expect_equal("sepc with VS off", context.pc, at);
		}
	csr_set(sstatus, SSTATUS_VSI);
	expect_kept("register while VS was off");
	end();
}

/* Across pages that the machine below has not seen yet. */
static void check_load(const struct paging_mode *mode)
{
	struct space space;
	struct context context = {.pc = 0};
	const uint32_t load = VLE8_A0;
	uint64_t va = window(mode, WINDOW), bytes;
	uint8_t *pages;

	if (!begin())
		return;
	pages = (uint8_t *)(uintptr_t)frame_new(1);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		pages[i] = (uint8_t)(i * 7 + 3);
	space_init(&space, mode, nth_asid(mode, 1));
	space_map(&space, va, 0, (uintptr_t)pages, PTE_KERNEL);
	space_map(&space, va + PAGE_SIZE, 0, (uintptr_t)pages, PTE_KERNEL);
	fill(15);
	bytes = values.vl;
	space_start(&space);
	context.x[REG_A0] = va + PAGE_SIZE - bytes / 2;
	run_instructions(&context, &load, 1, SUPERVISOR);
	space_leave();
	expect_equal("scause of a load over two pages", context.cause, CAUSE_BREAKPOINT);
	vector_store(&seen);
	for (unsigned i = 0; i < bytes; i++)
		expect_equal("element", ((uint8_t *)&seen.v[csr_read(0xc22)])[i],
			     pages[(PAGE_SIZE - bytes / 2 + i) % PAGE_SIZE]);
	end();
}

static void check_loads(const struct paging_mode *mode)
{
	(void)mode;
	for (unsigned i = 0; i < PAGING_MODES; i++)
		if (paging_supported(&paging_modes[i]))
			check_load(&paging_modes[i]);
}

static const struct check checks[] = {
	{"registers survive 10000 SBI calls", check_survive_calls},
	{"registers survive traps and fences", check_survive_traps},
	{"VS off", check_off},
	{"a load over two pages", check_loads},
};

const struct group vectors_group = {"vectors", checks, ARRAY_LENGTH(checks), false};
