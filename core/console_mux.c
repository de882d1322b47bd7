/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console multiplexer. See console_mux.h.
 *
 * Input waits in its screen's ring until that guest has room. When the ring is full the
 * rest is left in the UART, its interrupt off, and with the firmware: a long paste into
 * a slow guest waits where it came from instead of being lost. So does what is typed
 * while the monitor has not yet shown the answer to what came before.
 */
#include "core/console_mux.h"
#include "core/arch.h"
#include "core/console.h"
#include "core/log.h"
#include "core/spin_lock.h"
#include "core/string.h"
#include "drivers/vuart.h"

#define TICKS_PER_SECOND 100
#define CATCH_UP	 64
#define NEVER		 UINT64_MAX

static struct {
	struct screen *screens; /* of VMs */
	struct screen *monitor;
	struct screen *foreground;
	struct screen *last; /* of a VM, in the foreground now or before the monitor */
	bool interleaved;
	bool paused;
	bool just_escaped; /* to the monitor, and nothing was typed there */
	unsigned escape_count, held_count;
	uint8_t escape[ESCAPE_LIMIT], held[ESCAPE_LIMIT + 1];
	uint64_t interval; /* of ticks; 0: output takes as long as it takes */
	uint64_t next_drain, wake;
} mux = {.next_drain = NEVER, .wake = NEVER};

static void ring_put(struct byte_ring *ring, uint8_t *bytes, unsigned size, uint8_t byte)
{
	bytes[(ring->head + ring->count++) % size] = byte;
}

static uint8_t ring_take(struct byte_ring *ring, const uint8_t *bytes, unsigned size)
{
	uint8_t byte = bytes[ring->head];

	ring->head = (ring->head + 1) % size;
	ring->count--;
	return byte;
}

/* ---- output ---- */

static void put_oldest(struct screen *screen)
{
	console_put(ring_take(&screen->output, screen->kept, SCREEN_KEPT));
}

/* The foreground loses nothing: it waits for the UART, as it does without a ring. */
static void keep(struct screen *screen, uint8_t byte)
{
	if (screen->output.count == SCREEN_KEPT && screen == mux.foreground) {
		put_oldest(screen);
	} else if (screen->output.count == SCREEN_KEPT) {
		ring_take(&screen->output, screen->kept, SCREEN_KEPT);
		screen->dropped++;
	}
	ring_put(&screen->output, screen->kept, SCREEN_KEPT, byte);
}

static void put_line(struct screen *screen)
{
	console_line_start();
	console_put('[');
	console_write(screen->name);
	console_write("] ");
	for (unsigned i = 0; i < screen->line_length; i++)
		console_put((uint8_t)screen->line[i]);
	console_write("\r\n");
	screen->line_length = 0;
}

/* No byte of it may do more than stand there: it is amid what others print. */
static void interleave(struct screen *screen, uint8_t byte)
{
	if (byte == '\r')
		return;
	if (byte == '\n') {
		put_line(screen);
		return;
	}
	if (screen->line_length == SCREEN_LINE)
		put_line(screen);
	screen->line[screen->line_length++] =
		byte == '\t' || (byte >= ' ' && byte <= '~') ? (char)byte : '?';
}

/* What was kept before comes first, some of it with each byte. */
static bool put_interleaved(struct screen *screen, uint8_t byte)
{
	if (screen == mux.foreground || !mux.interleaved || !screen->name)
		return false;
	for (unsigned i = 0; i < CATCH_UP && screen->output.count > 0; i++)
		interleave(screen, ring_take(&screen->output, screen->kept, SCREEN_KEPT));
	if (screen->output.count > 0)
		return false;
	interleave(screen, byte);
	return true;
}

void mux_put(struct screen *screen, uint8_t byte)
{
	console_hold();
	if (screen == mux.foreground && screen->output.count == 0)
		console_put(byte);
	else if (!put_interleaved(screen, byte))
		keep(screen, byte);
	console_release();
}

void mux_keep(struct screen *screen, uint8_t byte)
{
	console_hold();
	keep(screen, byte);
	console_release();
}

/* Half of the time, at most, is for output that was kept. */
static void drain(void)
{
	struct screen *screen = mux.foreground;
	const uint64_t start = arch_time();

	while (screen && screen->output.count > 0 &&
	       (mux.interval == 0 || arch_time() - start < mux.interval / 2))
		put_oldest(screen);
	mux.next_drain =
		screen && screen->output.count > 0 ? arch_time() + mux.interval : NEVER;
}

