/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all attacks share: their table, their random numbers and their verdicts.
 *
 * An attack does its worst `attack_count()` times, with every choice taken from
 * the seed, and never judges the machine by what the ISA leaves open. What it
 * can be sure of (an access that must not succeed, a value that must not be
 * seen) it reports as a breach. It may wedge itself; the hypervisor's time limit
 * ends it then.
 */
#ifndef GUESTS_HOSTILE_ATTACK_H
#define GUESTS_HOSTILE_ATTACK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/types.h"

struct attack {
	const char *name;
	void (*run)(void);
	uint64_t count; /* how often, where the boot arguments do not say */
};

/* The attacks, by file. */
void attack_streams(void);
void attack_user_streams(void);
void attack_wild_streams(void);
void attack_privileges(void);
void attack_hypervisor(void);
void attack_leftovers(void);
void attack_tables(void);
void attack_loops(void);
void attack_outside(void);
void attack_roots(void);
void attack_calls(void);
void attack_devices(void);
void attack_storm(void);
void attack_exhaustion(void);
void attack_console(void);
void attack_log(void);
void attack_edges(void);
void attack_hang(void);

/* The number of rounds asked for, and the seed. */
uint64_t attack_count(void);
uint64_t attack_seed(void);

/*
 * The hart shows something that it was not told to: shows= and a letter for each,
 * h the hypervisor extension, c what delegates counters (Ssccfg, Sscofpmf), a interrupt
 * priorities (Ssaia).
 */
bool attack_shows(char what);

uint64_t random_word(void);

/* 0 to limit - 1; limit is at least 1 and at most 2^32. */
unsigned random_below(uint64_t limit);

static inline bool one_in(unsigned chances)
{
	return random_below(chances) == 0;
}

#define random_of(array) ((array)[random_below(ARRAY_LENGTH(array))])

/* Something happened that no guest should be able to do. */
__attribute__((format(printf, 1, 2))) void breach(const char *format, ...);

/* Breach if this was read from Gnomon's canary pages (see core/canary.h). */
void check_value(uint64_t value, uint64_t from);

/*
 * The scause of one instruction with this in a1; CAUSE_BREAKPOINT if it did nothing but
 * run. a0 points to its code, or is what the context has there.
 */
struct context;
uint64_t run_one(uint32_t instruction, unsigned how, uint64_t value,
		 struct context *context);
uint64_t run_one_at(uint32_t instruction, unsigned how, uint64_t value,
		    struct context *context);

/* Everything a round may have changed, as the runtime left it; satp Bare. */
void recover(void);

/* What counts as outside: no RAM and no device of this machine. */
#define UART	  UINT64_C(0x10000000)
#define PLIC	  UINT64_C(0x0c000000)
#define VACANT	  UINT64_C(0x4000000000)
#define LAST_PAGE ((UINT64_C(1) << 56) - PAGE_SIZE)
#define PLIC_SIZE UINT64_C(0x600000)

/* Devices that the host may have there, and pages behind our RAM that may be its RAM. */
#define FINISHER      UINT64_C(0x100000)
#define CLINT	      UINT64_C(0x2000000)
#define BEHIND_MEMORY (32 * 256)

/* A guest physical address at which there is neither RAM nor a device. */
uint64_t random_vacant(void);

/* Memory of the attack's own, zeroed: whole pages, aligned to their size. */
void *pages_new(unsigned count);

#endif
