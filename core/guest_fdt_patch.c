/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling a device tree that came in a bundle about the VM it will run in.
 *
 * Only what the VM decides is touched: memory, ramdisk, random seed, boot arguments, and
 * the devices beside the console, which are put next to the PLIC. The tree is input from
 * outside; it is checked first, and then edited by libfdt inside the caller's buffer. No
 * state, no locks.
 */
#include "core/device_tree.h"
#include "core/guest_fdt.h"
#include "core/reason.h"
#include "core/string.h"

#include <limits.h>

#define NODE_NAME_MAX 48

static bool is_memory_node(const void *fdt, int node)
{
	const char *name = device_tree_name(fdt, node);

	return device_tree_has_type(fdt, node, "memory") || strcmp(name, "memory") == 0 ||
	       strncmp(name, "memory@", strlen("memory@")) == 0;
}

static int first_memory_node(const void *fdt)
{
	int node;

	fdt_for_each_subnode(node, fdt, 0)
	{
		if (is_memory_node(fdt, node))
			break;
	}
	return node;
}

static int set_bytes(void *fdt, int node, const char *name, const void *bytes,
		     size_t size)
{
	if (size > INT_MAX)
		return -FDT_ERR_NOSPACE;
	return fdt_setprop(fdt, node, name, bytes, (int)size);
}

static int set_string(void *fdt, int node, const char *name, const char *text)
{
	return set_bytes(fdt, node, name, text, strlen(text) + 1);
}

/* Deleting a node moves those behind it, so each search begins anew. */
static int replace_memory(void *fdt, const struct guest_fdt_info *info)
{
	char name[NODE_NAME_MAX];
	int node, error;

	while ((node = first_memory_node(fdt)) >= 0) {
		error = fdt_del_node(fdt, node);
		if (error)
			return error;
	}
	format_text(name, sizeof(name), "memory@%lx", info->ram_base.raw);
	node = fdt_add_subnode(fdt, 0, name);
	if (node < 0)
		return node;
	error = set_string(fdt, node, "device_type", "memory");
	if (error)
		return error;
	return fdt_appendprop_addrrange(fdt, 0, node, "reg", info->ram_base.raw,
					info->ram_size);
}

static int replace_number(void *fdt, int node, const char *name, uint64_t value)
{
	int error = fdt_delprop(fdt, node, name);

	if (error && error != -FDT_ERR_NOTFOUND)
		return error;
	return value > 0 ? fdt_setprop_u64(fdt, node, name, value) : 0;
}

static int patch_chosen(void *fdt, const struct guest_fdt_info *info)
{
	int node = fdt_subnode_offset(fdt, 0, "chosen"), error;

	if (node == -FDT_ERR_NOTFOUND)
		node = fdt_add_subnode(fdt, 0, "chosen");
	if (node < 0)
		return node;
	error = replace_number(fdt, node, "linux,initrd-start", info->initrd_start.raw);
	if (!error)
		error = replace_number(fdt, node, "linux,initrd-end",
				       info->initrd_end.raw);
	if (!error && info->bootargs[0] != '\0')
		error = set_string(fdt, node, "bootargs", info->bootargs);
	if (!error && info->rng_seed_size > 0)
		error = set_bytes(fdt, node, "rng-seed", info->rng_seed,
				  info->rng_seed_size);
	return error;
}

static int find_plic(const void *fdt)
{
	const int plic = fdt_node_offset_by_compatible(fdt, -1, "sifive,plic-1.0.0");

	return plic >= 0 ? plic : fdt_node_offset_by_compatible(fdt, -1, "riscv,plic0");
}

/* What devices call the PLIC by; one that nobody has called yet gets a number. */
static int plic_phandle(void *fdt, uint32_t *phandle)
{
	const int plic = find_plic(fdt);
	int error;

	if (plic < 0)
		return plic;
	*phandle = fdt_get_phandle(fdt, plic);
	if (*phandle != 0)
		return 0;
	error = fdt_generate_phandle(fdt, phandle);
	return error ? error : fdt_setprop_u32(fdt, plic, "phandle", *phandle);
}

/* A node that is there already, of the machine the tree was made for, is made anew. */
static int add_device_node(void *fdt, int bus, const struct guest_fdt_device *device)
{
	char name[NODE_NAME_MAX];
	int node, error = 0;

	format_text(name, sizeof(name), "%s@%lx", device->name, device->base.raw);
	node = fdt_subnode_offset(fdt, bus, name);
	if (node >= 0)
		error = fdt_del_node(fdt, node);
	return error ? error : fdt_add_subnode(fdt, bus, name);
}

static int add_device(void *fdt, const struct guest_fdt_device *device)
{
	uint32_t phandle;
	int bus, node, error = plic_phandle(fdt, &phandle);

	if (error)
		return error;
	bus = fdt_parent_offset(fdt, find_plic(fdt));
	if (bus < 0)
		return bus;
	node = add_device_node(fdt, bus, device);
	if (node < 0)
		return node;
	error = set_string(fdt, node, "compatible", device->compatible);
	if (!error)
		error = fdt_appendprop_addrrange(fdt, bus, node, "reg", device->base.raw,
						 device->size);
	if (!error)
		error = fdt_setprop_u32(fdt, node, "interrupt-parent", phandle);
	if (!error)
		error = fdt_setprop_u32(fdt, node, "interrupts", device->interrupt);
	return error;
}

/* The console is the tree's own affair. */
static int add_devices(void *fdt, const struct guest_fdt_info *info)
{
	int error = 0;

	for (size_t i = 0; !error && i < info->device_count; i++)
		if (i != info->console)
			error = add_device(fdt, &info->devices[i]);
	return error;
}

/* Memory first: a /chosen that says it is memory goes with it, and is made anew. */
static int patch(void *fdt, int size, const struct guest_fdt_info *info)
{
	int error = fdt_open_into(fdt, fdt, size);

	if (!error)
		error = replace_memory(fdt, info);
	if (!error)
		error = patch_chosen(fdt, info);
	if (!error)
		error = add_devices(fdt, info);
	return error ? error : fdt_pack(fdt);
}

enum status guest_fdt_patch(const struct guest_fdt_info *info, const struct blob *own,
			    void *buffer, uint64_t buffer_size, const char **why)
{
	static const char name[] = "the VM's own device tree";
	enum status status;
	int error;

	if (own->size > buffer_size)
		return refuse(why, STATUS_TOO_BIG, "%s has %lu bytes, more than %lu",
			      name, own->size, buffer_size);
	/* In a bundle it is only four-byte aligned; libfdt wants eight. */
	memcpy(buffer, own->data, own->size);
	status = device_tree_check(buffer, own->size, name, why);
	if (status != STATUS_OK)
		return status;
	error = patch(buffer, buffer_size < INT_MAX ? (int)buffer_size : INT_MAX, info);
	if (error == -FDT_ERR_BADNCELLS || error == -FDT_ERR_BADVALUE)
		return refuse(why, STATUS_UNSUPPORTED,
			      "%s has cells too small for %lu bytes at 0x%lx", name,
			      info->ram_size, info->ram_base.raw);
	if (error == -FDT_ERR_NOTFOUND)
		return refuse(why, STATUS_UNSUPPORTED,
			      "%s has no PLIC, which the VM's devices need", name);
	if (error == -FDT_ERR_NOSPACE)
		return refuse(why, STATUS_TOO_BIG, "%s needs more than %lu bytes", name,
			      buffer_size);
	if (error)
		return refuse(why, STATUS_CORRUPT, "%s cannot be patched: %s", name,
			      fdt_strerror(error));
	return STATUS_OK;
}
