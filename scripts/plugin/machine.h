/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the plugins know of the emulated machine: where its RAM lies in the
 * emulator, its registers, and the privilege that code is translated for.
 *
 * RAM is learnt from the first instruction of the firmware at RAM_BASE, Gnomon's
 * own where it is that, which runs in M-mode, where virtual is physical. QEMU translates
 * code for one privilege and one V, so both are read once, at translation, and hold for
 * all its executions.
 */
#ifndef SCRIPTS_PLUGIN_MACHINE_H
#define SCRIPTS_PLUGIN_MACHINE_H

#include "scripts/plugin/page_walk.h"
#include "scripts/plugin/qemu_plugin.h"

#define RAM_BASE      UINT64_C(0x80000000)
#define FIRMWARE_SIZE UINT64_C(0x80000)
#define NO_PHYSICAL   UINT64_MAX

enum machine_register {
	REGISTER_PRIVILEGE,
	REGISTER_SATP,
	REGISTER_VSATP,
	REGISTER_HGATP,
	REGISTER_HSTATUS,
	REGISTER_SCAUSE,
	REGISTER_SSCRATCH,
	REGISTER_MSTATUS,
	REGISTER_MSCRATCH,
	REGISTER_COUNT,
};

struct privilege {
	unsigned level; /* 0 U, 1 S, 3 M */
	bool is_virtual;
};

/* To be called first of all where a vCPU is made. */
void machine_find_registers(void);

/* Of the vCPU that runs the callback. False: it cannot be read as things are. */
bool machine_read(enum machine_register which, uint64_t *value);

/* x0 to x31, likewise. */
uint64_t machine_read_x(unsigned number);

/* Of the block of code that is about to run. */
uint64_t machine_read_pc(void);

/* Of the code being translated. */
struct privilege machine_privilege(void);

/* Of an instruction being translated; NO_PHYSICAL where it lies in no RAM. */
uint64_t machine_physical(const struct qemu_plugin_insn *insn);

/* Reads RAM, for page_walk.h; `context` is not used. */
bool machine_load(void *context, hpa_t address, uint64_t *value);

/* The 32 bits of an instruction, or the 16 of a compressed one. */
uint32_t machine_code(const struct qemu_plugin_insn *insn);

#endif
