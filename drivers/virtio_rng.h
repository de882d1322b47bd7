/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio entropy device (VIRTIO 1.2, section 5.4).
 *
 * Its bytes come from a ChaCha20 generator of its own (core/random.h), whose seed comes
 * from the machine's: the rng-seed of the host's device tree is all the entropy there
 * is, and without one the device is not offered. Locked by its transport.
 */
#ifndef DRIVERS_VIRTIO_RNG_H
#define DRIVERS_VIRTIO_RNG_H

#include "core/random.h"
#include "drivers/virtio_mmio.h"

/* A request gets so many bytes at most. */
#define VIRTIO_RNG_MAX 4096U

struct virtio_rng {
	struct virtio_device virtio; /* first, so that one pointer serves for both */
	struct random random;
};

/* The seed is used up: nobody else may have had it. */
void virtio_rng_init(struct virtio_rng *rng, gpa_t base, struct irq_line irq,
		     const struct virtio_memory *memory,
		     const uint8_t seed[RANDOM_SEED_SIZE]);

#endif
