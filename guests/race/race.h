/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Harts that race: what each of them has, and what a check is made of.
 *
 * A check is a function that all harts run at once, until a time that is the same
 * for all; the first thing that the ISA or the SBI specification does not allow is
 * kept, and ends the check everywhere. tp is the hart's own
 * struct hart, for the trap vector too (harts.S), so that none shares state there.
 */
#ifndef GUESTS_RACE_RACE_H
#define GUESTS_RACE_RACE_H

/* Offsets for assembly, checked in main.c. */
#define HART_SAVED     0
#define HART_REQUESTED 16
#define HART_ANSWERED  24
#define HART_STACK     32
#define HART_ENTRY     40
#define HART_SATP      48
#define HART_SSTATUS   56

#define STARTER_MASK 63 /* of what a hart is started with: who started it */

/* Causes that no exception has. */
#define CAUSE_NONE	    -1 /* the access was made */
#define CAUSE_REGISTER_LOST -2 /* ... and a register is another after it */

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

#include "guests/lib/paging.h"

#define HARTS_MAX 8

struct hart {
	uint64_t saved[2];  /* the vector's */
	uint64_t requested; /* IPIs: others count these, and the vector answers */
	uint64_t answered;
	uint64_t stack;
	void (*entry)(struct hart *hart, uint64_t id, uint64_t starter);
	uint64_t first_satp; /* as found where it started */
	uint64_t first_sstatus;
	uint64_t id;
	unsigned index;
	uint64_t random;
	uint64_t rounds; /* of the present check */
	uint64_t visits[HARTS_MAX];
} __attribute__((aligned(64)));

extern struct hart harts[HARTS_MAX];
extern unsigned hart_count;

/* ---- harts.S ---- */

struct seen {
	uint64_t cause;
	uint64_t value;
};

/*
 * One access each, whose fault is an answer; registers that a function need not keep
 * have values of their own meanwhile. For a load, `value` is what a fault leaves.
 */
struct seen access_store(uint64_t va, uint64_t value);
struct seen access_swap(uint64_t va, uint64_t value);
struct seen access_conditional(uint64_t va, uint64_t value);

/* The same, with *version read right before it and kept in *first. */
struct seen late_load(uint64_t va, uint64_t value, const uint64_t *version,
		      uint64_t *first);
struct seen late_store(uint64_t va, uint64_t value, const uint64_t *version,
		       uint64_t *first);

/* Where a hart starts: a1 = its struct hart, and who started it. */
extern char hart_entry[], hart_vector[];

/* ---- main.c ---- */

uint64_t hart_random(struct hart *hart, uint64_t below);

/* False once time is up or anything has failed. */
bool race_goes_on(void);

/*
 * On the hart that changes what the others follow: rounds, until time is up or one is
 * false. The others end when it does, and none of them in the middle of a round.
 */
void race_lead(struct hart *hart, bool (*round)(struct hart *hart));

/* True once the hart that led has ended. */
bool race_led(void);

/* False: it took so long that it never will. */
bool race_wait(uint64_t *since);

/* The first failure of all counts; false, to be passed on. */
bool race_fail(struct hart *hart, const char *what, uint64_t seen, uint64_t least,
	       uint64_t most);

/* Bits of the ids of all harts, which are below 64. */
uint64_t race_mask(void);

static inline uint64_t look(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

static inline void publish(uint64_t *at, uint64_t value)
{
	__atomic_store_n(at, value, __ATOMIC_SEQ_CST);
}

/* ---- the checks, one file each ---- */

/* Once, on one hart, before all run it; mode: NULL where it runs under Bare. */
void fences_prepare(const struct paging_mode *mode);
void fences_run(struct hart *hart);
void waits_prepare(const struct paging_mode *mode);
void waits_run(struct hart *hart);
void spaces_prepare(const struct paging_mode *mode);
void spaces_run(struct hart *hart);
void code_prepare(const struct paging_mode *mode);
void code_run(struct hart *hart);
void interrupts_prepare(const struct paging_mode *mode);
void interrupts_run(struct hart *hart);
/* The harts beyond the starters are stopped before, and after. */
void life_prepare(const struct paging_mode *mode);
void life_run(struct hart *hart);
unsigned life_starters(void);

#endif
#endif
