/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bench for faults as harts report them: a VM with a serial port under a real
 * paging mode, whose guest executes one instruction at a time on the fake hart.
 * What faults is reported in scause, stval, htval and htinst as the profile has
 * it, put into words as a seat does, and handled by core/exit.c, until the
 * instruction is done or the guest has an exception.
 */
#ifndef TESTS_UNIT_FAULT_BENCH_H
#define TESTS_UNIT_FAULT_BENCH_H

#include "core/exit.h"
#include "core/vm.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/guest_tables.h"

/* Where the guest's code is, and a page of data in the middle of its RAM. */
#define FAULT_PC   GVA(0x401ffe)
#define FAULT_DATA GVA(0x10008)
#define FAULT_UART GVA(0x20000)

extern struct vm fault_vm;
extern struct guest_tables fault_tables;
extern uint64_t fault_satp;

/* On a machine of that profile; the port and the code are mapped, the data not. */
void fault_bench_create(const struct fake_profile *profile,
			const struct paging_mode *mode);
void fault_bench_destroy(void);

/* The page of FAULT_DATA, with these flags; V clear for none. */
void fault_map_data(uint64_t flags);

/* An instruction, and how it accesses memory: lr is a load. */
struct fault_step {
	uint32_t instruction;
	struct access access;
};

/*
 * Execute it at FAULT_PC. True: it was done, by the hart or for it, and the pc is
 * behind it. False: the guest has an exception, as fake_machine tells.
 */
bool fault_execute(const struct fault_step *step);

/* Exits it took, of the last step. */
extern unsigned fault_exits;

/* An access fault as the hart reports it, where Gnomon has to pass it on. */
struct vm_exit fault_access_exit(const struct access *access);

#endif
