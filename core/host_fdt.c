/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the firmware's device tree: memory, harts, /chosen. See host_fdt.h.
 *
 * Bindings: the Devicetree Specification v0.4 (memory, reserved-memory, chosen)
 * and Linux's riscv/cpus. A reading is a sequence of steps; the first that
 * fails ends it with its reason.
 */
#include "core/host_fdt.h"

#include "core/device_tree.h"
#include "core/host_reading.h"
#include "core/reason.h"
#include "core/string.h"

static enum status read_root(const struct host_reading *reading)
{
	struct host_fdt *host = reading->host;

	memset(host, 0, sizeof(*host));
	host->model = "";
	host->bootargs = "";
	host->tree.base = HPA((uintptr_t)reading->fdt);
	host->tree.size = fdt_totalsize(reading->fdt);
	return host_optional_string(reading, 0, "model", &host->model);
}

/* ---- memory ---- */

/* Physical addresses have at most 56 bits (privileged specification, "Sv39"). */
#define PHYSICAL_LIMIT (UINT64_C(1) << 56)

static enum status add_memory(const struct host_reading *reading, int node,
			      const struct device_range *range)
{
	struct host_fdt *host = reading->host;

	if (range->base + range->size > PHYSICAL_LIMIT)
		return host_refuse_property(reading, node, "reg", STATUS_CORRUPT);
	if (host->memory_count == HOST_MEMORY_LIMIT)
		return refuse(
			reading->why, STATUS_TOO_BIG,
			"the machine's device tree has more than %u pieces of memory",
			HOST_MEMORY_LIMIT);
	host->memory[host->memory_count++] =
		(struct host_range){.base = HPA(range->base), .size = range->size};
	return STATUS_OK;
}

static enum status add_reserved_range(const struct host_reading *reading,
				      const struct device_range *range, bool no_map)
{
	struct host_fdt *host = reading->host;

	if (host->reserved_count == HOST_RESERVED_LIMIT)
		return refuse(reading->why, STATUS_TOO_BIG,
			      "the machine's device tree reserves more than %u pieces of "
			      "memory",
			      HOST_RESERVED_LIMIT);
	host->reserved[host->reserved_count++] = (struct host_reserved){
		.base = HPA(range->base), .size = range->size, .no_map = no_map};
	return STATUS_OK;
}

static enum status add_reserved(const struct host_reading *reading, int node,
				const struct device_range *range)
{
	return add_reserved_range(reading, range,
				  fdt_getprop(reading->fdt, node, "no-map", NULL));
}

/* Hand every entry of the node's reg that is not empty to `add`. */
static enum status for_each_range(const struct host_reading *reading, int node,
				  enum status (*add)(const struct host_reading *reading,
						     int node,
						     const struct device_range *range))
{
	struct device_range range;
	enum status status = STATUS_OK;

	for (unsigned i = 0; status == STATUS_OK; i++) {
		status = device_tree_reg(reading->fdt, node, i, &range);
		if (status == STATUS_NOT_FOUND)
			return STATUS_OK;
		if (status != STATUS_OK)
			return host_refuse_property(reading, node, "reg", status);
		if (range.size > 0)
			status = add(reading, node, &range);
	}
	return status;
}

static enum status read_memory(const struct host_reading *reading)
{
	const void *fdt = reading->fdt;
	enum status status;
	int node;

	fdt_for_each_subnode(node, fdt, 0)
	{
		if (!device_tree_has_type(fdt, node, "memory") ||
		    !device_tree_available(fdt, node))
			continue;
		status = for_each_range(reading, node, add_memory);
		if (status != STATUS_OK)
			return status;
	}
	if (reading->host->memory_count == 0)
		return refuse(reading->why, STATUS_NOT_FOUND,
			      "the machine's device tree has no memory");
	return STATUS_OK;
}

static enum status read_reservation_block(const struct host_reading *reading)
{
	int count = fdt_num_mem_rsv(reading->fdt);
	enum status status = STATUS_OK;

	for (int i = 0; status == STATUS_OK && i < count; i++) {
		struct device_range range = {0};

		if (fdt_get_mem_rsv(reading->fdt, i, &range.base, &range.size) < 0 ||
		    range.base + range.size < range.base)
			return refuse(reading->why, STATUS_CORRUPT,
				      "the machine's device tree: memory reservation %u "
				      "cannot be used",
				      (unsigned)i);
		status = add_reserved_range(reading, &range, false);
	}
	return status;
}

