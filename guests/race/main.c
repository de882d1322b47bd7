/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The race guest: its harts, two or more, do at once what has to hold between harts.
 *
 * Expectations come from the RISC-V privileged specification and the SBI
 * specification alone, so that it has to pass on a bare machine too. Boot arguments:
 * check=NAME, for the checks alone whose name begins so; ms=N, for so long each.
 */
#include <stddef.h>

#include "core/types.h"
#include "guests/lib/console.h"
#include "guests/lib/csr.h"
#include "guests/lib/guest.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"
#include "guests/race/race.h"

_Static_assert(offsetof(struct hart, saved) == HART_SAVED, "assembly offset");
_Static_assert(offsetof(struct hart, requested) == HART_REQUESTED, "assembly offset");
_Static_assert(offsetof(struct hart, answered) == HART_ANSWERED, "assembly offset");
_Static_assert(offsetof(struct hart, stack) == HART_STACK, "assembly offset");
_Static_assert(offsetof(struct hart, entry) == HART_ENTRY, "assembly offset");
_Static_assert(offsetof(struct hart, first_satp) == HART_SATP, "assembly offset");
_Static_assert(offsetof(struct hart, first_sstatus) == HART_SSTATUS, "assembly offset");
_Static_assert(_Alignof(struct hart) == STARTER_MASK + 1, "who starts a hart is added");

#define MILLISECONDS 60
#define TOO_LONG     60 /* seconds */
#define STACK_SIZE   8192
#define IDS	     64

struct check {
	const char *name;
	void (*prepare)(const struct paging_mode *mode);
	void (*run)(struct hart *hart);
	bool bare;
	bool paged;	       /* once in each mode */
	uint64_t least_rounds; /* of each hart, however slow it is */
};

struct failure {
	uint64_t hart;
	const char *what;
	uint64_t seen;
	uint64_t least; /* what was allowed */
	uint64_t most;
};

static const struct check checks[] = {
	{"fences", fences_prepare, fences_run, false, true, 150},
	{"waits", waits_prepare, waits_run, false, true, 10},
	{"spaces", spaces_prepare, spaces_run, false, true, 20},
	{"code", code_prepare, code_run, false, true, 150},
	{"interrupts", interrupts_prepare, interrupts_run, true, false, 50},
};

/* Last, since it leaves harts stopped. */
static const struct check life = {"life", life_prepare, life_run, false, true, 10};

struct hart harts[HARTS_MAX];
unsigned hart_count;

static char stacks[HARTS_MAX][STACK_SIZE] __attribute__((aligned(16)));
static void (*job)(struct hart *hart);
static uint64_t generation, done; /* jobs given, and harts that have done the last */
static uint64_t deadline, least_rounds, failed, led;
static struct failure failure; /* the first */
static unsigned passed_checks, failed_checks;

/* ---- what checks use ---- */

uint64_t hart_random(struct hart *hart, uint64_t below)
{
	hart->random ^= hart->random << 13;
	hart->random ^= hart->random >> 7;
	hart->random ^= hart->random << 17;
	return (hart->random >> 11) % below;
}

bool race_goes_on(void)
{
	const struct hart *own;

	__asm__ volatile("mv %0, tp" : "=r"(own));
	return !look(&failed) && (time_now() < deadline || own->rounds < least_rounds);
}

void race_lead(struct hart *hart, bool (*round)(struct hart *hart))
{
	while (race_goes_on() && round(hart))
		;
	publish(&led, 1);
}

bool race_led(void)
{
	return look(&led);
}

bool race_wait(uint64_t *since)
{
	if (!*since)
		*since = time_now();
	return !look(&failed) && time_now() - *since < TOO_LONG * platform.timebase;
}

bool race_fail(struct hart *hart, const char *what, uint64_t seen, uint64_t least,
	       uint64_t most)
{
	if (__atomic_exchange_n(&failed, 1, __ATOMIC_SEQ_CST) == 0)
		failure = (struct failure){hart->id, what, seen, least, most};
	return false;
}

uint64_t race_mask(void)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < hart_count; i++)
		mask |= UINT64_C(1) << harts[i].id;
	return mask;
}

/* From the vector: a trap that nothing allows. */
_Noreturn void race_stray(uint64_t cause, uint64_t stval, uint64_t pc);
_Noreturn void race_stray(uint64_t cause, uint64_t stval, uint64_t pc)
{
	print("not ok stray trap: cause 0x%lx stval 0x%lx pc 0x%lx\n", cause, stval, pc);
	sbi_shutdown(true);
}

/* ---- the harts ---- */

/* A job is announced by an IPI, which is pending or comes yet. */
static void work(struct hart *hart, uint64_t id, uint64_t starter)
{
	uint64_t last = 0;

	(void)id;
	(void)starter;
	for (;;) {
		csr_write(sie, INTERRUPT_SSI);
		csr_clear(sip, INTERRUPT_SSI);
		while (look(&generation) == last) {
			wait_for_interrupt();
			csr_clear(sip, INTERRUPT_SSI);
		}
		last++;
		job(hart);
		__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
	}
}

