/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hostile guest: attacks on the machine it runs in.
 *
 * Boot arguments: attack=NAME, seed=N, count=N (rounds) and shows=LETTERS. Its last words
 * are one line, "hostile: NAME seed N: ...", with how many breaches it found; a run
 * without that line wedged itself. See attack.h.
 */
#include <stdarg.h>

#include "core/canary.h"
#include "guests/hostile/attack.h"
#include "guests/lib/console.h"
#include "guests/lib/context.h"
#include "guests/lib/csr.h"
#include "guests/lib/guest.h"
#include "guests/lib/paging.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"
#include "guests/lib/string.h"

#define BREACHES_SHOWN 20

static const struct attack attacks[] = {
	{"streams", attack_streams, 800},
	{"user-streams", attack_user_streams, 800},
	{"wild-streams", attack_wild_streams, 20000},
	{"privileges", attack_privileges, 1},
	{"hypervisor", attack_hypervisor, 60},
	{"leftovers", attack_leftovers, 1},
	{"tables", attack_tables, 10000},
	{"loops", attack_loops, 3000},
	{"outside", attack_outside, 300},
	{"roots", attack_roots, 1},
	{"calls", attack_calls, 3000},
	{"devices", attack_devices, 10000},
	{"storm", attack_storm, 20000},
	{"exhaustion", attack_exhaustion, 20000},
	{"console", attack_console, 40000},
	{"log", attack_log, 1500},
	{"edges", attack_edges, 1},
	{"hang", attack_hang, 1},
};

static struct {
	const struct attack *attack;
	uint64_t seed;
	uint64_t count;
	uint64_t random;
	unsigned breaches;
} hostile;

/* ---- boot arguments ---- */

static uint64_t number_argument(const char *name, uint64_t otherwise)
{
	const char *at = platform_argument(name);
	uint64_t number = 0;

	if (!at)
		return otherwise;
	for (; *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	return number;
}

static const struct attack *find_attack(const char *name)
{
	for (unsigned i = 0; name && i < ARRAY_LENGTH(attacks); i++) {
		size_t length = strlen(attacks[i].name);

		if (memcmp(attacks[i].name, name, length) == 0 &&
		    (name[length] == ' ' || name[length] == '\0'))
			return &attacks[i];
	}
	return NULL;
}

uint64_t attack_count(void)
{
	return hostile.count;
}

uint64_t attack_seed(void)
{
	return hostile.seed;
}

bool attack_shows(char what)
{
	const char *at = platform_argument("shows");

	while (at && *at && *at != ' ' && *at != what)
		at++;
	return at && *at == what;
}

/* ---- random numbers: splitmix64 ---- */

uint64_t random_word(void)
{
	uint64_t z = hostile.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

unsigned random_below(uint64_t limit)
{
	return (unsigned)((random_word() >> 32) * limit >> 32);
}

uint64_t random_vacant(void)
{
	static const uint64_t known[] = {0,
					 0x1000,
					 VACANT,
					 LAST_PAGE,
					 UART - PAGE_SIZE,
					 UART + PAGE_SIZE,
					 PLIC - PAGE_SIZE,
					 FINISHER,
					 CLINT};
	uint64_t high = random_word() >> (8 + random_below(18));

	if (one_in(2))
		return random_of(known);
	if (one_in(4))
		return platform.memory_end +
		       PAGE_SIZE * random_below(one_in(2) ? 3 : BEHIND_MEMORY);
	return align_down(high | UINT64_C(1) << 37, PAGE_SIZE);
}

/* ---- verdicts ---- */

void breach(const char *format, ...)
{
	char text[200];
	va_list arguments;

	if (hostile.breaches++ >= BREACHES_SHOWN)
		return;
	va_start(arguments, format);
	format_arguments(text, sizeof(text), format, arguments);
	va_end(arguments);
	print("BREACH: %s\n", text);
}

void check_value(uint64_t value, uint64_t from)
{
	uint64_t address = value ^ CANARY_KEY;

	if (address >> 40 == 0 && address >= platform.memory_base && address % 8 == 0)
		breach("read canary word 0x%lx from 0x%lx", value, from);
}

/* ---- running ---- */

void *pages_new(unsigned count)
{
	return arena_alloc(count * PAGE_SIZE);
}

void recover(void)
{
	csr_write(satp, 0);
	fence_all();
	space_leave();
	context_init();
	csr_write(sie, 0);
	csr_clear(sip, INTERRUPT_SSI);
	csr_clear(sstatus, SSTATUS_SUM | SSTATUS_MXR | SSTATUS_SIE);
	csr_set(sstatus, SSTATUS_FS_INITIAL);
	sbi_set_timer(UINT64_MAX);
}

static void run_attack(const void *unused)
{
	(void)unused;
	hostile.attack->run();
}

bool guest_main(void)
{
	const struct context *stray;

	hostile.attack = find_attack(platform_argument("attack"));
	if (!hostile.attack) {
		print("hostile: attack=NAME is one of:");
		for (unsigned i = 0; i < ARRAY_LENGTH(attacks); i++)
			print(" %s", attacks[i].name);
		print("\n");
		return false;
	}
	hostile.seed = number_argument("seed", 1);
	hostile.count = number_argument("count", hostile.attack->count);
	hostile.random = hostile.seed * UINT64_C(0xd1342543de82ef95);
	paging_init(platform.memory_end);
	stray = protected_call(run_attack, NULL);
	recover();
	print("\nhostile: %s seed %lu: %s, %u breaches\n", hostile.attack->name,
	      hostile.seed, stray ? "cut short by its own trap" : "done",
	      hostile.breaches);
	if (stray)
		print("hostile: cause 0x%lx stval 0x%lx pc 0x%lx\n", stray->cause,
		      stray->stval, stray->pc);
	return hostile.breaches == 0;
}
