/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's virtio disks. See host_blk.h; section numbers are those of VIRTIO 1.2. */
#include "core/arch.h"
#include "core/string.h"
#include "drivers/host_blk_inside.h"

/* Section 5.2.6. */
#define DONE	   0U
#define UNANSWERED 0xffU

static const uint32_t types[] = {
	[HOST_BLK_READ] = 0,
	[HOST_BLK_WRITE] = 1,
	[HOST_BLK_FLUSH] = 4,
	[HOST_BLK_NAME] = 8,
};

/* ---- requests ---- */

static bool is_input(const struct host_blk_slot *slot)
{
	return slot->kind == HOST_BLK_READ || slot->kind == HOST_BLK_NAME;
}

static void send(struct host_blk *blk, unsigned slot, uint64_t sector)
{
	struct host_blk_talk *talk = &blk->talk[slot];
	const struct host_blk_slot *of = &blk->slots[slot];
	struct host_part parts[HOST_CHAIN_PARTS];
	unsigned count = 0;

	talk->header.type = types[of->kind];
	talk->header.reserved = 0;
	talk->header.sector = sector;
	talk->status = UNANSWERED;
	parts[count++] = (struct host_part){&talk->header, sizeof(talk->header), false};
	if (of->size > 0)
		parts[count++] =
			(struct host_part){blk->buffers[slot], of->size, is_input(of)};
	parts[count++] = (struct host_part){&talk->status, sizeof(talk->status), true};
	host_queue_put(&blk->queue, slot, parts, count);
	host_queue_notify(&blk->queue);
}

/* All that was to be read was, or who asks would see what was in the buffer before. */
static bool is_done(const struct host_blk *blk, unsigned slot, uint32_t written)
{
	const struct host_blk_slot *of = &blk->slots[slot];
	const uint32_t data = is_input(of) ? of->size : 0;

	return blk->talk[slot].status == DONE &&
	       written == data + sizeof(blk->talk[slot].status);
}

/*
 * A disk that says it has read, and has not, shows who asks what was in the buffer
 * before: that is to be nobody else's. What the owner has had there itself is not cleared
 * again, so that this costs no more than a buffer that goes to another owner.
 */
static void own(struct host_blk_slot *slot, char *buffer)
{
	if (slot->size <= slot->own)
		return;
	if (is_input(slot))
		memset(buffer + slot->own, 0, slot->size - slot->own);
	slot->own = slot->size;
}

bool host_blk_send(struct host_blk *blk, unsigned slot, enum host_blk_kind kind,
		   uint64_t sector, uint32_t size)
{
	struct host_blk_slot *of = &blk->slots[slot];
	bool is_sent;

	spin_lock_take(&blk->lock);
	is_sent = !blk->wrong;
	if (is_sent) {
		of->state = SLOT_OUT;
		of->kind = kind;
		of->size = size;
		of->sent = arch_time();
		own(of, blk->buffers[slot]);
		send(blk, slot, sector);
	}
	spin_lock_give(&blk->lock);
	return is_sent;
}

/* ---- answers ---- */

/* Those that it has are lost, unless it has stopped: it may write there at any time. */
static void break_down(struct host_blk *blk, const char *wrong)
{
	const bool has_stopped = host_virtio_stop(&blk->virtio);

	blk->wrong = wrong;
	for (unsigned i = 0; i < blk->queue.chains; i++)
		if (blk->slots[i].state == SLOT_OUT && !has_stopped)
			blk->slots[i].state = SLOT_LOST;
}

/* A flush may take long, and others behind it: any guest can ask for many. */
#define FLUSH_PATIENCE 10

static bool is_flushing(const struct host_blk *blk)
{
	for (unsigned i = 0; i < blk->queue.chains; i++)
		if (blk->slots[i].state == SLOT_OUT &&
		    blk->slots[i].kind == HOST_BLK_FLUSH)
			return true;
	return false;
}

/* When a request is, that was sent just now or before. */
static uint64_t due(const struct host_blk *blk, uint64_t sent)
{
	const uint64_t latest = sent + FLUSH_PATIENCE * blk->patience;
	const uint64_t since = sent > blk->flushed ? sent : blk->flushed;

	if (is_flushing(blk) || since + blk->patience > latest)
		return latest;
	return since + blk->patience;
}

static bool is_overdue(const struct host_blk *blk)
{
	const uint64_t now = arch_time();

	for (unsigned i = 0; i < blk->queue.chains; i++)
		if (blk->slots[i].state == SLOT_OUT && now > due(blk, blk->slots[i].sent))
			return true;
	return false;
}

/* The next slot that is not the disk's any more, and how that came. */
static bool get_answer(struct host_blk *blk, unsigned *slot, bool *done)
{
	const char *wrong = "it says that it is broken";
	enum host_queue_got got = HOST_QUEUE_WRONG;
	uint32_t written;

	if (!blk->wrong)
		got = host_queue_get(&blk->queue, slot, &written, &wrong);
	if (got == HOST_QUEUE_ANSWER) {
		*done = is_done(blk, *slot, written);
		blk->slots[*slot].state = SLOT_HELD;
		if (blk->slots[*slot].kind == HOST_BLK_FLUSH)
			blk->flushed = arch_time();
		return true;
	}
	if (got == HOST_QUEUE_EMPTY)
		return false;
	if (!blk->wrong)
		break_down(blk, wrong);
	*done = false;
	for (*slot = 0; *slot < blk->queue.chains; ++*slot)
		if (blk->queue.is_out[*slot]) {
			blk->queue.is_out[*slot] = false;
			return true;
		}
	return false;
}

static bool next_answer(struct host_blk *blk, unsigned *slot, bool *done,
			struct host_blk_user **user)
{
	bool any;

	spin_lock_take(&blk->lock);
	any = get_answer(blk, slot, done);
	if (any) {
		*user = blk->slots[*slot].user;
		if (!*user)
			host_blk_put_back(&blk->slots[*slot]);
	}
	spin_lock_give(&blk->lock);
	return any;
}

static struct host_blk_user *next_waiting(struct host_blk *blk)
{
	struct host_blk_user *user;

	spin_lock_take(&blk->lock);
	user = host_blk_next_waiting(blk);
	spin_lock_give(&blk->lock);
	return user;
}

/* What is answered meanwhile interrupts once more. A disk that is broken does not. */
static bool goes_on(const struct host_blk *blk, unsigned done)
{
	return done < HOST_BLK_SLOTS || blk->wrong;
}

/* All that wait: for those who find nothing to ask, no answer comes that calls others. */
static void call_waiting(struct host_blk *blk)
{
	struct host_blk_user *user;

	while ((user = next_waiting(blk)))
		user->room(user);
}

void host_blk_serve(struct host_blk *blk)
{
	struct host_blk_user *user;
	unsigned slot;
	bool done;

	if (!host_virtio_acknowledge(&blk->virtio) && !blk->wrong) {
		spin_lock_take(&blk->lock);
		break_down(blk, "it says that it is broken");
		spin_lock_give(&blk->lock);
	}
	for (unsigned i = 0; goes_on(blk, i) && next_answer(blk, &slot, &done, &user);
	     i++)
		if (user)
			user->answered(user, slot, done);
	call_waiting(blk);
}

/* What it has answered by now is not overdue, even if no interrupt has said so. */
void host_blk_look(struct host_blk *blk)
{
	host_blk_serve(blk);
	spin_lock_take(&blk->lock);
	if (!blk->wrong && is_overdue(blk))
		break_down(blk, "it has left a request without an answer");
	spin_lock_give(&blk->lock);
	if (blk->wrong)
		host_blk_serve(blk);
}
