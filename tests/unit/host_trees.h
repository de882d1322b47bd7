/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four machines' device trees, written as their firmware gives them: QEMU's
 * virt under OpenSBI, SiFive's HiFive Unleashed (a hart without an MMU, a UART
 * that is no 16550), StarFive's VisionFive 2 (RAM elsewhere, wide registers) and
 * a board as made by others (a bus that translates, one-cell addresses,
 * interrupts-extended, the old timebase).
 */
#ifndef TESTS_UNIT_HOST_TREES_H
#define TESTS_UNIT_HOST_TREES_H

#include <libfdt.h>
#include <string.h>

#include "core/host_fdt.h"
#include "tests/unit/silent_console.h"

static uint64_t tree[2048];

static void begin(const char *name)
{
	assert_int_equal(fdt_begin_node(tree, name), 0);
}

static void end(void)
{
	assert_int_equal(fdt_end_node(tree), 0);
}

static void bytes(const char *name, const void *value, size_t size)
{
	assert_int_equal(fdt_property(tree, name, value, (int)size), 0);
}

static void text(const char *name, const char *value)
{
	bytes(name, value, strlen(value) + 1);
}

static void put_cells(const char *name, const uint32_t *values, size_t count)
{
	fdt32_t cells[20];

	assert_in_range(count, 0, ARRAY_LENGTH(cells));
	for (size_t i = 0; i < count; i++)
		cells[i] = cpu_to_fdt32(values[i]);
	bytes(name, cells, count * 4);
}

#define CELLS(name, ...)                                                                 \
	put_cells(name, (const uint32_t[]){__VA_ARGS__},                                 \
		  ARRAY_LENGTH(((const uint32_t[]){__VA_ARGS__})))

static void begin_bus(const char *name, uint32_t address_cells, uint32_t size_cells)
{
	begin(name);
	CELLS("#address-cells", address_cells);
	CELLS("#size-cells", size_cells);
}

static void begin_tree(void)
{
	assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
	assert_int_equal(fdt_add_reservemap_entry(tree, 0x88000000, 0x3000), 0);
	assert_int_equal(fdt_finish_reservemap(tree), 0);
}

static void finish_tree(void)
{
	end();
	assert_int_equal(fdt_finish(tree), 0);
}

/* A cpu node; extensions or mmu may be NULL. */
static void cpu(uint32_t id, const char *isa, const char *mmu, uint32_t intc)
{
	char name[16];

	snprintf(name, sizeof(name), "cpu@%x", id);
	begin(name);
	text("device_type", "cpu");
	CELLS("reg", id);
	text("status", "okay");
	if (isa)
		text("riscv,isa", isa);
	if (mmu)
		text("mmu-type", mmu);
	CELLS("riscv,cbom-block-size", 64);
	CELLS("riscv,cboz-block-size", 128);
	begin("interrupt-controller");
	text("compatible", "riscv,cpu-intc");
	CELLS("#interrupt-cells", 1);
	CELLS("phandle", intc);
	end();
	end();
}

static void memory(uint32_t base, uint32_t size)
{
	char name[24];

	snprintf(name, sizeof(name), "memory@%x", base);
	begin(name);
	text("device_type", "memory");
	CELLS("reg", 0, base, 0, size);
	end();
}

static void begin_plic(const char *name, uint32_t phandle, uint32_t sources)
{
	begin(name);
	bytes("compatible", "sifive,plic-1.0.0\0riscv,plic0", 30);
	CELLS("#interrupt-cells", 1);
	CELLS("phandle", phandle);
	CELLS("riscv,ndev", sources);
}

