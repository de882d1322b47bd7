/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading device trees that come from outside: what libfdt leaves open.
 *
 * Follows the Devicetree Specification v0.4, chapters 2 (reg, ranges, status,
 * interrupts) and 5 (the flattened form). Every length is compared with what
 * the cells in force demand before a value is taken. No state, no locks.
 */
#include "core/device_tree.h"

#include "core/reason.h"
#include "core/string.h"

#define FIRST_VERSION 16 /* what the specification calls compatible */

enum status device_tree_check(const void *tree, uint64_t size, const char *what,
			      const char **why)
{
	uint64_t total;
	int error;

	if (!tree || size == 0)
		return refuse(why, STATUS_NOT_FOUND, "%s is missing", what);
	if (!is_aligned((uintptr_t)tree, 8))
		return refuse(why, STATUS_INVALID, "%s is not at a multiple of 8 bytes",
			      what);
	if (size < sizeof(struct fdt_header))
		return refuse(why, STATUS_CORRUPT, "%s has only %lu bytes", what, size);
	if (fdt_magic(tree) != FDT_MAGIC)
		return refuse(why, STATUS_CORRUPT, "%s begins with 0x%x instead of 0x%x",
			      what, fdt_magic(tree), FDT_MAGIC);
	/* Before this one nodes had other names, on which older libfdt stumbles. */
	if (fdt_version(tree) < FIRST_VERSION)
		return refuse(why, STATUS_CORRUPT,
			      "%s is of version %u, which is older than %u", what,
			      fdt_version(tree), FIRST_VERSION);
	total = fdt_totalsize(tree);
	if (total > size)
		return refuse(why, STATUS_CORRUPT,
			      "%s is truncated: it says it has %lu bytes, there are %lu",
			      what, total, size);
	error = fdt_check_full(tree, total);
	if (error)
		return refuse(why, STATUS_CORRUPT, "%s is damaged: %s", what,
			      fdt_strerror(error));
	return STATUS_OK;
}

static uint64_t read_cells(const fdt32_t *cells, int count)
{
	uint64_t value = 0;

	for (int i = 0; i < count; i++)
		value = value << 32 | fdt32_ld(&cells[i]);
	return value;
}

enum status device_tree_number(const void *fdt, int node, const char *property,
			       uint64_t *value)
{
	int length;
	const void *cells = fdt_getprop(fdt, node, property, &length);

	if (!cells)
		return STATUS_NOT_FOUND;
	if (length != 4 && length != 8)
		return STATUS_CORRUPT;
	*value = read_cells(cells, length / 4);
	return STATUS_OK;
}

enum status device_tree_cell(const void *fdt, int node, const char *property,
			     uint32_t *value)
{
	int length;
	const void *cell = fdt_getprop(fdt, node, property, &length);

	if (!cell)
		return STATUS_NOT_FOUND;
	if (length != 4)
		return STATUS_CORRUPT;
	*value = fdt32_ld(cell);
	return STATUS_OK;
}

enum status device_tree_string(const void *fdt, int node, const char *property,
			       const char **value)
{
	int length;
	const char *text = fdt_getprop(fdt, node, property, &length);

	if (!text)
		return STATUS_NOT_FOUND;
	if (length < 1 || memchr(text, '\0', (size_t)length) != &text[length - 1])
		return STATUS_CORRUPT;
	*value = text;
	return STATUS_OK;
}

const char *device_tree_name(const void *fdt, int node)
{
	const char *name = fdt_get_name(fdt, node, NULL);

	return name ? name : "?";
}

bool device_tree_available(const void *fdt, int node)
{
	const char *text;
	enum status status = device_tree_string(fdt, node, "status", &text);

	if (status == STATUS_NOT_FOUND)
		return true;
	return status == STATUS_OK &&
	       (strcmp(text, "okay") == 0 || strcmp(text, "ok") == 0);
}

bool device_tree_has_type(const void *fdt, int node, const char *type)
{
	const char *text;

	return device_tree_string(fdt, node, "device_type", &text) == STATUS_OK &&
	       strcmp(text, type) == 0;
}

/* The cells in force for the children of a bus. */
struct bus_cells {
	int address;
	int size;
};

static enum status read_bus_cells(const void *fdt, int bus, struct bus_cells *cells)
{
	cells->address = fdt_address_cells(fdt, bus);
	cells->size = fdt_size_cells(fdt, bus);
	if (cells->address < 0 || cells->size < 0)
		return STATUS_CORRUPT;
	return cells->address <= 2 && cells->size <= 2 ? STATUS_OK : STATUS_UNSUPPORTED;
}

