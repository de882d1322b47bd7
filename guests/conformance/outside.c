/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables and pages where there is no memory: access faults, of the original
 * access's kind, with the virtual address in stval.
 *
 * "If accessing pte violates a PMA or PMP check, raise an access-fault exception
 * corresponding to the original access type." What is vacant is taken from the
 * device tree: everything above the last memory node. Devices and the firmware's
 * memory are tried where the tree names them.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"

#define PAGE	     5
#define FARTHEST     (UINT64_C(1) << 55) /* physical addresses have 56 bits */
#define UART_SCRATCH 7			 /* 16550: keeps any byte */

static const enum access kinds[] = {LD, SD, FETCH, AMOSWAP_D, LR_D, LW, SB};

static void expect_each(const char *what, uint64_t va, int result)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++)
		expect(what, kinds[i], va, USER, result);
	expect(what, LD, va, SUM, result);
	expect(what, SD, va, SUM, result);
}

/*
 * QEMU (at least to 11.1) turns a bus error in its table walk into a page fault.
 * Firmware says whether we run on it directly; in a VM the table's address is
 * the hypervisor's to judge, and there the exception must be right.
 */
static bool walk_faults_wrong(uint64_t va)
{
	static const int page_fault[] = {PAGE_FAULT};

	return sbi_is_opensbi() && platform.is_qemu_virt &&
	       touch_matches(LD, va, USER, page_fault, 1) == 0;
}

static void expect_vacant_table(const char *what, uint64_t va)
{
	if (!walk_faults_wrong(va)) {
		expect_each(what, va, ACCESS_FAULT);
		return;
	}
	deviation("QEMU: page fault for a table where there is no memory");
	expect_each(what, va, PAGE_FAULT);
}

static void check_vacant_tables(const struct paging_mode *mode)
{
	const uint64_t vacant[] = {align_up(platform.memory_end, 2 * MIB), FARTHEST};
	struct space space;
	uint64_t va = window(mode, WINDOW);

	space_init(&space, mode, 0);
	space_map(&space, va, 0, frame_new(PAGE), PTE_USER);
	space_start(&space);
	for_each_upper_level(level, mode)
	{
		uint64_t *slot = space_slot(&space, va, level);
		uint64_t good = *slot;

		for (unsigned i = 0; i < ARRAY_LENGTH(vacant); i++) {
			*slot = pte_make(vacant[i], PTE_V);
			fence_all();
			expect_vacant_table("table in a hole", va);
		}
		*slot = good;
		fence_all();
		expect("table in memory again", LD, va, USER, PAGE);
	}
}

static void check_vacant_leaves(const struct paging_mode *mode)
{
	struct space space;

	space_init(&space, mode, 0);
	space_start(&space);
	for_each_level(level, mode)
	{
		const uint64_t vacant[] = {
			align_up(platform.memory_end, level_size(level)), FARTHEST};
		uint64_t va = window(mode, WINDOW + level);
		uint64_t *slot = space_slot(&space, va, level);

		for (unsigned i = 0; i < ARRAY_LENGTH(vacant); i++) {
			*slot = pte_make(vacant[i], PTE_USER);
			fence_all();
			expect_each("leaf to a hole", va, ACCESS_FAULT);
			expect_each("leaf to a hole", va + level_size(level) - 8,
				    ACCESS_FAULT);
		}
	}
}

/*
 * An AMO needs W to be translated at all. QEMU with one CPU does it as a load and
 * then a store, and so comes to the address first.
 */
static void expect_amo_page_fault(uint64_t va)
{
	static const int access_fault[] = {ACCESS_FAULT};

	if (touch_matches(AMOSWAP_D, va, USER, access_fault, 1) == 0)
		deviation("an AMO reads before it is known to be allowed");
	else
		expect("read-only hole", AMOSWAP_D, va, USER, PAGE_FAULT);
}

