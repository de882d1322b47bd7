/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an SBI call must answer and do, worked out from the SBI specification 2.0
 * and from the state of the bench's VM before the call. Nothing here looks at
 * what core/sbi/ does.
 */
#ifndef TESTS_FUZZ_SBI_MODEL_H
#define TESTS_FUZZ_SBI_MODEL_H

#include "core/vm.h"
#include "tests/fuzz/guarded.h"

#define PIECE	 UINT64_C(8192)
#define RAM_SIZE (2 * PIECE)
#define RAM_BASE GUEST_RAM_BASE.raw
#define MASK_AT	 UINT64_C(0x3ff0) /* where the guest has hart masks, gva */

/* The VM's memory, in two pieces, and what must be in it. */
extern struct guarded pieces[2];
extern char expected_ram[RAM_SIZE];

/* Writes what is in memory at first, to it and to expected_ram. */
void restore_ram(uint64_t from, uint64_t to);

struct call {
	unsigned caller;
	uint64_t extension, function;
	uint64_t a[6];
};

struct answer {
	int64_t error;
	uint64_t value;
	bool value_known;
	bool legacy;
};

/* A vCPU's counters, as a guest may think of them. */
struct modelled_counter {
	uint64_t event; /* 0: none */
	bool started;
	uint64_t value;
};

/* The world once the call is over; what it was before must be filled in. */
struct after {
	struct vcpu vcpus[VCPU_LIMIT]; /* as they must be after the call */
	struct vuart uart;	       /* as it was before it */
	unsigned interrupts[VCPU_LIMIT];
	unsigned fences[VCPU_LIMIT];
	unsigned instruction_fences;
	unsigned resets;
	uint64_t host_deadline;
	enum vm_end end;
	const char *printed; /* what the call must print */
	char byte;	     /* ... where it is just this one */
	uint64_t printed_length;
	struct modelled_counter counters[VCPU_LIMIT][64];
	uint64_t dirty_from, dirty_to; /* memory that is not as it was at first */
};

extern struct after after;

/* A firmware event of a vCPU: every counter of it that runs goes on by one. */
void model_event(unsigned vcpu, uint64_t code);

/* The exit itself, before it is answered. */
void model_exit(unsigned vcpu, enum exit_reason reason);

/* A vCPU starts anew. */
void model_reset(unsigned vcpu);

/* The answer; `after` and expected_ram are brought to where they must be then. */
struct answer expect(const struct call *call);

#endif
