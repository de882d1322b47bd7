/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/random.c core/entropy.c */
/*
 * The generator against RFC 8439's vectors, and what the machine's makes of the host's
 * seed: used once, all of it, and never the same bytes for two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/harts.h"
#include "core/machine.h"
#include "core/random.h"

struct machine machine;

void harts_serve(void)
{
	fail_msg("a lock is waited for");
}

/* RFC 8439, appendix A.1, test vectors 1, 2 and 3. */
static void blocks_are_those_of_the_rfc(void **state)
{
	static const uint8_t first[] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90},
			     second[] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a},
			     third[] = {0x3a, 0xeb, 0x52, 0x24, 0xec, 0xf8, 0x49, 0x92};
	uint32_t key[8] = {0};
	uint8_t block[CHACHA20_BLOCK_SIZE];

	(void)state;
	chacha20_block(key, 0, block);
	assert_memory_equal(block, first, sizeof(first));
	chacha20_block(key, 1, block);
	assert_memory_equal(block, second, sizeof(second));
	key[7] = 0x01000000;
	chacha20_block(key, 1, block);
	assert_memory_equal(block, third, sizeof(third));
}

static void the_key_does_not_outlive_what_it_made(void **state)
{
	static const uint8_t seed[RANDOM_SEED_SIZE] = {1, 2, 3};
	struct random random, same;
	uint8_t block[CHACHA20_BLOCK_SIZE], bytes[100], again[100];

	(void)state;
	random_seed(&random, seed);
	same = random;
	chacha20_block(random.key, 1, block);
	random_take(&random, bytes, sizeof(bytes));
	assert_memory_equal(bytes, block, sizeof(block));
	assert_memory_not_equal(random.key, same.key, sizeof(same.key));
	chacha20_block(same.key, 0, block);
	assert_memory_equal(random.key, block, sizeof(random.key));
	random_take(&random, again, sizeof(again));
	assert_memory_not_equal(bytes, again, sizeof(bytes));
	random_take(&same, again, sizeof(again));
	assert_memory_equal(bytes, again, sizeof(bytes));
}

static void the_machine_has_what_its_seed_has(void **state)
{
	uint8_t first[40], second[40], none[40] = {0};

	(void)state;
	machine.fdt.seed_size = RANDOM_SEED_SIZE - 1; /* too little to count */
	assert_false(entropy_take(first, sizeof(first)));
	machine.fdt.seed_size = HOST_SEED_LIMIT;
	memset(machine.fdt.seed, 7, sizeof(machine.fdt.seed));
	assert_true(entropy_take(first, sizeof(first)));
	assert_int_equal(machine.fdt.seed_size, 0);
	assert_memory_equal(machine.fdt.seed, none, RANDOM_SEED_SIZE);
	assert_true(entropy_take(second, sizeof(second)));
	assert_memory_not_equal(first, second, sizeof(first));
	assert_memory_not_equal(first, none, sizeof(first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_those_of_the_rfc),
		cmocka_unit_test(the_key_does_not_outlive_what_it_made),
		cmocka_unit_test(the_machine_has_what_its_seed_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
