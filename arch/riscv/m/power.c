/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Powering off. See power.h.
 *
 * Bindings: Linux's power/reset/syscon-poweroff (bits `mask` of the register at `offset`
 * of the regmap, or of the parent, become `value`) and mfd/syscon (reg-io-width).
 */
#include "arch/riscv/m/power.h"
#include "core/device_tree.h"
#include "drivers/host_mmio.h"

/* sifive,test0: what its only register is told. */
#define FINISHER_PASS 0x5555
#define FINISHER_FAIL 0x13333 /* exit code 1 */

static struct {
	uintptr_t address; /* 0: there is none */
	uint32_t width;	   /* bytes */
	uint32_t mask;
	uint32_t success, failure;
} power_register;

static int next_of(const void *tree, int node, const char *compatible)
{
	do
		node = fdt_node_offset_by_compatible(tree, node, compatible);
	while (node >= 0 && !device_tree_available(tree, node));
	return node;
}

static bool find_finisher(const void *tree, const char *compatible)
{
	struct device_range range;
	int node = next_of(tree, -1, compatible);

	if (node < 0 || device_tree_reg(tree, node, 0, &range) != STATUS_OK ||
	    range.size < 4)
		return false;
	power_register.address = range.base;
	power_register.width = 4;
	power_register.mask = UINT32_MAX;
	power_register.success = FINISHER_PASS;
	power_register.failure = FINISHER_FAIL;
	return true;
}

/* The old form of the binding has the value in `mask`. */
static bool read_value(const void *tree, int node)
{
	uint32_t value, mask;
	bool has_value = device_tree_cell(tree, node, "value", &value) == STATUS_OK;
	bool has_mask = device_tree_cell(tree, node, "mask", &mask) == STATUS_OK;

	if (!has_value && !has_mask)
		return false;
	power_register.success = has_value ? value : mask;
	power_register.failure = power_register.success;
	power_register.mask = has_value && has_mask ? mask : UINT32_MAX;
	return true;
}

static int register_map(const void *tree, int node)
{
	uint32_t phandle;

	if (device_tree_cell(tree, node, "regmap", &phandle) == STATUS_OK)
		return fdt_node_offset_by_phandle(tree, phandle);
	return fdt_parent_offset(tree, node);
}

static bool read_syscon(const void *tree, int node)
{
	struct device_range range;
	uint32_t offset, width = 4;
	int map = register_map(tree, node);

	if (map < 0 || device_tree_reg(tree, map, 0, &range) != STATUS_OK ||
	    (device_tree_cell(tree, node, "offset", &offset) != STATUS_OK &&
	     device_tree_cell(tree, node, "reg", &offset) != STATUS_OK) ||
	    device_tree_cell(tree, map, "reg-io-width", &width) == STATUS_CORRUPT ||
	    (width != 1 && width != 2 && width != 4) || offset % width != 0 ||
	    !range_within(offset, width, 0, range.size) || !read_value(tree, node))
		return false;
	power_register.address = range.base + offset;
	power_register.width = width;
	return true;
}

static bool find_syscon(const void *tree, const char *compatible)
{
	for (int node = next_of(tree, -1, compatible); node >= 0;
	     node = next_of(tree, node, compatible))
		if (read_syscon(tree, node))
			return true;
	return false;
}

void power_find(const void *tree)
{
	static const struct {
		bool (*find)(const void *tree, const char *compatible);
		const char *compatible;
	} ways[] = {
		{find_finisher, "sifive,test1"},
		{find_finisher, "sifive,test0"},
		{find_syscon, "syscon-poweroff"},
	};

	power_register.address = 0;
	for (unsigned i = 0; i < ARRAY_LENGTH(ways); i++)
		if (ways[i].find(tree, ways[i].compatible))
			return;
}

bool power_off(bool failure)
{
	const uint32_t mask = power_register.mask, width = power_register.width;
	uint32_t value = failure ? power_register.failure : power_register.success;

	if (power_register.address == 0)
		return false;
	if (mask != UINT32_MAX)
		value = (value & mask) |
			(host_mmio_read(power_register.address, width) & ~mask);
	host_mmio_write(power_register.address, width, value);
	return true;
}