static enum status read_reserved(const struct host_reading *reading)
{
	const void *fdt = reading->fdt;
	int node, parent = fdt_subnode_offset(fdt, 0, "reserved-memory");
	enum status status = read_reservation_block(reading);

	if (status != STATUS_OK || parent < 0)
		return status;
	fdt_for_each_subnode(node, fdt, parent)
	{
		if (!device_tree_available(fdt, node))
			continue;
		status = for_each_range(reading, node, add_reserved);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

/* ---- harts ---- */

static unsigned read_mmu_levels(const void *fdt, int node)
{
	static const struct {
		const char *type;
		unsigned levels;
	} types[] = {{"riscv,sv39", 3}, {"riscv,sv48", 4}, {"riscv,sv57", 5}};
	const char *type;

	if (device_tree_string(fdt, node, "mmu-type", &type) != STATUS_OK)
		return 0;
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
		if (strcmp(type, types[i].type) == 0)
			return types[i].levels;
	}
	return 0;
}

static enum status read_extensions(const struct host_reading *reading, int node,
				   struct host_hart *hart)
{
	int length;
	const char *list =
		fdt_getprop(reading->fdt, node, "riscv,isa-extensions", &length);

	if (list && (length == 0 || list[length - 1] != '\0'))
		return host_refuse_property(reading, node, "riscv,isa-extensions",
					    STATUS_CORRUPT);
	if (list) {
		hart->extensions = list;
		hart->extensions_size = (size_t)length;
	}
	return host_optional_string(reading, node, "riscv,isa", &hart->isa);
}

static uint32_t interrupt_controller_phandle(const void *fdt, int cpu)
{
	int node;

	fdt_for_each_subnode(node, fdt, cpu)
	{
		if (fdt_node_check_compatible(fdt, node, "riscv,cpu-intc") == 0)
			return fdt_get_phandle(fdt, node);
	}
	return 0;
}

static enum status read_hart(const struct host_reading *reading, int node,
			     struct host_hart *hart)
{
	enum status status = read_extensions(reading, node, hart);

	if (status == STATUS_OK)
		status = host_optional_cell(reading, node, "riscv,cbom-block-size",
					    &hart->cbom_block_size);
	if (status == STATUS_OK)
		status = host_optional_cell(reading, node, "riscv,cboz-block-size",
					    &hart->cboz_block_size);
	hart->intc_phandle = interrupt_controller_phandle(reading->fdt, node);
	return status;
}

/* harts[0] is kept for the boot hart. */
static struct host_hart *hart_slot(const struct host_reading *reading, uint64_t id)
{
	struct host_fdt *host = reading->host;

	if (id == reading->boot_hart)
		return &host->harts[0];
	if (host->hart_count == HOST_HART_LIMIT) {
		host->harts_left_out++;
		return NULL;
	}
	return &host->harts[host->hart_count++];
}

/* A hart without an MMU, such as the monitor core of many SiFive chips. */
static enum status leave_out(struct host_fdt *host, uint64_t id)
{
	if (host->harts_without_mmu++ == 0)
		host->hart_without_mmu = id;
	return STATUS_OK;
}

static enum status add_hart(const struct host_reading *reading, int node)
{
	struct host_hart *hart;
	unsigned mmu_levels = read_mmu_levels(reading->fdt, node);
	uint64_t id;
	enum status status = device_tree_number(reading->fdt, node, "reg", &id);

	if (status != STATUS_OK)
		return host_refuse_property(reading, node, "reg", STATUS_CORRUPT);
	if (mmu_levels == 0)
		return leave_out(reading->host, id);
	hart = hart_slot(reading, id);
	if (!hart)
		return STATUS_OK;
	*hart = (struct host_hart){.id = id, .mmu_levels = mmu_levels};
	return read_hart(reading, node, hart);
}

static enum status read_timebase(const struct host_reading *reading, int node)
{
	uint64_t frequency;
	enum status status =
		device_tree_number(reading->fdt, node, "timebase-frequency", &frequency);

	if (status == STATUS_NOT_FOUND)
		return STATUS_OK;
	if (status != STATUS_OK || frequency == 0 || frequency > UINT32_MAX)
		return host_refuse_property(reading, node, "timebase-frequency",
					    STATUS_CORRUPT);
	reading->host->timebase_frequency = (uint32_t)frequency;
	return STATUS_OK;
}

static enum status read_cpu_nodes(const struct host_reading *reading, int parent)
{
	const void *fdt = reading->fdt;
	enum status status = STATUS_OK;
	int node;

