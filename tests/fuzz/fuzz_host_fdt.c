/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/host_fdt.c core/host_devices.c core/host_reading.c core/host_isa.c */
/* sources: core/device_tree.c core/machine.c core/options.c core/reason.c core/log.c */
/* sources: drivers/uart.c */
/* sources: tests/fuzz/fdt_mutator.c tests/fuzz/guarded.c tests/fuzz/property_copies.c */
/* libs: -lfdt */
/* flags: -Wl,--wrap=fdt_getprop */
/* options: -max_len=4096 -mutate_depth=2 */
/*
 * The firmware's device tree, from its bytes to the pages the allocator is
 * given: what it says is either refused in words or makes a machine of which
 * every part of RAM is handed out at most once, and nothing else is. No
 * property is read past its end.
 */
#include <libfdt.h>
#include <string.h>

#include "core/machine.h"
#include "core/options.h"
#include "drivers/host_mmio.h"
#include "mm/guest_memory.h"
#include "mm/page_alloc.h"
#include "tests/fuzz/fdt_mutator.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guarded.h"
#include "tests/fuzz/property_copies.h"
#include "tests/unit/silent_console.h"

const char *const fdt_words[] = {
	"memory",
	"memory@80000000",
	"reserved-memory",
	"cpus",
	"cpu",
	"cpu@0",
	"soc",
	"chosen",
	"aliases",
	"device_type",
	"reg",
	"ranges",
	"no-map",
	"status",
	"okay",
	"disabled",
	"#address-cells",
	"#size-cells",
	"#interrupt-cells",
	"interrupt-parent",
	"interrupts",
	"phandle",
	"interrupts-extended",
	"interrupt-controller",
	"compatible",
	"riscv,cpu-intc",
	"sifive,plic-1.0.0",
	"riscv,plic0",
	"riscv,ndev",
	"ns16550a",
	"snps,dw-apb-uart",
	"sifive,uart0",
	"reg-shift",
	"reg-io-width",
	"reg-offset",
	"clock-frequency",
	"timebase-frequency",
	"mmu-type",
	"riscv,sv39",
	"riscv,sv57",
	"riscv,isa",
	"riscv,isa-extensions",
	"rv64imafdch_sstc",
	"rv64g2p0_zicbom",
	"riscv,cbom-block-size",
	"riscv,cboz-block-size",
	"stdout-path",
	"serial0",
	"serial0:115200n8",
	"/soc/serial@1000",
	"bootargs",
	"report=token console=sbi",
	"console=uart",
	"time-limit=60",
	"report=0123456789012345678901234567890123456789012345678901234567",
	"012345678901234567890123456789012345678901234567890123456789 0123",
	"0123456789012345678901234567890123456789012345678901234567890123",
	"canary=4M",
	"canary=64K",
	"linux,initrd-start",
	"linux,initrd-end",
	"rng-seed",
	"model",
	"/",
	"linux,phandle",
	"interrupt-controller@0",
	NULL,
};

#define TREE_MAX 4096
static const struct host_range image = {.base = HPA(0x80200000), .size = 4 * MIB};

static struct guarded memory;

/* ---- what the page allocator is asked ---- */

#define ADDED_MAX (HOST_MEMORY_LIMIT * (4 + HOST_RESERVED_LIMIT))

static struct {
	struct host_range managed;
	struct host_range state;
	unsigned added_count;
	struct host_range added[ADDED_MAX];
} pages;

static bool overlaps(struct host_range a, struct host_range b)
{
	return a.size > 0 && b.size > 0 && a.base.raw <= b.base.raw + (b.size - 1) &&
	       b.base.raw <= a.base.raw + (a.size - 1);
}

static bool contains(struct host_range outer, struct host_range inner)
{
	return range_within(inner.base.raw, inner.size, outer.base.raw, outer.size);
}

static bool is_memory(struct host_range range)
{
	for (unsigned i = 0; i < machine.fdt.memory_count; i++) {
		const struct host_range *known = &machine.fdt.memory[i];

		if (contains(*known, range))
			return true;
	}
	return false;
}

uint64_t page_alloc_state_size(uint64_t size)
{
	return align_up(size >> PAGE_SHIFT, PAGE_SIZE);
}

void page_alloc_init(hpa_t base, uint64_t size, void *state)
{
	pages.managed = (struct host_range){base, size};
	pages.state =
		(struct host_range){pointer_hpa(state), page_alloc_state_size(size)};
	require(is_aligned(base.raw | size, PAGE_SIZE));
	require(is_memory(pages.state));
}

/* Seat hs divides nothing. */
void page_alloc_divide(const struct page_division *division)
{
	require(!division);
}

/* As the real one: whole pages only. */
void page_alloc_add(hpa_t start, uint64_t size)
{
	uint64_t first = align_up(start.raw, PAGE_SIZE);
	uint64_t end = align_down(start.raw + size, PAGE_SIZE);
	struct host_range range = {HPA(first), end - first};

	if (first >= end)
		return;
	require(contains(pages.managed, range));
	require(!overlaps(range, pages.state));
	require(pages.added_count < ADDED_MAX);
	for (unsigned i = 0; i < pages.added_count; i++)
		require(!overlaps(range, pages.added[i]));
	pages.added[pages.added_count++] = range;
}