/* QEMU 10's -M virt -smp 2 -m 1G -initrd, as OpenSBI 1.6 hands it on. */
static inline void make_virt(void)
{
	begin_tree();
	begin_bus("", 2, 2);
	text("model", "riscv-virtio,qemu");
	begin_bus("reserved-memory", 2, 2);
	bytes("ranges", NULL, 0);
	begin("mmode_resv1@80000000");
	CELLS("reg", 0, 0x80000000, 0, 0x40000);
	bytes("no-map", NULL, 0);
	end();
	begin("mmode_resv0@80040000");
	CELLS("reg", 0, 0x80040000, 0, 0x20000);
	bytes("no-map", NULL, 0);
	end();
	begin("pool");
	CELLS("size", 0, 0x1000000);
	end();
	end();
	memory(0x80000000, 0x40000000);
	begin_bus("cpus", 1, 0);
	CELLS("timebase-frequency", 10000000);
	cpu(0, "rv64imafdch_zicbom_zicsr_sstc", "riscv,sv57", 4);
	cpu(1, "rv64imafdch_zicbom_zicsr_sstc", "riscv,sv57", 2);
	end();
	begin("chosen");
	text("bootargs", "lsp verbose");
	text("stdout-path", "/soc/serial@10000000");
	CELLS("linux,initrd-start", 0, 0x84000000);
	CELLS("linux,initrd-end", 0, 0x84123456);
	bytes("rng-seed", "0123456789abcdef0123456789abcdef", 32);
	end();
	begin_bus("soc", 2, 2);
	text("compatible", "simple-bus");
	bytes("ranges", NULL, 0);
	begin("serial@10000000");
	text("compatible", "ns16550a");
	CELLS("reg", 0, 0x10000000, 0, 0x100);
	CELLS("interrupts", 10);
	CELLS("interrupt-parent", 5);
	CELLS("clock-frequency", 3686400);
	end();
	begin_plic("plic@c000000", 5, 95);
	CELLS("reg", 0, 0xc000000, 0, 0x600000);
	CELLS("interrupts-extended", 4, 0xffffffff, 4, 9, 2, 0xffffffff, 2, 9);
	end();
	end();
	finish_tree();
}

/* QEMU's -M sifive_u -smp 3. */
static inline void make_unleashed(void)
{
	begin_tree();
	begin_bus("", 2, 2);
	text("model", "SiFive HiFive Unleashed A00");
	begin("chosen");
	text("stdout-path", "serial0:115200n8");
	end();
	begin("aliases");
	text("serial0", "/soc/serial@10010000");
	end();
	begin_bus("cpus", 1, 0);
	CELLS("timebase-frequency", 1000000);
	cpu(0, "rv64imac", NULL, 4);
	cpu(1, "rv64imafdc", "riscv,sv39", 3);
	cpu(2, "rv64imafdc", "riscv,sv39", 7);
	end();
	memory(0x80000000, 0x8000000);
	begin_bus("soc", 2, 2);
	bytes("ranges", NULL, 0);
	begin("serial@10010000");
	text("compatible", "sifive,uart0");
	CELLS("reg", 0, 0x10010000, 0, 0x1000);
	CELLS("interrupt-parent", 6);
	CELLS("interrupts", 4);
	end();
	begin_plic("interrupt-controller@c000000", 6, 53);
	CELLS("reg", 0, 0xc000000, 0, 0x4000000);
	CELLS("interrupts-extended", 4, 11, 3, 11, 3, 9, 7, 11, 7, 9);
	end();
	end();
	finish_tree();
}

/* The JH7110's, as far as Gnomon reads it, of a board with 4 GiB; as U-Boot's SPL ends
 * it. */
