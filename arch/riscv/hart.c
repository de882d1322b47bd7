/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of harts, and the gate before which they wait. See hart.h and held.S. */
#include "arch/riscv/hart.h"
#include "core/arch.h"
#include "core/machine.h"

_Static_assert(sizeof(struct hart) == 4096, "an index is a shift away");

struct hart harts[HART_LIMIT];

/* Ids that may pass, by index. No hart has the last of all numbers. */
uint64_t hart_gate[HART_LIMIT] = {[0 ... HART_LIMIT - 1] = UINT64_MAX};

void hart_admit(unsigned index)
{
	const uint64_t id = machine.fdt.harts[index].id;

	harts[index].id = id;
	__atomic_store_n(&hart_gate[index], id, __ATOMIC_RELEASE);
}

unsigned arch_hart_index(void)
{
	return (unsigned)(this_hart() - harts);
}

void arch_io_barrier(void)
{
	__asm__ volatile("fence iorw, iorw" ::: "memory");
}

void arch_fence_i(void)
{
	__asm__ volatile("fence.i" ::: "memory");
}
