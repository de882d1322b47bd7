/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor extension, by a guest that is shown none: whatever of its CSRs can be
 * written, hlv and hsv to wherever it hurts, and at last every way into V = 1.
 *
 * A hart may have it for good, and its CSRs then answer; they hold nothing of anyone's,
 * no hlv or hsv completes, no instruction runs with V = 1, and the machine stops a guest
 * that tries, or lets it fall back. Elsewhere all of it is illegal. The last way is
 * chosen by the seed.
 */
#include "guests/hostile/attack.h"
#include "guests/lib/console.h"
#include "guests/lib/context.h"
#include "guests/lib/csr.h"
#include "guests/lib/paging.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"
#include "guests/lib/sbi.h"

#define HSTATUS	  0x600
#define HEDELEG	  0x602
#define HIDELEG	  0x603
#define HIE	  0x604
#define HCOUNTER  0x606
#define HVIP	  0x645
#define HGATP	  0x680
#define VSSTATUS  0x200
#define VSIE	  0x204
#define VSTVEC	  0x205
#define VSATP	  0x280
#define VSTIMECMP 0x24d

#define HSTATUS_SPV  (UINT64_C(1) << 7)
#define HSTATUS_SPVP (UINT64_C(1) << 8)
#define HSTATUS_HU   (UINT64_C(1) << 9)
#define VSXL	     (UINT64_C(3) << 32)
#define VS_INTERRUPT (UINT64_C(1) << 2)

#define SENTINEL UINT64_C(0x5a17e5a17e5a17e5)
#define BOUNCES	 20

/* What may stand in each before anything has been written to it. */
static const struct {
	unsigned number;
	uint64_t allowed;
} csrs[] = {
	{HSTATUS, VSXL}, {HEDELEG, 0},
	{HIDELEG, 0},	 {HIE, 0},
	{0x605, 0},	 {HCOUNTER, 0},
	{0x607, 0},	 {0x608, 0},
	{0x609, 0},	 {0x60a, 0},
	{0x60c, 0},	 {0x60d, 0},
	{0x60e, 0},	 {0x60f, 0},
	{0x612, 0},	 {0x643, 0},
	{0x644, 0},	 {HVIP, 0},
	{0x646, 0},	 {0x647, 0},
	{0x64a, 0},	 {0x6a8, 0},
	{0xe12, 0},	 {VSSTATUS, VSXL},
	{VSIE, 0},	 {VSTVEC, 0},
	{0x240, 0},	 {0x241, 0},
	{0x242, 0},	 {0x243, 0},
	{0x244, 0},	 {VSTIMECMP, ~UINT64_C(0)},
	{0x24e, 0},	 {0x250, 0},
	{0x251, 0},	 {0x25c, 0},
	{VSATP, 0},	 {0xeb0, ~UINT64_C(0)},
};

/* rd = a2, rs1 = a0, rs2 = a1 */
static const struct {
	uint32_t instruction;
	const char *name;
} accesses[] = {
	{0x60054673, "hlv.b"},	{0x60154673, "hlv.bu"},	 {0x64054673, "hlv.h"},
	{0x64154673, "hlv.hu"}, {0x64354673, "hlvx.hu"}, {0x68054673, "hlv.w"},
	{0x68154673, "hlv.wu"}, {0x68354673, "hlvx.wu"}, {0x6c054673, "hlv.d"},
	{0x62b54073, "hsv.b"},	{0x66b54073, "hsv.h"},	 {0x6ab54073, "hsv.w"},
	{0x6eb54073, "hsv.d"},
};

static const struct {
	uint32_t instruction;
	const char *name;
} closed[] = {
	{0x68002673, "csrr hgatp"},  {0x68051073, "csrw hgatp"},
	{0x68056073, "csrsi hgatp"}, {0x62b50073, "hfence.gvma"},
	{0x66b50073, "hinval.gvma"},
};

/* A table of 1 GiB leaves at identity, and what the accesses go to. */
static struct {
	uint64_t *table;
	uint64_t *word;
	struct space space; /* its own, in which page faults are its own too */
	unsigned answered;  /* CSRs */
} scene;

/* ---- CSRs ---- */

