/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Gnomon knows of each host hart. tp points to the running hart's entry
 * at all times outside the guest; an entry is written by its own hart alone.
 */
#ifndef ARCH_RISCV_HART_H
#define ARCH_RISCV_HART_H

#include "arch/riscv/layout.h"
#include "core/types.h"

struct hart {
	uint64_t guard; /* where to go on after an expected trap; 0: none */
	uint64_t id;	/* the firmware's hart id, which may be sparse */
	/* For the report of a trap that should not be: the usual one may be its cause. */
	uint8_t last_resort_stack[4096 - 16];
} __attribute__((aligned(16)));

extern struct hart harts[HART_LIMIT];

/* Let it, by its index in machine.fdt.harts, go on from held.S to harts_arrive(). */
void hart_admit(unsigned index);

/* The compiler leaves alone what the fast trap vector does not save: see exit_fast.S. */
extern const bool c_keeps_registers;

static inline struct hart *this_hart(void)
{
	struct hart *hart;

	__asm__("mv %0, tp" : "=r"(hart));
	/* cppcheck-suppress uninitvar ; it is not shown the assembly, which sets it */
	return hart;
}

/*
 * Run one instruction that may trap; true if it did not. The operands are
 * written as in extended asm, %1 being the first.
 */
#define guarded(instruction, ...)                                                        \
	({                                                                               \
		unsigned long ok_;                                                       \
		__asm__ volatile(                                                        \
			"lla %0, 1f\n\tsd %0, 0(tp)\n\tli %0, 0\n\t" instruction         \
			"\n\tli %0, 1\n1:\tsd zero, 0(tp)"                               \
			: "=&r"(ok_)                                                     \
			: __VA_ARGS__                                                    \
			: "memory");                                                     \
		ok_ != 0;                                                                \
	})

#endif
