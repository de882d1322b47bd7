/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building the device tree a guest is given.
 *
 * Bindings: the Devicetree Specification v0.4 and Linux's for riscv/cpus,
 * sifive,plic-1.0.0 and 8250. A writing keeps the first error of libfdt and
 * skips everything after it, so a tree is whole or refused. No state, no locks.
 */
#include "core/guest_fdt.h"

#include "core/device_tree.h"
#include "core/reason.h"
#include "core/string.h"

#include <limits.h>

#define SUPERVISOR_EXTERNAL_INTERRUPT 9

/* Longest name of a node, its unit address included. */
#define NODE_NAME_MAX 48

struct writing {
	void *fdt;
	int error; /* libfdt's; 0: none so far */
};

static void begin(struct writing *to, const char *name)
{
	if (!to->error)
		to->error = fdt_begin_node(to->fdt, name);
}

static void begin_at(struct writing *to, const char *name, uint64_t address)
{
	char full[NODE_NAME_MAX];

	format_text(full, sizeof(full), "%s@%lx", name, address);
	begin(to, full);
}

static void end(struct writing *to)
{
	if (!to->error)
		to->error = fdt_end_node(to->fdt);
}

static void put_bytes(struct writing *to, const char *name, const void *bytes,
		      size_t size)
{
	if (!to->error)
		to->error = size > INT_MAX
				    ? -FDT_ERR_NOSPACE
				    : fdt_property(to->fdt, name, bytes, (int)size);
}

static void put_flag(struct writing *to, const char *name)
{
	put_bytes(to, name, NULL, 0);
}

static void put_string(struct writing *to, const char *name, const char *text)
{
	put_bytes(to, name, text, strlen(text) + 1);
}

static void put_cell(struct writing *to, const char *name, uint32_t value)
{
	if (!to->error)
		to->error = fdt_property_u32(to->fdt, name, value);
}

static void put_number(struct writing *to, const char *name, uint64_t value)
{
	if (!to->error)
		to->error = fdt_property_u64(to->fdt, name, value);
}

static void put_range(struct writing *to, const char *name, uint64_t base, uint64_t size)
{
	fdt64_t range[2] = {cpu_to_fdt64(base), cpu_to_fdt64(size)};

	put_bytes(to, name, range, sizeof(range));
}

/* Room for a property's value, to be filled in place; NULL after an error. */
static char *put_room(struct writing *to, const char *name, size_t size)
{
	void *room = NULL;

	if (!to->error)
		to->error = size > INT_MAX ? -FDT_ERR_NOSPACE
					   : fdt_property_placeholder(to->fdt, name,
								      (int)size, &room);
	return to->error ? NULL : room;
}

static void put_bus(struct writing *to, uint32_t address_cells, uint32_t size_cells)
{
	put_cell(to, "#address-cells", address_cells);
	put_cell(to, "#size-cells", size_cells);
}

/* One phandle per vCPU's interrupt controller, then the PLIC's. */
static uint32_t vcpu_phandle(unsigned vcpu)
{
	return vcpu + 1;
}

static uint32_t plic_phandle(const struct guest_fdt_info *info)
{
	return info->vcpus + 1;
}

static void put_console_path(struct writing *to, const char *name,
			     const struct guest_fdt_info *info)
{
	const struct guest_fdt_device *console = &info->devices[info->console];
	char path[sizeof("/soc/") + NODE_NAME_MAX];

	format_text(path, sizeof(path), "/soc/%s@%lx", console->name, console->base.raw);
	put_string(to, name, path);
}

static void put_chosen(struct writing *to, const struct guest_fdt_info *info)
{
	begin(to, "chosen");
	if (info->bootargs[0] != '\0')
		put_string(to, "bootargs", info->bootargs);
	put_console_path(to, "stdout-path", info);
	if (info->initrd_end.raw > info->initrd_start.raw) {
		put_number(to, "linux,initrd-start", info->initrd_start.raw);
		put_number(to, "linux,initrd-end", info->initrd_end.raw);
	}
	if (info->rng_seed_size > 0)
		put_bytes(to, "rng-seed", info->rng_seed, info->rng_seed_size);
	end(to);
	begin(to, "aliases");
	put_console_path(to, "serial0", info);
	end(to);
}

