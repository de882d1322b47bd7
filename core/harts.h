/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harts that Gnomon runs on, and what they ask of each other.
 *
 * A request is left in the mailbox of its hart, which is then kicked if it is in a guest
 * or waits; one that is in Gnomon looks by itself: before it enters a guest, and again
 * and again while it waits for anything, be it a lock. So harts that ask each other at
 * once serve each other, and one may ask while it holds a lock that the other wants.
 */
#ifndef CORE_HARTS_H
#define CORE_HARTS_H

#include "core/types.h"

/* The index of the one that polls, and does what is not done by all. */
#define BOOT_HART 0

enum hart_request {
	HART_FENCE_SHADOW, /* all shadow translations, of every real ASID */
	HART_FENCE_CODE,   /* what the hart has fetched ahead: fence.i */
	HART_FORGET,	   /* all translations, for memory goes to another VM */
	HART_STOP,	   /* for good: the machine is about to end */
	HART_REQUESTS,
};

enum hart_place { HART_IN_GNOMON, HART_IN_GUEST, HART_WAITS };

/*
 * What others know of a hart. They write `wanted` and `posted`, and `job` when it is
 * NULL; the rest only the hart itself does.
 */
struct hart_box {
	uint32_t place;
	bool has_vcpu;	 /* the hart's own: one is loaded here, or about to be */
	uint32_t wanted; /* bit n: request n */
	uint32_t posted; /* requests ever; `served` follows */
	uint32_t served;
	uint32_t arrival;
	const char *lacks; /* why it runs no guests, once it has arrived */
	void (*job)(void *argument);
	void *argument;
	uint64_t counts[HART_REQUESTS]; /* served, several at once being one */
} __attribute__((aligned(64)));

/*
 * Have all usable harts of the machine come, each in its turn, and say how many did. One
 * that cannot be used, or does not come within a few seconds, is named and left out.
 * Boot hart; memory and features are known.
 */
void harts_start(void);

/* Bit n: the hart of index n runs and serves requests. The calling hart is one. */
uint32_t harts_running(void);

/* Where a started hart goes from its entry, in the state that it had there. */
_Noreturn void harts_arrive(void);

/*
 * Have these harts, by index, do it; on return each has. The calling hart may be one of
 * them. Those that do not run are passed over: they can hold nothing old.
 */
void harts_request(uint32_t targets, enum hart_request request);

/*
 * All others stop, as soon as they look, and the console is the caller's. Does not wait
 * for them: some may be beyond hearing. The first call counts.
 */
void harts_stop_others(void);

/*
 * A hart that is in its guest or waits comes back to look what there is for it; true if
 * it was kicked for that. Others look by themselves before they go there.
 */
bool harts_nudge(unsigned index);

/* Harts that wait come back to look. */
void harts_wake_idle(void);

/*
 * The calling hart has nothing to do: wait for a request, a job, a vCPU that is ready,
 * memory to be cleared or an interrupt of the host's, and do what harts_attend() does.
 * May return at any time.
 */
void harts_idle(void);

/*
 * Do what there is now, but for vCPUs and memory: requests, a job, what is due at this
 * time, and on the boot hart the host's interrupts, the monitor among them. No vCPU is
 * loaded, and no lock is held. For long work, now and then.
 */
void harts_attend(void);

/*
 * What a hart does in turn: run a vCPU, or clear a piece of memory, or wait. The boot
 * hart clears some after each vCPU, so that VMs come to be while all harts are busy.
 */
void harts_turn(void);

/* Do what is asked of this hart. For whoever waits for another. */
void harts_serve(void);

/*
 * Have a hart that is idle call job(argument), on its own stack, with all that was
 * written before to be seen there. False if it is busy, or does not run.
 */
bool harts_run(unsigned index, void (*job)(void *argument), void *argument);

/* False once a hart has come back from its job: what it wrote is to be seen. */
bool harts_is_busy(unsigned index);

/* Where it is at this moment. */
enum hart_place harts_place(unsigned index);

/* How often a hart has served that request. */
uint64_t harts_served(unsigned index, enum hart_request request);

/* ---- around each run of a guest ---- */

struct hart_box *harts_own_box(void);

/*
 * The last thing before: whoever posts after the look finds the hart in its guest, and
 * kicks it. (Stores and loads of this order are not exchanged: Dekker's algorithm.)
 */
static inline void harts_enter_guest(struct hart_box *box)
{
	__atomic_store_n(&box->place, HART_IN_GUEST, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&box->posted, __ATOMIC_SEQ_CST) != box->served)
		harts_serve();
}

static inline void harts_leave_guest(struct hart_box *box)
{
	__atomic_store_n(&box->place, HART_IN_GNOMON, __ATOMIC_RELAXED);
}

#endif
