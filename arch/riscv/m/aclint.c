/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers and software interrupts of the machine. See aclint.h. */
#include "arch/riscv/m/aclint.h"
#include "arch/riscv/layout.h"
#include "core/arch.h"
#include "core/device_tree.h"
#include "core/reason.h"

/* One number of each hart's own interrupt controller. */
#define MACHINE_SOFTWARE 3
#define MACHINE_TIMER	 7

/* Where a CLINT has what ACLINT has as devices: words, time compare values, the time. */
#define CLINT_COMPARE 0x4000
#define CLINT_TIME    0xbff8
#define CLINT_SIZE    0xc000

static struct {
	volatile uint32_t *software;
	volatile uint64_t *compare;
} of_harts[HART_LIMIT];

volatile uint64_t *clint_time;

/* A device for some of the harts, the n-th registers of which are the n-th hart's. */
struct device {
	struct device_range software; /* size 0: it has none */
	struct device_range compare;
	struct device_range time;
	unsigned per_hart; /* interrupts */
};

static bool read_clint(const void *tree, int node, struct device *device)
{
	struct device_range all;

	if (device_tree_reg(tree, node, 0, &all) != STATUS_OK || all.size < CLINT_SIZE)
		return false;
	device->software = (struct device_range){all.base, CLINT_COMPARE};
	device->compare = (struct device_range){all.base + CLINT_COMPARE,
						CLINT_TIME - CLINT_COMPARE};
	device->time = (struct device_range){all.base + CLINT_TIME, 8};
	device->per_hart = 2;
	return true;
}

static bool read_software(const void *tree, int node, struct device *device)
{
	device->per_hart = 1;
	return device_tree_reg(tree, node, 0, &device->software) == STATUS_OK;
}

static bool read_timer(const void *tree, int node, struct device *device)
{
	device->per_hart = 1;
	return device_tree_reg(tree, node, 0, &device->time) == STATUS_OK &&
	       device_tree_reg(tree, node, 1, &device->compare) == STATUS_OK &&
	       device->time.size >= 8;
}

static const struct {
	const char *compatible;
	bool (*read)(const void *tree, int node, struct device *device);
} known[] = {
	{"riscv,aclint-mswi", read_software},
	{"riscv,aclint-mtimer", read_timer},
	{"riscv,clint0", read_clint},
	{"sifive,clint0", read_clint},
};

static bool read_device(const void *tree, int node, struct device *device)
{
	*device = (struct device){0};
	for (unsigned i = 0; i < ARRAY_LENGTH(known); i++)
		if (fdt_node_check_compatible(tree, node, known[i].compatible) == 0)
			return device_tree_available(tree, node) &&
			       known[i].read(tree, node, device);
	return false;
}

/* The register of that position, if the device has it. */
static void *nth(const struct device_range *range, unsigned position, unsigned size)
{
	if (position >= range->size / size)
		return NULL;
	return (void *)(uintptr_t)(range->base + (uint64_t)position * size);
}

static void assign(const struct host_fdt *fdt, const struct device *device,
		   unsigned position, uint32_t phandle, uint32_t interrupt)
{
	for (unsigned i = 0; i < fdt->hart_count && i < HART_LIMIT; i++) {
		if (phandle == 0 || fdt->harts[i].intc_phandle != phandle)
			continue;
		if (interrupt == MACHINE_SOFTWARE && device->software.size > 0)
			of_harts[i].software = nth(&device->software, position, 4);
		if (interrupt == MACHINE_TIMER && device->compare.size > 0)
			of_harts[i].compare = nth(&device->compare, position, 8);
	}
}

static void assign_all(const void *tree, int node, const struct host_fdt *fdt,
		       const struct device *device)
{
	int length;
	const fdt32_t *pairs = fdt_getprop(tree, node, "interrupts-extended", &length);

	for (unsigned i = 0; pairs && (int)i < length / 8; i++)
		assign(fdt, device, i / device->per_hart, fdt32_ld(&pairs[2 * i]),
		       fdt32_ld(&pairs[2 * i + 1]));
	if (device->time.size > 0)
		clint_time = nth(&device->time, 0, 8);
}

enum status aclint_find(const void *tree, const struct host_fdt *fdt, const char **why)
{
	struct device device;

	clint_time = NULL;
	for (unsigned i = 0; i < HART_LIMIT; i++) {
		of_harts[i].software = NULL;
		of_harts[i].compare = NULL;
	}
	for (int node = fdt_next_node(tree, -1, NULL); node >= 0;
	     node = fdt_next_node(tree, node, NULL))
		if (read_device(tree, node, &device))
			assign_all(tree, node, fdt, &device);
	if (clint_time && aclint_has(0))
		return STATUS_OK;
	return refuse(
		why, STATUS_NOT_FOUND,
		"the machine's device tree has no timer that is known (riscv,clint0 "
		"or riscv,aclint-mtimer and -mswi)");
}

bool aclint_has(unsigned hart)
{
	return of_harts[hart].software && of_harts[hart].compare;
}

void aclint_timer_set(unsigned hart, uint64_t deadline)
{
	*of_harts[hart].compare = deadline;
}

void aclint_kick(unsigned hart, bool pending)
{
	arch_io_barrier();
	*of_harts[hart].software = pending;
	arch_io_barrier();
}
