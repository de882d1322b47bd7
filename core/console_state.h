/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the console multiplexer share, and nobody else uses: which screens
 * there are and who has the foreground (console_mux.c), what they say (console_output.c)
 * and what is typed at them (console_input.c). All of it by whoever holds the console.
 */
#ifndef CORE_CONSOLE_STATE_H
#define CORE_CONSOLE_STATE_H

#include "core/console_mux.h"

#define CONSOLE_NEVER UINT64_MAX

extern struct console_state {
	struct screen *screens; /* of VMs */
	struct screen *monitor;
	struct screen *foreground;
	struct screen *last; /* of a VM, in the foreground now or before the monitor */
	bool interleaved;
	bool paused;	   /* the host's input: the foreground has no room for it */
	bool just_escaped; /* to the monitor, and nothing was typed there */
	unsigned escape_count, held_count;
	uint8_t escape[ESCAPE_LIMIT], held[ESCAPE_LIMIT + 1];
	uint64_t second, interval; /* of ticks; 0: output takes as long as it takes */
	uint64_t next_drain, next_look, wake; /* by arch_time(); CONSOLE_NEVER */
} mux;

static inline void ring_put(struct byte_ring *ring, uint8_t *bytes, unsigned size,
			    uint8_t byte)
{
	bytes[(ring->head + ring->count++) % size] = byte;
}

static inline uint8_t ring_take(struct byte_ring *ring, const uint8_t *bytes,
				unsigned size)
{
	uint8_t byte = bytes[ring->head];

	ring->head = (ring->head + 1) % size;
	ring->count--;
	return byte;
}

/* ---- output ---- */

/* What the foreground has kept goes out, for no longer than a slice. */
void output_drain(void);

/* The first that is seen of a screen: whose it is, and what was dropped of it. */
void output_begin(struct screen *screen);

/* All that is kept of it goes out, whoever has the foreground. */
void output_end(struct screen *screen);

/* ---- input ---- */

/* The foreground may have room again: then the host's input goes on. */
void input_resume(void);

/* Another has the foreground: the host's input goes on, or waits, as that one has room.
 */
void input_turn(void);

/* If it is time: look for the escape behind what the foreground does not take. */
void input_look(void);

#endif
