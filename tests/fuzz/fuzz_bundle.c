/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/bundle.c core/device_tree.c core/elf.c core/guest_fdt.c */
/* sources: core/bundle_image.c core/bundle_devices.c */
/* sources: core/guest_fdt_patch.c core/loader.c core/reason.c core/log.c core/vm.c */
/* sources: core/vm_tree.c */
/* sources: core/counters.c core/entropy.c core/random.c core/vm_devices.c */
/* sources: core/vm_host_disk.c core/vm_share.c */
/* sources: drivers/mmio.c drivers/vplic.c drivers/vuart.c drivers/virtio_mmio.c */
/* sources: drivers/virtio_blk.c drivers/virtio_console.c drivers/virtio_queue.c */
/* sources: drivers/virtio_rng.c drivers/virtio_net.c */
/* sources: tests/fuzz/no_host_disks.c */
/* sources: tests/fuzz/fdt_mutator.c tests/fuzz/guarded.c tests/fuzz/property_copies.c */
/* sources: tests/fuzz/vm_parts.c */
/* libs: -lfdt */
/* flags: -Wl,--wrap=fdt_getprop */
/* options: -max_len=4096 -mutate_depth=2 */
/*
 * A bundle, from its bytes to VMs ready to run: whatever it holds is either
 * refused in words, or makes a VM whose kernel, ramdisk and device tree lie
 * within its memory and apart, and whose device tree tells the truth of them.
 * No property is read past its end. A VM's memory is not there, only its bounds;
 * all else is the real code.
 */
#include <libfdt.h>
#include <string.h>

#include "core/device_tree.h"
#include "core/guest_fdt.h"
#include "core/loader.h"
#include "core/machine.h"
#include "core/vm.h"
#include "tests/fuzz/fdt_mutator.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guarded.h"
#include "tests/fuzz/property_copies.h"
#include "tests/fuzz/vm_parts.h"
#include "tests/unit/silent_console.h"

const char *const fdt_words[] = {
	"images",
	"configurations",
	"default",
	"kernel",
	"ramdisk",
	"fdt",
	"data",
	"data-size",
	"data-position",
	"data-offset",
	"compression",
	"none",
	"gzip",
	"gnomon,memory",
	"gnomon,shadow-memory",
	"gnomon,vcpus",
	"gnomon,paging",
	"gnomon,bootargs",
	"gnomon,disks",
	"gnomon,disk-copy",
	"gnomon,devices",
	"gnomon,net",
	"gnomon,net-mac",
	"rng",
	"console",
	"lsp",
	"nested",
	"absent",
	"kernel-1",
	"vm-1",
	"console=ttyS0",
	"chosen",
	"memory",
	"memory@80000000",
	"device_type",
	"reg",
	"#address-cells",
	"#size-cells",
	"linux,initrd-end",
	"linux,initrd-start",
	"bootargs",
	"rng-seed",
	"\x7f"
	"ELF",
	"RSC\x05",
	NULL,
};

#define BUNDLE_MAX 8192
#define VMS_MAX	   4 /* looked at, of one bundle */

struct machine machine;

static struct guarded memory;
static struct vm vm;

/* ---- what must hold ---- */

static void check_refusal(const char *why)
{
	require(why && why[0] != '\0');
	for (; *why; why++)
		require(*why >= ' ' && *why <= '~');
}

static void check_blob(const struct bundle *bundle, const struct blob *blob)
{
	if (blob->data)
		require(blob->size > 0 &&
			(property_copies_hold(blob->data, blob->size) ||
			 range_within((uintptr_t)blob->data, blob->size,
				      (uintptr_t)bundle->base, bundle->size)));
	else
		require(blob->size == 0);
}

static void check_config(const struct bundle *bundle, const struct vm_config *config)
{
	require(config->kernel.data);
	check_blob(bundle, &config->kernel);
	check_blob(bundle, &config->ramdisk);
	check_blob(bundle, &config->fdt);
	require(config->disk_count <= VM_DISK_LIMIT);
	for (unsigned i = 0; i < config->disk_count; i++)
		check_blob(bundle, &config->disks[i].image);
	require(config->memory > 0 && config->vcpus > 0);
	require(strlen(config->name) < BUNDLE_MAX);
	require(strlen(config->paging) < BUNDLE_MAX);
	require(strlen(config->bootargs) < BUNDLE_MAX);
}

static bool apart(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a + a_size <= b || b + b_size <= a;
}

static const struct vm_config *config_now;
static struct loaded_guest layout;

static void check_layout(const struct guest_memory *guest, const struct vm_config *config)
{
	const struct loaded_guest *out = &layout;
	uint64_t initrd = out->initrd_start.raw, size = out->initrd_end.raw - initrd;
	uint64_t base = guest->base.raw;

	require(range_within(out->kernel.raw, out->kernel_size, base, guest->size));
	require(range_within(out->entry.raw, 1, out->kernel.raw, out->kernel_size));
	require(range_within(out->dtb.raw, out->dtb_max, base, guest->size));
	require(is_aligned(out->dtb.raw, 2 * MIB));
	require(out->dtb_max >= LOADER_DTB_ROOM + config->fdt.size);
	require(apart(out->dtb.raw, out->dtb_max, out->kernel.raw, out->kernel_size));
	require(size == config->ramdisk.size);
	if (size == 0)
		return;
	require(range_within(initrd, size, base, guest->size));
	require(is_aligned(initrd, PAGE_SIZE));
	require(apart(initrd, size, out->kernel.raw, out->kernel_size));
	require(apart(initrd, size, out->dtb.raw, out->dtb_max));
}

