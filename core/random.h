/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A generator of random bytes: ChaCha20 (RFC 8439) with fast key erasure.
 *
 * Each taking replaces the key first, so that what was handed out cannot be found from
 * the state that is left. It makes no entropy: it is as good as its seed. Not locked.
 */
#ifndef CORE_RANDOM_H
#define CORE_RANDOM_H

#include "core/types.h"

#define RANDOM_SEED_SIZE 32U

struct random {
	uint32_t key[RANDOM_SEED_SIZE / sizeof(uint32_t)];
};

void random_seed(struct random *random, const uint8_t seed[RANDOM_SEED_SIZE]);
void random_take(struct random *random, void *to, uint64_t size);

/* The state that is one of a key, a block's number and a nonce of 0, as 64 bytes. */
#define CHACHA20_BLOCK_SIZE 64U
void chacha20_block(const uint32_t key[8], uint64_t counter,
		    uint8_t block[CHACHA20_BLOCK_SIZE]);

/*
 * Bytes from the machine's own generator, which is seeded once by the rng-seed of the
 * host's device tree; nobody gets the same ones. False: there is no seed. Any hart.
 */
bool entropy_take(void *to, uint64_t size);

#endif
