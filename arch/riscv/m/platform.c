/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's own devices. See platform.h. */
#include "arch/riscv/m/platform.h"
#include "core/device_tree.h"
#include "core/reason.h"

/* SiFive's CLINT: one word and one time compare register for each hart, by its id. */
#define CLINT_COMPARE 0x4000
#define CLINT_TIME    0xbff8
#define CLINT_SIZE    0xc000

static volatile uint32_t *software;
static volatile uint64_t *compare;
volatile uint64_t *clint_time;

static int find(const void *tree, const char *const *compatible, unsigned count)
{
	for (int node = fdt_next_node(tree, -1, NULL); node >= 0;
	     node = fdt_next_node(tree, node, NULL))
		for (unsigned i = 0; i < count; i++)
			if (fdt_node_check_compatible(tree, node, compatible[i]) == 0 &&
			    device_tree_available(tree, node))
				return node;
	return -FDT_ERR_NOTFOUND;
}

static bool find_registers(const void *tree, const char *const *compatible,
			   unsigned count, struct device_range *range)
{
	int node = find(tree, compatible, count);

	return node >= 0 && device_tree_reg(tree, node, 0, range) == STATUS_OK;
}

enum status platform_find(const void *tree, const char **why)
{
	static const char *const clints[] = {"sifive,clint0", "riscv,clint0"};
	struct device_range range;

	if (!find_registers(tree, clints, ARRAY_LENGTH(clints), &range) ||
	    range.size < CLINT_SIZE)
		return refuse(why, STATUS_NOT_FOUND,
			      "the machine's device tree has no timer that is known "
			      "(riscv,clint0)");
	software = (volatile uint32_t *)(uintptr_t)range.base;
	compare = (volatile uint64_t *)(uintptr_t)(range.base + CLINT_COMPARE);
	clint_time = (volatile uint64_t *)(uintptr_t)(range.base + CLINT_TIME);
	return STATUS_OK;
}

void platform_timer_set(uint64_t hart, uint64_t deadline)
{
	compare[hart] = deadline;
}

void platform_kick(uint64_t hart, bool pending)
{
	software[hart] = pending;
}