/* csrrs of a2 with x0, or csrrw of it with a1 */
static bool csr_access(unsigned csr, uint64_t value, bool write, uint64_t *seen)
{
	struct context context;
	uint32_t form = write ? 1 << 12 | REG_A1 << 15 : 2 << 12;
	uint64_t cause = run_one(csr << 20 | form | REG_A2 << 7 | 0x73, SUPERVISOR, value,
				 &context);

	if (seen)
		*seen = context.x[REG_A2];
	return cause == CAUSE_BREAKPOINT;
}

static void set(unsigned csr, uint64_t value)
{
	csr_access(csr, value, true, NULL);
}

/* The first look that anyone in this VM has at them. */
static void look(void)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(csrs); i++) {
		uint64_t value = 0;

		if (!csr_access(csrs[i].number, 0, false, &value))
			continue;
		scene.answered++;
		check_value(value, csrs[i].number);
		if (value & ~csrs[i].allowed)
			breach("csr 0x%x begins with 0x%lx", csrs[i].number, value);
	}
}

static void map_identity(uint64_t flags)
{
	for (unsigned i = 0; i < 512; i++)
		scene.table[i] = (uint64_t)i << 28 | flags;
}

static uint64_t random_vsatp(void)
{
	const uint64_t root = (uintptr_t)scene.table >> PAGE_SHIFT;

	switch (random_below(4)) {
	case 0:
		return 0;
	case 1:
		return random_word();
	case 2:
		return (uint64_t)(8 + random_below(3)) << SATP_MODE_SHIFT |
		       random_vacant() >> PAGE_SHIFT;
	default:
		return UINT64_C(8) << SATP_MODE_SHIFT | root;
	}
}

/* No interrupts for the way back's sake, and no sret to V = 1 yet. */
static void scramble(void)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(csrs); i++)
		if (one_in(2))
			set(csrs[i].number, one_in(3) ? ~UINT64_C(0) : random_word());
	map_identity(one_in(2) ? PTE_USER : PTE_KERNEL);
	set(VSATP, random_vsatp());
	set(HIE, 0);
	set(HSTATUS, (random_word() & ~HSTATUS_SPV) | (one_in(2) ? HSTATUS_HU : 0));
}

/* ---- accesses ---- */

static uint64_t random_target(void)
{
	const uint64_t known[] = {
		(uintptr_t)scene.word,
		platform.memory_base,
		platform.memory_end,
		platform.memory_end - 8,
		UART,
		CLINT,
		FINISHER,
		random_vacant(),
		UINT64_C(0x80000000),
		UINT64_C(1) << 38,
		random_word(),
		~UINT64_C(7),
	};

	return random_of(known);
}

/* QEMU takes hlvx for a fetch; page faults come of what vsatp says. */
static bool may_come(uint64_t cause)
{
	static const uint8_t causes[] = {
		CAUSE_ILLEGAL,		CAUSE_FETCH_PAGE_FAULT, CAUSE_LOAD_PAGE_FAULT,
		CAUSE_STORE_PAGE_FAULT, CAUSE_LOAD_MISALIGNED,	CAUSE_STORE_MISALIGNED,
		CAUSE_LOAD_ACCESS,	CAUSE_STORE_ACCESS,
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(causes); i++)
		if (causes[i] == cause)
			return true;
	return false;
}

static void try_access(unsigned which, unsigned how)
{
	const uint32_t instruction = accesses[which].instruction;
	struct context context = {.x[REG_A0] = random_target()};
	uint64_t at = context.x[REG_A0], cause;

	*scene.word = SENTINEL;
	cause = run_one_at(instruction, how, random_word(), &context);
	if (!may_come(cause))
		breach("%s of 0x%lx: cause %lu, a2 0x%lx", accesses[which].name, at,
		       cause, context.x[REG_A2]);
	if (cause == CAUSE_ILLEGAL && context.stval != instruction && context.stval != 0)
		breach("%s: stval 0x%lx", accesses[which].name, context.stval);
	if (scene.answered == 0 && cause != CAUSE_ILLEGAL)
		breach("%s without H: cause %lu", accesses[which].name, cause);
	if (*scene.word != SENTINEL)
		breach("%s has stored", accesses[which].name);
}

static void try_closed(void)
{
	struct context context;

	for (unsigned i = 0; i < ARRAY_LENGTH(closed); i++) {
		uint64_t cause = run_one(closed[i].instruction, SUPERVISOR, random_word(),
					 &context);

		if (cause != CAUSE_ILLEGAL)
			breach("%s: cause %lu", closed[i].name, cause);
	}
}

/* ---- V = 1 ---- */

