/* SPDX-License-Identifier: BSD-2-Clause */
/* What a VM's device tree says of it, in pages of Gnomon's own first. See vm_tree.h. */
#include "core/vm_tree.h"
#include "core/arch.h"
#include "core/guest_fdt.h"
#include "core/machine.h"
#include "core/random.h"
#include "core/reason.h"
#include "core/string.h"
#include "core/vm.h"
#include "core/vm_devices.h"
#include "mm/page_alloc.h"
#include <libfdt.h>

#define EXTENSION_LIMIT	 32
#define GUEST_SEED_BYTES 32

static bool is_shown(const struct guest_fdt_info *info, const char *extension)
{
	for (size_t i = 0; i < info->extension_count; i++)
		if (strcmp(info->extensions[i], extension) == 0)
			return true;
	return false;
}

static enum status write_tree(struct vm *vm, const struct loaded_guest *loaded,
			      void *buffer, const char **why)
{
	const struct vm_config *config = &vm->config;
	struct guest_fdt_device devices[1 + VM_VIRTIO_LIMIT] = {
		{
			.name = "serial",
			.compatible = "ns16550a",
			.base = VM_UART_BASE,
			.size = VUART_SIZE,
			.interrupt = VM_UART_IRQ,
			.clock_frequency = VUART_CLOCK,
		},
	};
	const char *extensions[EXTENSION_LIMIT];
	const struct paging_isa isa = vm->mode->isa();
	uint8_t seed[GUEST_SEED_BYTES];
	struct guest_fdt_info info = {
		.bootargs = config->bootargs,
		.ram_base = vm->memory.base,
		.ram_size = vm->memory.size,
		.initrd_start = loaded->initrd_start,
		.initrd_end = loaded->initrd_end,
		.rng_seed = seed,
		.rng_seed_size = entropy_take(seed, sizeof(seed)) ? sizeof(seed) : 0,
		.vcpus = vm->vcpu_count,
		.timebase_frequency = machine.fdt.timebase_frequency,
		.extensions = extensions,
		.extension_count =
			arch_guest_extensions(&isa, extensions, EXTENSION_LIMIT),
		.mmu_type = arch_guest_mmu_type(),
		.plic_base = VM_PLIC_BASE,
		.plic_size = VPLIC_SIZE,
		.plic_sources = VPLIC_SOURCES_MAX,
		.devices = devices,
		.device_count = 1 + devices_describe(vm, devices + 1),
	};

	if (is_shown(&info, "zicbom"))
		info.cbom_block_size = machine.fdt.harts[0].cbom_block_size;
	if (is_shown(&info, "zicboz"))
		info.cboz_block_size = machine.fdt.harts[0].cboz_block_size;
	if (config->fdt.data)
		return guest_fdt_patch(&info, &config->fdt, buffer, loaded->dtb_max, why);
	return guest_fdt_build(&info, buffer, loaded->dtb_max, why);
}

enum status tree_load(struct vm *vm, const struct loaded_guest *loaded, const char **why)
{
	const unsigned order = page_order_for(loaded->dtb_max);
	enum status status;
	void *buffer = page_alloc_zeroed(order);

	if (!buffer)
		return refuse(why, STATUS_NO_MEMORY, "no memory for its device tree");
	status = write_tree(vm, loaded, buffer, why);
	/* Not what libfdt has left behind it. */
	if (status == STATUS_OK)
		status = guest_memory_write(&vm->memory, loaded->dtb, buffer,
					    fdt_totalsize(buffer));
	page_free(buffer, order);
	return status;
}
