/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/guest_fdt.c core/guest_fdt_patch.c core/device_tree.c core/reason.c */
/* sources: core/log.c core/host_fdt.c core/host_devices.c core/host_reading.c */
/* sources: core/host_isa.c */
/* libs: -lfdt */
/*
 * The tree a guest gets: read back property by property with libfdt, as a
 * whole with Gnomon's own reader of host trees, and at every buffer size that
 * is too small. Then trees of a bundle's own, patched.
 */
#include <libfdt.h>
#include <string.h>

#include "core/guest_fdt.h"
#include "core/host_fdt.h"
#include "tests/unit/silent_console.h"

static const char *const extensions[] = {"i", "m", "a", "f", "d", "c", "zicsr", "sstc"};

static const struct guest_fdt_device devices[] = {
	{"virtio_mmio", "virtio,mmio", {0x10001000}, 0x1000, 1, 0},
	{"serial", "ns16550a", {0x10000000}, 0x100, 10, 3686400},
};

static struct guest_fdt_info full_info(void)
{
	return (struct guest_fdt_info){
		.bootargs = "console=ttyS0 quiet",
		.ram_base = GPA(0x80000000),
		.ram_size = 6 * GIB,
		.initrd_start = GPA(0x9f000000),
		.initrd_end = GPA(0x9f123456),
		.rng_seed = "0123456789abcdef",
		.rng_seed_size = 16,
		.vcpus = 3,
		.timebase_frequency = 10000000,
		.extensions = extensions,
		.extension_count = ARRAY_LENGTH(extensions),
		.mmu_type = "riscv,sv48",
		.cbom_block_size = 64,
		.cboz_block_size = 32,
		.plic_base = GPA(0xc000000),
		.plic_size = 0x600000,
		.plic_sources = 31,
		.devices = devices,
		.device_count = ARRAY_LENGTH(devices),
		.console = 1,
	};
}

/* The same with no device but the console. */
static struct guest_fdt_info plain_info(void)
{
	struct guest_fdt_info info = full_info();

	info.devices = devices + 1;
	info.device_count = 1;
	info.console = 0;
	return info;
}

static uint64_t tree[1024];

static void build(const struct guest_fdt_info *info)
{
	const char *why = NULL;

	assert_int_equal(guest_fdt_build(info, tree, sizeof(tree), &why), STATUS_OK);
	assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
}

static int at(const char *path)
{
	int node = fdt_path_offset(tree, path);

	assert_true(node >= 0);
	return node;
}

static void assert_bytes(const char *path, const char *name, const void *expected,
			 int size)
{
	int length;
	const void *value = fdt_getprop(tree, at(path), name, &length);

	assert_non_null(value);
	assert_int_equal(length, size);
	if (size > 0)
		assert_memory_equal(value, expected, (size_t)size);
}

static void assert_text(const char *path, const char *name, const char *expected)
{
	assert_bytes(path, name, expected, (int)strlen(expected) + 1);
}

static void assert_cells(const char *path, const char *name, const uint32_t *expected,
			 unsigned count)
{
	fdt32_t cells[8];

	for (unsigned i = 0; i < count; i++)
		cells[i] = cpu_to_fdt32(expected[i]);
	assert_bytes(path, name, cells, (int)count * 4);
}

#define CELLS(path, name, ...)                                                           \
	assert_cells(path, name, (const uint32_t[]){__VA_ARGS__},                        \
		     ARRAY_LENGTH(((const uint32_t[]){__VA_ARGS__})))

static void assert_absent(const char *path, const char *name)
{
	assert_null(fdt_getprop(tree, at(path), name, NULL));
}

