/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/host_fdt.c core/host_devices.c core/host_reading.c core/host_isa.c */
/* sources: core/device_tree.c core/reason.c core/log.c drivers/uart.c */
/* libs: -lfdt */
/*
 * The host's device tree: what is read from the four machines of host_trees.h,
 * then what is wrong with trees, and damage at random.
 */
#include "drivers/host_mmio.h"
#include "drivers/uart.h"
#include "tests/unit/host_trees.h"

static struct host_fdt host;
static const char *why;

static enum status read_tree(uint64_t boot_hart)
{
	why = NULL;
	return host_fdt_read(&host, tree, boot_hart, &why);
}

/* Nothing is done with what a tree names. */
uint32_t host_mmio_read(uintptr_t address, unsigned width)
{
	fail();
	return (uint32_t)(address + width);
}

void host_mmio_write(uintptr_t address, unsigned width, uint32_t value)
{
	host_mmio_read(address, width + value);
}

static const struct uart_driver *driver_found(void)
{
	return uart_find_driver(host.console.compatible, host.console.compatible_size);
}

/* ---- good trees ---- */

static void reads_memory_of_virt(void **state)
{
	(void)state;
	make_virt();
	assert_int_equal(read_tree(0), STATUS_OK);
	assert_string_equal(host.model, "riscv-virtio,qemu");
	assert_string_equal(host.bootargs, "lsp verbose");
	assert_int_equal(host.tree.base.raw, (uintptr_t)tree);
	assert_int_equal(host.tree.size, fdt_totalsize(tree));
	assert_int_equal(host.memory_count, 1);
	assert_int_equal(host.memory[0].base.raw, 0x80000000);
	assert_int_equal(host.memory[0].size, 0x40000000);
	assert_int_equal(host.reserved_count, 3);
	assert_int_equal(host.reserved[0].base.raw, 0x88000000);
	assert_int_equal(host.reserved[0].size, 0x3000);
	assert_false(host.reserved[0].no_map);
	assert_int_equal(host.reserved[1].base.raw, 0x80000000);
	assert_int_equal(host.reserved[2].base.raw, 0x80040000);
	assert_int_equal(host.reserved[2].size, 0x20000);
	assert_true(host.reserved[2].no_map);
	assert_int_equal(host.initrd.base.raw, 0x84000000);
	assert_int_equal(host.initrd.size, 0x123456);
	assert_int_equal(host.seed_size, 32);
	assert_memory_equal(host.seed, "0123456789abcdef0123456789abcdef", 32);
}

static void reads_harts_of_virt(void **state)
{
	(void)state;
	make_virt();
	assert_int_equal(read_tree(1), STATUS_OK);
	assert_int_equal(host.timebase_frequency, 10000000);
	assert_int_equal(host.hart_count, 2);
	assert_int_equal(host.harts[0].id, 1);
	assert_int_equal(host.harts[0].plic_context, 3);
	assert_true(host.harts[0].has_plic_context);
	assert_int_equal(host.harts[0].mmu_levels, 5);
	assert_int_equal(host.harts[0].cbom_block_size, 64);
	assert_int_equal(host.harts[0].cboz_block_size, 128);
	assert_int_equal(host.harts[1].id, 0);
	assert_int_equal(host.harts[1].plic_context, 1);
	assert_true(host_fdt_has_extension(&host.harts[1], "sstc"));
}

static void reads_devices_of_virt(void **state)
{
	(void)state;
	make_virt();
	assert_int_equal(read_tree(0), STATUS_OK);
	assert_true(host.plic.is_present);
	assert_int_equal(host.plic.base.raw, 0xc000000);
	assert_int_equal(host.plic.size, 0x600000);
	assert_int_equal(host.plic.sources, 95);
	assert_true(host.console.is_present);
	assert_string_equal(host.console.compatible, "ns16550a");
	assert_ptr_equal(driver_found(), &uart_ns16550);
	assert_int_equal(host.console.base.raw, 0x10000000);
	assert_int_equal(host.console.size, 0x100);
	assert_int_equal(host.console.register_shift, 0);
	assert_int_equal(host.console.access_width, 1);
	assert_int_equal(host.console.clock_frequency, 3686400);
	assert_true(host.console.has_interrupt);
	assert_int_equal(host.console.interrupt, 10);
}