static inline void make_visionfive2(void)
{
	begin_tree();
	begin_bus("", 2, 2);
	text("model", "StarFive VisionFive 2 v1.3B");
	bytes("compatible", "starfive,visionfive-2-v1.3b\0starfive,jh7110", 44);
	begin_bus("cpus", 1, 0);
	CELLS("timebase-frequency", 4000000);
	cpu(0, "rv64imac_zba_zbb", NULL, 7);
	for (uint32_t hart = 1; hart <= 4; hart++)
		cpu(hart, "rv64imafdc_zba_zbb", "riscv,sv39", 7 + hart);
	end();
	begin_bus("soc", 2, 2);
	text("compatible", "simple-bus");
	CELLS("interrupt-parent", 12);
	bytes("ranges", NULL, 0);
	begin("timer@2000000");
	bytes("compatible", "starfive,jh7110-clint\0sifive,clint0", 36);
	CELLS("reg", 0, 0x2000000, 0, 0x10000);
	end();
	begin("interrupt-controller@c000000");
	bytes("compatible", "starfive,jh7110-plic\0sifive,plic-1.0.0", 39);
	CELLS("reg", 0, 0xc000000, 0, 0x4000000);
	CELLS("interrupts-extended", 7, 11, 8, 11, 8, 9, 9, 11, 9, 9, 10, 11, 10, 9, 11,
	      11, 11, 9);
	CELLS("#interrupt-cells", 1);
	CELLS("#address-cells", 0);
	CELLS("riscv,ndev", 136);
	CELLS("phandle", 12);
	end();
	begin("serial@10000000");
	text("compatible", "snps,dw-apb-uart");
	CELLS("reg", 0, 0x10000000, 0, 0x10000);
	CELLS("interrupts", 32);
	CELLS("reg-io-width", 4);
	CELLS("reg-shift", 2);
	text("status", "okay");
	CELLS("reg-offset", 0);
	CELLS("clock-frequency", 24000000);
	end();
	end();
	begin("aliases");
	text("serial0", "/soc/serial@10000000");
	end();
	begin("chosen");
	text("stdout-path", "serial0:115200n8");
	end();
	begin("memory@40000000");
	text("device_type", "memory");
	CELLS("reg", 0, 0x40000000, 1, 0);
	end();
	begin("fit-images");
	begin("bundle");
	CELLS("load", 0, 0x44000000);
	end();
	end();
	finish_tree();
}

/* Nothing where QEMU has it. */
static inline void make_board(void)
{
	static const char list[] = "i\0m\0zicsr\0sstc";

	begin_tree();
	begin_bus("", 1, 1);
	CELLS("interrupt-parent", 9);
	begin("chosen");
	CELLS("linux,initrd-start", 0x46000000);
	CELLS("linux,initrd-end", 0x46100000);
	end();
	begin("aliases");
	text("serial0", "/bus@f0000000/bridge@100000/uart@2000");
	end();
	begin_bus("cpus", 2, 0);
	begin("cpu@1");
	text("device_type", "cpu");
	CELLS("reg", 1, 1);
	CELLS("timebase-frequency", 0, 24000000);
	text("mmu-type", "riscv,sv48");
	text("riscv,isa", "rv64imafdc");
	bytes("riscv,isa-extensions", list, sizeof(list));
	end();
	begin("cpu@2");
	text("device_type", "cpu");
	CELLS("reg", 0, 2);
	text("mmu-type", "riscv,sv39");
	text("status", "disabled");
	end();
	end();
	begin("memory");
	text("device_type", "memory");
	CELLS("reg", 0x40000000, 0x10000000, 0x60000000, 0, 0x80000000, 0x20000000);
	end();
	begin("memory@c0000000");
	text("device_type", "memory");
	CELLS("reg", 0xc0000000, 0x1000);
	end();
	begin_bus("bus@f0000000", 1, 1);
	CELLS("ranges", 0, 0xe0000000, 0x1000, 0x100000, 0xf0100000, 0x100000);
	begin_bus("bridge@100000", 2, 1);
	CELLS("ranges", 0, 0, 0x100000, 0x10000);
	begin("uart@2000");
	bytes("compatible", "maker,uart\0snps,dw-apb-uart", 28);
	CELLS("reg", 0, 0x2000, 0x400);
	CELLS("reg-shift", 2);
	CELLS("reg-io-width", 4);
	CELLS("reg-offset", 0x100);
	CELLS("interrupts-extended", 9, 77);
	end();
	end();
	begin_plic("plic@180000", 9, 136);
	CELLS("reg", 0x180000, 0x40000);
	CELLS("interrupts-extended", 30, 9);
	end();
	end();
	finish_tree();
}

#endif
