/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A minimal scan of the flattened device tree (Devicetree Specification,
 * chapter 5) for the few properties guests need.
 *
 * One pass over the structure block; nothing is looked up twice. The tree comes
 * from the firmware, which is trusted to nest its nodes and to stay within its
 * own total size.
 */
#include "guests/lib/platform.h"

#include "core/types.h"
#include "guests/lib/string.h"

#define FDT_MAGIC      0xd00dfeed
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_NOP	       4
#define MAX_DEPTH      8

struct property {
	const char *name;
	const char *data;
	uint32_t size;
};

struct node {
	const char *name;
	unsigned address_cells; /* for this node's children */
	unsigned size_cells;
	struct property reg;
	struct property compatible;
	struct property isa;
	struct property mmu_type;
};

struct platform platform;
/* Names in a row, each with its terminating zero. */
static char extensions[1024];
static size_t extensions_size;

static uint32_t read_cell(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint64_t read_cells(const char *at, unsigned cells)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < cells; i++)
		value = value << 32 | read_cell(at + 4 * i);
	return value;
}

static bool name_starts(const struct node *node, const char *prefix)
{
	return memcmp(node->name, prefix, strlen(prefix)) == 0;
}

static bool is_compatible(const struct node *node, const char *with)
{
	const struct property *list = &node->compatible;

	for (uint32_t at = 0; at < list->size;
	     at += (uint32_t)strlen(list->data + at) + 1)
		if (strcmp(list->data + at, with) == 0)
			return true;
	return false;
}

static void add_extension(const char *name, size_t length)
{
	if (extensions_size + length + 1 > sizeof(extensions))
		return;
	memcpy(extensions + extensions_size, name, length);
	extensions_size += length;
	extensions[extensions_size++] = '\0';
}

/* The older riscv,isa: "rv64imac_zicsr_...", one letter each up to the first _. */
static void add_isa_string(const char *isa)
{
	const char *at = isa + strlen("rv64");

	for (; *at && *at != '_'; at++)
		add_extension(at, 1);
	while (*at == '_') {
		const char *name = ++at;

		while (*at && *at != '_')
			at++;
		add_extension(name, (size_t)(at - name));
	}
}

static void add_extensions(const struct property *isa)
{
	extensions_size = 0;
	if (strcmp(isa->name, "riscv,isa") == 0) {
		add_isa_string(isa->data);
		return;
	}
	for (uint32_t at = 0; at < isa->size; at += (uint32_t)strlen(isa->data + at) + 1)
		add_extension(isa->data + at, strlen(isa->data + at));
}

static void add_memory(const struct node *node, const struct node *parent)
{
	unsigned cells = parent->address_cells + parent->size_cells;

	for (uint32_t at = 0; at + 4 * cells <= node->reg.size; at += 4 * cells) {
		const char *entry = node->reg.data + at;
		uint64_t base = read_cells(entry, parent->address_cells);
		uint64_t size =
			read_cells(entry + 4 * parent->address_cells, parent->size_cells);

		if (!platform.memory_end || base < platform.memory_base)
			platform.memory_base = base;
		if (base + size > platform.memory_end)
			platform.memory_end = base + size;
	}
}

static void add_cpu(const struct node *node)
{
	const struct property *mmu = &node->mmu_type;

	if (node->isa.size)
		add_extensions(&node->isa);
	if (mmu->size <= sizeof(platform.mmu_type))
		memcpy(platform.mmu_type, mmu->data, mmu->size);
}

static void end_node(const struct node *node, const struct node *parent)
{
	uint64_t address;

	if (node == parent) {
		platform.is_qemu_virt = is_compatible(node, "riscv-virtio");
		return;
	}
	if (!node->reg.size)
		return;
	address = read_cells(node->reg.data, parent->address_cells);
	if (name_starts(node, "memory@")) {
		add_memory(node, parent);
	} else if (name_starts(node, "cpu@")) {
		if (address == platform.hart)
			add_cpu(node);
	} else if (name_starts(node, "mmode_resv")) {
		platform.firmware = address;
		platform.firmware_size = read_cells(
			node->reg.data + 4 * parent->address_cells, parent->size_cells);
	} else if (is_compatible(node, "ns16550a")) {
		platform.uart = address;
	}
}

static void take_property(struct node *node, const struct property *property)
{
	if (strcmp(property->name, "#address-cells") == 0)
		node->address_cells = read_cell(property->data);
	else if (strcmp(property->name, "#size-cells") == 0)
		node->size_cells = read_cell(property->data);
	else if (strcmp(property->name, "reg") == 0)
		node->reg = *property;
	else if (strcmp(property->name, "compatible") == 0)
		node->compatible = *property;
	else if (strcmp(property->name, "mmu-type") == 0)
		node->mmu_type = *property;
	else if (strcmp(property->name, "timebase-frequency") == 0)
		platform.timebase = read_cell(property->data);
	else if (strcmp(property->name, "bootargs") == 0 &&
		 property->size <= sizeof(platform.bootargs))
		memcpy(platform.bootargs, property->data, property->size);
	else if (strcmp(property->name, "riscv,isa-extensions") == 0)
		node->isa = *property;
	else if (strcmp(property->name, "riscv,isa") == 0 && !node->isa.size)
		node->isa = *property;
}

static const char *aligned_to_cell(const char *at)
{
	return (const char *)align_up((uintptr_t)at, 4);
}

static void scan(const char *structure, const char *strings)
{
	struct node nodes[MAX_DEPTH];
	unsigned depth = 0;

	for (const char *at = structure; depth < MAX_DEPTH;) {
		uint32_t token = read_cell(at);
		struct property property;

		at += 4;
		if (token == FDT_BEGIN_NODE) {
			nodes[depth++] = (struct node){
				.name = at, .address_cells = 2, .size_cells = 1};
			at = aligned_to_cell(at + strlen(at) + 1);
		} else if (token == FDT_END_NODE && depth > 0) {
			depth--;
			end_node(&nodes[depth], &nodes[depth ? depth - 1 : 0]);
		} else if (token == FDT_PROP && depth > 0) {
			property.size = read_cell(at);
			property.name = strings + read_cell(at + 4);
			property.data = at + 8;
			take_property(&nodes[depth - 1], &property);
			at = aligned_to_cell(at + 8 + property.size);
		} else if (token != FDT_NOP) {
			return;
		}
	}
}

bool platform_init(uint64_t hart, const void *tree)
{
	const char *header = tree;

	platform.hart = hart;
	if (read_cell(header) != FDT_MAGIC)
		return false;
	scan(header + read_cell(header + 8), header + read_cell(header + 12));
	return platform.memory_end != 0;
}

bool platform_has_extension(const char *name)
{
	for (size_t at = 0; at < extensions_size; at += strlen(extensions + at) + 1)
		if (strcmp(extensions + at, name) == 0)
			return true;
	return false;
}

const char *platform_argument(const char *name)
{
	size_t length = strlen(name);
	const char *at = platform.bootargs;

	while (*at) {
		if (memcmp(at, name, length) == 0 && at[length] == '=')
			return at + length + 1;
		while (*at && *at != ' ')
			at++;
		while (*at == ' ')
			at++;
	}
	return NULL;
}

bool platform_promises(const char *name)
{
	return platform_has_extension(name) || platform_argument(name);
}
