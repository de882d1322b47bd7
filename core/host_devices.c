/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the firmware's device tree: the PLIC, the console's UART and virtio devices.
 *
 * Bindings: the Devicetree Specification v0.4 (chosen, aliases) and Linux's for
 * sifive,plic-1.0.0 and 8250. Runs after the harts are known, whose interrupt
 * controllers tell the PLIC's contexts apart.
 */
#include "core/device_tree.h"
#include "core/host_reading.h"
#include "core/reason.h"
#include "core/string.h"

#define SUPERVISOR_EXTERNAL_INTERRUPT 9
#define MACHINE_EXTERNAL_INTERRUPT    11

static bool is_plic(const void *fdt, int node)
{
	static const char *const compatible[] = {"sifive,plic-1.0.0", "riscv,plic0",
						 "thead,c900-plic",
						 "andestech,nceplic100"};

	for (size_t i = 0; i < ARRAY_LENGTH(compatible); i++) {
		if (fdt_node_check_compatible(fdt, node, compatible[i]) == 0)
			return device_tree_available(fdt, node);
	}
	return false;
}

static int find_plic(const void *fdt)
{
	int node = fdt_next_node(fdt, -1, NULL);

	while (node >= 0 && !is_plic(fdt, node))
		node = fdt_next_node(fdt, node, NULL);
	return node;
}

static void set_context(struct host_fdt *host, uint32_t phandle, uint32_t interrupt,
			unsigned context)
{
	for (unsigned i = 0; i < host->hart_count; i++) {
		struct host_hart *hart = &host->harts[i];

		if (phandle == 0 || hart->intc_phandle != phandle)
			continue;
		if (interrupt == SUPERVISOR_EXTERNAL_INTERRUPT) {
			hart->has_plic_context = true;
			hart->plic_context = context;
		} else if (interrupt == MACHINE_EXTERNAL_INTERRUPT) {
			hart->has_machine_context = true;
			hart->machine_context = context;
		}
	}
}

/*
 * The n-th pair (interrupt controller of a hart, its interrupt) is context n;
 * firmware writes an impossible interrupt for the contexts it keeps.
 */
static enum status read_contexts(const struct host_reading *reading, int plic)
{
	int length;
	const fdt32_t *pairs =
		fdt_getprop(reading->fdt, plic, "interrupts-extended", &length);

	if (!pairs || length % 8 != 0)
		return host_refuse_property(reading, plic, "interrupts-extended",
					    STATUS_CORRUPT);
	for (int i = 0; i < length / 8; i++)
		set_context(reading->host, fdt32_ld(&pairs[2 * i]),
			    fdt32_ld(&pairs[2 * i + 1]), (unsigned)i);
	return STATUS_OK;
}

static enum status read_plic(const struct host_reading *reading, int node)
{
	struct host_plic *plic = &reading->host->plic;
	struct device_range range;
	uint32_t sources = 0;
	enum status status;

	if (node < 0)
		return STATUS_OK;
	status = device_tree_reg(reading->fdt, node, 0, &range);
	if (status != STATUS_OK)
		return host_refuse_property(reading, node, "reg", status);
	status = device_tree_cell(reading->fdt, node, "riscv,ndev", &sources);
	if (status != STATUS_OK)
		return host_refuse_property(reading, node, "riscv,ndev", STATUS_CORRUPT);
	*plic = (struct host_plic){.is_present = true,
				   .base = HPA(range.base),
				   .size = range.size,
				   .sources = sources};
	return read_contexts(reading, node);
}

/*
 * What a path such as "serial0:115200n8" means. Aliases are looked up here,
 * since one that names itself sends older libfdt round in circles.
 */
static int find_by_path(const void *fdt, const char *path)
{
	const char *colon = strchr(path, ':');
	size_t length = colon ? (size_t)(colon - path) : strlen(path);

	if (length > 0 && path[0] != '/') {
		path = fdt_get_alias_namelen(fdt, path, (int)length);
		length = path ? strlen(path) : 0;
	}
	if (length == 0 || path[0] != '/')
		return -FDT_ERR_NOTFOUND;
	return fdt_path_offset_namelen(fdt, path, (int)length);
}

static int find_console(const void *fdt)
{
	int chosen = fdt_subnode_offset(fdt, 0, "chosen");
	const char *path;

	if (chosen < 0 ||
	    device_tree_string(fdt, chosen, "stdout-path", &path) != STATUS_OK)
		path = "serial0";
	return find_by_path(fdt, path);
}

/* "" if there are none, or the last is not ended. */
static void read_compatible(const void *fdt, int node, struct host_console *console)
{
	int length;
	const char *strings = fdt_getprop(fdt, node, "compatible", &length);
	bool usable = strings && length > 0 && strings[length - 1] == '\0';

	console->compatible = usable ? strings : "";
	console->compatible_size = usable ? (size_t)length : 0;
}

