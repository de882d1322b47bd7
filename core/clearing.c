/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clearing memory, piece by piece. See clearing.h.
 *
 * In the list are those of which not all has been given out yet, the oldest first; whose
 * last piece is given leaves it, and is done when the last piece has come back.
 */
#include "core/clearing.h"
#include "core/arch.h"
#include "core/harts.h"
#include "core/panic.h"
#include "core/scheduler.h"
#include "core/spin_lock.h"
#include "core/string.h"

static struct spin_lock lock;
static struct clearing *first;
static uint32_t waiting; /* how many there are in the list */

bool clearing_waits(void)
{
	return __atomic_load_n(&waiting, __ATOMIC_SEQ_CST) > 0;
}

void clearing_begin(struct clearing *clearing, const struct guest_memory *memory,
		    struct blob content)
{
	struct clearing **at = &first;

	assert(content.size <= memory->size);
	*clearing = (struct clearing){.memory = memory, .content = content};
	spin_lock_take(&lock);
	while (*at)
		at = &(*at)->next;
	*at = clearing;
	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	spin_lock_give(&lock);
	harts_wake_idle();
}

/* Under the lock. */
static void leave_list(struct clearing *clearing)
{
	struct clearing **at = &first;

	while (*at && *at != clearing)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = clearing->next;
	__atomic_sub_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
}

bool clearing_is_done(const struct clearing *clearing)
{
	bool done;

	if (!clearing->memory)
		return true;
	spin_lock_take(&lock);
	done = clearing->finished == clearing->memory->size;
	spin_lock_give(&lock);
	return done;
}

static bool is_in_hand(const struct clearing *clearing)
{
	bool in_hand;

	spin_lock_take(&lock);
	in_hand = clearing->finished != clearing->given;
	spin_lock_give(&lock);
	return in_hand;
}

void clearing_cancel(struct clearing *clearing)
{
	spin_lock_take(&lock);
	leave_list(clearing);
	spin_lock_give(&lock);
	while (is_in_hand(clearing))
		harts_serve();
	clearing->memory = NULL;
}

/* ---- a piece ---- */

/* It lies in one run: see CLEARING_PIECE. */
static void write_piece(const struct clearing *clearing, uint64_t at)
{
	const struct blob *content = &clearing->content;
	uint64_t copied = at < content->size ? content->size - at : 0;
	hpa_t hpa = {0};
	bool found =
		guest_memory_find(clearing->memory, GPA(clearing->memory->base.raw + at),
				  CLEARING_PIECE, &hpa);

	assert(found);
	if (copied > CLEARING_PIECE)
		copied = CLEARING_PIECE;
	if (copied > 0)
		memcpy(hpa_pointer(hpa), (const char *)content->data + at, copied);
	guest_memory_clear(HPA(hpa.raw + copied), CLEARING_PIECE - copied);
}

static struct clearing *take_piece(uint64_t *at)
{
	struct clearing *clearing;

	spin_lock_take(&lock);
	clearing = first;
	if (clearing) {
		*at = clearing->given;
		clearing->given += CLEARING_PIECE;
		if (clearing->given == clearing->memory->size)
			leave_list(clearing);
	}
	spin_lock_give(&lock);
	return clearing;
}

/* With the last one it may be gone as soon as the lock is. */
static bool bring_back(struct clearing *clearing, uint64_t ticks)
{
	bool done;

	spin_lock_take(&lock);
	clearing->ticks += ticks;
	clearing->finished += CLEARING_PIECE;
	done = clearing->finished == clearing->memory->size;
	spin_lock_give(&lock);
	return done;
}

bool clearing_step(void)
{
	struct clearing *clearing;
	uint64_t at, start;

	if (!clearing_waits())
		return false;
	clearing = take_piece(&at);
	if (!clearing)
		return false;
	start = arch_time();
	write_piece(clearing, at);
	if (bring_back(clearing, arch_time() - start))
		scheduler_recall(BOOT_HART);
	return true;
}
