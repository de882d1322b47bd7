/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mailboxes of the harts, and how harts come to be. See harts.h.
 *
 * `posted` and `served` count. Who asks sets the bit in `wanted` first and counts then;
 * the hart reads the count, takes the bits, does what they say, and then says how far it
 * came. Bits taken early are done before a count that includes them is reported.
 */
#include "core/harts.h"
#include "arch/riscv/layout.h"
#include "core/arch.h"
#include "core/clearing.h"
#include "core/console.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/scheduler.h"
#include "core/timer.h"

/* Far more than any hart needs, on an emulator that shares its host too. */
#define ARRIVAL_SECONDS 5

/* The boot hart clears memory for so long after each vCPU: half a turn. */
#define CLEARINGS_PER_SECOND 200

enum arrival { NOT_HERE, AT_THE_DOOR, ARRIVED, LEFT_OUT };

static struct hart_box boxes[HART_LIMIT];
static uint32_t running = 1; /* the boot hart, which writes it */

struct hart_box *harts_own_box(void)
{
	return &boxes[arch_hart_index()];
}

uint32_t harts_running(void)
{
	return __atomic_load_n(&running, __ATOMIC_RELAXED);
}

enum hart_place harts_place(unsigned index)
{
	return (enum hart_place)__atomic_load_n(&boxes[index].place, __ATOMIC_RELAXED);
}

uint64_t harts_served(unsigned index, enum hart_request request)
{
	return __atomic_load_n(&boxes[index].counts[request], __ATOMIC_RELAXED);
}

/* ---- requests ---- */

static void stop(void)
{
	arch_hart_park();
}

/* Where no vCPU is loaded the registers are to lead to no table either. */
static void forget(void)
{
	arch_translation_forget(!harts_own_box()->has_vcpu);
}

static void serve(struct hart_box *box, uint32_t wanted)
{
	static void (*const handlers[])(void) = {
		[HART_FENCE_SHADOW] = arch_shadow_fence_all,
		[HART_FENCE_CODE] = arch_fence_i,
		[HART_FORGET] = forget,
		[HART_STOP] = stop,
	};

	for (unsigned i = 0; i < HART_REQUESTS; i++) {
		if (!(wanted >> i & 1))
			continue;
		handlers[i]();
		__atomic_store_n(&box->counts[i], box->counts[i] + 1, __ATOMIC_RELAXED);
	}
}

void harts_serve(void)
{
	struct hart_box *box = harts_own_box();
	uint32_t posted = __atomic_load_n(&box->posted, __ATOMIC_SEQ_CST);

	if (posted == box->served)
		return;
	serve(box, __atomic_exchange_n(&box->wanted, 0, __ATOMIC_SEQ_CST));
	__atomic_store_n(&box->served, posted, __ATOMIC_SEQ_CST);
}

/* A hart in Gnomon needs no kick: it looks before it goes anywhere else. */
bool harts_nudge(unsigned index)
{
	if (__atomic_load_n(&boxes[index].place, __ATOMIC_SEQ_CST) == HART_IN_GNOMON)
		return false;
	arch_hart_kick(index);
	return true;
}

/* Who goes to wait looks after it has said so, and what it looks at is there before. */
void harts_wake_idle(void)
{
	for (unsigned i = 0; i < HART_LIMIT; i++)
		if (__atomic_load_n(&boxes[i].place, __ATOMIC_SEQ_CST) == HART_WAITS)
			arch_hart_kick(i);
}

/* The count that says that it has been served. */
static uint32_t post(unsigned index, enum hart_request request)
{
	struct hart_box *box = &boxes[index];
	uint32_t ticket;

	__atomic_fetch_or(&box->wanted, UINT32_C(1) << request, __ATOMIC_SEQ_CST);
	ticket = __atomic_add_fetch(&box->posted, 1, __ATOMIC_SEQ_CST);
	harts_nudge(index);
	return ticket;
}

/* Counts wrap. */
static bool has_served(unsigned index, uint32_t ticket)
{
	uint32_t served = __atomic_load_n(&boxes[index].served, __ATOMIC_SEQ_CST);

	return (int32_t)(served - ticket) >= 0;
}

void harts_request(uint32_t targets, enum hart_request request)
{
	const unsigned here = arch_hart_index();
	uint32_t tickets[HART_LIMIT];

	targets &= harts_running();
	for (unsigned i = 0; i < HART_LIMIT; i++)
		if (i != here && targets >> i & 1)
			tickets[i] = post(i, request);
	if (targets >> here & 1)
		serve(&boxes[here], UINT32_C(1) << request);
	for (unsigned i = 0; i < HART_LIMIT; i++)
		while (i != here && targets >> i & 1 && !has_served(i, tickets[i]))
			harts_serve();
}

void harts_stop_others(void)
{
	static uint32_t stopping;
	const unsigned here = arch_hart_index();

	/* What goes wrong here ends here again. */
	if (__atomic_exchange_n(&stopping, 1, __ATOMIC_RELAXED) != 0)
		return;
	/* For good: who stops while in line for it would keep it from all behind. */
	console_hold();
	for (unsigned i = 0; i < HART_LIMIT; i++)
		if (i != here && harts_running() >> i & 1)
			post(i, HART_STOP);
}

/* ---- jobs ---- */

bool harts_run(unsigned index, void (*job)(void *argument), void *argument)
{
	struct hart_box *box = &boxes[index];

	if (!(harts_running() >> index & 1) || index == BOOT_HART || harts_is_busy(index))
		return false;
	box->argument = argument;
	__atomic_store_n(&box->job, job, __ATOMIC_SEQ_CST);
	harts_nudge(index);
	return true;
}