static void put_memory(struct writing *to, const struct guest_fdt_info *info)
{
	begin_at(to, "memory", info->ram_base.raw);
	put_string(to, "device_type", "memory");
	put_range(to, "reg", info->ram_base.raw, info->ram_size);
	end(to);
}

/* Extensions of more than one letter stand behind an underscore in riscv,isa. */
static size_t separator_size(const char *extension)
{
	return extension[1] != '\0' ? 1 : 0;
}

static void put_isa_string(struct writing *to, const struct guest_fdt_info *info)
{
	static const char base[] = "rv64";
	size_t size = sizeof(base);
	char *at;

	for (size_t i = 0; i < info->extension_count; i++)
		size += separator_size(info->extensions[i]) + strlen(info->extensions[i]);
	at = put_room(to, "riscv,isa", size);
	if (!at)
		return;
	memcpy(at, base, sizeof(base));
	at += sizeof(base) - 1;
	for (size_t i = 0; i < info->extension_count; i++) {
		const char *extension = info->extensions[i];

		*at = '_';
		at += separator_size(extension);
		memcpy(at, extension, strlen(extension) + 1);
		at += strlen(extension);
	}
}

static void put_isa_list(struct writing *to, const struct guest_fdt_info *info)
{
	size_t size = 0;
	char *at;

	for (size_t i = 0; i < info->extension_count; i++)
		size += strlen(info->extensions[i]) + 1;
	at = put_room(to, "riscv,isa-extensions", size);
	if (!at)
		return;
	for (size_t i = 0; i < info->extension_count; i++) {
		size_t length = strlen(info->extensions[i]) + 1;

		memcpy(at, info->extensions[i], length);
		at += length;
	}
}

/* The interrupt inputs of one hart. */
static void put_vcpu_interrupts(struct writing *to, unsigned vcpu)
{
	begin(to, "interrupt-controller");
	put_string(to, "compatible", "riscv,cpu-intc");
	put_flag(to, "interrupt-controller");
	put_cell(to, "#interrupt-cells", 1);
	put_cell(to, "#address-cells", 0);
	put_cell(to, "phandle", vcpu_phandle(vcpu));
	end(to);
}

static void put_vcpu(struct writing *to, const struct guest_fdt_info *info, unsigned vcpu)
{
	begin_at(to, "cpu", vcpu);
	put_string(to, "device_type", "cpu");
	put_cell(to, "reg", vcpu);
	put_string(to, "status", "okay");
	put_string(to, "compatible", "riscv");
	put_isa_string(to, info);
	put_string(to, "riscv,isa-base", "rv64i");
	put_isa_list(to, info);
	put_string(to, "mmu-type", info->mmu_type);
	if (info->cbom_block_size > 0)
		put_cell(to, "riscv,cbom-block-size", info->cbom_block_size);
	if (info->cboz_block_size > 0)
		put_cell(to, "riscv,cboz-block-size", info->cboz_block_size);
	put_vcpu_interrupts(to, vcpu);
	end(to);
}

static void put_vcpus(struct writing *to, const struct guest_fdt_info *info)
{
	begin(to, "cpus");
	put_bus(to, 1, 0);
	put_cell(to, "timebase-frequency", info->timebase_frequency);
	for (unsigned vcpu = 0; vcpu < info->vcpus; vcpu++)
		put_vcpu(to, info, vcpu);
	end(to);
}

