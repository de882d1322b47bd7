/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's virtio disks. See host_blk.h; section numbers are those of VIRTIO 1.2. */
#include "drivers/host_blk.h"

#include "core/string.h"
#include "mm/page_alloc.h"

#define QUEUE	     0U
#define BUFFER_ORDER 5U
_Static_assert(PAGE_SIZE << BUFFER_ORDER == HOST_BLK_BUFFER, "a slot's buffer");

/* Section 5.2.3. */
#define F_SIZE_MAX (UINT64_C(1) << 1)
#define F_RO	   (UINT64_C(1) << 5)
#define F_BLK_SIZE (UINT64_C(1) << 6)
#define F_FLUSH	   (UINT64_C(1) << 9)

/* Section 5.2.4. */
#define CONFIG_CAPACITY 0U
#define CONFIG_SIZE_MAX 8U
#define CONFIG_BLK_SIZE 20U

/* Section 5.2.6. */
#define TYPE_GET_ID 8U
#define DONE	    0U
#define UNANSWERED  0xffU

/* Looks for the answer to the one request that is waited for. */
#define PATIENCE 2000000U

static const uint32_t types[] = {
	[HOST_BLK_READ] = 0,
	[HOST_BLK_WRITE] = 1,
	[HOST_BLK_FLUSH] = 4,
};

/* What of a request is not data. */
struct host_blk_talk {
	struct {
		uint32_t type;
		uint32_t reserved;
		uint64_t sector;
	} header;
	uint8_t status;
};
_Static_assert(HOST_BLK_SLOTS * sizeof(struct host_blk_talk) <= PAGE_SIZE, "one page");

/* ---- requests ---- */

static void send(struct host_blk *blk, unsigned slot, uint32_t type, uint64_t sector)
{
	struct host_blk_talk *talk = &blk->talk[slot];
	const struct host_blk_slot *of = &blk->slots[slot];
	struct host_part parts[HOST_CHAIN_PARTS];
	unsigned count = 0;

	talk->header.type = type;
	talk->header.reserved = 0;
	talk->header.sector = sector;
	talk->status = UNANSWERED;
	parts[count++] = (struct host_part){&talk->header, sizeof(talk->header), false};
	if (of->size > 0)
		parts[count++] = (struct host_part){blk->buffers[slot], of->size,
						    of->kind == HOST_BLK_READ};
	parts[count++] = (struct host_part){&talk->status, sizeof(talk->status), true};
	host_queue_put(&blk->queue, slot, parts, count);
	host_queue_notify(&blk->queue);
}

/* All that was to be read was, or who asks would see what was in the buffer before. */
static bool is_done(const struct host_blk *blk, unsigned slot, uint32_t written)
{
	const struct host_blk_slot *of = &blk->slots[slot];
	const uint32_t data = of->kind == HOST_BLK_READ ? of->size : 0;

	return blk->talk[slot].status == DONE &&
	       written == data + sizeof(blk->talk[slot].status);
}

/* ---- setting up ---- */

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

/* Only what is printed and put into device trees as it is. */
static void take_name(struct host_blk *blk)
{
	for (unsigned i = 0; i < HOST_BLK_NAME_SIZE; i++) {
		const char c = blk->buffers[0][i];

		if (c <= ' ' || c > '~')
			break;
		blk->name[i] = c;
	}
}

/* The one request that is waited for; a disk that does not know it has no name. */
static const char *ask_name(struct host_blk *blk)
{
	enum host_queue_got got = HOST_QUEUE_EMPTY;
	const char *wrong = "it does not answer";
	unsigned slot;
	uint32_t written;

	blk->slots[0].kind = HOST_BLK_READ;
	blk->slots[0].size = HOST_BLK_NAME_SIZE;
	send(blk, 0, TYPE_GET_ID, 0);
	for (unsigned i = 0; i < PATIENCE && got == HOST_QUEUE_EMPTY; i++) {
		if (!host_virtio_acknowledge(&blk->virtio))
			return "it says that it is broken";
		got = host_queue_get(&blk->queue, &slot, &written, &wrong);
	}
	if (got != HOST_QUEUE_ANSWER)
		return wrong;
	if (is_done(blk, 0, written))
		take_name(blk);
	return NULL;
}

