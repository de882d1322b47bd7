/* SPDX-License-Identifier: BSD-2-Clause */
/* Harts that ask each other, and one that fails. See selftest.h. */
#include "core/selftest.h"
#include "arch/riscv/layout.h"
#include "core/arch.h"
#include "core/harts.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/panic.h"
#include "core/scheduler.h"

/* Of all harts together: where an emulator has fewer of them, they wait for its host. */
#define ROUNDS		 4000
#define ROUNDS_BESIDE_VM 3000

#define HOPS_PER_SECOND 1000 /* of each vCPU */

/* One hart's part; its own until it is no longer busy. */
struct part {
	uint64_t random;
	uint64_t rounds;	       /* that are left */
	uint64_t asked[HART_REQUESTS]; /* of one hart */
	uint64_t lost;		       /* of those */
} __attribute__((aligned(64)));

static struct part parts[HART_LIMIT];
static uint32_t ends;

/* xorshift64 (Marsaglia, "Xorshift RNGs", 2003). */
static uint64_t next_random(struct part *part)
{
	part->random ^= part->random << 13;
	part->random ^= part->random >> 7;
	part->random ^= part->random << 17;
	return part->random;
}

/* A hart that has done what it was asked for has counted it. */
static void ask(struct part *part, uint32_t targets, enum hart_request request)
{
	uint64_t before[HART_LIMIT];

	for (unsigned i = 0; i < HART_LIMIT; i++)
		before[i] = harts_served(i, request);
	harts_request(targets, request);
	for (unsigned i = 0; i < HART_LIMIT; i++) {
		if (!(targets >> i & 1))
			continue;
		part->asked[request]++;
		part->lost += harts_served(i, request) == before[i];
	}
}

/* All say so at about the same time: lines do not mix either. */
static void take_part(void *argument)
{
	struct part *part = argument;

	for (; part->rounds > 0 && !__atomic_load_n(&ends, __ATOMIC_RELAXED);
	     part->rounds--) {
		const uint64_t random = next_random(part);
		const uint32_t some = (uint32_t)(random >> 32) & harts_running();

		ask(part, random & 1 ? some : harts_running(),
		    random & 2 ? HART_FENCE_SHADOW : HART_FENCE_CODE);
	}
	log_line("selftest: hart %lu is done, with %lu rounds left",
		 machine.fdt.harts[arch_hart_index()].id, part->rounds);
}

static unsigned count_running(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < HART_LIMIT; i++)
		count += harts_running() >> i & 1;
	return count;
}

/* Each hart has its part of so many rounds, the calling one at its leisure. */
static void begin(uint64_t rounds)
{
	__atomic_store_n(&ends, 0, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < HART_LIMIT; i++)
		parts[i] = (struct part){
			.random = i + 1,
			.rounds = rounds / count_running(),
		};
	for (unsigned i = 1; i < HART_LIMIT; i++)
		harts_run(i, take_part, &parts[i]);
}

/* Waits for all, and says what came of it. */
static bool finish(const char *when)
{
	struct part sum = {0};

	for (unsigned i = 0; i < HART_LIMIT; i++) {
		while (harts_is_busy(i))
			harts_serve();
		sum.asked[HART_FENCE_SHADOW] += parts[i].asked[HART_FENCE_SHADOW];
		sum.asked[HART_FENCE_CODE] += parts[i].asked[HART_FENCE_CODE];
		sum.lost += parts[i].lost;
	}
	log_line("selftest: harts: %u, asked %s: %lu fences, %lu fence.i, %lu lost",
		 count_running(), when, sum.asked[HART_FENCE_SHADOW],
		 sum.asked[HART_FENCE_CODE], sum.lost);
	return sum.lost == 0;
}

/* Among the last that a hart would do: others see it in Gnomon, and in a guest. */
static void fail(void *argument)
{
	const bool the_machine_is_right = argument != NULL;

	for (unsigned i = 0; i < 100; i++)
		harts_request(harts_running(), HART_FENCE_CODE);
	assert(the_machine_is_right);
}

bool selftest_alone(enum selftest selftest, const char **why)
{
	*why = selftest == SELFTEST_PANIC ? "selftest=panic: there is no other hart"
					  : "selftest=migrate: there is no other hart";
	if (selftest == SELFTEST_PANIC || selftest == SELFTEST_MIGRATE)
		return count_running() > 1;
	*why = "selftest=harts: requests were lost";
	if (selftest == SELFTEST_NONE)
		return true;
	begin(ROUNDS);
	take_part(&parts[0]);
	return finish("by each other");
}

void selftest_begin(enum selftest selftest)
{
	if (selftest == SELFTEST_HARTS)
		begin(ROUNDS_BESIDE_VM);
	if (selftest == SELFTEST_MIGRATE)
		scheduler_hop(machine.fdt.timebase_frequency / HOPS_PER_SECOND);
	for (unsigned i = 1; i < HART_LIMIT && selftest == SELFTEST_PANIC; i++)
		if (harts_run(i, fail, NULL))
			return;
}

bool selftest_end(enum selftest selftest, const char **why)
{
	if (selftest != SELFTEST_HARTS)
		return true;
	__atomic_store_n(&ends, 1, __ATOMIC_RELAXED);
	*why = "selftest=harts: requests were lost";
	return finish("beside the VM");
}