/* The page-fault checks of a leaf come before its address is looked at. */
static void check_page_fault_first(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);
	uint64_t pa = align_up(platform.memory_end, 2 * MIB);

	space_init(&space, mode, 0);
	space_map(&space, va, 0, pa, PTE_V | PTE_R | PTE_AD | PTE_U);
	space_start(&space);
	expect("read-only hole", LD, va, USER, ACCESS_FAULT);
	expect("read-only hole", SD, va, USER, PAGE_FAULT);
	expect_amo_page_fault(va);
	expect("read-only hole", FETCH, va, USER, PAGE_FAULT);
	expect("user hole without SUM", LD, va, SUPERVISOR, PAGE_FAULT);
}

/* One leaf that maps both memory and what lies behind it. */
static void check_end_of_memory(const struct paging_mode *mode)
{
	struct space space;
	uint64_t pa = frame_new(PAGE);

	space_init(&space, mode, 0);
	space_start(&space);
	for_each_upper_level(level, mode)
	{
		uint64_t base = window(mode, WINDOW + level);
		uint64_t last = platform.memory_end - 1;

		if (leaf_pa(level, pa) == leaf_pa(level, last)) {
			space_map(&space, base, level, leaf_pa(level, pa), PTE_USER);
			fence_all();
			expect("memory", LD, leaf_va(base, level, pa), USER, PAGE);
		}
		if (leaf_pa(level, last) == leaf_pa(level, last + 1)) {
			space_map(&space, base, level, leaf_pa(level, last), PTE_USER);
			fence_all();
			expect_each("behind memory", leaf_va(base, level, last) + 1,
				    ACCESS_FAULT);
		}
	}
}

static void check_firmware(const struct paging_mode *mode)
{
	struct space space;
	uint64_t va = window(mode, WINDOW);

	if (!platform.firmware_size) {
		skip("the device tree reserves no memory for M-mode");
		return;
	}
	space_init(&space, mode, 0);
	space_map(&space, va, 0, platform.firmware, PTE_USER);
	space_start(&space);
	expect_each("leaf to M-mode's memory", va, ACCESS_FAULT);
	for_each_upper_level(level, mode)
	{
		uint64_t *slot = space_slot(&space, va, level);
		uint64_t good = *slot;

		*slot = pte_make(platform.firmware, PTE_V);
		fence_all();
		expect_each("table in M-mode's memory", va, ACCESS_FAULT);
		*slot = good;
	}
}

static void expect_scratch(uint64_t va, unsigned how, uint8_t byte)
{
	struct outcome outcome = probe(SB, va, byte, how);

	expect_equal("cause of a store to the UART", outcome.cause, OUTCOME_DONE);
	outcome = probe(LBU, va, 0, how);
	expect_equal("cause of a load from the UART", outcome.cause, OUTCOME_DONE);
	expect_equal("the UART's scratch register", outcome.value, byte);
}

static void check_device(const struct paging_mode *mode)
{
	struct space space;

	if (!platform.uart) {
		skip("the device tree has no ns16550a");
		return;
	}
	space_init(&space, mode, 0);
	for (unsigned level = 0; level < 3; level++)
		space_map(&space, window(mode, WINDOW + level), level,
			  leaf_pa(level, platform.uart), PTE_USER);
	space_start(&space);
	for (unsigned level = 0; level < 3; level++) {
		uint64_t va = leaf_va(window(mode, WINDOW + level), level, platform.uart);

		expect_scratch(va + UART_SCRATCH, USER, (uint8_t)(0xa1 + level));
		expect_scratch(va + UART_SCRATCH, SUM, (uint8_t)(0x5e - level));
	}
}

static const struct check checks[] = {
	{"tables where there is no memory", check_vacant_tables},
	{"leaves to where there is no memory", check_vacant_leaves},
	{"page faults come before access faults", check_page_fault_first},
	{"superpages across the end of memory", check_end_of_memory},
	{"the firmware's memory", check_firmware},
	{"a device behind leaves of three sizes", check_device},
};

const struct group outside_group = {"outside memory", checks, ARRAY_LENGTH(checks), true};