static void a_hart_without_mmu_is_skipped(void **state)
{
	(void)state;
	make_unleashed();
	assert_int_equal(read_tree(2), STATUS_OK);
	assert_int_equal(host.hart_count, 2);
	assert_int_equal(host.harts_without_mmu, 1);
	assert_int_equal(host.hart_without_mmu, 0);
	assert_int_equal(host.harts[0].id, 2);
	assert_int_equal(host.harts[0].plic_context, 4);
	assert_int_equal(host.harts[0].mmu_levels, 3);
	assert_int_equal(host.harts[1].id, 1);
	assert_int_equal(host.harts[1].plic_context, 2);
	assert_int_equal(host.initrd.size, 0);
	assert_true(host.console.is_present);
	assert_string_equal(host.console.compatible, "sifive,uart0");
	assert_ptr_equal(driver_found(), &uart_sifive);
	assert_int_equal(read_tree(0), STATUS_NOT_FOUND);
	assert_string_equal(why, "the machine's device tree has no hart 0 with an MMU");
}

/* Hart 0 has one context, for M-mode, and each of the others two. */
static void reads_a_visionfive2(void **state)
{
	(void)state;
	make_visionfive2();
	assert_int_equal(read_tree(3), STATUS_OK);
	assert_int_equal(host.memory_count, 1);
	assert_int_equal(host.memory[0].base.raw, 0x40000000);
	assert_int_equal(host.memory[0].size, 4 * GIB);
	assert_int_equal(host.initrd.size, 0);
	assert_int_equal(host.timebase_frequency, 4000000);
	assert_int_equal(host.hart_count, 4);
	assert_int_equal(host.harts[0].id, 3);
	for (unsigned i = 0; i < 4; i++) {
		const struct host_hart *hart = &host.harts[i];

		assert_in_range(hart->id, 1, 4);
		assert_int_equal(hart->mmu_levels, 3);
		assert_true(hart->has_machine_context && hart->has_plic_context);
		assert_int_equal(hart->machine_context, 2 * hart->id - 1);
		assert_int_equal(hart->plic_context, 2 * hart->id);
		assert_false(host_fdt_has_extension(hart, "h"));
	}
	assert_int_equal(host.plic.sources, 136);
	assert_ptr_equal(driver_found(), &uart_designware);
	assert_string_equal(host.console.compatible, "snps,dw-apb-uart");
	assert_int_equal(host.console.base.raw, 0x10000000);
	assert_int_equal(host.console.register_shift, 2);
	assert_int_equal(host.console.access_width, 4);
	assert_int_equal(host.console.interrupt, 32);
	assert_int_equal(read_tree(0), STATUS_NOT_FOUND);
}

static void translates_through_buses(void **state)
{
	(void)state;
	make_board();
	assert_int_equal(read_tree(UINT64_C(0x100000001)), STATUS_OK);
	assert_string_equal(host.console.compatible, "maker,uart");
	assert_ptr_equal(driver_found(), &uart_designware);
	assert_int_equal(host.console.base.raw, 0xf0102100);
	assert_int_equal(host.console.size, 0x300);
	assert_int_equal(host.console.register_shift, 2);
	assert_int_equal(host.console.access_width, 4);
	assert_int_equal(host.console.clock_frequency, 0);
	assert_true(host.console.has_interrupt);
	assert_int_equal(host.console.interrupt, 77);
	assert_int_equal(host.plic.base.raw, 0xf0180000);
	assert_int_equal(host.plic.size, 0x40000);
}

