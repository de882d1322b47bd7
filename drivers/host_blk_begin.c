/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Setting up a virtio disk of the host's, and ending its use: what it says of itself, its
 * memory, its name. See host_blk.h; section numbers are those of VIRTIO 1.2. All here
 * runs at boot, on the boot hart, before anybody else knows of the disk.
 */
#include "core/string.h"
#include "drivers/host_blk_inside.h"
#include "mm/page_alloc.h"

#define QUEUE	     0U
#define BUFFER_ORDER 5U
_Static_assert(PAGE_SIZE << BUFFER_ORDER == HOST_BLK_BUFFER, "a slot's buffer");
_Static_assert(HOST_BLK_SLOTS * sizeof(struct host_blk_talk) <= PAGE_SIZE, "one page");

/* Section 5.2.3. */
#define F_SIZE_MAX (UINT64_C(1) << 1)
#define F_RO	   (UINT64_C(1) << 5)
#define F_BLK_SIZE (UINT64_C(1) << 6)
#define F_FLUSH	   (UINT64_C(1) << 9)

/* Section 5.2.4. */
#define CONFIG_CAPACITY 0U
#define CONFIG_SIZE_MAX 8U
#define CONFIG_BLK_SIZE 20U

/* Looks for the answer to the one request that is waited for. */
#define PATIENCE 2000000U

static const char *read_config(struct host_blk *blk)
{
	const struct host_virtio *virtio = &blk->virtio;

	blk->sectors = host_virtio_config64(virtio, CONFIG_CAPACITY);
	blk->is_read_only = virtio->features & F_RO;
	blk->can_flush = virtio->features & F_FLUSH;
	blk->block_size = HOST_BLK_SECTOR;
	blk->piece = HOST_BLK_BUFFER;
	if (virtio->features & F_BLK_SIZE)
		blk->block_size = host_virtio_config(virtio, CONFIG_BLK_SIZE, 4);
	if (virtio->features & F_SIZE_MAX &&
	    host_virtio_config(virtio, CONFIG_SIZE_MAX, 4) < blk->piece)
		blk->piece = host_virtio_config(virtio, CONFIG_SIZE_MAX, 4);
	if (blk->sectors > UINT64_MAX / HOST_BLK_SECTOR)
		return "it is impossibly large";
	if (blk->block_size < HOST_BLK_SECTOR || blk->block_size > HOST_BLK_BUFFER ||
	    (blk->block_size & (blk->block_size - 1)) != 0)
		return "its blocks have no size that they can have";
	blk->piece -= blk->piece % blk->block_size;
	return blk->piece == 0 ? "it takes less than a block at a time" : NULL;
}

static const char *make_slots(struct host_blk *blk)
{
	const char *wrong = host_queue_make(&blk->queue, &blk->virtio, QUEUE,
					    HOST_BLK_SLOTS, HOST_CHAIN_PARTS);

	if (wrong)
		return wrong;
	blk->talk = page_alloc_zeroed(0);
	for (unsigned i = 0; i < blk->queue.chains; i++)
		blk->buffers[i] = page_alloc_zeroed(BUFFER_ORDER);
	for (unsigned i = 0; i < blk->queue.chains; i++)
		if (!blk->talk || !blk->buffers[i])
			return "there is no memory for its buffers";
	return NULL;
}

static void free_slots(struct host_blk *blk)
{
	for (unsigned i = 0; i < HOST_BLK_SLOTS; i++)
		if (blk->buffers[i])
			page_free(blk->buffers[i], BUFFER_ORDER);
	if (blk->talk)
		page_free(blk->talk, 0);
	host_queue_free(&blk->queue);
}

/* ---- its name ---- */

struct asking {
	struct host_blk_user user; /* first, so that one pointer serves for both */
	struct host_blk *blk;
	bool is_answered;
};

/* Only what is printed and put into device trees as it is. */
static void take_name(struct host_blk *blk, const char *bytes)
{
	for (unsigned i = 0; i < HOST_BLK_NAME_SIZE; i++) {
		if (bytes[i] <= ' ' || bytes[i] > '~')
			break;
		blk->name[i] = bytes[i];
	}
}

/* A disk that does not know the question has no name. */
static void answered(struct host_blk_user *user, unsigned slot, bool is_done)
{
	struct asking *asking = (struct asking *)user;

	asking->is_answered = true;
	if (is_done)
		take_name(asking->blk, asking->blk->buffers[slot]);
	host_blk_release(asking->blk, slot);
}

/* The one request that is waited for. */
static const char *ask_name(struct host_blk *blk)
{
	struct asking asking = {.user.answered = answered, .blk = blk};
	unsigned slot;

	if (host_blk_take(blk, &asking.user, &slot) != HOST_BLK_TAKEN ||
	    !host_blk_send(blk, slot, HOST_BLK_NAME, 0, HOST_BLK_NAME_SIZE))
		return blk->wrong;
	for (unsigned i = 0; i < PATIENCE && !asking.is_answered; i++)
		host_blk_serve(blk);
	host_blk_forget(blk, &asking.user);
	return asking.is_answered ? blk->wrong : "it does not answer";
}

void host_blk_end(struct host_blk *blk)
{
	if (host_virtio_stop(&blk->virtio))
		free_slots(blk);
}

const char *host_blk_init(struct host_blk *blk, const struct host_virtio *virtio,
			  uint64_t patience)
{
	const char *wrong;

	*blk = (struct host_blk){.virtio = *virtio, .patience = patience};
	wrong = host_virtio_begin(&blk->virtio, F_SIZE_MAX | F_RO | F_BLK_SIZE | F_FLUSH);
	if (!wrong)
		wrong = read_config(blk);
	if (!wrong)
		wrong = make_slots(blk);
	if (!wrong) {
		host_virtio_start(&blk->virtio);
		wrong = ask_name(blk);
	}
	if (wrong)
		host_blk_end(blk);
	return wrong;
}