static void describes_the_machine(void **state)
{
	struct guest_fdt_info info = full_info();

	(void)state;
	build(&info);
	CELLS("/", "#address-cells", 2);
	CELLS("/", "#size-cells", 2);
	assert_bytes("/", "compatible", "gnomon,virt\0riscv-virtio", 25);
	assert_text("/", "model", "Gnomon virtual machine");
	assert_text("/memory@80000000", "device_type", "memory");
	CELLS("/memory@80000000", "reg", 0, 0x80000000, 1, 0x80000000);
	assert_text("/aliases", "serial0", "/soc/serial@10000000");
	assert_text("/chosen", "stdout-path", "/soc/serial@10000000");
	assert_text("/chosen", "bootargs", "console=ttyS0 quiet");
	CELLS("/chosen", "linux,initrd-start", 0, 0x9f000000);
	CELLS("/chosen", "linux,initrd-end", 0, 0x9f123456);
	assert_bytes("/chosen", "rng-seed", "0123456789abcdef", 16);
}

static void describes_each_vcpu(void **state)
{
	static const char list[] = "i\0m\0a\0f\0d\0c\0zicsr\0sstc";
	struct guest_fdt_info info = full_info();

	(void)state;
	build(&info);
	CELLS("/cpus", "timebase-frequency", 10000000);
	CELLS("/cpus", "#address-cells", 1);
	CELLS("/cpus", "#size-cells", 0);
	CELLS("/cpus/cpu@2", "reg", 2);
	assert_text("/cpus/cpu@2", "device_type", "cpu");
	assert_text("/cpus/cpu@2", "compatible", "riscv");
	assert_text("/cpus/cpu@2", "status", "okay");
	assert_text("/cpus/cpu@2", "mmu-type", "riscv,sv48");
	assert_text("/cpus/cpu@2", "riscv,isa", "rv64imafdc_zicsr_sstc");
	assert_text("/cpus/cpu@2", "riscv,isa-base", "rv64i");
	assert_bytes("/cpus/cpu@2", "riscv,isa-extensions", list, sizeof(list));
	CELLS("/cpus/cpu@2", "riscv,cbom-block-size", 64);
	CELLS("/cpus/cpu@2", "riscv,cboz-block-size", 32);
	assert_text("/cpus/cpu@2/interrupt-controller", "compatible", "riscv,cpu-intc");
	CELLS("/cpus/cpu@2/interrupt-controller", "#interrupt-cells", 1);
	CELLS("/cpus/cpu@2/interrupt-controller", "phandle", 3);
	assert_int_equal(fdt_path_offset(tree, "/cpus/cpu@3"), -FDT_ERR_NOTFOUND);
}

static void describes_the_devices(void **state)
{
	static const char plic[] = "/soc/interrupt-controller@c000000";
	struct guest_fdt_info info = full_info();

	(void)state;
	build(&info);
	assert_text("/soc", "compatible", "simple-bus");
	assert_bytes("/soc", "ranges", NULL, 0);
	assert_bytes(plic, "compatible", "sifive,plic-1.0.0\0riscv,plic0", 30);
	CELLS(plic, "reg", 0, 0xc000000, 0, 0x600000);
	CELLS(plic, "riscv,ndev", 31);
	CELLS(plic, "interrupts-extended", 1, 9, 2, 9, 3, 9);
	CELLS(plic, "phandle", 4);
	assert_bytes(plic, "interrupt-controller", NULL, 0);
	assert_text("/soc/serial@10000000", "compatible", "ns16550a");
	CELLS("/soc/serial@10000000", "reg", 0, 0x10000000, 0, 0x100);
	CELLS("/soc/serial@10000000", "interrupts", 10);
	CELLS("/soc/serial@10000000", "interrupt-parent", 4);
	CELLS("/soc/serial@10000000", "clock-frequency", 3686400);
	CELLS("/soc/virtio_mmio@10001000", "interrupts", 1);
	assert_absent("/soc/virtio_mmio@10001000", "clock-frequency");
}

