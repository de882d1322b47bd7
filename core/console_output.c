/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What screens say: at once, kept until they are shown, or by the line amid others'. See
 * console_mux.h. What was kept goes out in slices, so that a slow UART stops no guest.
 * Invariant: bytes of one screen come out in their order.
 */
#include "core/arch.h"
#include "core/console.h"
#include "core/console_state.h"
#include "core/log.h"

#define CATCH_UP 64

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
void output_drain(void)
{
	struct screen *screen = mux.foreground;
	const uint64_t start = arch_time();

	while (screen && screen->output.count > 0 &&
	       (mux.interval == 0 || arch_time() - start < mux.interval / 2))
		put_oldest(screen);
	mux.next_drain = screen && screen->output.count > 0 ? arch_time() + mux.interval
							    : CONSOLE_NEVER;
}

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
void output_begin(struct screen *screen)
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

void output_end(struct screen *screen)
{
	if (screen->output.count == 0 && screen->line_length == 0)
		return;
	if (screen != mux.foreground)
		output_begin(screen);
	while (screen->output.count > 0)
		put_oldest(screen);
}

void mux_interleave(bool on)
{
	mux.interleaved = on;
}

bool mux_is_interleaved(void)
{
	return mux.interleaved;
}
