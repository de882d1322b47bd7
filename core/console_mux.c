/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console multiplexer: screens, the foreground and time. See console_mux.h; what is
 * said and what is typed have files of their own (console_output.c, console_input.c).
 */
#include "core/arch.h"
#include "core/console.h"
#include "core/console_state.h"
#include "drivers/vuart.h"

#define TICKS_PER_SECOND 100

struct console_state mux = {
	.next_drain = CONSOLE_NEVER, .next_look = CONSOLE_NEVER, .wake = CONSOLE_NEVER};

/* What the monitor has still to say is of no use later. */
static void leave(struct screen *screen)
{
	if (!screen || !screen->owner)
		return;
	output_drain();
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
	output_begin(screen);
	if (screen->vuart && !screen->is_open) {
		console_line_start();
		console_write("[it does not run]\r\n");
	}
	if (screen->owner)
		screen->owner->shown(true);
	output_drain();
	input_turn();
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
		output_drain();
		input_resume();
	}
	console_release();
}

void mux_open(struct screen *screen)
{
	console_hold();
	vuart_on_room(screen->vuart, mux_room);
	screen->is_open = true;
	screen->is_deaf = false;
	screen->taken = 0;
	console_release();
}

void mux_close(struct screen *screen)
{
	console_hold();
	vuart_on_room(screen->vuart, NULL);
	screen->is_open = false;
	screen->input_by = NULL;
	screen->input.count = 0;
	if (screen == mux.foreground)
		output_end(screen);
	input_resume();
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
		output_end(screen);
		if (mux.last == screen)
			mux.last = mux.screens;
		if (mux.foreground == screen)
			mux.foreground = mux.last;
		output_drain();
		input_turn();
	}
	console_release();
}

void mux_monitor(struct screen *screen, const struct screen_owner *owner)
{
	screen->name = "monitor";
	screen->owner = owner;
	mux.monitor = screen;
}

/* ---- time ---- */

void mux_init(uint64_t ticks_per_second)
{
	mux.second = ticks_per_second;
	mux.interval = ticks_per_second / TICKS_PER_SECOND;
}

static uint64_t earlier(uint64_t one, uint64_t other)
{
	return one < other ? one : other;
}

/* The boot hart has the host's interrupts, and with them all of this. */
uint64_t mux_next_tick(void)
{
	if (arch_hart_index() != 0)
		return CONSOLE_NEVER;
	return earlier(earlier(mux.next_drain, mux.next_look), mux.wake);
}

void mux_wake(uint64_t time)
{
	mux.wake = time;
}

void mux_tick(void)
{
	console_hold();
	if (mux.wake <= arch_time()) {
		mux.wake = CONSOLE_NEVER;
		mux.monitor->owner->tick();
	}
	output_drain();
	input_look();
	input_resume();
	console_release();
}
