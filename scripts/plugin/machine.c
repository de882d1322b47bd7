/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated machine as the plugins see it. See machine.h. */
#include "scripts/plugin/machine.h"

#include <stdio.h>
#include <string.h>

#define X_COUNT 32

static const char *const names[REGISTER_COUNT] = {
	[REGISTER_PRIVILEGE] = "priv",	  [REGISTER_SATP] = "satp",
	[REGISTER_VSATP] = "vsatp",	  [REGISTER_HGATP] = "hgatp",
	[REGISTER_HSTATUS] = "hstatus",	  [REGISTER_SCAUSE] = "scause",
	[REGISTER_SSCRATCH] = "sscratch", [REGISTER_MSTATUS] = "mstatus",
	[REGISTER_MSCRATCH] = "mscratch",
};

static struct qemu_plugin_register *registers[REGISTER_COUNT];
static struct qemu_plugin_register *x_registers[X_COUNT];
static struct qemu_plugin_register *pc_register;
static const uint8_t *ram;
static uint64_t ram_size;

/* The general ones come first of the CPU's own, in order; others have names. */
void machine_find_registers(void)
{
	GArray *list = qemu_plugin_get_registers();
	const qemu_plugin_reg_descriptor *all = (const void *)list->data;
	unsigned x = 0;

	for (unsigned i = 0; i < list->len; i++) {
		if (x < X_COUNT && !strcmp(all[i].feature, "org.gnu.gdb.riscv.cpu"))
			x_registers[x++] = all[i].handle;
		if (!strcmp(all[i].name, "pc"))
			pc_register = all[i].handle;
		for (unsigned which = 0; which < REGISTER_COUNT; which++)
			if (!strcmp(all[i].name, names[which]))
				registers[which] = all[i].handle;
	}
	g_array_free(list, 1);
}

static bool read_register(struct qemu_plugin_register *handle, uint64_t *value)
{
	static __thread GByteArray *bytes;

	if (!handle)
		return false;
	if (!bytes)
		bytes = g_byte_array_new();
	g_byte_array_set_size(bytes, 0);
	if (qemu_plugin_read_register(handle, bytes) < (int)sizeof(*value))
		return false;
	memcpy(value, bytes->data, sizeof(*value));
	return true;
}

bool machine_read(enum machine_register which, uint64_t *value)
{
	return read_register(registers[which], value);
}

uint64_t machine_read_x(unsigned number)
{
	uint64_t value = 0;

	if (number)
		read_register(x_registers[number], &value);
	return value;
}

uint64_t machine_read_pc(void)
{
	uint64_t value = 0;

	read_register(pc_register, &value);
	return value;
}

/* V is bit 2 of this pseudo-register. */
struct privilege machine_privilege(void)
{
	uint64_t value = 3;

	machine_read(REGISTER_PRIVILEGE, &value);
	return (struct privilege){.level = value & 3, .is_virtual = (value & 4) != 0};
}

/* RAM is one mapping of the emulator's, from `start` on. */
static uint64_t mapping_size(const uint8_t *start)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long first, last;
	uint64_t size = 0;
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx", &first, &last) == 2 &&
		    (uintptr_t)start >= first && (uintptr_t)start < last)
			size = last - (uintptr_t)start;
	if (maps)
		fclose(maps);
	return size;
}

static void learn_ram(const struct qemu_plugin_insn *insn)
{
	const uint8_t *host = qemu_plugin_insn_haddr(insn);

	if (qemu_plugin_insn_vaddr(insn) != RAM_BASE || machine_privilege().level != 3)
		return;
	ram = host;
	ram_size = mapping_size(ram);
}

uint64_t machine_physical(const struct qemu_plugin_insn *insn)
{
	const uint8_t *host = qemu_plugin_insn_haddr(insn);

	if (!ram)
		learn_ram(insn);
	if (!ram || host < ram || (uint64_t)(host - ram) >= ram_size)
		return NO_PHYSICAL;
	return RAM_BASE + (uint64_t)(host - ram);
}

bool machine_load(void *context, hpa_t address, uint64_t *value)
{
	uint64_t offset = address.raw - RAM_BASE;

	(void)context;
	if (address.raw < RAM_BASE || !range_within(offset, sizeof(*value), 0, ram_size))
		return false;
	*value = __atomic_load_n((const uint64_t *)(const void *)(ram + offset),
				 __ATOMIC_RELAXED);
	return true;
}

uint32_t machine_code(const struct qemu_plugin_insn *insn)
{
	uint32_t code = 0;

	qemu_plugin_insn_data(insn, &code, sizeof(code));
	return qemu_plugin_insn_size(insn) == 4 ? code : code & 0xffff;
}
