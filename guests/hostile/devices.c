/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device registers by every kind of access, width and misalignment: the UART and
 * the PLIC over their whole windows and past both ends, addresses that cross
 * from a device into nothing, and nothing itself; untranslated and through 4 KiB
 * and larger leaves, from S-mode and U-mode, with interrupts coming in.
 */
#include "guests/hostile/attack.h"
#include "guests/lib/csr.h"
#include "guests/lib/paging.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"

#define WINDOW 64

static struct space spaces[PAGING_MODES];

static uint64_t random_uart(void)
{
	return UART + random_below(one_in(8) ? 2 * PAGE_SIZE : 16);
}

/* Registers that exist, their gaps, and the rest of the window. */
static uint64_t random_plic(void)
{
	static const uint64_t regions[] = {
		0x0,	  0x1000,   0x2000,	    0x2080,
		0x200000, 0x201000, PLIC_SIZE - 16, 0x1000 - 16};

	if (one_in(4))
		return PLIC + random_below(PLIC_SIZE + PAGE_SIZE);
	return PLIC + random_of(regions) + random_below(160);
}

static uint64_t random_edge(void)
{
	const uint64_t edges[] = {UART,
				  UART + 8,
				  UART + 256,
				  UART + PAGE_SIZE,
				  PLIC,
				  PLIC + PLIC_SIZE,
				  PLIC + 64 * MIB,
				  platform.memory_base,
				  platform.memory_end};

	return random_of(edges) - 8 + random_below(16);
}

static uint64_t random_register(void)
{
	switch (random_below(8)) {
	case 0:
		return random_edge();
	case 1:
		return random_vacant() + random_below(PAGE_SIZE);
	case 2:
	case 3:
	case 4:
		return random_uart();
	default:
		return random_plic();
	}
}

static bool is_device(uint64_t pa)
{
	return range_within(pa, 8, UART, 256) || range_within(pa, 8, PLIC, PLIC_SIZE);
}

/* No device is fetched from, and none takes an atomic access. */
static void judge(enum access access, uint64_t pa, const struct outcome *outcome)
{
	enum access_kind kind = access_info[access].kind;

	check_value(outcome->value, pa);
	if (outcome->cause == OUTCOME_DONE && is_device(pa) &&
	    (kind == KIND_FETCH || kind == KIND_AMO || kind == KIND_LR))
		breach("%s at 0x%lx answered", access_info[access].name, pa);
}

/* Leaves of two sizes for the page, and for the one behind it. */
static uint64_t map(const struct space *space, uint64_t pa, unsigned how)
{
	uint64_t flags = how & USER ? PTE_USER : PTE_KERNEL;
	uint64_t va = window(space->mode, WINDOW);

	if (one_in(3)) {
		*space_slot(space, va + 4 * GIB, 2) =
			pte_make(align_down(pa, GIB), flags);
		va += 4 * GIB + pa % GIB;
	} else {
		space_map(space, va, 0, align_down(pa, PAGE_SIZE), flags);
		space_map(space, va + PAGE_SIZE, 0, align_down(pa, PAGE_SIZE) + PAGE_SIZE,
			  flags);
		va += pa % PAGE_SIZE;
	}
	fence_all();
	return va;
}

/* Half of them as drivers do: these are answered, and change the device. */
static enum access random_access(uint64_t *pa)
{
	static const enum access plain[] = {LB, LBU, LW, C_LW, SB, SW, C_SW};
	enum access access = random_of(plain);

	if (one_in(2))
		return random_below(ACCESS_COUNT);
	*pa = align_down(*pa, access_info[access].width);
	return access;
}

static void access_register(void)
{
	unsigned how = random_below(8) | (one_in(4) ? INTERRUPTS : 0);
	const struct space *space = &spaces[random_below(PAGING_MODES)];
	uint64_t pa = random_register();
	enum access access = random_access(&pa);
	uint64_t va = pa;
	struct outcome outcome;
	bool translated = one_in(2) && paging_supported(space->mode);

	/* Stores that the guest's own memory would take. */
	if (pa >= platform.memory_base - 8 && pa < platform.memory_end - 8)
		return;
	if (translated) {
		space_enter(space);
		va = map(space, pa, how);
	}
	outcome = probe(access, va, random_word() >> random_below(64), how);
	if (translated)
		space_leave();
	judge(access, pa, &outcome);
}

void attack_devices(void)
{
	for (unsigned i = 0; i < PAGING_MODES; i++)
		space_init(&spaces[i], &paging_modes[i], i + 1);
	csr_write(sie, INTERRUPT_SEI | INTERRUPT_SSI);
	for (uint64_t i = 0; i < attack_count(); i++)
		access_register();
	recover();
}