/* Loads it as core/vm.c will, only to know what goes where. */
static void load(const struct vm_config *config)
{
	struct guest_memory guest = {.base = GUEST_RAM_BASE, .size = config->memory};
	const char *why = NULL;

	layout = (struct loaded_guest){0};
	if (guest.size > FREE_MEM)
		return;
	if (loader_load(config, &guest, guest.base, guest.size, &layout, &why) ==
	    STATUS_OK)
		check_layout(&guest, config);
	else
		check_refusal(why);
}

static uint64_t number_in(const void *tree, int node, const char *name)
{
	uint64_t value = 0;

	device_tree_number(tree, node, name, &value);
	return value;
}

/* The tree of a VM that was made: its only memory, its ramdisk, its arguments. */
static void check_tree(const struct guest_memory *guest, gpa_t at, uint64_t size)
{
	const char *tree = vm_parts.tree;
	int chosen, node, memories = 0;
	const char *text = "";
	struct device_range range;

	require(at.raw == layout.dtb.raw && size <= layout.dtb_max);
	require(fdt_totalsize(tree) == size);
	require(fdt_check_full(tree, fdt_totalsize(tree)) == 0);
	fdt_for_each_subnode(node, tree, 0)
	{
		if (!device_tree_has_type(tree, node, "memory"))
			continue;
		memories++;
		require(device_tree_reg(tree, node, 0, &range) == STATUS_OK);
		require(range.base == guest->base.raw && range.size == guest->size);
		require(device_tree_reg(tree, node, 1, &range) == STATUS_NOT_FOUND);
	}
	require(memories == 1);
	chosen = fdt_subnode_offset(tree, 0, "chosen");
	require(chosen > 0);
	require(number_in(tree, chosen, "linux,initrd-start") == layout.initrd_start.raw);
	require(number_in(tree, chosen, "linux,initrd-end") == layout.initrd_end.raw);
	device_tree_string(tree, chosen, "bootargs", &text);
	require(config_now->bootargs[0] == '\0' ||
		strcmp(text, config_now->bootargs) == 0);
}

/* Each has a place of its own, and each copy of a disk memory of its own. */
static void check_devices(const struct vm_config *config)
{
	unsigned copies = 0, others = 0;

	for (unsigned i = 0; i < config->disk_count; i++)
		copies += config->disks[i].is_copied;
	for (unsigned device = config->devices; device; device &= device - 1)
		others++;
	require(vm_parts.live == 1 + copies && vm.memory.size == config->memory);
	require(vm.virtio_count == config->disk_count + others + config->net_count);
	require(vm_parts.ports == config->net_count);
	require(vm.device_count == 2 + vm.virtio_count);
	for (unsigned i = 0; i < vm.virtio_count; i++)
		require(vm.devices[2 + i]->base.raw == 0x10001000 + 0x1000 * i);
}

static void live(const struct vm_config *config)
{
	if (vm_begin(&vm) != STATUS_OK || vm_finish(&vm) != STATUS_OK) {
		check_refusal(vm.detail);
		require(vm.end == VM_STOPPED && !vm.is_made);
		return;
	}
	check_devices(config);
	require(vm.shadow_memory == 0 || vm.shadow_memory >= LEAST_SHADOW);
	require(vm.vcpus[0].arch.pc == layout.entry.raw);
	require(vm.vcpus[0].arch.x[11] == layout.dtb.raw);
	vm_destroy(&vm);
}

/* Nothing is left of one that was begun and is not wanted after all. */
static void break_off(void)
{
	if (vm_begin(&vm) != STATUS_OK)
		return;
	require(vm.is_begun && vm_parts.live > 0);
	vm_destroy(&vm);
	require(!vm.is_begun && vm_parts.live == 0);
}

/* A second life is as the first, and finds the copies of disks that this left. */
static void make_vm(const struct vm_config *config)
{
	machine.fdt.seed_size = sizeof(machine.fdt.seed);
	config_now = config;
	memset(&vm, 0, sizeof(vm));
	vm_init(&vm, config);
	break_off();
	live(config);
	live(config);
	for (unsigned i = 0; i < VM_DISK_LIMIT; i++)
		if (vm.copies[i].size > 0)
			guest_memory_free(&vm.copies[i]);
	require(vm_parts.live == 0 && !vm_parts.tree && !vm_parts.devices &&
		vm_parts.ports == 0);
}

static void read_vms(const struct bundle *bundle)
{
	unsigned count = bundle_count(bundle);
	struct vm_config config;
	const char *why = NULL;

	require(count > 0 && bundle_default(bundle) < count);
	require(bundle_vm(bundle, count, &config, &why) == STATUS_NOT_FOUND);
	for (unsigned i = 0; i < count && i < VMS_MAX; i++) {
		if (bundle_vm(bundle, i, &config, &why) != STATUS_OK) {
			check_refusal(why);
			continue;
		}
		check_config(bundle, &config);
		load(&config);
		make_vm(&config);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	memory = guarded_map(BUNDLE_MAX);
	vm_parts.room = guarded_map(TREE_ROOM);
	vm_parts.check_tree = check_tree;
	machine.fdt.timebase_frequency = 10000000;
	machine.fdt.harts[0].cbom_block_size = machine.fdt.harts[0].cboz_block_size = 64;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle bundle;
	const char *why = NULL;

	if (size > BUNDLE_MAX)
		return 0;
	property_copies_forget();
	if (bundle_open(&bundle, guarded_copy(memory, data, size, 8), size, &why) ==
	    STATUS_OK)
		read_vms(&bundle);
	else
		check_refusal(why);
	return 0;
}