static void reads_the_rest_of_the_board(void **state)
{
	(void)state;
	make_board();
	assert_int_equal(read_tree(UINT64_C(0x100000001)), STATUS_OK);
	assert_string_equal(host.model, "");
	assert_string_equal(host.bootargs, "");
	assert_int_equal(host.memory_count, 3);
	assert_int_equal(host.memory[0].base.raw, 0x40000000);
	assert_int_equal(host.memory[1].base.raw, 0x80000000);
	assert_int_equal(host.memory[1].size, 0x20000000);
	assert_int_equal(host.memory[2].base.raw, 0xc0000000);
	assert_int_equal(host.initrd.base.raw, 0x46000000);
	assert_int_equal(host.initrd.size, 0x100000);
	assert_int_equal(host.timebase_frequency, 24000000);
	assert_int_equal(host.hart_count, 1);
	assert_int_equal(host.harts[0].id, 0x100000001);
	assert_int_equal(host.harts[0].mmu_levels, 4);
	assert_int_equal(host.harts[0].intc_phandle, 0);
	assert_false(host.harts[0].has_plic_context);
	assert_int_equal(host.harts[0].cbom_block_size, 0);
	assert_true(host_fdt_has_extension(&host.harts[0], "sstc"));
	/* The list decides: the string speaks of f and d in vain. */
	assert_false(host_fdt_has_extension(&host.harts[0], "d"));
}

