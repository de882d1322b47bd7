/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual CPU: its registers, its place in the VM, and what it is doing.
 *
 * Everything but the last part is touched only by the hart that runs the vCPU (or
 * by whoever starts it, before it runs), so none of it needs a lock.
 */
#ifndef CORE_VCPU_H
#define CORE_VCPU_H

#include "arch/riscv/vcpu_state.h"
#include "core/counters.h"
#include "core/pmu.h"
#include "core/sbi/sta.h"
#include "core/spin_lock.h"
#include "core/types.h"
#include "mm/paging.h"

struct exit_trace;
struct vm;

#define SITE_ALONE    255
#define SITE_SINGLES  4	 /* in a row, for it to take the fast path */
#define SITE_PATIENCE 63 /* at most */

/*
 * A fence or a write of satp in the guest's code, and how often in a row nothing was
 * retired with it: a hint, and no more. The instruction is compared, and what is behind
 * does no harm.
 */
struct privileged_site {
	uint64_t pc;
	uint64_t instruction; /* 0: none */
	uint8_t reason;
	bool has_address;
	bool has_asid;
	uint8_t singles;    /* SITE_ALONE: nothing behind it leads to another */
	uint8_t patience;   /* what the vCPU's fence_repeats begins with, next time */
	uint8_t unused[11]; /* to a power of two, for the sake of its index */
};

/* HSM states, with the numbers of the SBI specification. */
enum vcpu_state {
	VCPU_STARTED = 0,
	VCPU_STOPPED = 1,
	VCPU_START_PENDING = 2,
	VCPU_STOP_PENDING = 3,
};

/* Why a vCPU leaves its hart. */
enum vcpu_leave {
	VCPU_STAYS,
	VCPU_PREEMPTED, /* it could go on: another is to, or its VM has ended */
	VCPU_BLOCKED,	/* it waits for an interrupt */
	VCPU_HALTED,	/* it has stopped itself */
};

#define VCPU_FENCES_KEPT 16
#define VCPU_NO_HART	 UINT32_MAX

/*
 * Fences that others ask for, until the vCPU's own hart does them: before it enters the
 * guest, when it has written satp, and while it waits for others itself. Where there is
 * no room for one, another of its address space becomes one of all addresses, or else
 * all are one of everything.
 */
struct vcpu_fences {
	struct spin_lock lock; /* of all but `served` */
	struct fence kept[VCPU_FENCES_KEPT];
	unsigned count;
	bool everything;
	bool code;	 /* a fence.i as well */
	uint32_t posted; /* ever; `served` follows */
	uint32_t served;
};

/* What has become of its time, in ticks of the machine's timebase. */
struct vcpu_times {
	uint64_t run;	 /* on a hart, the waiting that it does there included */
	uint64_t stolen; /* ready, and waiting for a hart */
	uint64_t moves;	 /* how often it came to another hart than its last */
};

/* Where the scheduler has it: its lock's, but for virtual while it runs. */
enum vcpu_run_state {
	RUN_STOPPED,
	RUN_BLOCKED,
	RUN_READY,
	RUN_RUNNING,
	RUN_HELD, /* ready or blocked, but its VM is paused */
};

struct vcpu_place {
	enum vcpu_run_state state;
	unsigned home;	    /* index of the hart that it is on, or blocked on */
	unsigned last;	    /* that it ran on last */
	unsigned weight;    /* see scheduler_place() */
	uint32_t harts;	    /* bit n: it may run on that one */
	uint32_t waits_for; /* the same, while it is in line */
	bool woken;	    /* it has come to the line by waking */
	struct vcpu *next;  /* in line, or of those that are blocked there */
	uint64_t virtual;   /* time: see line.h */
	uint64_t wake;	    /* host time at which it is ready, if it is blocked */
	uint64_t since;	    /* of its state, in host time */
	struct vcpu_times times;
};

struct vcpu {
	/* First, where one instruction of the trap vector reaches it, and in one page: */
	_Alignas(PAGE_SIZE) struct exit_counters counters;
	struct vm *vm;
	void *paging;	     /* the paging mode's own state of this vCPU */
	uint64_t last_fence; /* pc of it, if the last exit was a fast one */
	/* So often still it may repeat, before what is behind it is looked at. */
	uint8_t fence_repeats;
	uint32_t requests; /* bit n: request n. Others write it: see vcpu_requests.h */
	struct arch_vcpu arch;
	struct privileged_site sites[FAST_SITE_COUNT]; /* as arch.sites */
	unsigned id;
	enum vcpu_state state;
	uint64_t timer_deadline; /* host time; UINT64_MAX: none. Unused with Sstc */
	struct pmu pmu;
	struct vcpu_steal steal;
	unsigned check_turn;	  /* of the debug build's next check; see check.h */
	struct exit_trace *trace; /* NULL: its exits were never traced */
	/* What others write, or read while it runs: see vcpu_requests.h, scheduler.h. */
	uint32_t hart; /* the index of the one that it is on, or VCPU_NO_HART */
	bool external; /* the level of its PLIC context */
	struct vcpu_fences fences;
	struct vcpu_place place;
	enum vcpu_leave leave; /* its hart's: what it is to do next */
	bool starting;	       /* it has been reset, and not been loaded since */
	uint64_t kicks;	       /* sent for its remote fences */
};

/* Where a vCPU starts: S-mode, interrupts off, a0 and a1 as given. */
void vcpu_reset(struct vcpu *vcpu, gpa_t entry, uint64_t a0, uint64_t a1);

/*
 * Load the vCPU on this hart, run it until it has to leave or its VM has ended, and put
 * it. To be called by the scheduler alone.
 */
enum vcpu_leave vcpu_run(struct vcpu *vcpu);

/* x0 reads as 0 and ignores writes. */
static inline uint64_t vcpu_register(const struct vcpu *vcpu, unsigned number)
{
	return number == 0 ? 0 : vcpu->arch.x[number];
}

static inline void vcpu_set_register(struct vcpu *vcpu, unsigned number, uint64_t value)
{
	if (number != 0)
		vcpu->arch.x[number] = value;
}

#endif
