/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probes: one memory access of a given kind and privilege, under a guard.
 *
 * A probe never ends a check: whatever the access did is in its outcome. U-mode
 * probes run the same code through a second, user mapping of its page, which
 * the address space in force has to provide (see paging.h).
 */
#ifndef GUESTS_LIB_PROBE_H
#define GUESTS_LIB_PROBE_H

#include <stdbool.h>
#include <stdint.h>

enum access_kind { KIND_FETCH, KIND_LOAD, KIND_STORE, KIND_AMO, KIND_LR, KIND_SC };

/* FETCH jumps to the address; the others are the instructions of accesses.inc. */
enum access {
#define ACCESS(name, kind, width, extended, before, insn, after) name,
#define ACCESS_C						 ACCESS
#include "guests/lib/accesses.inc"
#undef ACCESS_C
#undef ACCESS
	FETCH,
	ACCESS_COUNT
};

struct access_info {
	const char *name;
	enum access_kind kind;
	unsigned width; /* bytes */
	bool sign_extended;
};

extern const struct access_info access_info[ACCESS_COUNT];

/* How to run: or-ed. Without USER, in S-mode; INTERRUPTS sets sstatus.SIE. */
enum { SUPERVISOR = 0, USER = 1, SUM = 2, MXR = 4, INTERRUPTS = 8 };

/* What probe code ends with; the cause of an access that went well. */
#define OUTCOME_DONE UINT64_MAX

struct outcome {
	uint64_t cause; /* scause, or OUTCOME_DONE */
	uint64_t stval;
	uint64_t sepc;
	uint64_t insn;	/* what sepc is when the access itself trapped */
	uint64_t value; /* a0 at the end */
};

/*
 * Access va. A FETCH is done when it comes to the ebreak in the second half of
 * the eight bytes at va. operand: what a store stores; unused by loads.
 */
struct outcome probe(enum access access, uint64_t va, uint64_t operand, unsigned how);

/* The sstatus to sret with, everything else in it as it is now. */
uint64_t probe_sstatus(unsigned how);

/* Where probe code is mapped for U-mode; its own address when satp is Bare. */
extern uint64_t probe_user_base;
extern char probe_code[];

/* The scause of a fault on this kind of access. */
uint64_t page_fault_cause(enum access_kind kind);
uint64_t access_fault_cause(enum access_kind kind);

#endif