void host_blk_end(struct host_blk *blk)
{
	if (host_virtio_stop(&blk->virtio))
		free_slots(blk);
}

const char *host_blk_init(struct host_blk *blk, const struct host_virtio *virtio)
{
	const char *wrong;

	*blk = (struct host_blk){.virtio = *virtio};
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

/* ---- users ---- */

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

static void unlink(struct host_blk *blk, struct host_blk_user *user)
{
	struct host_blk_user **link = &blk->users;

	while (*link && *link != user)
		link = &(*link)->next;
	if (*link)
		*link = user->next;
}

void host_blk_leave(struct host_blk *blk, struct host_blk_user *user)
{
	spin_lock_take(&blk->lock);
	forget(blk, user);
	unlink(blk, user);
	spin_lock_give(&blk->lock);
}

/* ---- slots ---- */

/* An old write may not come behind a new one. */
static bool has_forgotten_writes(const struct host_blk *blk)
{
	for (unsigned i = 0; i < blk->queue.chains; i++)
		if (blk->slots[i].state == SLOT_OUT && !blk->slots[i].user &&
		    blk->slots[i].kind == HOST_BLK_WRITE)
			return true;
	return false;
}

static unsigned share(const struct host_blk *blk)
{
	unsigned users = 0;

	for (const struct host_blk_user *user = blk->users; user; user = user->next)
		users++;
	return users > 0 && users < blk->queue.chains ? blk->queue.chains / users : 1;
}

static bool has_its_share(const struct host_blk *blk, const struct host_blk_user *user)
{
	unsigned count = 0;

	for (unsigned i = 0; i < blk->queue.chains; i++)
		count += blk->slots[i].user == user;
	return count >= share(blk);
}

static bool find_free(const struct host_blk *blk, unsigned *slot)
{
	for (*slot = 0; *slot < blk->queue.chains; ++*slot)
		if (blk->slots[*slot].state == SLOT_FREE)
			return true;
	return false;
}

static bool may_take(const struct host_blk *blk, const struct host_blk_user *user,
		     unsigned *slot)
{
	return !has_forgotten_writes(blk) && !has_its_share(blk, user) &&
	       find_free(blk, slot);
}

/* So that they are in the order of their last turns. */
static void move_behind(struct host_blk *blk, struct host_blk_user *user)
{
	struct host_blk_user **end = &blk->users;

	unlink(blk, user);
	while (*end)
		end = &(*end)->next;
	user->next = NULL;
	*end = user;
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
	move_behind(blk, user);
	blk->slots[*slot] = (struct host_blk_slot){.state = SLOT_HELD, .user = user};
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
static void release(struct host_blk_slot *slot)
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
	release(&blk->slots[slot]);
	spin_lock_give(&blk->lock);
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
		send(blk, slot, types[kind], sector);
	}
	spin_lock_give(&blk->lock);
	return is_sent;
}

bool host_blk_is_of(struct host_blk *blk, unsigned slot, const struct host_blk_user *user)
{
	bool is_of;

	spin_lock_take(&blk->lock);
	is_of = blk->slots[slot].user == user;
	spin_lock_give(&blk->lock);
	return is_of;
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
			release(&blk->slots[*slot]);
	}
	spin_lock_give(&blk->lock);
	return any;
}

/* Of those whom a call is of use to, the one whose last turn is the longest ago. */
static struct host_blk_user *next_waiting(struct host_blk *blk)
{
	struct host_blk_user *user;
	unsigned slot;

	spin_lock_take(&blk->lock);
	for (user = blk->users; user; user = user->next)
		if (user->waits && (blk->wrong || may_take(blk, user, &slot)))
			break;
	if (user)
		user->waits = false;
	spin_lock_give(&blk->lock);
	return user;
}

/* What is answered meanwhile interrupts once more. A disk that is broken does not. */
static bool goes_on(const struct host_blk *blk, unsigned done)
{
	return done < HOST_BLK_SLOTS || blk->wrong;
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
	for (unsigned i = 0; goes_on(blk, i) && (user = next_waiting(blk)); i++)
		user->room(user);
}
