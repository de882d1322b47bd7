/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Too much of what is allowed: fences of every form and switches between many
 * roots and ASIDs; and more address space in use than any budget of shadow
 * tables can hold.
 *
 * One small set of tables, whose every entry points to the next table of the
 * set, maps the whole lower half of an address space: each 4 KiB page of it is
 * a fill of its own, and a path of shadow tables of its own, for nothing.
 */
#include "guests/hostile/attack.h"
#include "guests/lib/csr.h"
#include "guests/lib/paging.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"
#include "guests/lib/sbi.h"

#define ROOTS 48

static struct space spaces[ROOTS];
static uint64_t *chain[LEVELS_MAX]; /* by level */
static uint64_t frame;

static void build_chain(void)
{
	frame = (uintptr_t)arena_alloc(2 * MIB);
	for (unsigned level = 0; level < LEVELS_MAX - 1; level++) {
		uint64_t below = level ? (uintptr_t)chain[level - 1] : frame;

		chain[level] = pages_new(1);
		for (unsigned i = 0; i < PTES_PER_TABLE; i++)
			chain[level][i] = pte_make(below, level ? PTE_V : PTE_USER);
	}
	/* Every fourth 2 MiB is one leaf, so that both sizes meet in one table. */
	for (unsigned i = 0; i < PTES_PER_TABLE; i += 4)
		chain[1][i] = pte_make(frame, PTE_USER);
}

static void build_spaces(void)
{
	build_chain();
	for (unsigned i = 0; i < ROOTS; i++) {
		const struct paging_mode *mode = &paging_modes[i % PAGING_MODES];

		space_init(&spaces[i], mode, random_word() & 0xffff);
		for (unsigned slot = 16; slot < PTES_PER_TABLE; slot++)
			spaces[i].root[slot] =
				pte_make((uintptr_t)chain[mode->levels - 2], PTE_V);
	}
}

static uint64_t random_address(const struct paging_mode *mode)
{
	uint64_t va = random_word() & ((UINT64_C(1) << mode->va_bits) - 1);

	/* Away from the guest's own slots. */
	va |= UINT64_C(64) << (mode->va_bits - 9);
	return va_canonical(mode, va & ~UINT64_C(7));
}

static void touch(const struct paging_mode *mode)
{
	uint64_t va = random_address(mode);
	enum access access = one_in(2) ? LD : SD;
	struct outcome outcome =
		probe(access, va, random_word(), one_in(2) ? USER : SUPERVISOR | SUM);

	if (outcome.cause != OUTCOME_DONE)
		breach("touch of 0x%lx in %s: cause %lu", va, mode->name, outcome.cause);
}

static void fence_somehow(uint64_t va, uint64_t asid)
{
	switch (random_below(9)) {
	case 0:
		fence_all();
		break;
	case 1:
		fence_asid(asid);
		break;
	case 2:
		fence_va_asid(va, asid);
		break;
	case 3: /* sinval.vma, where it is there */
		if (platform_has_extension("svinval"))
			__asm__ volatile(".insn r 0x73, 0, 0x0b, x0, %0, %1" ::"r"(va),
					 "r"(asid)
					 : "memory");
		break;
	case 4:
		SBI_CALL(SBI_EXT_RFENCE, random_below(3), 1, 0, va,
			 random_word() >> random_below(64), asid);
		break;
	case 5:
		SBI_CALL(random_below(3) + SBI_EXT_LEGACY_FENCE_I, 0, 0, va,
			 random_word() >> random_below(64), asid);
		break;
	default:
		fence_va(va);
	}
}

/* One that has no effect, whatever else is in it. */
static void write_unsupported_satp(void)
{
	uint64_t mode = 11 + random_below(5);

	csr_write(satp, mode << SATP_MODE_SHIFT | random_word() >> 4);
}

static const struct space *switch_space(void)
{
	struct space *space = &spaces[random_below(ROOTS)];

	if (one_in(4))
		space->asid = random_word() & 0xffff;
	if (one_in(4))
		space_leave();
	space_enter(space);
	return space;
}

void attack_storm(void)
{
	const struct space *space;

	build_spaces();
	space = switch_space();
	for (uint64_t i = 0; i < attack_count(); i++) {
		unsigned kind = random_below(10);

		if (kind < 4)
			fence_somehow(random_address(space->mode), random_word());
		else if (kind < 7)
			space = switch_space();
		else if (kind < 8)
			write_unsupported_satp();
		else
			touch(space->mode);
		if (csr_read(satp) != space_satp(space))
			breach("satp is 0x%lx, not 0x%lx", csr_read(satp),
			       space_satp(space));
	}
	recover();
}

/* Few fences and many pages: nothing but the budget makes room. */
void attack_exhaustion(void)
{
	const struct space *space;

	build_spaces();
	space = switch_space();
	for (uint64_t i = 0; i < attack_count(); i++) {
		if (one_in(64))
			space = switch_space();
		touch(space->mode);
	}
	recover();
}
