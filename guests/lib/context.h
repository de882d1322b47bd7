/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running code under a guard: give a full set of registers, get back a full set
 * as of the first trap.
 *
 * Every piece of code a check runs ends in a trap, wanted or not, so one
 * mechanism serves for S-mode, U-mode, exceptions and interrupts. Interrupts
 * are off (sstatus.SIE) outside context_run(). A trap outside of it is a stray:
 * it ends the innermost protected_call(), or the guest if there is none.
 */
#ifndef GUESTS_LIB_CONTEXT_H
#define GUESTS_LIB_CONTEXT_H

/* Offsets for assembly, checked in context.c. */
#define CONTEXT_PC	0
#define CONTEXT_SSTATUS 256
#define CONTEXT_CAUSE	264
#define CONTEXT_STVAL	272

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

enum {
	REG_RA = 1,
	REG_SP = 2,
	REG_T0 = 5,
	REG_A0 = 10,
	REG_A1,
	REG_A2,
	REG_A3,
	REG_A4,
	REG_A5,
	REG_A6,
	REG_A7
};

struct context {
	union {
		uint64_t pc;	/* in: where to start; out: sepc */
		uint64_t x[32]; /* x[0] is never used as a register */
	};
	uint64_t sstatus; /* in: at the sret; out: as the trap left it */
	uint64_t cause;	  /* out: scause */
	uint64_t stval;	  /* out */
};

/* Set stvec and sscratch; to be called once, before anything may trap. */
void context_init(void);

/* sret into the context and return when the next trap has filled it. */
void context_run(struct context *context);

/*
 * Call function(argument). Returns NULL when it returned, else the stray trap
 * that ended it; satp and the page tables are then as the trap left them.
 */
const struct context *protected_call(void (*function)(const void *),
				     const void *argument);

#endif
#endif
