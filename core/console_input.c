/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is typed: whose it is, and the escape keys in it. See console_mux.h.
 *
 * Input waits in its screen's ring until that guest has room. When the ring is full the
 * rest is left in the UART, its interrupt off, and with the firmware: a long paste into
 * a slow guest waits where it came from instead of being lost. So does what is typed
 * while the monitor has not yet shown the answer to what came before. But the escape must
 * get past a guest that takes nothing at all: after some seconds what waits is read in
 * each tick for its sake alone, and all else of it is lost, which is said once.
 */
#include "core/arch.h"
#include "core/console.h"
#include "core/console_state.h"
#include "core/log.h"
#include "core/spin_lock.h"
#include "core/string.h"
#include "drivers/vuart.h"

/* Seconds. A guest that has hardly taken any keys may be about to start. */
#define DEAF_AFTER	 2
#define DEAF_SINCE_START 15
#define HARDLY_ANY	 (2 * NS16550_FIFO_LENGTH)

#define LOOKED_THROUGH 256 /* bytes in a tick */

/* ---- the host's, on or off ---- */

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

/* Who takes nothing until then is deaf; who is needs no more time. */
static uint64_t deaf_from(const struct screen *screen)
{
	const uint64_t now = arch_time();

	if (!screen || !screen->vuart || mux.escape_count == 0)
		return CONSOLE_NEVER;
	if (screen->is_deaf)
		return now + mux.interval;
	return now +
	       mux.second * (screen->taken > HARDLY_ANY ? DEAF_AFTER : DEAF_SINCE_START);
}

static void set_paused(bool paused)
{
	if (paused == mux.paused)
		return;
	console_pause(paused);
	mux.paused = paused;
	mux.next_look = paused ? deaf_from(mux.foreground) : CONSOLE_NEVER;
}

void input_resume(void)
{
	if (mux.paused && mux.foreground && may_resume(mux.foreground))
		set_paused(false);
}

void input_turn(void)
{
	set_paused(false);
	set_paused(!mux.foreground || is_full(mux.foreground));
}

/* ---- to guests ---- */

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
	       hand_over(screen, screen->typed[screen->input.head])) {
		ring_take(&screen->input, screen->typed, sizeof(screen->typed));
		screen->taken++;
	}
}

static void deliver_by_lock(struct screen *screen)
{
	if (screen->devices)
		spin_lock_take(screen->devices);
	console_hold();
	deliver(screen);
	input_resume();
	console_release();
	if (screen->devices)
		spin_lock_give(screen->devices);
}

/* A guest that says so again and again, and takes nothing, is as deaf as before. */
static void guest_took(struct screen *screen)
{
	const uint64_t before = screen->taken;

	deliver(screen);
	if (screen->taken == before)
		return;
	screen->is_deaf = false;
	if (mux.paused && screen == mux.foreground)
		mux.next_look = deaf_from(screen);
}

void mux_room(void *context)
{
	console_hold();
	for (struct screen *screen = mux.screens; screen; screen = screen->next)
		if (screen->is_open && screen->vuart->context == context)
			guest_took(screen);
	input_resume();
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

/* ---- keys ---- */

static void drop(struct screen *screen)
{
	char text[96];

	if (screen->is_deaf)
		return;
	screen->is_deaf = true;
	format_text(text, sizeof(text),
		    " takes no keys: more are lost, but %s leads to the monitor]\r\n",
		    mux_escape_text());
	console_line_start();
	console_put('[');
	console_write(screen->name);
	console_write(text);
}

static void push(struct screen *screen, uint8_t byte)
{
	if (!screen->is_open)
		return;
	if (screen->input.count == sizeof(screen->typed))
		drop(screen);
	else
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
			output_drain();
	}
	if (!mux.foreground || is_full(mux.foreground))
		set_paused(true);
	console_release();
	/* Screens come and go on this hart alone. */
	for (struct screen *screen = mux.screens; screen; screen = screen->next)
		deliver_by_lock(screen);
}

void input_look(void)
{
	const struct screen *screen = mux.foreground;

	if (mux.next_look > arch_time())
		return;
	mux.next_look = arch_time() + mux.interval;
	for (unsigned i = 0; i < LOOKED_THROUGH && mux.foreground == screen; i++) {
		int byte = console_get();

		if (byte < 0)
			break;
		receive((uint8_t)byte);
	}
}

/* ---- the escape ---- */

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