static void stop_some(struct hart *hart)
{
	if (hart->index >= life_starters())
		SBI_CALL(SBI_EXT_HSM, SBI_HSM_STOP, 0);
}

static void add_hart(uint64_t id)
{
	struct hart *hart = &harts[hart_count];

	*hart = (struct hart){.id = id,
			      .index = hart_count,
			      .random = UINT64_C(0x9e3779b97f4a7c15) * (id + 1),
			      .entry = work,
			      .stack = (uintptr_t)&stacks[hart_count] + STACK_SIZE};
	hart_count++;
}

static void find_harts(void)
{
	add_hart(platform.hart);
	__asm__ volatile("mv tp, %0" ::"r"(&harts[0]));
	csr_write(stvec, (uintptr_t)hart_vector);
	for (uint64_t id = 0; id < IDS && hart_count < HARTS_MAX; id++)
		if (id != platform.hart &&
		    SBI_CALL(SBI_EXT_HSM, SBI_HSM_STATUS, id).error == SBI_SUCCESS)
			add_hart(id);
	for (unsigned i = 1; i < hart_count; i++)
		SBI_CALL(SBI_EXT_HSM, SBI_HSM_START, harts[i].id, (uintptr_t)hart_entry,
			 (uintptr_t)&harts[i]);
}

/* ---- checks ---- */

static uint64_t milliseconds(void)
{
	const char *digits = platform_argument("ms");
	uint64_t value = 0;

	for (; digits && *digits >= '0' && *digits <= '9'; digits++)
		value = 10 * value + (uint64_t)(*digits - '0');
	return value ? value : MILLISECONDS;
}

/* On the harts that are there, this one too; `others`: how many come back from it. */
static void give(void (*function)(struct hart *), unsigned others)
{
	uint64_t since = 0;

	for (unsigned i = 0; i < hart_count; i++)
		harts[i].rounds = 0;
	job = function;
	done = led = 0;
	deadline = time_now() + platform_ticks(1000 * milliseconds());
	publish(&generation, generation + 1);
	SBI_CALL(SBI_EXT_IPI, 0, race_mask() & ~(UINT64_C(1) << platform.hart), 0);
	function(&harts[0]);
	while (look(&done) < others)
		if (!race_wait(&since) && !look(&failed)) {
			race_fail(&harts[0], "harts that came back", look(&done), others,
				  others);
			return;
		}
}

static void say_failure(void)
{
	if (failed)
		print(": hart %lu: %s: 0x%lx (allowed: 0x%lx to 0x%lx)", failure.hart,
		      failure.what, failure.seen, failure.least, failure.most);
}

static void judge(const struct check *check, const struct paging_mode *mode)
{
	uint64_t rounds = 0;

	for (unsigned i = 0; i < hart_count; i++)
		rounds += harts[i].rounds;
	*(failed ? &failed_checks : &passed_checks) += 1;
	print("%s %s %s", failed ? "not ok" : "ok", check->name,
	      mode ? mode->name : "bare");
	say_failure();
	print(", %lu rounds\n", rounds);
}

static void run_check(const struct check *check, const struct paging_mode *mode,
		      unsigned others)
{
	/* What goes wrong in one may go on for ever in another. */
	if (failed)
		return;
	arena_reset();
	check->prepare(mode);
	least_rounds = check->least_rounds;
	give(check->run, others);
	judge(check, mode);
}

static bool is_wanted(const struct check *check)
{
	const char *wanted = platform_argument("check");
	const char *name = check->name;

	for (; wanted && *wanted && *wanted != ' '; wanted++, name++)
		if (*wanted != *name)
			return false;
	return true;
}

static void run(const struct check *check, unsigned others)
{
	if (!is_wanted(check))
		return;
	if (check->bare)
		run_check(check, NULL, others);
	for (unsigned i = 0; check->paged && i < PAGING_MODES; i++)
		if (paging_supported(&paging_modes[i]))
			run_check(check, &paging_modes[i], others);
}

/* Only then are its targets where a start finds them. */
static void stop_targets(void)
{
	give(stop_some, life_starters() - 1);
	for (unsigned i = life_starters(); i < hart_count; i++)
		while (SBI_CALL(SBI_EXT_HSM, SBI_HSM_STATUS, harts[i].id).value != 1)
			;
}

bool guest_main(void)
{
	paging_init(platform.memory_end);
	find_harts();
	if (hart_count < 2) {
		print("not ok: a race is of two harts or more\n");
		return false;
	}
	for (unsigned i = 0; i < ARRAY_LENGTH(checks); i++)
		run(&checks[i], hart_count - 1);
	if (!failed && is_wanted(&life)) {
		stop_targets();
		run(&life, life_starters() - 1);
	}
	print("race: %u harts, %u passed, %u failed\n", hart_count, passed_checks,
	      failed_checks);
	return failed_checks == 0;
}