static void isa_strings_are_understood(void **state)
{
	static const struct {
		const char *isa;
		const char *has;
		const char *has_not;
	} cases[] = {
		{"rv64imafdch_zicbom_sstc", "i m a f d c h zicbom sstc",
		 "v b s z x zic sst stc zicbo"},
		{"rv64gc", "i m a f d c zicsr zifencei", "g2 h zicbom sstc"},
		{"RV64IMAC_Zicsr_SSTC", "i m a c zicsr sstc", "f d"},
		{"rv64i2p1m2p0a2p1_zicsr2p0_zve32f1p0", "i m a zicsr zve32f",
		 "p zve32 zve32f1"},
		{"rv64i2m_svpbmt1", "i m svpbmt", "svpbm"},
		{"rv64imafdcsu", "c u", "sstc su h"},
		{"rv64imafdcsuh_zba", "c h zba", "suh_zba v"},
		{"rv64imacsstc_zba", "sstc zba c", "t"},
		{"rv64imafdcxtheadba_sscofpmf", "xtheadba sscofpmf", "t h"},
		{"rv64", "", "i g"},
		{"", "", "i"},
		{"sv64i_h", "", "i h"},
		{"rv64im__h_", "i m h", "x"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct host_hart hart = {.isa = cases[i].isa};
		char words[2][64], *next = NULL;

		strcpy(words[0], cases[i].has);
		strcpy(words[1], cases[i].has_not);
		for (char *name = strtok_r(words[0], " ", &next); name;
		     name = strtok_r(NULL, " ", &next))
			if (!host_fdt_has_extension(&hart, name))
				fail_msg("%s lacks %s", hart.isa, name);
		for (char *name = strtok_r(words[1], " ", &next); name;
		     name = strtok_r(NULL, " ", &next))
			if (host_fdt_has_extension(&hart, name))
				fail_msg("%s has %s", hart.isa, name);
	}
	assert_false(host_fdt_has_extension(&(struct host_hart){0}, "i"));
}

static void harts_beyond_the_limit_are_counted(void **state)
{
	(void)state;
	begin_tree();
	begin_bus("", 2, 2);
	memory(0x80000000, 0x40000000);
	begin_bus("cpus", 1, 0);
	CELLS("timebase-frequency", 1);
	for (uint32_t id = 0; id < HOST_HART_LIMIT + 3; id++) {
		begin("cpu");
		text("device_type", "cpu");
		text("mmu-type", "riscv,sv39");
		CELLS("reg", id);
		end();
	}
	end();
	finish_tree();
	assert_int_equal(read_tree(HOST_HART_LIMIT + 2), STATUS_OK);
	assert_int_equal(host.hart_count, HOST_HART_LIMIT);
	assert_int_equal(host.harts_left_out, 3);
	assert_int_equal(host.harts[0].id, HOST_HART_LIMIT + 2);
	assert_int_equal(host.harts[HOST_HART_LIMIT - 1].id, HOST_HART_LIMIT - 2);
	assert_false(host.console.is_present);
	assert_false(host.plic.is_present);
}

/* ---- bad trees ---- */

/* The virt tree, read after one property was set to these bytes. */
struct flaw {
	const char *path;
	const char *property;
	const void *value;
	int size; /* -1: the property is deleted */
	enum status status;
	const char *words;
};

#define PROPERTY(name, node)                                                             \
	"the machine's device tree: " name " of node '" node "' cannot be used"

static const struct flaw flaws[] = {
	{"/", "model", "qemu", 4, STATUS_CORRUPT, PROPERTY("model", "")},
	{"/", "#address-cells", "\0\0\0\5", 4, STATUS_CORRUPT,
	 PROPERTY("reg", "memory@80000000")},
	{"/", "#size-cells", "\0\0\0\5", 4, STATUS_CORRUPT,
	 PROPERTY("reg", "memory@80000000")},
	{"/", "#address-cells", "\0\0\0\3", 4, STATUS_UNSUPPORTED,
	 PROPERTY("reg", "memory@80000000")},
	{"/memory@80000000", "reg", "12345678", 8, STATUS_CORRUPT,
	 PROPERTY("reg", "memory@80000000")},
	{"/memory@80000000", "reg", "\xff\xff\xff\xff\xff\xff\xf0\0\0\0\0\0\0\0\x10\1",
	 16, STATUS_CORRUPT, PROPERTY("reg", "memory@80000000")},
	{"/memory@80000000", "reg", "\0\xff\xff\xff\xff\xff\xf0\0\0\0\0\0\0\0\x10\1", 16,
	 STATUS_CORRUPT, PROPERTY("reg", "memory@80000000")},
	{"/memory@80000000", "status", "disabled", 9, STATUS_NOT_FOUND,
	 "the machine's device tree has no memory"},
	{"/memory@80000000", "device_type", "memory", 6, STATUS_NOT_FOUND,
	 "the machine's device tree has no memory"},
	{"/reserved-memory", "ranges", NULL, -1, STATUS_UNSUPPORTED,
	 PROPERTY("reg", "mmode_resv1@80000000")},
	{"/cpus/cpu@0", "reg", "abc", 3, STATUS_CORRUPT, PROPERTY("reg", "cpu@0")},
	{"/cpus/cpu@0", "reg", NULL, -1, STATUS_CORRUPT, PROPERTY("reg", "cpu@0")},
	{"/cpus/cpu@0", "mmu-type", "riscv,none", 11, STATUS_NOT_FOUND,
	 "the machine's device tree has no hart 0 with an MMU"},
	{"/cpus/cpu@0", "riscv,isa", "rv64", 4, STATUS_CORRUPT,
	 PROPERTY("riscv,isa", "cpu@0")},
	{"/cpus/cpu@1", "riscv,isa-extensions", "i\0m", 3, STATUS_CORRUPT,
	 PROPERTY("riscv,isa-extensions", "cpu@1")},
	{"/cpus/cpu@1", "riscv,isa-extensions", "", 0, STATUS_CORRUPT,
	 PROPERTY("riscv,isa-extensions", "cpu@1")},
	{"/cpus/cpu@1", "riscv,cbom-block-size", "", 0, STATUS_CORRUPT,
	 PROPERTY("riscv,cbom-block-size", "cpu@1")},
	{"/cpus", "timebase-frequency", NULL, -1, STATUS_NOT_FOUND,
	 "the machine's device tree has no timebase-frequency"},
	{"/cpus", "timebase-frequency", "\0\0\0\0", 4, STATUS_CORRUPT,
	 PROPERTY("timebase-frequency", "cpus")},
	{"/chosen", "bootargs", "a\0b", 4, STATUS_CORRUPT,
	 PROPERTY("bootargs", "chosen")},
	{"/chosen", "linux,initrd-start", NULL, -1, STATUS_CORRUPT,
	 PROPERTY("linux,initrd-start and -end", "chosen")},
	{"/chosen", "linux,initrd-end", NULL, -1, STATUS_CORRUPT,
	 PROPERTY("linux,initrd-start and -end", "chosen")},
	{"/chosen", "linux,initrd-end", "\0\0\0\1", 4, STATUS_CORRUPT,
	 PROPERTY("linux,initrd-start and -end", "chosen")},
	{"/chosen", "stdout-path", "nobody", 7, STATUS_OK, NULL},
	{"/chosen", "stdout-path", "", 1, STATUS_OK, NULL},
	{"/chosen", "stdout-path", ":", 2, STATUS_OK, NULL},
	{"/soc/serial@10000000", "status", "disabled", 9, STATUS_OK, NULL},
	{"/soc/serial@10000000", "reg", NULL, -1, STATUS_NOT_FOUND,
	 PROPERTY("reg", "serial@10000000")},
	{"/soc/serial@10000000", "reg-shift", "\0\0\0\x20", 4, STATUS_CORRUPT,
	 PROPERTY("reg-shift, -io-width or -offset", "serial@10000000")},
	{"/soc/serial@10000000", "reg-io-width", "\0\0\0\3", 4, STATUS_CORRUPT,
	 PROPERTY("reg-shift, -io-width or -offset", "serial@10000000")},
	{"/soc/serial@10000000", "reg-offset", "\0\0\1\1", 4, STATUS_CORRUPT,
	 PROPERTY("reg-shift, -io-width or -offset", "serial@10000000")},
	{"/soc/serial@10000000", "interrupts", "", 0, STATUS_CORRUPT,
	 PROPERTY("interrupts", "serial@10000000")},
	{"/soc/serial@10000000", "interrupts-extended", "\0\0\0\5", 4, STATUS_CORRUPT,
	 PROPERTY("interrupts", "serial@10000000")},
	{"/soc/serial@10000000", "interrupt-parent", "\0\0\0\x63", 4, STATUS_CORRUPT,
	 PROPERTY("interrupts", "serial@10000000")},
	{"/soc/serial@10000000", "interrupt-parent", NULL, -1, STATUS_CORRUPT,
	 PROPERTY("interrupts", "serial@10000000")},
	{"/soc/plic@c000000", "riscv,ndev", NULL, -1, STATUS_CORRUPT,
	 PROPERTY("riscv,ndev", "plic@c000000")},
	{"/soc/plic@c000000", "interrupts-extended", "123456789abc", 12, STATUS_CORRUPT,
	 PROPERTY("interrupts-extended", "plic@c000000")},
	{"/soc/plic@c000000", "#interrupt-cells", "\0\0\0\2", 4, STATUS_CORRUPT,
	 PROPERTY("interrupts", "serial@10000000")},
	{"/soc", "ranges", "0123", 4, STATUS_CORRUPT, PROPERTY("reg", "plic@c000000")},
	{"/soc", "ranges",
	 "\0\0\0\0\0\0\0\0"
	 "\0\0\0\0\0\0\0\0"
	 "\0\0\0\0\x0f\0\0\0",
	 24, STATUS_UNSUPPORTED, PROPERTY("reg", "serial@10000000")},
	{"/soc", "ranges", NULL, -1, STATUS_UNSUPPORTED, PROPERTY("reg", "plic@c000000")},
};

/* The virt tree, unpacked so that a test can edit it. */
static int open_virt(const char *path)
{
	int at;

	make_virt();
	assert_int_equal(fdt_open_into(tree, tree, sizeof(tree)), 0);
	at = fdt_path_offset(tree, path);
	assert_true(at >= 0);
	return at;
}

static void flaws_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(flaws); i++) {
		const struct flaw *flaw = &flaws[i];
		enum status status;
		int node;

		node = open_virt(flaw->path);
		if (flaw->size < 0)
			assert_int_equal(fdt_delprop(tree, node, flaw->property), 0);
		else
			assert_int_equal(fdt_setprop(tree, node, flaw->property,
						     flaw->value, flaw->size),
					 0);
		status = read_tree(0);
		if (flaw->words) {
			assert_non_null(why);
			assert_string_equal(why, flaw->words);
		} else {
			assert_false(host.console.is_present);
		}
		assert_int_equal(status, flaw->status);
	}
}