static void leaves_out_what_is_not_there(void **state)
{
	static const struct guest_fdt_device polled = {"serial", "ns16550a", {0x1000},
						       0x100,	 0,	     0};
	struct guest_fdt_info info = full_info();

	(void)state;
	info.bootargs = "";
	info.initrd_end = info.initrd_start;
	info.rng_seed_size = 0;
	info.cbom_block_size = 0;
	info.cboz_block_size = 0;
	info.devices = &polled;
	info.device_count = 1;
	info.console = 0;
	build(&info);
	assert_absent("/chosen", "bootargs");
	assert_absent("/chosen", "linux,initrd-start");
	assert_absent("/chosen", "linux,initrd-end");
	assert_absent("/chosen", "rng-seed");
	assert_absent("/cpus/cpu@0", "riscv,cbom-block-size");
	assert_absent("/cpus/cpu@0", "riscv,cboz-block-size");
	assert_absent("/soc/serial@1000", "interrupts");
	assert_absent("/soc/serial@1000", "interrupt-parent");
}

/* A hypervisor in the guest would find its machine. */
static void gnomon_itself_can_read_it(void **state)
{
	static struct host_fdt host;
	struct guest_fdt_info info = full_info();
	const char *why = NULL;

	(void)state;
	build(&info);
	assert_int_equal(host_fdt_read(&host, tree, 1, &why), STATUS_OK);
	assert_int_equal(host.memory_count, 1);
	assert_int_equal(host.memory[0].base.raw, 0x80000000);
	assert_int_equal(host.memory[0].size, 6 * GIB);
	assert_int_equal(host.initrd.size, 0x123456);
	assert_int_equal(host.hart_count, 3);
	assert_int_equal(host.harts[0].id, 1);
	assert_int_equal(host.harts[0].mmu_levels, 4);
	assert_true(host_fdt_has_extension(&host.harts[0], "sstc"));
	assert_false(host_fdt_has_extension(&host.harts[0], "h"));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(host.harts[i].plic_context, host.harts[i].id);
	assert_string_equal(host.console.compatible, "ns16550a");
	assert_int_equal(host.console.base.raw, 0x10000000);
	assert_true(host.console.has_interrupt);
	assert_int_equal(host.console.interrupt, 10);
}

static void too_small_a_buffer_is_refused(void **state)
{
	struct guest_fdt_info info = full_info();
	const char *why = NULL;
	uint64_t needed;

	(void)state;
	build(&info);
	needed = fdt_totalsize(tree);
	for (uint64_t size = 0; size < needed; size++) {
		void *buffer = malloc(size > 0 ? size : 1);

		assert_non_null(buffer);
		assert_int_equal(guest_fdt_build(&info, buffer, size, &why),
				 STATUS_TOO_BIG);
		free(buffer);
	}
	assert_int_equal(guest_fdt_build(&info, tree, 16, &why), STATUS_TOO_BIG);
	assert_string_equal(why, "the guest's device tree needs more than 16 bytes");
	info.console = info.device_count;
	assert_int_equal(guest_fdt_build(&info, tree, sizeof(tree), &why),
			 STATUS_INVALID);
	info.console = 0;
	info.vcpus = 0;
	assert_int_equal(guest_fdt_build(&info, tree, sizeof(tree), &why),
			 STATUS_INVALID);
	assert_string_equal(why, "a guest's device tree needs a vCPU and a console");
}

/* ---- a bundle's own tree ---- */

/* A PLIC that nobody has named yet, and where QEMU has a device of its own. */
static void draft_bus(uint64_t *own)
{
	fdt_begin_node(own, "bus");
	fdt_property_u32(own, "#address-cells", 1);
	fdt_property_u32(own, "#size-cells", 1);
	fdt_begin_node(own, "plic@c000000");
	fdt_property_string(own, "compatible", "riscv,plic0");
	fdt_end_node(own);
	fdt_begin_node(own, "virtio_mmio@10001000");
	fdt_property_string(own, "status", "disabled");
	fdt_end_node(own);
	fdt_end_node(own);
}