/* Take `range` through one entry of ranges, if it lies in it. */
static bool map_by_entry(const fdt32_t *entry, struct bus_cells child, int parent_cells,
			 struct device_range *range)
{
	uint64_t from = read_cells(entry, child.address);
	uint64_t to = read_cells(entry + child.address, parent_cells);
	uint64_t size = read_cells(entry + child.address + parent_cells, child.size);

	if (!range_within(range->base, range->size, from, size))
		return false;
	range->base = to + (range->base - from);
	return true;
}

/* From the addresses of bus's children to those of bus itself. */
static enum status map_by_ranges(const void *fdt, int bus, int parent,
				 struct device_range *range)
{
	struct bus_cells child, above;
	int length, entry;
	const fdt32_t *ranges = fdt_getprop(fdt, bus, "ranges", &length);
	enum status status = read_bus_cells(fdt, bus, &child);

	if (status == STATUS_OK)
		status = read_bus_cells(fdt, parent, &above);
	if (status != STATUS_OK)
		return status;
	if (!ranges)
		return STATUS_UNSUPPORTED;
	if (length == 0)
		return STATUS_OK;
	entry = child.address + above.address + child.size;
	if (length % (entry * 4) != 0)
		return STATUS_CORRUPT;
	for (int i = 0; i < length / 4; i += entry) {
		if (map_by_entry(ranges + i, child, above.address, range))
			return STATUS_OK;
	}
	return STATUS_UNSUPPORTED;
}

static enum status map_to_cpu(const void *fdt, int bus, struct device_range *range)
{
	int parent = fdt_parent_offset(fdt, bus);

	while (parent >= 0) {
		enum status status = map_by_ranges(fdt, bus, parent, range);

		if (status != STATUS_OK)
			return status;
		bus = parent;
		parent = fdt_parent_offset(fdt, bus);
	}
	return range->base + range->size < range->base ? STATUS_CORRUPT : STATUS_OK;
}

enum status device_tree_reg(const void *fdt, int node, unsigned index,
			    struct device_range *range)
{
	struct bus_cells cells;
	int bus = fdt_parent_offset(fdt, node), length, entry;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &length);
	enum status status;

	if (!reg || bus < 0)
		return STATUS_NOT_FOUND;
	status = read_bus_cells(fdt, bus, &cells);
	if (status != STATUS_OK)
		return status;
	entry = cells.address + cells.size;
	if (length % (entry * 4) != 0)
		return STATUS_CORRUPT;
	if (index >= (unsigned)(length / (entry * 4)))
		return STATUS_NOT_FOUND;
	reg += index * (unsigned)entry;
	range->base = read_cells(reg, cells.address);
	range->size = read_cells(reg + cells.address, cells.size);
	return map_to_cpu(fdt, bus, range);
}

/* The controller that the node's interrupts go to, as a phandle. */
static enum status inherited_interrupt_parent(const void *fdt, int node,
					      uint32_t *phandle)
{
	enum status status = STATUS_NOT_FOUND;

	for (; node >= 0 && status == STATUS_NOT_FOUND;
	     node = fdt_parent_offset(fdt, node))
		status = device_tree_cell(fdt, node, "interrupt-parent", phandle);
	return status;
}

/* cells: length bytes, of which one specifier for this controller is taken. */
static enum status read_specifier(const void *fdt, uint32_t phandle, const fdt32_t *cells,
				  int length, int *controller, uint32_t *number)
{
	uint32_t wanted;

	*controller = fdt_node_offset_by_phandle(fdt, phandle);
	if (*controller < 0)
		return STATUS_CORRUPT;
	if (device_tree_cell(fdt, *controller, "#interrupt-cells", &wanted) != STATUS_OK)
		return STATUS_CORRUPT;
	if (wanted < 1 || (uint64_t)wanted * 4 > (uint64_t)length)
		return STATUS_CORRUPT;
	*number = fdt32_ld(cells);
	return STATUS_OK;
}

enum status device_tree_interrupt(const void *fdt, int node, int *controller,
				  uint32_t *number)
{
	int length;
	uint32_t phandle;
	const fdt32_t *cells = fdt_getprop(fdt, node, "interrupts-extended", &length);

	if (cells && length >= 4)
		return read_specifier(fdt, fdt32_ld(cells), cells + 1, length - 4,
				      controller, number);
	cells = fdt_getprop(fdt, node, "interrupts", &length);
	if (!cells)
		return STATUS_NOT_FOUND;
	if (inherited_interrupt_parent(fdt, node, &phandle) != STATUS_OK)
		return STATUS_CORRUPT;
	return read_specifier(fdt, phandle, cells, length, controller, number);
}