/* ---- input ---- */

static bool is_full(const struct screen *screen)
{
	if (screen->vuart && !screen->is_open)
		return false;
	return screen->vuart ? screen->input.count >= SCREEN_INPUT
			     : screen->output.count > 0;
}

static bool may_resume(const struct screen *screen)
{
	return screen->vuart ? screen->input.count <= SCREEN_INPUT / 2 : !is_full(screen);
}

static void set_paused(bool paused)
{
	if (paused != mux.paused)
		console_pause(paused);
	mux.paused = paused;
}

static void resume(void)
{
	if (mux.paused && mux.foreground && may_resume(mux.foreground))
		set_paused(false);
}

static bool hand_over(struct screen *screen, uint8_t byte)
{
	enum mux_taken taken = MUX_PASSED_ON;

	if (screen->input_by)
		taken = screen->input_by(screen->input_context, byte);
	return taken == MUX_PASSED_ON ? vuart_receive(screen->vuart, byte)
				      : taken == MUX_TAKEN;
}

static void deliver(struct screen *screen)
{
	while (screen->is_open && screen->input.count > 0 &&
	       hand_over(screen, screen->typed[screen->input.head]))
		ring_take(&screen->input, screen->typed, sizeof(screen->typed));
}

static void deliver_by_lock(struct screen *screen)
{
	if (screen->devices)
		spin_lock_take(screen->devices);
	console_hold();
	deliver(screen);
	resume();
	console_release();
	if (screen->devices)
		spin_lock_give(screen->devices);
}

void mux_room(void *context)
{
	console_hold();
	for (struct screen *screen = mux.screens; screen; screen = screen->next)
		if (screen->is_open && screen->vuart->context == context)
			deliver(screen);
	resume();
	console_release();
}

static void push(struct screen *screen, uint8_t byte)
{
	if (!screen->is_open)
		return;
	ring_put(&screen->input, screen->typed, sizeof(screen->typed), byte);
}

static void pass(uint8_t byte)
{
	mux.just_escaped = false;
	if (mux.foreground->vuart)
		push(mux.foreground, byte);
	else
		mux.foreground->owner->key(byte);
}

/* The keys twice in a row are for the guest, once. */
static void escape(void)
{
	struct screen *last = mux.last;

	if (mux.foreground != mux.monitor) {
		mux_show(mux.monitor);
		mux.just_escaped = true;
		return;
	}
	if (!last)
		return;
	for (unsigned i = 0; mux.just_escaped && i < mux.escape_count; i++)
		if (last->input.count < sizeof(last->typed))
			push(last, mux.escape[i]);
	mux_show(last);
}

static bool may_be_escape(void)
{
	return mux.held_count <= mux.escape_count &&
	       memcmp(mux.held, mux.escape, mux.held_count) == 0;
}

static void receive(uint8_t byte)
{
	mux.held[mux.held_count++] = byte;
	while (mux.held_count > 0 && !may_be_escape()) {
		pass(mux.held[0]);
		memmove(mux.held, mux.held + 1, --mux.held_count);
	}
	if (mux.escape_count > 0 && mux.held_count == mux.escape_count) {
		mux.held_count = 0;
		escape();
	}
}

void mux_receive(void)
{
	console_hold();
	while (mux.foreground && !is_full(mux.foreground)) {
		int byte = console_get();

		if (byte < 0)
			break;
		receive((uint8_t)byte);
		if (!mux.foreground->vuart)
			drain();
	}
	if (!mux.foreground || is_full(mux.foreground))
		set_paused(true);
	console_release();
	/* Screens come and go on this hart alone. */
	for (struct screen *screen = mux.screens; screen; screen = screen->next)
		deliver_by_lock(screen);
}

/* ---- screens ---- */

static void put_dropped(struct screen *screen)
{
	char text[64];

	if (screen->dropped == 0)
		return;
	format_text(text, sizeof(text), "[%lu bytes before this were dropped]\r\n",
		    screen->dropped);
	console_write(text);
	screen->dropped = 0;
}

/* What was said while it was not to be seen. */
static void begin_screen(struct screen *screen)
{
	console_line_start();
	if (!screen->vuart)
		return;
	console_write("[console of ");
	console_write(screen->name);
	console_write("]\r\n");
	put_dropped(screen);
	for (unsigned i = 0; i < screen->line_length; i++)
		console_put((uint8_t)screen->line[i]);
	screen->line_length = 0;
}

