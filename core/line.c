/* SPDX-License-Identifier: BSD-2-Clause */
/* The line of vCPUs that are ready. See line.h. */
#include "core/line.h"
#include "arch/riscv/layout.h"
#include "core/bundle.h"
#include "core/machine.h"
#include "core/string.h"

#define TURNS_PER_SECOND 100

static struct {
	struct vcpu *first;
	uint32_t waiting[HART_LIMIT]; /* how many in the line may run on each hart */
	uint64_t clocks[HART_LIMIT];  /* virtual time of those chosen there: the most */
} line;

static uint64_t usual_turn(void)
{
	return machine.fdt.timebase_frequency / TURNS_PER_SECOND;
}

/* Of virtual time: it goes as the heaviest vCPU's does, so that none is too short. */
static uint64_t virtual_turn(void)
{
	return usual_turn() * BUNDLE_MOST_WEIGHT / BUNDLE_DEFAULT_WEIGHT;
}

/* Light ones have shorter turns, or the next would be long in coming. */
uint64_t line_turn(const struct vcpu *vcpu)
{
	if (vcpu->place.weight >= BUNDLE_DEFAULT_WEIGHT)
		return usual_turn();
	return usual_turn() * vcpu->place.weight / BUNDLE_DEFAULT_WEIGHT;
}

void line_charge(struct vcpu *vcpu, uint64_t ticks)
{
	vcpu->place.virtual += ticks * BUNDLE_MOST_WEIGHT / vcpu->place.weight;
}

void line_init(void)
{
	memset(&line, 0, sizeof(line));
}

static bool may_run(const struct vcpu *vcpu, unsigned hart)
{
	return vcpu->place.waits_for >> hart & 1;
}

static void count(const struct vcpu *vcpu, uint32_t more)
{
	for (unsigned hart = 0; hart < HART_LIMIT; hart++)
		if (may_run(vcpu, hart))
			__atomic_add_fetch(&line.waiting[hart], more, __ATOMIC_SEQ_CST);
}

static void catch_up(struct vcpu *vcpu)
{
	for (unsigned hart = 0; hart < HART_LIMIT; hart++)
		if (may_run(vcpu, hart) &&
		    vcpu->place.virtual + virtual_turn() < line.clocks[hart])
			vcpu->place.virtual = line.clocks[hart] - virtual_turn();
}

void line_join(struct vcpu *vcpu, uint32_t harts)
{
	struct vcpu **at = &line.first;

	vcpu->place.waits_for = harts;
	catch_up(vcpu);
	while (*at && (*at)->place.virtual <= vcpu->place.virtual)
		at = &(*at)->place.next;
	vcpu->place.next = *at;
	*at = vcpu;
	count(vcpu, 1);
}

void line_leave(struct vcpu *vcpu)
{
	struct vcpu **at = &line.first;

	while (*at != vcpu)
		at = &(*at)->place.next;
	*at = vcpu->place.next;
	count(vcpu, UINT32_MAX);
}

/*
 * One that ran here last, if it is little behind: who is at home on a hart need not go
 * to another for nothing. But one that woke has been made room for.
 */
static struct vcpu *prefer_own(struct vcpu *first, unsigned hart)
{
	const uint64_t least = first->place.virtual;

	for (struct vcpu *vcpu = first; vcpu && !first->place.woken &&
					vcpu->place.virtual - least <= virtual_turn() / 2;
	     vcpu = vcpu->place.next)
		if (may_run(vcpu, hart) && vcpu->place.last == hart)
			return vcpu;
	return first;
}

struct vcpu *line_choose(unsigned hart)
{
	struct vcpu *vcpu = line.first;

	while (vcpu && !may_run(vcpu, hart))
		vcpu = vcpu->place.next;
	if (!vcpu)
		return NULL;
	vcpu = prefer_own(vcpu, hart);
	line_leave(vcpu);
	if (line.clocks[hart] < vcpu->place.virtual)
		line.clocks[hart] = vcpu->place.virtual;
	return vcpu;
}

struct vcpu *line_first(void)
{
	return line.first;
}

bool line_waits(unsigned hart)
{
	return __atomic_load_n(&line.waiting[hart], __ATOMIC_SEQ_CST) != 0;
}
