/* SPDX-License-Identifier: BSD-2-Clause */
/* Entropy for guests. See virtio_rng.h. */
#include "drivers/virtio_rng.h"

#define DEVICE_ID 4U
#define PIECE	  256U

static enum virtio_answer serve(struct virtio_device *device, unsigned queue,
				const struct virtio_chain *chain, uint32_t *written)
{
	struct virtio_rng *rng = (struct virtio_rng *)device;
	const uint64_t size = chain->writable_size < VIRTIO_RNG_MAX ? chain->writable_size
								    : VIRTIO_RNG_MAX;
	uint8_t bytes[PIECE];

	(void)queue;
	if (size == 0)
		return VIRTIO_MALFORMED;
	for (uint64_t done = 0; done < size; done += PIECE) {
		uint64_t length = size - done < PIECE ? size - done : PIECE;

		random_take(&rng->random, bytes, length);
		if (virtio_chain_write(chain, &device->memory, done, bytes, length) !=
		    STATUS_OK)
			return VIRTIO_MALFORMED;
	}
	*written = (uint32_t)size;
	return VIRTIO_DONE;
}

static const struct virtio_class class = {
	.name = "virtio-rng",
	.id = DEVICE_ID,
	.queues = 1,
	.serve = serve,
};

void virtio_rng_init(struct virtio_rng *rng, gpa_t base, struct irq_line irq,
		     const struct virtio_memory *memory,
		     const uint8_t seed[RANDOM_SEED_SIZE])
{
	virtio_init(&rng->virtio, &class, base, irq, memory);
	random_seed(&rng->random, seed);
}
