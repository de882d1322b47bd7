/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who has which part of a disk of the host's, and whose turn it is. See host_blk.h.
 *
 * Slots are shared out among owners, not users: a VM with four disks there gets no more
 * than one with a single disk, and one that forgets what it asked, by a reset, has it
 * counted until the disk has answered. Next is the owner whose last turn is the longest
 * ago, and of its users the one of whom the same is true.
 */
#include "drivers/host_blk_inside.h"

/* ---- parts ---- */

static bool overlap(const struct host_blk_user *one, const struct host_blk_user *other)
{
	return one->first < other->first + other->sectors &&
	       other->first < one->first + one->sectors;
}

static const char *check_user(const struct host_blk *blk,
			      const struct host_blk_user *user)
{
	const uint64_t block = blk->block_size / HOST_BLK_SECTOR;

	if (blk->wrong)
		return blk->wrong;
	if (!range_within(user->first, user->sectors, 0, blk->sectors))
		return "it reaches behind the end of the host's disk";
	if (user->sectors == 0 || user->first % block != 0 || user->sectors % block != 0)
		return "it is no whole number of the host's disk's blocks";
	if (user->is_writer && blk->is_read_only)
		return "the host's disk cannot be written";
	for (const struct host_blk_user *other = blk->users; other; other = other->next)
		if ((user->is_writer || other->is_writer) && overlap(user, other))
			return "it overlaps what another disk has, and one of them can "
			       "be written";
	return NULL;
}

const char *host_blk_join(struct host_blk *blk, struct host_blk_user *user)
{
	const char *wrong;

	spin_lock_take(&blk->lock);
	wrong = check_user(blk, user);
	if (!wrong) {
		user->waits = false;
		user->turn = user->owners_turn = blk->turns;
		user->next = blk->users;
		blk->users = user;
	}
	spin_lock_give(&blk->lock);
	return wrong;
}

static void forget(struct host_blk *blk, const struct host_blk_user *user)
{
	for (unsigned i = 0; i < blk->queue.chains; i++)
		if (blk->slots[i].user == user)
			blk->slots[i].user = NULL;
}

void host_blk_forget(struct host_blk *blk, struct host_blk_user *user)
{
	spin_lock_take(&blk->lock);
	forget(blk, user);
	user->waits = false;
	spin_lock_give(&blk->lock);
}

/* What is in the buffers is nobody's then, whoever comes to be where the owner was. */
static void disown(struct host_blk *blk, const void *owner)
{
	for (unsigned i = 0; i < blk->queue.chains; i++)
		if (blk->slots[i].owner == owner)
			blk->slots[i].own = 0;
}

void host_blk_leave(struct host_blk *blk, struct host_blk_user *user)
{
	struct host_blk_user **link = &blk->users;

	spin_lock_take(&blk->lock);
	forget(blk, user);
	disown(blk, user->owner);
	while (*link && *link != user)
		link = &(*link)->next;
	if (*link)
		*link = user->next;
	spin_lock_give(&blk->lock);
}

bool host_blk_is_of(struct host_blk *blk, unsigned slot, const struct host_blk_user *user)
{
	bool is_of;

	spin_lock_take(&blk->lock);
	is_of = blk->slots[slot].user == user;
	spin_lock_give(&blk->lock);
	return is_of;
}

/* ---- turns ---- */

/* An old write may not come behind a new one. */
static bool has_forgotten_writes(const struct host_blk *blk)
{
	for (unsigned i = 0; i < blk->queue.chains; i++)
		if (blk->slots[i].state == SLOT_OUT && !blk->slots[i].user &&
		    blk->slots[i].kind == HOST_BLK_WRITE)
			return true;
	return false;
}

static bool is_first_of_owner(const struct host_blk *blk,
			      const struct host_blk_user *user)
{
	const struct host_blk_user *other = blk->users;

	while (other != user && other->owner != user->owner)
		other = other->next;
	return other == user;
}