/* Two memories, a stale ramdisk, a bus: enough to be confused by. */
static void draft_own(uint64_t *own, size_t size, uint32_t cells)
{
	assert_int_equal(fdt_create(own, (int)size), 0);
	fdt_finish_reservemap(own);
	fdt_begin_node(own, "");
	fdt_property_u32(own, "#address-cells", cells);
	fdt_property_u32(own, "#size-cells", cells);
	fdt_property_string(own, "model", "own");
	fdt_begin_node(own, "memory@1000");
	fdt_property_string(own, "device_type", "memory");
	fdt_end_node(own);
	fdt_begin_node(own, "memory");
	fdt_end_node(own);
	fdt_begin_node(own, "memory-controller@5");
	fdt_end_node(own);
	fdt_begin_node(own, "ram@0");
	fdt_property_string(own, "device_type", "memory");
	fdt_end_node(own);
	draft_bus(own);
	fdt_begin_node(own, "chosen");
	fdt_property_string(own, "bootargs", "its own");
	fdt_property_u32(own, "linux,initrd-start", 1);
	fdt_property_u32(own, "linux,initrd-end", 2);
	fdt_end_node(own);
	fdt_end_node(own);
	assert_int_equal(fdt_finish(own), 0);
}

static void patch(const struct guest_fdt_info *info, uint32_t cells, size_t misalignment)
{
	uint64_t own[256], unaligned[256];
	struct blob blob = {(char *)unaligned + misalignment, 0};
	const char *why = NULL;

	draft_own(own, sizeof(own), cells);
	blob.size = fdt_totalsize(own);
	memcpy((char *)unaligned + misalignment, own, blob.size);
	assert_int_equal(guest_fdt_patch(info, &blob, tree, sizeof(tree), &why),
			 STATUS_OK);
	assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
}

static void patching_replaces_what_the_vm_decides(void **state)
{
	struct guest_fdt_info info = full_info();

	(void)state;
	patch(&info, 2, 0);
	assert_text("/", "model", "own");
	CELLS("/memory@80000000", "reg", 0, 0x80000000, 1, 0x80000000);
	assert_text("/memory@80000000", "device_type", "memory");
	assert_int_equal(fdt_path_offset(tree, "/memory@1000"), -FDT_ERR_NOTFOUND);
	assert_int_equal(fdt_path_offset(tree, "/ram@0"), -FDT_ERR_NOTFOUND);
	at("/memory-controller@5");
	assert_text("/chosen", "bootargs", "console=ttyS0 quiet");
	CELLS("/chosen", "linux,initrd-start", 0, 0x9f000000);
	CELLS("/chosen", "linux,initrd-end", 0, 0x9f123456);
	assert_bytes("/chosen", "rng-seed", "0123456789abcdef", 16);
	assert_int_equal(fdt_path_offset(tree, "/cpus"), -FDT_ERR_NOTFOUND);
}

static void patching_adds_the_devices(void **state)
{
	struct guest_fdt_info info = full_info();
	uint32_t phandle;

	(void)state;
	patch(&info, 2, 0);
	phandle = fdt_get_phandle(tree, at("/bus/plic@c000000"));
	assert_int_not_equal(phandle, 0);
	assert_text("/bus/virtio_mmio@10001000", "compatible", "virtio,mmio");
	CELLS("/bus/virtio_mmio@10001000", "reg", 0x10001000, 0x1000);
	CELLS("/bus/virtio_mmio@10001000", "interrupt-parent", phandle);
	CELLS("/bus/virtio_mmio@10001000", "interrupts", 1);
	assert_absent("/bus/virtio_mmio@10001000", "status");
	assert_int_equal(fdt_path_offset(tree, "/bus/serial@10000000"),
			 -FDT_ERR_NOTFOUND);
}

static void devices_need_a_plic(void **state)
{
	struct guest_fdt_info info = full_info();
	uint64_t own[16];
	struct blob blob = {own, sizeof(own)};
	const char *why = NULL;

	(void)state;
	info.ram_size = 1 * GIB;
	fdt_create_empty_tree(own, sizeof(own));
	assert_int_equal(guest_fdt_patch(&info, &blob, tree, sizeof(tree), &why),
			 STATUS_UNSUPPORTED);
	assert_string_equal(why, "the VM's own device tree has no PLIC, which the VM's "
				 "devices need");
}

