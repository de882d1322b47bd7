/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Editing of one line on a terminal that knows the sequences of ECMA-48, with history.
 *
 * Keys come one by one, as a terminal sends them, and may be any bytes: what is no key
 * of this editor's does nothing, and an escape sequence may be cut anywhere. Invariant:
 * the text is printable ASCII, and with the prompt it fits one row of 80. Not locked.
 */
#ifndef CORE_MONITOR_LINE_H
#define CORE_MONITOR_LINE_H

#include "core/types.h"

#define LINE_LENGTH  68
#define LINE_HISTORY 16

enum line_event {
	LINE_EDITED,
	LINE_DONE,     /* text is a line; monitor_line_begin() goes on */
	LINE_CANCELLED /* the same, but it was not meant */
};

enum line_sequence { SEQUENCE_NONE, SEQUENCE_ESCAPE, SEQUENCE_CONTROL, SEQUENCE_SINGLE };

struct monitor_line {
	const char *prompt;
	void (*put)(char byte);
	unsigned length, cursor;
	char text[LINE_LENGTH + 1];
	enum line_sequence sequence;
	unsigned parameter;	     /* of an escape sequence, as far as it has come */
	bool after_return;	     /* a line feed is of the same key */
	unsigned count;		     /* lines of history ever */
	unsigned recalled;	     /* how many lines back; 0: none */
	char draft[LINE_LENGTH + 1]; /* what was there before */
	char history[LINE_HISTORY][LINE_LENGTH + 1];
};

/* An empty line: print the prompt. */
void monitor_line_begin(struct monitor_line *line);

/* Print it anew, whatever happened to the terminal's row. */
void monitor_line_redraw(struct monitor_line *line);

enum line_event monitor_line_key(struct monitor_line *line, uint8_t key);

#endif