/* What the monitor has still to say is of no use later. */
static void leave(struct screen *screen)
{
	if (!screen || !screen->owner)
		return;
	drain();
	screen->output.count = 0;
	screen->owner->shown(false);
}

void mux_show(struct screen *screen)
{
	struct screen *before = mux.foreground;

	if (screen == before)
		return;
	console_hold();
	leave(before);
	mux.foreground = screen;
	if (screen->vuart)
		mux.last = screen;
	begin_screen(screen);
	if (screen->owner)
		screen->owner->shown(true);
	drain();
	resume();
	console_release();
}

bool mux_is_shown(const struct screen *screen)
{
	return mux.foreground == screen;
}

struct screen *mux_last(void)
{
	return mux.last;
}

void mux_add(struct screen *screen, const char *name, struct vuart *vuart)
{
	struct screen **end = &mux.screens;

	console_hold();
	screen->name = name;
	screen->vuart = vuart;
	while (*end)
		end = &(*end)->next;
	*end = screen;
	if (!mux.last)
		mux.last = screen;
	if (!mux.foreground) {
		mux.foreground = screen;
		drain();
		resume();
	}
	console_release();
}

void mux_open(struct screen *screen)
{
	console_hold();
	vuart_on_room(screen->vuart, mux_room);
	screen->is_open = true;
	console_release();
}

void mux_attach(struct screen *screen,
		enum mux_taken (*input)(void *context, uint8_t byte), void *context)
{
	console_hold();
	screen->input_by = input;
	screen->input_context = context;
	console_release();
}

static void show_rest(struct screen *screen)
{
	if (screen->output.count == 0 && screen->line_length == 0)
		return;
	if (screen != mux.foreground)
		begin_screen(screen);
	while (screen->output.count > 0)
		put_oldest(screen);
}

void mux_close(struct screen *screen)
{
	console_hold();
	vuart_on_room(screen->vuart, NULL);
	screen->is_open = false;
	screen->input_by = NULL;
	screen->input.count = 0;
	if (screen == mux.foreground)
		show_rest(screen);
	resume();
	console_release();
}

void mux_remove(struct screen *screen)
{
	struct screen **link = &mux.screens;

	console_hold();
	while (*link && *link != screen)
		link = &(*link)->next;
	if (*link) {
		*link = screen->next;
		show_rest(screen);
		if (mux.last == screen)
			mux.last = mux.screens;
		if (mux.foreground == screen)
			mux.foreground = mux.last;
		drain();
		resume();
	}
	console_release();
}

void mux_monitor(struct screen *screen, const struct screen_owner *owner)
{
	screen->name = "monitor";
	screen->owner = owner;
	mux.monitor = screen;
}

void mux_interleave(bool on)
{
	mux.interleaved = on;
}

bool mux_is_interleaved(void)
{
	return mux.interleaved;
}

/* ---- keys and time ---- */

void mux_init(uint64_t ticks_per_second)
{
	mux.interval = ticks_per_second / TICKS_PER_SECOND;
}

void mux_escape(const uint8_t *keys, unsigned count)
{
	memcpy(mux.escape, keys, count);
	mux.escape_count = count;
	mux.held_count = 0;
}

const char *mux_escape_text(void)
{
	static char text[2 * ESCAPE_LIMIT + 1];
	char *end = text;

	for (unsigned i = 0; i < mux.escape_count; i++) {
		uint8_t key = mux.escape[i];
		bool control = key < ' ' || key == 0x7f;

		if (control)
			*end++ = '^';
		*end++ = (char)(control ? key ^ 0x40 : key);
	}
	*end = '\0';
	return text;
}

/* The boot hart has the host's interrupts, and with them all of this. */
uint64_t mux_next_tick(void)
{
	if (arch_hart_index() != 0)
		return NEVER;
	return mux.next_drain < mux.wake ? mux.next_drain : mux.wake;
}

void mux_wake(uint64_t time)
{
	mux.wake = time;
}

void mux_tick(void)
{
	console_hold();
	if (mux.wake <= arch_time()) {
		mux.wake = NEVER;
		mux.monitor->owner->tick();
	}
	drain();
	resume();
	console_release();
}
