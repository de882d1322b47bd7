/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a sequence of operations through the real engine, on fake harts, and
 * holds each result against the model. A violation ends the process: see
 * oracle_fail(). What is run is given by the configuration and the operations
 * alone, so the same ones always end the same way.
 */
#ifndef TESTS_ORACLE_RUN_H
#define TESTS_ORACLE_RUN_H

#include "tests/oracle/engine.h"
#include "tests/oracle/model.h"
#include "tests/oracle/operation.h"

#define ORACLE_VM_LIMIT	  2
#define ORACLE_VCPU_LIMIT 4

struct oracle_setting {
	const struct oracle_engine *engine;
	const char *profile; /* see oracle_profiles */
	unsigned asid_bits;  /* at most the profile's */
	unsigned vms;
	unsigned vcpus;	 /* of all VMs together, dealt out in turn */
	uint64_t budget; /* shadow pages of each vCPU; 0: Gnomon's own choice */
	enum model_strength strength;
};

/* How often what happened, so that a run that tries nothing is seen. */
struct oracle_counts {
	uint64_t operations;
	uint64_t kinds[OPERATION_KINDS];
	uint64_t filled;	/* accesses that found RAM */
	uint64_t without_fault; /* ... and did not need the engine */
	uint64_t page_faults;
	uint64_t access_faults;
	uint64_t devices;
	uint64_t stale; /* results that only a TLB can give */
	uint64_t races;
	uint64_t marks; /* PTEs that got A or D */
	uint64_t mark_races;
	uint64_t refusals;	  /* for want of pages */
	uint64_t vector_switches; /* with no C run */
	uint64_t vector_fences;
	uint64_t fast_fills;
	uint64_t engine[ENGINE_COUNTS];
};

/* Names of the profiles, NULL past the last. */
extern const char *const oracle_profiles[];

/* Adds to counts. */
void oracle_run(const struct oracle_setting *setting, const struct operation *operations,
		size_t count, struct oracle_counts *counts);

/* Forget the real ASIDs handed out so far: see tests/oracle/fresh_asids.c. */
void oracle_fresh_asids(void);

#endif