bool harts_is_busy(unsigned index)
{
	return __atomic_load_n(&boxes[index].job, __ATOMIC_ACQUIRE) != NULL;
}

static void run_job(struct hart_box *box)
{
	void (*job)(void *argument) = __atomic_load_n(&box->job, __ATOMIC_ACQUIRE);

	if (!job)
		return;
	job(box->argument);
	__atomic_store_n(&box->job, NULL, __ATOMIC_RELEASE);
}

static bool has_work(unsigned index)
{
	const struct hart_box *box = &boxes[index];

	return __atomic_load_n(&box->posted, __ATOMIC_SEQ_CST) != box->served ||
	       __atomic_load_n(&box->job, __ATOMIC_SEQ_CST) != NULL ||
	       scheduler_has_work(index) || clearing_waits();
}

void harts_attend(void)
{
	/* First: what is posted from here on kicks again. */
	arch_kick_received();
	harts_serve();
	run_job(harts_own_box());
	timer_idle_end();
	/* The only one that the host's devices interrupt. */
	if (arch_hart_index() == BOOT_HART)
		interrupt_external();
}

void harts_idle(void)
{
	struct hart_box *box = harts_own_box();

	timer_idle_begin();
	__atomic_store_n(&box->place, HART_WAITS, __ATOMIC_SEQ_CST);
	if (!has_work(arch_hart_index()))
		arch_hart_wait();
	__atomic_store_n(&box->place, HART_IN_GNOMON, __ATOMIC_RELAXED);
	harts_attend();
}

/* A vCPU that has run for so long has twice as much of the hart as memory, or nearly. */
static void clear_for_a_while(uint64_t ran)
{
	const uint64_t start = arch_time();
	const uint64_t most = machine.fdt.timebase_frequency / CLEARINGS_PER_SECOND;

	while (clearing_step()) {
		const uint64_t took = arch_time() - start;

		harts_attend();
		if (took >= most || took >= ran / 2)
			return;
	}
}

void harts_turn(void)
{
	const uint64_t start = arch_time();

	if (scheduler_step()) {
		if (arch_hart_index() == BOOT_HART)
			clear_for_a_while(arch_time() - start);
	} else if (clearing_step()) {
		harts_attend();
	} else {
		harts_idle();
	}
}

static _Noreturn void work(void)
{
	for (;;)
		harts_turn();
}

/* ---- arrival ---- */

static bool becomes(struct hart_box *box, enum arrival from, enum arrival to)
{
	uint32_t expected = from;

	return __atomic_compare_exchange_n(&box->arrival, &expected, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

_Noreturn void harts_arrive(void)
{
	struct hart_box *box = harts_own_box();

	if (!becomes(box, NOT_HERE, AT_THE_DOOR))
		arch_hart_park();
	box->lacks = arch_hart_prepare();
	__atomic_store_n(&box->arrival, ARRIVED, __ATOMIC_SEQ_CST);
	if (box->lacks)
		arch_hart_park();
	work();
}

/* Why there is nothing to be had of this hart; NULL if it came. */
static const char *wait_for(struct hart_box *box)
{
	const uint64_t deadline =
		arch_time() + ARRIVAL_SECONDS * machine.fdt.timebase_frequency;

	while (arch_time() < deadline)
		if (__atomic_load_n(&box->arrival, __ATOMIC_SEQ_CST) == ARRIVED)
			return box->lacks;
	if (becomes(box, NOT_HERE, LEFT_OUT))
		return "does not arrive";
	/* It allocates, and probes with what others probe with: nobody goes on beside it.
	 */
	while (__atomic_load_n(&box->arrival, __ATOMIC_SEQ_CST) != ARRIVED)
		;
	return box->lacks;
}

static void start(unsigned index)
{
	const char *why = NULL;

	if (arch_hart_start(index, &why) == STATUS_OK)
		why = wait_for(&boxes[index]);
	if (!why)
		__atomic_fetch_or(&running, UINT32_C(1) << index, __ATOMIC_SEQ_CST);
	else
		log_line("harts: hart %lu %s; it is left out",
			 machine.fdt.harts[index].id, why);
}

static void log_count(unsigned count)
{
	const struct host_fdt *fdt = &machine.fdt;
	const unsigned all =
		fdt->hart_count + fdt->harts_left_out + fdt->harts_without_mmu;
	const unsigned usable = fdt->hart_count + fdt->harts_left_out;
	char text[80] = "";

	if (fdt->harts_without_mmu == 1)
		format_text(text, sizeof(text), " (hart %lu has no MMU)",
			    fdt->hart_without_mmu);
	else if (fdt->harts_without_mmu > 1)
		format_text(text, sizeof(text), " (%u have no MMU)",
			    fdt->harts_without_mmu);
	log_line("harts: %u of %u run%s", count, all, text);
	if (usable > HART_LIMIT)
		log_line("harts: this Gnomon is built for %u, and leaves out %u",
			 HART_LIMIT, usable - HART_LIMIT);
}

void harts_start(void)
{
	unsigned count = 0;

	for (unsigned i = 1; i < machine.fdt.hart_count && i < HART_LIMIT; i++)
		start(i);
	for (unsigned i = 0; i < HART_LIMIT; i++)
		count += harts_running() >> i & 1;
	log_count(count);
}