static void patching_keeps_the_rest(void **state)
{
	struct guest_fdt_info info = full_info();

	(void)state;
	info.bootargs = "";
	info.initrd_start = GPA(0);
	info.initrd_end = GPA(0);
	info.ram_size = 1 * GIB;
	info.rng_seed_size = 0;
	patch(&info, 1, 4);
	CELLS("/memory@80000000", "reg", 0x80000000, 0x40000000);
	assert_text("/chosen", "bootargs", "its own");
	assert_absent("/chosen", "linux,initrd-start");
	assert_absent("/chosen", "linux,initrd-end");
	assert_absent("/chosen", "rng-seed");
}

static void patching_makes_what_is_missing(void **state)
{
	struct guest_fdt_info info = plain_info();
	uint64_t own[16];
	struct blob blob = {own, 0};
	const char *why = NULL;

	(void)state;
	fdt_create_empty_tree(own, sizeof(own));
	blob.size = fdt_totalsize(own);
	/* No cells: two for addresses and one for sizes are in force. */
	info.ram_size = 1 * GIB;
	assert_int_equal(guest_fdt_patch(&info, &blob, tree, sizeof(tree), &why),
			 STATUS_OK);
	CELLS("/memory@80000000", "reg", 0, 0x80000000, 0x40000000);
	assert_text("/chosen", "bootargs", "console=ttyS0 quiet");
}

static void a_chosen_that_says_it_is_memory_is_made_anew(void **state)
{
	struct guest_fdt_info info = plain_info();
	uint64_t own[32];
	struct blob blob = {own, sizeof(own)};
	const char *why = NULL;
	int chosen;

	(void)state;
	info.ram_size = 1 * GIB;
	fdt_create_empty_tree(own, sizeof(own));
	chosen = fdt_add_subnode(own, 0, "chosen");
	assert_int_equal(fdt_setprop_string(own, chosen, "device_type", "memory"), 0);
	assert_int_equal(guest_fdt_patch(&info, &blob, tree, sizeof(tree), &why),
			 STATUS_OK);
	CELLS("/memory@80000000", "reg", 0, 0x80000000, 0x40000000);
	assert_text("/chosen", "bootargs", "console=ttyS0 quiet");
	assert_absent("/chosen", "device_type");
}

static void trees_that_cannot_be_patched_are_refused(void **state)
{
	struct guest_fdt_info info = full_info();
	uint64_t own[256];
	struct blob blob = {own, 0};
	const char *why = NULL;

	(void)state;
	draft_own(own, sizeof(own), 1);
	blob.size = fdt_totalsize(own);
	assert_int_equal(guest_fdt_patch(&info, &blob, tree, sizeof(tree), &why),
			 STATUS_UNSUPPORTED);
	assert_string_equal(why, "the VM's own device tree has cells too small for "
				 "6442450944 bytes at 0x80000000");
	info.ram_size = GIB;
	for (uint64_t room = 0; room < blob.size + 600; room += 7) {
		void *buffer = malloc(room > 0 ? room : 1);
		enum status status;

		assert_non_null(buffer);
		status = guest_fdt_patch(&info, &blob, buffer, room, &why);
		if (status != STATUS_OK || room < blob.size)
			assert_int_equal(status, STATUS_TOO_BIG);
		free(buffer);
	}
	blob.size--;
	assert_int_equal(guest_fdt_patch(&info, &blob, tree, sizeof(tree), &why),
			 STATUS_CORRUPT);
	assert_non_null(strstr(why, "the VM's own device tree is truncated"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(describes_the_machine),
		cmocka_unit_test(describes_each_vcpu),
		cmocka_unit_test(describes_the_devices),
		cmocka_unit_test(leaves_out_what_is_not_there),
		cmocka_unit_test(gnomon_itself_can_read_it),
		cmocka_unit_test(too_small_a_buffer_is_refused),
		cmocka_unit_test(patching_replaces_what_the_vm_decides),
		cmocka_unit_test(patching_adds_the_devices),
		cmocka_unit_test(devices_need_a_plic),
		cmocka_unit_test(patching_keeps_the_rest),
		cmocka_unit_test(patching_makes_what_is_missing),
		cmocka_unit_test(a_chosen_that_says_it_is_memory_is_made_anew),
		cmocka_unit_test(trees_that_cannot_be_patched_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