	fdt_for_each_subnode(node, fdt, parent)
	{
		if (!device_tree_has_type(fdt, node, "cpu") ||
		    !device_tree_available(fdt, node))
			continue;
		/* Older trees have the timebase in every cpu node. */
		status = read_timebase(reading, node);
		if (status == STATUS_OK)
			status = add_hart(reading, node);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

static enum status read_harts(const struct host_reading *reading)
{
	struct host_fdt *host = reading->host;
	int parent = fdt_subnode_offset(reading->fdt, 0, "cpus");
	enum status status;

	if (parent < 0)
		return refuse(reading->why, STATUS_NOT_FOUND,
			      "the machine's device tree has no /cpus");
	host->hart_count = 1;
	status = read_cpu_nodes(reading, parent);
	if (status == STATUS_OK)
		status = read_timebase(reading, parent);
	if (status != STATUS_OK)
		return status;
	if (host->harts[0].mmu_levels == 0)
		return refuse(reading->why, STATUS_NOT_FOUND,
			      "the machine's device tree has no hart %lu with an MMU",
			      reading->boot_hart);
	if (host->timebase_frequency == 0)
		return refuse(reading->why, STATUS_NOT_FOUND,
			      "the machine's device tree has no timebase-frequency");
	return STATUS_OK;
}

/* ---- chosen ---- */

static enum status read_initrd(const struct host_reading *reading, int chosen)
{
	uint64_t start = 0, end = 0;
	enum status first =
		device_tree_number(reading->fdt, chosen, "linux,initrd-start", &start);
	enum status second =
		device_tree_number(reading->fdt, chosen, "linux,initrd-end", &end);

	if (first == STATUS_NOT_FOUND && second == STATUS_NOT_FOUND)
		return STATUS_OK;
	if (first != STATUS_OK || second != STATUS_OK || end < start)
		return host_refuse_property(
			reading, chosen, "linux,initrd-start and -end", STATUS_CORRUPT);
	reading->host->initrd =
		(struct host_range){.base = HPA(start), .size = end - start};
	return STATUS_OK;
}

static void read_seed(const struct host_reading *reading, int chosen)
{
	struct host_fdt *host = reading->host;
	int length;
	const void *seed = fdt_getprop(reading->fdt, chosen, "rng-seed", &length);

	if (!seed)
		return;
	host->seed_size = length < HOST_SEED_LIMIT ? (size_t)length : HOST_SEED_LIMIT;
	memcpy(host->seed, seed, host->seed_size);
}

static enum status read_chosen(const struct host_reading *reading)
{
	int chosen = fdt_subnode_offset(reading->fdt, 0, "chosen");
	enum status status;

	if (chosen < 0)
		return STATUS_OK;
	status = host_optional_string(reading, chosen, "bootargs",
				      &reading->host->bootargs);
	if (status == STATUS_OK)
		status = read_initrd(reading, chosen);
	if (status == STATUS_OK)
		read_seed(reading, chosen);
	return status;
}

/*
 * Only the tree itself says how long it is, so that is not believed blindly:
 * no machine's tree comes near the limit.
 */
static enum status check_tree(const void *tree, const char **why)
{
	static const char name[] = "the machine's device tree";

	if (!tree || fdt_magic(tree) != FDT_MAGIC)
		return device_tree_check(tree, sizeof(struct fdt_header), name, why);
	if (fdt_totalsize(tree) > HOST_FDT_SIZE_LIMIT)
		return refuse(why, STATUS_TOO_BIG, "%s says it has %u bytes", name,
			      fdt_totalsize(tree));
	return device_tree_check(tree, fdt_totalsize(tree), name, why);
}

enum status host_fdt_read(struct host_fdt *host, const void *tree, uint64_t boot_hart,
			  const char **why)
{
	static enum status (*const steps[])(const struct host_reading *reading) = {
		read_root,  host_console_look, read_memory,	 read_reserved,
		read_harts, read_chosen,       host_devices_read};
	const struct host_reading reading = {
		.host = host, .fdt = tree, .boot_hart = boot_hart, .why = why};
	enum status status = check_tree(tree, why);

	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LENGTH(steps); i++)
		status = steps[i](&reading);
	return status;
}