/* Context n: the n-th pair (interrupt controller, interrupt of that hart). */
static void put_plic_contexts(struct writing *to, const struct guest_fdt_info *info)
{
	char *room =
		put_room(to, "interrupts-extended", info->vcpus * 2 * sizeof(fdt32_t));

	for (unsigned vcpu = 0; room && vcpu < info->vcpus; vcpu++) {
		fdt32_t pair[2] = {cpu_to_fdt32(vcpu_phandle(vcpu)),
				   cpu_to_fdt32(SUPERVISOR_EXTERNAL_INTERRUPT)};

		memcpy(room + vcpu * sizeof(pair), pair, sizeof(pair));
	}
}

static void put_plic(struct writing *to, const struct guest_fdt_info *info)
{
	static const char compatible[] = "sifive,plic-1.0.0\0riscv,plic0";

	begin_at(to, "interrupt-controller", info->plic_base.raw);
	put_bytes(to, "compatible", compatible, sizeof(compatible));
	put_range(to, "reg", info->plic_base.raw, info->plic_size);
	put_flag(to, "interrupt-controller");
	put_cell(to, "#interrupt-cells", 1);
	put_cell(to, "#address-cells", 0);
	put_cell(to, "riscv,ndev", info->plic_sources);
	put_plic_contexts(to, info);
	put_cell(to, "phandle", plic_phandle(info));
	end(to);
}

static void put_device(struct writing *to, const struct guest_fdt_info *info,
		       const struct guest_fdt_device *device)
{
	begin_at(to, device->name, device->base.raw);
	put_string(to, "compatible", device->compatible);
	put_range(to, "reg", device->base.raw, device->size);
	if (device->interrupt > 0) {
		put_cell(to, "interrupt-parent", plic_phandle(info));
		put_cell(to, "interrupts", device->interrupt);
	}
	if (device->clock_frequency > 0)
		put_cell(to, "clock-frequency", device->clock_frequency);
	end(to);
}

static void put_devices(struct writing *to, const struct guest_fdt_info *info)
{
	begin(to, "soc");
	put_bus(to, 2, 2);
	put_string(to, "compatible", "simple-bus");
	put_flag(to, "ranges");
	put_plic(to, info);
	for (size_t i = 0; i < info->device_count; i++)
		put_device(to, info, &info->devices[i]);
	end(to);
}

/* "riscv-virtio" is what programs written for QEMU's machine look for. */
static void put_root(struct writing *to, const struct guest_fdt_info *info)
{
	static const char compatible[] = "gnomon,virt\0riscv-virtio";

	begin(to, "");
	put_bus(to, 2, 2);
	put_bytes(to, "compatible", compatible, sizeof(compatible));
	put_string(to, "model", "Gnomon virtual machine");
	put_chosen(to, info);
	put_memory(to, info);
	put_vcpus(to, info);
	put_devices(to, info);
	end(to);
}

/* libfdt counts in int. */
static int buffer_room(uint64_t size)
{
	return size < INT_MAX ? (int)size : INT_MAX;
}

static enum status outcome(const struct writing *to, uint64_t size, const char **why)
{
	if (!to->error)
		return STATUS_OK;
	if (to->error == -FDT_ERR_NOSPACE)
		return refuse(why, STATUS_TOO_BIG,
			      "the guest's device tree needs more than %lu bytes", size);
	return refuse(why, STATUS_INVALID, "the guest's device tree cannot be made: %s",
		      fdt_strerror(to->error));
}

enum status guest_fdt_build(const struct guest_fdt_info *info, void *buffer,
			    uint64_t buffer_size, const char **why)
{
	struct writing to = {.fdt = buffer};

	if (info->vcpus == 0 || info->console >= info->device_count)
		return refuse(why, STATUS_INVALID,
			      "a guest's device tree needs a vCPU and a console");
	to.error = fdt_create(buffer, buffer_room(buffer_size));
	if (!to.error)
		to.error = fdt_finish_reservemap(buffer);
	put_root(&to, info);
	if (!to.error)
		to.error = fdt_finish(buffer);
	return outcome(&to, buffer_size, why);
}
