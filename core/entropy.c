/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's generator. See random.h.
 *
 * All of the host's seed goes into it, at the first call, and is then forgotten. What
 * VMs are given is drawn from it, so that none can know another's.
 */
#include "core/machine.h"
#include "core/random.h"
#include "core/spin_lock.h"
#include "core/string.h"

static struct {
	struct spin_lock lock;
	struct random random;
	bool is_seeded;
} entropy;

/* Each piece of 32 bytes is added to the key, with a new key in between. */
static void use_seed(struct host_fdt *fdt)
{
	uint8_t piece[RANDOM_SEED_SIZE];

	for (size_t at = 0; at + sizeof(piece) <= fdt->seed_size; at += sizeof(piece)) {
		memcpy(piece, fdt->seed + at, sizeof(piece));
		for (size_t i = 0; entropy.is_seeded && i < sizeof(piece); i++)
			piece[i] ^= ((const uint8_t *)entropy.random.key)[i];
		random_seed(&entropy.random, piece);
		random_take(&entropy.random, piece, sizeof(piece));
		entropy.is_seeded = true;
	}
	memset(piece, 0, sizeof(piece));
	memset(fdt->seed, 0, sizeof(fdt->seed));
	fdt->seed_size = 0;
}

bool entropy_take(void *to, uint64_t size)
{
	bool is_seeded;

	spin_lock_take(&entropy.lock);
	use_seed(&machine.fdt);
	is_seeded = entropy.is_seeded;
	if (is_seeded)
		random_take(&entropy.random, to, size);
	spin_lock_give(&entropy.lock);
	return is_seeded;
}