/* How an 8250's registers lie: Linux's binding serial/8250.yaml. Others tell nothing. */
static enum status read_register_layout(const struct host_reading *reading, int node,
					struct host_console *console)
{
	uint32_t shift = 0, width = 1, offset = 0;
	enum status status = host_optional_cell(reading, node, "reg-shift", &shift);

	if (status == STATUS_OK)
		status = host_optional_cell(reading, node, "reg-io-width", &width);
	if (status == STATUS_OK)
		status = host_optional_cell(reading, node, "reg-offset", &offset);
	if (status != STATUS_OK)
		return status;
	if (shift > 4 || (width != 1 && width != 2 && width != 4) ||
	    offset > console->size)
		return host_refuse_property(
			reading, node, "reg-shift, -io-width or -offset", STATUS_CORRUPT);
	console->base.raw += offset;
	console->size -= offset;
	console->register_shift = shift;
	console->access_width = width;
	return host_optional_cell(reading, node, "clock-frequency",
				  &console->clock_frequency);
}

/* Where it is, and how it is spoken to. */
static enum status read_place(const struct host_reading *reading, int node)
{
	struct host_console *console = &reading->host->console;
	struct device_range range;
	enum status status = device_tree_reg(reading->fdt, node, 0, &range);

	if (status != STATUS_OK)
		return host_refuse_property(reading, node, "reg", status);
	*console = (struct host_console){.base = HPA(range.base), .size = range.size};
	read_compatible(reading->fdt, node, console);
	status = read_register_layout(reading, node, console);
	console->is_present = status == STATUS_OK;
	return status;
}

/* *has stays false where there is none, or it is another controller's. */
static enum status read_interrupt(const struct host_reading *reading, int node, int plic,
				  bool *has, unsigned *interrupt)
{
	int controller;
	uint32_t number;
	enum status status =
		device_tree_interrupt(reading->fdt, node, &controller, &number);

	if (status == STATUS_CORRUPT)
		return host_refuse_property(reading, node, "interrupts", status);
	if (status == STATUS_OK && controller == plic) {
		*has = true;
		*interrupt = number;
	}
	return STATUS_OK;
}

static enum status read_console(const struct host_reading *reading, int node, int plic)
{
	struct host_console *console = &reading->host->console;
	enum status status;

	if (node < 0 || !device_tree_available(reading->fdt, node))
		return STATUS_OK;
	status = read_place(reading, node);
	if (status != STATUS_OK)
		return status;
	return read_interrupt(reading, node, plic, &console->has_interrupt,
			      &console->interrupt);
}

static enum status read_virtio_place(const struct host_reading *reading, int node,
				     int plic)
{
	struct host_fdt *host = reading->host;
	struct host_virtio_place *place = &host->virtio[host->virtio_count];
	struct device_range range;
	enum status status = device_tree_reg(reading->fdt, node, 0, &range);

	if (status != STATUS_OK)
		return host_refuse_property(reading, node, "reg", status);
	*place = (struct host_virtio_place){.base = HPA(range.base), .size = range.size};
	host->virtio_count++;
	return read_interrupt(reading, node, plic, &place->has_interrupt,
			      &place->interrupt);
}

static enum status read_virtio(const struct host_reading *reading, int plic)
{
	static const char compatible[] = "virtio,mmio";
	struct host_fdt *host = reading->host;
	int node = fdt_node_offset_by_compatible(reading->fdt, -1, compatible);
	enum status status = STATUS_OK;

	for (; status == STATUS_OK && node >= 0;
	     node = fdt_node_offset_by_compatible(reading->fdt, node, compatible)) {
		if (!device_tree_available(reading->fdt, node))
			continue;
		if (host->virtio_count < HOST_VIRTIO_LIMIT)
			status = read_virtio_place(reading, node, plic);
		else
			host->virtio_left_out++;
	}
	return status;
}

enum status host_console_look(const struct host_reading *reading)
{
	const char *unheard;
	struct host_reading quiet = *reading;
	int node = find_console(reading->fdt);

	quiet.why = &unheard;
	if (node >= 0 && device_tree_available(reading->fdt, node))
		(void)read_place(&quiet, node);
	return STATUS_OK;
}

enum status host_devices_read(const struct host_reading *reading)
{
	int plic = find_plic(reading->fdt);
	enum status status = read_plic(reading, plic);

	if (status != STATUS_OK)
		return status;
	status = read_console(reading, find_console(reading->fdt), plic);
	return status == STATUS_OK ? read_virtio(reading, plic) : status;
}
