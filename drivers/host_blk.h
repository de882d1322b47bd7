/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio disk of the host's (VIRTIO 1.2, section 5.2), and who has which part of it.
 *
 * A request is a slot: a buffer in Gnomon's own memory, through which all data goes. A
 * slot that the disk has is nobody else's before the disk has answered, or has confirmed
 * a reset; the user it was for may be gone by then. A user finds no slot while the disk
 * still has writes of users who are gone, so no write overtakes another's death. Each
 * user has its share of the slots. Locked here; answers come on the boot hart alone,
 * where users join and leave too.
 */
#ifndef DRIVERS_HOST_BLK_H
#define DRIVERS_HOST_BLK_H

#include "core/spin_lock.h"
#include "drivers/host_virtio.h"

#define HOST_BLK_SECTOR	   512U
#define HOST_BLK_SLOTS	   8U
#define HOST_BLK_BUFFER	   UINT32_C(131072) /* bytes of a slot's */
#define HOST_BLK_NAME_SIZE 20U

enum host_blk_kind { HOST_BLK_READ, HOST_BLK_WRITE, HOST_BLK_FLUSH, HOST_BLK_NAME };

/* Who has [first, first + sectors) of a disk. */
struct host_blk_user {
	uint64_t first;
	uint64_t sectors;
	bool is_writer;
	const void *owner; /* those of one owner have one share */
	/* On the boot hart. The slot is the user's still: host_blk_release() is next. */
	void (*answered)(struct host_blk_user *user, unsigned slot, bool is_done);
	/* There may be a slot now, after HOST_BLK_WAIT or a release. */
	void (*room)(struct host_blk_user *user);
	void *context;
	/* The driver's. */
	bool waits;
	uint64_t turn, owners_turn; /* the last ones, by host_blk.turns */
	struct host_blk_user *next;
};

struct host_blk_slot {
	enum { SLOT_FREE, SLOT_HELD, SLOT_OUT, SLOT_LOST } state;
	struct host_blk_user *user; /* NULL: it is gone */
	const void *owner;	    /* the user's, gone or not; or the last one's */
	enum host_blk_kind kind;
	uint32_t size;
	/* Bytes from the beginning of its buffer that are the owner's, or zero. */
	uint32_t own;
	uint64_t sent; /* when, while the disk has it */
};

struct host_blk {
	struct host_virtio virtio;
	struct host_queue queue;
	struct spin_lock lock;
	char name[HOST_BLK_NAME_SIZE + 1]; /* its serial number; "" if it has none */
	uint64_t sectors;
	uint32_t block_size; /* bytes that requests are multiples of */
	uint32_t piece;	     /* bytes of one request, at most */
	uint64_t patience;   /* ticks of the time that a request may take */
	uint64_t flushed;    /* when it was last, if ever */
	bool is_read_only;
	bool can_flush;
	const char *wrong; /* why it is out of use; NULL: it is not */
	struct host_blk_talk *talk;
	struct host_blk_slot slots[HOST_BLK_SLOTS];
	char *buffers[HOST_BLK_SLOTS];
	struct host_blk_user *users;
	uint64_t turns; /* slots that were taken, counted on and on */
};

/*
 * Set up the disk that host_virtio_find() found, and ask it for its name. patience:
 * ticks of the machine's time that a request may take. NULL, or what is wrong with it in
 * words: then it has been ended.
 */
const char *host_blk_init(struct host_blk *blk, const struct host_virtio *virtio,
			  uint64_t patience);

/* Reset it; its memory is free again, unless it does not say that it has stopped. */
void host_blk_end(struct host_blk *blk);

/*
 * NULL, or why this part cannot be this user's: it is not on the disk, which may be read
 * only, or overlaps what another has, and one of the two writes.
 */
const char *host_blk_join(struct host_blk *blk, struct host_blk_user *user);
void host_blk_leave(struct host_blk *blk, struct host_blk_user *user);

enum host_blk_turn {
	HOST_BLK_TAKEN, /* *slot is the user's, and its buffer */
	HOST_BLK_WAIT,	/* room() is called later */
	HOST_BLK_BROKEN /* nothing will be carried out any more */
};
enum host_blk_turn host_blk_take(struct host_blk *blk, struct host_blk_user *user,
				 unsigned *slot);
void host_blk_release(struct host_blk *blk, unsigned slot);

/*
 * Send a slot of one's own to the disk. sector: of the disk; size: bytes, at most
 * blk->piece, 0 for a flush. answered() follows, unless the user wants none any more.
 * False: the disk is out of use, and the slot as it was.
 */
bool host_blk_send(struct host_blk *blk, unsigned slot, enum host_blk_kind kind,
		   uint64_t sector, uint32_t size);

/* The user wants no answers to what it has sent so far. */
void host_blk_forget(struct host_blk *blk, struct host_blk_user *user);

/* False after host_blk_forget(): who holds the slot has only to release it. */
bool host_blk_is_of(struct host_blk *blk, unsigned slot,
		    const struct host_blk_user *user);

/* The disk has interrupted, or may have answered. On the boot hart. */
void host_blk_serve(struct host_blk *blk);

/*
 * The same, and see whether a request takes longer than it may: then the disk is out of
 * use, as one that has answered what cannot be. On the boot hart, now and then.
 */
void host_blk_look(struct host_blk *blk);

#endif