/* Seat m has no other console to say it on. */
static void the_console_is_there_whatever_is_wrong_elsewhere(void **state)
{
	static const char *const paths[] = {"/memory@80000000", "/cpus", "/cpus/cpu@0",
					    "/soc/plic@c000000"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
		assert_int_equal(fdt_del_node(tree, open_virt(paths[i])), 0);
		assert_int_not_equal(read_tree(0), STATUS_OK);
		assert_true(host.console.is_present);
		assert_int_equal(host.console.base.raw, 0x10000000);
		assert_int_equal(host.console.access_width, 1);
	}
}

static void the_interrupt_parent_is_inherited(void **state)
{
	int serial = open_virt("/soc/serial@10000000");

	(void)state;
	assert_int_equal(fdt_delprop(tree, serial, "interrupt-parent"), 0);
	assert_int_equal(fdt_setprop_u32(tree, 0, "interrupt-parent", 5), 0);
	assert_int_equal(read_tree(0), STATUS_OK);
	assert_true(host.console.has_interrupt);
	assert_int_equal(host.console.interrupt, 10);
}

static void an_empty_ramdisk_is_none(void **state)
{
	int chosen = open_virt("/chosen");

	(void)state;
	assert_int_equal(fdt_setprop_u32(tree, chosen, "linux,initrd-end", 0x84000000),
			 0);
	assert_int_equal(read_tree(0), STATUS_OK);
	assert_int_equal(host.initrd.size, 0);
}

