/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM with its devices, on the fake machine, under a paging mode that answers
 * what a test tells it to: for tests of exits and of the SBI.
 */
#ifndef TESTS_UNIT_VM_BENCH_H
#define TESTS_UNIT_VM_BENCH_H

#include "core/exit.h"
#include "core/vm.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

#define VM_BENCH_RAM	  (2 * MIB)
#define VM_BENCH_TIMEBASE 10000000

struct scripted_mode {
	struct translation translation; /* of the next faults */
	unsigned faults;
	uint64_t satp;
	unsigned satp_writes;
	unsigned fences;
	unsigned fences_of[VCPU_LIMIT]; /* by vCPU */
	struct fence fence;		/* the last one */
	/* What read_half() finds; no more than that is readable. */
	gva_t code_at;
	uint16_t code[8];
	unsigned code_length; /* halves */
	enum access_kind code_kind;
};

extern struct scripted_mode scripted;
extern struct vm bench_vm;

/* With so many vCPUs, the first of which is loaded. */
void vm_bench_create(const struct fake_profile *profile, unsigned vcpus);
void vm_bench_destroy(void);

/* 32 bits of code at the first vCPU's pc, or 16. */
void vm_bench_code(uint32_t instruction);

#endif
