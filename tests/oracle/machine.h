/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine that a sequence runs on: VMs made as Gnomon makes them, whose vCPUs
 * come and go on fake harts, and beside each vCPU the model of its TLB.
 */
#ifndef TESTS_ORACLE_MACHINE_H
#define TESTS_ORACLE_MACHINE_H

#include "core/vm.h"
#include "tests/oracle/engine.h"
#include "tests/oracle/model.h"
#include "tests/oracle/run.h"

#define PENDING_LIMIT 16

struct runner {
	struct vm *vm;
	struct vcpu *vcpu;
	struct model model;
	unsigned hart;
	bool loaded;
	/* Fences by others, for when it is loaded again. */
	unsigned pending_count;
	struct fence pending[PENDING_LIMIT];
};

struct machine {
	const struct oracle_setting *setting;
	const struct oracle_engine *engine;
	const struct paging_mode *mode; /* the engine's */
	struct oracle_counts *counts;
	uint32_t modes;
	struct guest_memory memories[ORACLE_VM_LIMIT]; /* mapped once */
	struct guest guests[ORACLE_VM_LIMIT];
	struct vm vms[ORACLE_VM_LIMIT];
	struct runner runners[ORACLE_VCPU_LIMIT];
	const struct operation *next; /* the operation after this; NULL at the end */
	unsigned mark_races;	      /* so many of this operation's are to come yet */
	unsigned mark_change;	      /* and what the next makes of the PTE */
	struct runner *marker;	      /* who accesses; NULL: nobody */
	bool scarce;		      /* for this operation, pages may be missing */
	bool refused;		      /* and this is what came of it */
};

extern struct machine machine;

/* Says what is wrong and ends the process. */
_Noreturn void oracle_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

void machine_create(const struct oracle_setting *setting, struct oracle_counts *counts);

/* All of it; every page must come back. */
void machine_destroy(void);

/* A VM is stopped and another is made in its memory. */
void machine_restart(const struct vm *vm);

/* Onto that hart, from where whoever runs there is put; and off its own. */
void runner_load(struct runner *runner, unsigned hart);
void runner_put(struct runner *runner);

/* A store of a vCPU's, which is loaded, by its operation. */
void machine_store(const struct runner *runner, const struct operation *operation);

/*
 * Let the next operation's store happen now, while another vCPU's fault is on its
 * way; false if there is none.
 */
bool machine_race(const struct runner *runner);

static inline struct guest *machine_guest(const struct runner *runner)
{
	return &machine.guests[runner->vm == &machine.vms[1]];
}

/* The models of the runner's VM see what is in memory now. */
void machine_walk_ahead(const struct runner *writer);

/* No model of a TLB has room for what another store may add. */
bool machine_is_full(void);

/* What an access of the guest's, and Gnomon's reading of its code, come to. */
void runner_access(struct runner *runner, const struct operation *operation);
void runner_read(struct runner *runner, const struct operation *operation);

#endif