static void a_long_seed_is_cut(void **state)
{
	uint8_t seed[HOST_SEED_LIMIT + 8];
	int chosen = open_virt("/chosen");

	(void)state;
	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)(i + 1);
	assert_int_equal(fdt_setprop(tree, chosen, "rng-seed", seed, sizeof(seed)), 0);
	assert_int_equal(read_tree(0), STATUS_OK);
	assert_int_equal(host.seed_size, HOST_SEED_LIMIT);
	assert_memory_equal(host.seed, seed, HOST_SEED_LIMIT);
}

static void a_reservation_that_wraps_is_refused(void **state)
{
	open_virt("/");
	(void)state;
	assert_int_equal(fdt_add_mem_rsv(tree, UINT64_MAX - 0xff, 0x101), 0);
	assert_int_equal(read_tree(0), STATUS_CORRUPT);
	assert_string_equal(
		why, "the machine's device tree: memory reservation 1 cannot be used");
}

static void an_interrupt_of_another_controller_is_not_the_plics(void **state)
{
	(void)state;
	make_virt();
	assert_int_equal(fdt_open_into(tree, tree, sizeof(tree)), 0);
	assert_int_equal(fdt_setprop_u32(tree,
					 fdt_path_offset(tree, "/soc/serial@10000000"),
					 "interrupt-parent", 2),
			 0);
	assert_int_equal(read_tree(0), STATUS_OK);
	assert_true(host.console.is_present);
	assert_false(host.console.has_interrupt);
}

/* Older libfdt would follow it until the stack is gone. */
static void an_alias_of_itself_leads_nowhere(void **state)
{
	(void)state;
	open_virt("/");
	assert_int_equal(fdt_setprop_string(tree, fdt_path_offset(tree, "/chosen"),
					    "stdout-path", "loop:9600"),
			 0);
	assert_int_equal(fdt_setprop_string(tree, fdt_add_subnode(tree, 0, "aliases"),
					    "loop", "loop"),
			 0);
	assert_int_equal(read_tree(0), STATUS_OK);
	assert_false(host.console.is_present);
}

static void too_many_pieces_are_refused(void **state)
{
	(void)state;
	begin_tree();
	begin_bus("", 2, 2);
	for (uint32_t i = 0; i <= HOST_MEMORY_LIMIT; i++)
		memory(0x80000000 + i * 0x2000, 0x1000);
	finish_tree();
	assert_int_equal(read_tree(0), STATUS_TOO_BIG);
	assert_string_equal(
		why, "the machine's device tree has more than 32 pieces of memory");

	begin_tree();
	begin_bus("", 2, 2);
	memory(0x80000000, 0x40000000);
	begin_bus("reserved-memory", 2, 2);
	bytes("ranges", NULL, 0);
	for (uint32_t i = 0; i <= HOST_RESERVED_LIMIT; i++) {
		begin("r");
		CELLS("reg", 0, 0x80000000 + i * 0x2000, 0, 0x1000);
		end();
	}
	end();
	finish_tree();
	assert_int_equal(read_tree(0), STATUS_TOO_BIG);
	assert_string_equal(
		why, "the machine's device tree reserves more than 64 pieces of memory");
}

