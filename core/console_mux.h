/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One host console for several: that of each VM, and the monitor's.
 *
 * Each has a screen. The one in the foreground has the host's console: its output goes
 * straight out, and what is typed is its input. Output of the others is kept, so much
 * and no more (the oldest is dropped, and counted), and comes out when they are shown: a
 * time slice in each tick, so that no guest stands still meanwhile. Invariant: bytes
 * of one screen come out in their order, and of input none is lost that a guest takes in
 * time (see console_input.c). Any hart may call each function; they take turns
 * (console_hold), but ticks are the boot hart's.
 */
#ifndef CORE_CONSOLE_MUX_H
#define CORE_CONSOLE_MUX_H

#include "core/types.h"

struct spin_lock;
struct vuart;

#define SCREEN_KEPT  16384 /* bytes of output */
#define SCREEN_INPUT 1024
#define SCREEN_LINE  160 /* of output that is interleaved */
#define ESCAPE_LIMIT 4

struct byte_ring {
	unsigned head; /* the oldest byte */
	unsigned count;
};

/* What the monitor does with its own: see mux_monitor(). */
struct screen_owner {
	void (*key)(uint8_t byte);
	void (*shown)(bool shown);
	void (*tick)(void); /* once for each mux_wake() */
};

enum mux_taken {
	MUX_TAKEN,
	MUX_FULL,     /* later, then */
	MUX_PASSED_ON /* to the vuart */
};

/* All zero: of no VM as yet, but it keeps output. What is typed at a VM that is off
 * goes nowhere. */
struct screen {
	const char *name;
	struct vuart *vuart;	   /* NULL: the monitor's */
	struct spin_lock *devices; /* held around it, before the console is; or NULL */
	/* Asked before it, if there is one; NULL: none. */
	enum mux_taken (*input_by)(void *context, uint8_t byte);
	void *input_context;
	const struct screen_owner *owner;
	struct screen *next;
	struct byte_ring output, input;
	uint64_t dropped; /* bytes of output, since it was last shown */
	unsigned line_length;
	bool is_open;	/* there is a guest to take input */
	bool is_deaf;	/* so that more than there is room for was dropped */
	uint64_t taken; /* bytes of input, since it was opened */
	uint8_t kept[SCREEN_KEPT];
	uint8_t typed[SCREEN_INPUT + ESCAPE_LIMIT];
	char line[SCREEN_LINE];
};

/* ticks_per_second: of arch_time(). Before any of those below. */
void mux_init(uint64_t ticks_per_second);

/* These keys, at most ESCAPE_LIMIT, lead to the monitor and back; 0: none do. */
void mux_escape(const uint8_t *keys, unsigned count);

/* The same for a person to read: "^]", and so on. */
const char *mux_escape_text(void);

/* The monitor's screen; there is one. */
void mux_monitor(struct screen *screen, const struct screen_owner *owner);

/*
 * A VM's screen, all zero but for output; name and vuart outlive it. The first comes to
 * the foreground. Removing one shows what is still kept, all at once.
 */
void mux_add(struct screen *screen, const char *name, struct vuart *vuart);
void mux_remove(struct screen *screen);

/*
 * The VM is made, its vuart and all: input goes there. It is about to be taken down: no
 * more does, what waited is dropped, and the foreground's last output comes out.
 */
void mux_open(struct screen *screen);
void mux_close(struct screen *screen);

/* Another device of the same guest, which is offered each byte before the vuart. */
void mux_attach(struct screen *screen,
		enum mux_taken (*input)(void *context, uint8_t byte), void *context);

/* There is room again in a device; context: as of its VM's vuart. */
void mux_room(void *context);

/* A byte of output; and one that waits for its turn even in the foreground. */
void mux_put(struct screen *screen, uint8_t byte);
void mux_keep(struct screen *screen, uint8_t byte);

/* Have it in the foreground; and is it? */
void mux_show(struct screen *screen);
bool mux_is_shown(const struct screen *screen);

/* The VM's screen in the foreground, or that which the monitor hides; NULL: none. */
struct screen *mux_last(void);

/* Output of background VMs comes at once from now on, by the line, after "[name] ". */
void mux_interleave(bool on);
bool mux_is_interleaved(void);

/* Take what the host has received and hand it to whoever is in the foreground. */
void mux_receive(void);

/* When mux_tick() wants to be called, on this hart, by arch_time(); UINT64_MAX: never. */
uint64_t mux_next_tick(void);
void mux_tick(void);

/* Have the monitor's tick() called then. */
void mux_wake(uint64_t time);

#endif