static void clear_all(void)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(csrs); i++)
		set(csrs[i].number, 0);
}

static volatile uint64_t arrived;

static void try_entry(uint64_t pc, unsigned how, uint64_t hstatus)
{
	struct context context = {.pc = pc};

	context.x[REG_A0] = (uintptr_t)&arrived;
	context.sstatus = probe_sstatus(how);
	/* Not by set(), whose trap clears SPV. */
	csr_write(0x600, hstatus | HSTATUS_SPV);
	context_run(&context);
	/* Before an sret, which would clear MPRV. */
	sbi_set_timer(UINT64_MAX);
	context_init();
	if (arrived || context.cause == CAUSE_BREAKPOINT)
		breach("an instruction ran with V = 1");
}

/* Of the shape of run_one's code: sd a0, 0(a0), then ebreak. */
static uint32_t entry_code[2] = {0x00a53023, 0x00100073};

static void by_nothing(void)
{
}

static void by_own_table(void)
{
	set(VSATP, UINT64_C(8) << SATP_MODE_SHIFT | (uintptr_t)scene.table >> PAGE_SHIFT);
}

/* A fault of its own, or an interrupt, would be taken in VS-mode. */
static void by_delegation(void)
{
	by_own_table();
	set(HEDELEG, ~UINT64_C(0));
	set(HIDELEG, ~UINT64_C(0));
	set(VSTVEC, (uintptr_t)entry_code);
}

static void by_interrupt(void)
{
	by_delegation();
	set(VSSTATUS, SSTATUS_SIE);
	set(VSIE, ~UINT64_C(0));
	set(HVIP, VS_INTERRUPT);
}

static void by_chance(void)
{
	scramble();
}

/* Falls back too, with bits in vsstatus that are mstatus': MPRV and MPP among them. */
static void by_status(void)
{
	by_own_table();
	set(VSSTATUS, UINT64_C(0x21888));
}

/* It falls back at once, with SPV set, and tries again. */
static void by_own_interrupt(void)
{
	csr_set(sie, INTERRUPT_SSI);
	csr_set(sip, INTERRUPT_SSI);
}

static const struct {
	void (*prepare)(void);
	uint64_t pc; /* 0: the code's */
	unsigned how;
} ways[] = {
	{by_nothing, 0, SUPERVISOR},
	{by_nothing, 0, USER},
	{by_own_table, 0, SUPERVISOR},
	{by_own_table, 0, USER},
	{by_own_table, UINT64_C(1) << 38, SUPERVISOR},
	{by_delegation, UINT64_C(1) << 38, SUPERVISOR},
	{by_interrupt, 0, SUPERVISOR},
	{by_own_interrupt, 0, SUPERVISOR},
	{by_chance, 0, SUPERVISOR},
	{by_chance, 0, USER},
	{by_interrupt, 0, USER},
	{by_status, UINT64_C(1) << 38, SUPERVISOR},
	{by_own_interrupt, 0, USER},
};

static void enter(void)
{
	unsigned way = (unsigned)(attack_seed() % ARRAY_LENGTH(ways));
	bool paged = attack_seed() / ARRAY_LENGTH(ways) & 1;
	uint64_t pc = ways[way].pc ? ways[way].pc : (uintptr_t)entry_code;

	print("hypervisor: to V = 1 by way %u%s\n", way, paged ? ", paged" : "");
	if (paged)
		space_enter(&scene.space);
	for (unsigned i = 0; i < BOUNCES; i++) {
		clear_all();
		ways[way].prepare();
		map_identity(ways[way].how & USER ? PTE_USER : PTE_KERNEL);
		try_entry(pc, ways[way].how, one_in(2) ? HSTATUS_SPVP : 0);
	}
	print("hypervisor: never got there\n");
}

static void build(void)
{
	scene.table = pages_new(1);
	scene.word = pages_new(1);
	space_init(&scene.space, &paging_modes[0], 1);
}

void attack_hypervisor(void)
{
	build();
	look();
	print("hypervisor: %u CSRs answer\n", scene.answered);
	for (uint64_t round = 0; round < attack_count(); round++) {
		if (scene.answered)
			scramble();
		try_closed();
		for (unsigned i = 0; i < ARRAY_LENGTH(accesses); i++) {
			try_access(i, SUPERVISOR);
			try_access(i, USER);
		}
	}
	recover();
	if (scene.answered)
		enter();
}