static void what_is_no_tree_is_refused(void **state)
{
	(void)state;
	assert_int_equal(host_fdt_read(&host, NULL, 0, &why), STATUS_NOT_FOUND);
	assert_string_equal(why, "the machine's device tree is missing");
	memset(tree, 0, sizeof(tree));
	assert_int_equal(read_tree(0), STATUS_CORRUPT);
	assert_string_equal(
		why, "the machine's device tree begins with 0x0 instead of 0xd00dfeed");
	make_virt();
	fdt_set_totalsize(tree, 3 * MIB);
	assert_int_equal(read_tree(0), STATUS_TOO_BIG);
	assert_string_equal(why, "the machine's device tree says it has 3145728 bytes");
	memmove((char *)tree + 4, tree, sizeof(tree) - 4);
	assert_int_equal(host_fdt_read(&host, (char *)tree + 4, 0, &why), STATUS_TOO_BIG);
}

/* ---- damage ---- */

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

/* Also asks what a boot would ask afterwards, so that every string is read. */
static bool read_block(const void *block, uint64_t boot_hart)
{
	why = NULL;
	if (host_fdt_read(&host, block, boot_hart, &why) != STATUS_OK) {
		assert_in_range(strlen(why), 10, 191);
		return false;
	}
	assert_in_range(strlen(host.bootargs) + strlen(host.model), 0, sizeof(tree));
	for (unsigned i = 0; i < host.hart_count; i++)
		host_fdt_has_extension(&host.harts[i], "zicbom");
	return true;
}

static void damage_is_harmless(void **state)
{
	static const struct {
		void (*make)(void);
		uint64_t boot_hart;
	} machines[] = {
		{make_virt, 0}, {make_unleashed, 2}, {make_board, UINT64_C(0x100000001)}};
	uint64_t seed = 3;
	unsigned good = 0;

	(void)state;
	for (unsigned round = 0; round < 15000; round++) {
		size_t size;
		char *block;

		machines[round % 3].make();
		/* In a block of its size: the sanitizer sees one byte too far. */
		size = fdt_totalsize(tree);
		block = malloc(size);
		assert_non_null(block);
		memcpy(block, tree, size);
		for (unsigned flips = 1 + next_random(&seed) % 3; flips > 0; flips--)
			block[8 + next_random(&seed) % (size - 8)] ^=
				(char)(1 << next_random(&seed) % 8);
		good += read_block(block, machines[round % 3].boot_hart) ? 1 : 0;
		free(block);
	}
	assert_in_range(good, 1000, 14000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_memory_of_virt),
		cmocka_unit_test(reads_harts_of_virt),
		cmocka_unit_test(reads_devices_of_virt),
		cmocka_unit_test(a_hart_without_mmu_is_skipped),
		cmocka_unit_test(reads_a_visionfive2),
		cmocka_unit_test(translates_through_buses),
		cmocka_unit_test(reads_the_rest_of_the_board),
		cmocka_unit_test(isa_strings_are_understood),
		cmocka_unit_test(harts_beyond_the_limit_are_counted),
		cmocka_unit_test(flaws_are_named),
		cmocka_unit_test(the_console_is_there_whatever_is_wrong_elsewhere),
		cmocka_unit_test(the_interrupt_parent_is_inherited),
		cmocka_unit_test(an_empty_ramdisk_is_none),
		cmocka_unit_test(a_long_seed_is_cut),
		cmocka_unit_test(a_reservation_that_wraps_is_refused),
		cmocka_unit_test(an_interrupt_of_another_controller_is_not_the_plics),
		cmocka_unit_test(an_alias_of_itself_leads_nowhere),
		cmocka_unit_test(too_many_pieces_are_refused),
		cmocka_unit_test(what_is_no_tree_is_refused),
		cmocka_unit_test(damage_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