/* ---- what must hold ---- */

static void check_refusal(const char *why)
{
	require(why && why[0] != '\0');
	for (; *why; why++)
		require(*why >= ' ' && *why <= '~');
}

static enum status check_mappable(struct host_range range, void *context)
{
	unsigned *count = context;

	(*count)++;
	require(range.size > 0 && is_memory(range));
	require(!overlaps(range, image));
	for (unsigned i = 0; i < machine.fdt.reserved_count; i++) {
		const struct host_reserved *reserved = &machine.fdt.reserved[i];

		require(!reserved->no_map ||
			!overlaps(range,
				  (struct host_range){reserved->base, reserved->size}));
	}
	return STATUS_OK;
}

static enum status check_free(struct host_range range, void *context)
{
	check_mappable(range, context);
	require(!overlaps(range, machine.fdt.tree));
	require(!overlaps(range, machine.fdt.initrd));
	for (unsigned i = 0; i < machine.fdt.reserved_count; i++)
		require(!overlaps(range,
				  (struct host_range){machine.fdt.reserved[i].base,
						      machine.fdt.reserved[i].size}));
	return STATUS_OK;
}

/* The list once more, byte by byte. */
static bool is_listed(const struct host_hart *hart, const char *name)
{
	for (size_t i = 0; i < hart->extensions_size; i++)
		if ((i == 0 || hart->extensions[i - 1] == '\0') &&
		    strcmp(&hart->extensions[i], name) == 0)
			return true;
	return false;
}

static void check_extensions(void)
{
	static const char *const names[] = {"h", "m", "g", "sstc", "zicbom", "svadu"};

	for (unsigned i = 0; i < machine.fdt.hart_count; i++) {
		const struct host_hart *hart = &machine.fdt.harts[i];

		require(hart->mmu_levels >= 3 && hart->mmu_levels <= 5);
		for (unsigned j = 0; j < ARRAY_LENGTH(names); j++) {
			bool has = host_fdt_has_extension(hart, names[j]);

			if (hart->extensions_size > 0)
				require(has == is_listed(hart, names[j]));
		}
	}
}

static void check_range(hpa_t base, uint64_t size)
{
	require(base.raw + size >= base.raw);
}

static void check_ranges(void)
{
	const struct host_fdt *fdt = &machine.fdt;

	require(fdt->memory_count <= HOST_MEMORY_LIMIT);
	require(fdt->reserved_count <= HOST_RESERVED_LIMIT);
	require(fdt->hart_count <= HOST_HART_LIMIT && fdt->seed_size <= HOST_SEED_LIMIT);
	for (unsigned i = 0; i < fdt->memory_count; i++)
		check_range(fdt->memory[i].base, fdt->memory[i].size);
	for (unsigned i = 0; i < fdt->reserved_count; i++)
		check_range(fdt->reserved[i].base, fdt->reserved[i].size);
	check_range(fdt->initrd.base, fdt->initrd.size);
	check_range(fdt->plic.base, fdt->plic.size);
	check_range(fdt->console.base, fdt->console.size);
}

/* Nothing is done with what a tree names. */
uint32_t host_mmio_read(uintptr_t address, unsigned width)
{
	require(false);
	return (uint32_t)(address + width);
}

void host_mmio_write(uintptr_t address, unsigned width, uint32_t value)
{
	host_mmio_read(address, width + value);
}

static void check_console(void)
{
	const struct host_console *console = &machine.fdt.console;

	if (!console->is_present)
		return;
	require(strlen(console->compatible) < TREE_MAX);
	require(console->compatible_size < TREE_MAX);
	uart_find_driver(console->compatible, console->compatible_size);
	require(console->register_shift <= 4);
	require(console->base.raw + console->size >= console->base.raw);
}

static void check_options(void)
{
	struct options options;
	const char *why = NULL;

	if (options_parse(&options, machine.fdt.bootargs, &why) != STATUS_OK)
		check_refusal(why);
	else
		require(strlen(options.report) < sizeof(options.report));
}

static void check_memory(void)
{
	unsigned count = 0;
	const char *why = NULL;

	machine_for_each_mappable(image, check_mappable, &count);
	machine_for_each_free(image, check_free, &count);
	pages.added_count = 0;
	if (machine_memory_init(image, NULL, &why) != STATUS_OK)
		check_refusal(why);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	memory = guarded_map(TREE_MAX);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	const void *tree;
	enum status status;

	if (size > TREE_MAX || size < sizeof(struct fdt_header))
		return 0;
	property_copies_forget();
	/* Its header alone says how long it is, so it may not say more than there is. */
	tree = guarded_copy(memory, data, size, 8);
	if (fdt_magic(tree) == FDT_MAGIC && fdt_totalsize(tree) > size)
		return 0;
	status = host_fdt_read(&machine.fdt, tree, fdt_boot_cpuid_phys(tree), &why);
	if (status != STATUS_OK) {
		check_refusal(why);
		return 0;
	}
	check_extensions();
	check_ranges();
	check_console();
	check_options();
	check_memory();
	return 0;
}