static unsigned share(const struct host_blk *blk)
{
	unsigned owners = 0;

	for (const struct host_blk_user *user = blk->users; user; user = user->next)
		owners += is_first_of_owner(blk, user);
	return owners > 0 && owners < blk->queue.chains ? blk->queue.chains / owners : 1;
}

static bool has_its_share(const struct host_blk *blk, const struct host_blk_user *user)
{
	unsigned count = 0;

	for (unsigned i = 0; i < blk->queue.chains; i++)
		count += blk->slots[i].state != SLOT_FREE &&
			 blk->slots[i].owner == user->owner;
	return count >= share(blk);
}

static unsigned count_free(const struct host_blk *blk, unsigned *last)
{
	unsigned count = 0;

	for (unsigned i = blk->queue.chains; i-- > 0;) {
		if (blk->slots[i].state != SLOT_FREE)
			continue;
		count++;
		*last = i;
	}
	return count;
}

static bool is_before(const struct host_blk_user *one, const struct host_blk_user *other)
{
	return one->owners_turn < other->owners_turn ||
	       (one->owners_turn == other->owners_turn && one->turn < other->turn);
}

/* Others who wait, and have been waiting for longer, and may have one. */
static unsigned count_before(const struct host_blk *blk, const struct host_blk_user *user)
{
	unsigned count = 0;

	for (const struct host_blk_user *other = blk->users; other; other = other->next)
		count += other->waits && is_before(other, user) &&
			 !has_its_share(blk, other);
	return count;
}

static bool may_take(const struct host_blk *blk, const struct host_blk_user *user,
		     unsigned *slot)
{
	return !has_forgotten_writes(blk) && !has_its_share(blk, user) &&
	       count_free(blk, slot) > count_before(blk, user);
}

static void note_turn(struct host_blk *blk, struct host_blk_user *user)
{
	blk->turns++;
	for (struct host_blk_user *other = blk->users; other; other = other->next)
		if (other->owner == user->owner)
			other->owners_turn = blk->turns;
	user->turn = blk->turns;
}

static void hand_over(struct host_blk_slot *slot, struct host_blk_user *user)
{
	if (slot->owner != user->owner)
		slot->own = 0;
	slot->state = SLOT_HELD;
	slot->user = user;
	slot->owner = user->owner;
}

static enum host_blk_turn take(struct host_blk *blk, struct host_blk_user *user,
			       unsigned *slot)
{
	if (blk->wrong)
		return HOST_BLK_BROKEN;
	if (!may_take(blk, user, slot)) {
		user->waits = true;
		return HOST_BLK_WAIT;
	}
	note_turn(blk, user);
	hand_over(&blk->slots[*slot], user);
	return HOST_BLK_TAKEN;
}

enum host_blk_turn host_blk_take(struct host_blk *blk, struct host_blk_user *user,
				 unsigned *slot)
{
	enum host_blk_turn turn;

	spin_lock_take(&blk->lock);
	turn = take(blk, user, slot);
	spin_lock_give(&blk->lock);
	return turn;
}

/* Its user may have more to ask, as those who wait already. */
void host_blk_put_back(struct host_blk_slot *slot)
{
	if (slot->user)
		slot->user->waits = true;
	slot->user = NULL;
	if (slot->state != SLOT_LOST)
		slot->state = SLOT_FREE;
}

void host_blk_release(struct host_blk *blk, unsigned slot)
{
	spin_lock_take(&blk->lock);
	host_blk_put_back(&blk->slots[slot]);
	spin_lock_give(&blk->lock);
}

struct host_blk_user *host_blk_next_waiting(struct host_blk *blk)
{
	struct host_blk_user *next = NULL;
	unsigned slot;

	for (struct host_blk_user *user = blk->users; user; user = user->next)
		if (user->waits && (blk->wrong || may_take(blk, user, &slot)) &&
		    (!next || is_before(user, next)))
			next = user;
	if (next)
		next->waits = false;
	return next;
}
