/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBI calls with garbage in all registers: every extension there is, functions
 * 0 to 15 and others, arguments that are addresses, masks and sizes at their
 * limits; and extensions that do not exist.
 *
 * Calls that end the VM are left out until the last one, which the seed chooses.
 */
#include "guests/hostile/attack.h"
#include "guests/lib/console.h"
#include "guests/lib/csr.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"

#define FUNCTIONS 16

static const uint64_t extensions[] = {
	0,
	1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	15,
	SBI_EXT_BASE,
	SBI_EXT_TIME,
	SBI_EXT_IPI,
	SBI_EXT_RFENCE,
	SBI_EXT_HSM,
	SBI_EXT_SRST,
	SBI_EXT_DBCN,
	SBI_EXT_PMU,
	0x53555350, /* SUSP */
	0x43505043, /* CPPC */
	0x4e41434c, /* NACL */
	0x535441,   /* STA */
	0x535345,   /* SSE */
	0x46574654, /* FWFT */
	0x44425452, /* DBTR */
	0x4d505859, /* MPXY */
	0x08000000,
	0x09000000,
	0x0a000000,
	UINT64_MAX,
	UINT64_C(1) << 32,
};

static uint64_t random_argument(void)
{
	static const uint64_t limits[] = {0,
					  1,
					  2,
					  3,
					  63,
					  64,
					  4095,
					  4096,
					  UINT32_MAX,
					  UINT64_C(1) << 32,
					  UINT64_C(1) << 63,
					  UINT64_MAX,
					  UINT64_MAX - 4095,
					  UINT64_MAX - 1};

	switch (random_below(8)) {
	case 0:
		return random_word();
	case 1:
		return random_word() >> random_below(64);
	case 2:
		return platform.memory_end - random_below(64);
	case 3:
		return random_vacant() + random_below(16);
	case 4:
		return (one_in(2) ? UART : PLIC) + random_below(16);
	case 5:
		return platform.memory_base + random_below(32 * MIB);
	default:
		return random_of(limits);
	}
}

/* The HSM may also start the caller anew, if it could be stopped; it cannot. */
static bool ends_the_vm(uint64_t extension, uint64_t function)
{
	return extension == SBI_EXT_LEGACY_SHUTDOWN ||
	       (extension == SBI_EXT_SRST && function == 0) ||
	       (extension == SBI_EXT_HSM && function == SBI_HSM_STOP);
}

/* What is in memory may be read by DBCN, and printed; not what is anywhere else. */
static bool is_flood(uint64_t extension, uint64_t function, const uint64_t *arguments)
{
	return extension == SBI_EXT_DBCN && function == SBI_DBCN_WRITE &&
	       arguments[0] > 256 && !one_in(8);
}

static void call_at_random(void)
{
	uint64_t extension = one_in(8) ? random_word() : random_of(extensions);
	uint64_t function = one_in(8) ? random_argument() : random_below(FUNCTIONS);
	uint64_t arguments[6];
	struct sbi_result result;

	for (unsigned i = 0; i < ARRAY_LENGTH(arguments); i++)
		arguments[i] = random_argument();
	if (ends_the_vm(extension, function) || is_flood(extension, function, arguments))
		return;
	result = sbi_call(extension, function, arguments);
	check_value(result.value, extension);
	check_value((uint64_t)result.error, extension);
}

static void end_somehow(void)
{
	print("\nhostile: the last call\n");
	switch (random_below(6)) {
	case 0:
		SBI_CALL(SBI_EXT_HSM, SBI_HSM_STOP, random_word());
		break;
	case 1:
		SBI_CALL(SBI_EXT_LEGACY_SHUTDOWN, random_word(), random_word());
		break;
	case 2:
		SBI_CALL(SBI_EXT_SRST, 0, 1, 0, random_word());
		break;
	case 3:
		SBI_CALL(SBI_EXT_SRST, 0, 2, 1);
		break;
	case 4:
		for (;;)
			SBI_CALL(SBI_EXT_SRST, 0, random_word(), random_word());
	default:
		break;
	}
}

void attack_calls(void)
{
	for (uint64_t i = 0; i < attack_count(); i++)
		call_at_random();
	recover();
	end_somehow();
}
