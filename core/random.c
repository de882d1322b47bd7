/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes out of a seed. See random.h. */
#include "core/random.h"

#include "core/string.h"

#define STATE_WORDS   16
#define DOUBLE_ROUNDS 10

static uint32_t rotated(uint32_t word, unsigned by)
{
	return word << by | word >> (32 - by);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotated(*d ^ *a, 16);
	*c += *d;
	*b = rotated(*b ^ *c, 12);
	*a += *b;
	*d = rotated(*d ^ *a, 8);
	*c += *d;
	*b = rotated(*b ^ *c, 7);
}

/* One round down the columns and one along the diagonals: RFC 8439, section 2.3. */
static void double_round(uint32_t *state)
{
	for (unsigned i = 0; i < 4; i++)
		quarter_round(&state[i], &state[4 + i], &state[8 + i], &state[12 + i]);
	for (unsigned i = 0; i < 4; i++)
		quarter_round(&state[i], &state[4 + (i + 1) % 4], &state[8 + (i + 2) % 4],
			      &state[12 + (i + 3) % 4]);
}

void chacha20_block(const uint32_t key[8], uint64_t counter,
		    uint8_t block[CHACHA20_BLOCK_SIZE])
{
	uint32_t first[STATE_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	uint32_t state[STATE_WORDS];

	memcpy(first + 4, key, 8 * sizeof(*key));
	first[12] = (uint32_t)counter;
	first[13] = (uint32_t)(counter >> 32);
	memcpy(state, first, sizeof(state));
	for (unsigned i = 0; i < DOUBLE_ROUNDS; i++)
		double_round(state);
	for (unsigned i = 0; i < STATE_WORDS; i++)
		state[i] += first[i];
	memcpy(block, state, sizeof(state));
}

void random_seed(struct random *random, const uint8_t seed[RANDOM_SEED_SIZE])
{
	memcpy(random->key, seed, sizeof(random->key));
}

/* Block 0 is the next key and nothing else; those behind it are handed out. */
void random_take(struct random *random, void *to, uint64_t size)
{
	uint32_t key[ARRAY_LENGTH(random->key)];
	uint8_t block[CHACHA20_BLOCK_SIZE];
	uint8_t *bytes = to;

	memcpy(key, random->key, sizeof(key));
	chacha20_block(key, 0, block);
	memcpy(random->key, block, sizeof(random->key));
	for (uint64_t counter = 1; size > 0; counter++) {
		uint64_t length = size < sizeof(block) ? size : sizeof(block);

		chacha20_block(key, counter, block);
		memcpy(bytes, block, length);
		bytes += length;
		size -= length;
	}
	memset(key, 0, sizeof(key));
	memset(block, 0, sizeof(block));
}
