/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line editor: one table for keys, one for escape sequences. See monitor_line.h.
 */
#include "core/monitor_line.h"
#include "core/log.h"
#include "core/string.h"

#define CONTROL(letter) ((letter)&0x1f)
#define ESCAPE		0x1b
#define RUB_OUT		0x7f
#define PARAMETER_MOST	999

static void put_text(const struct monitor_line *line, const char *text)
{
	while (*text)
		line->put(*text++);
}

void monitor_line_redraw(struct monitor_line *line)
{
	char back[16];

	put_text(line, "\r");
	put_text(line, line->prompt);
	put_text(line, line->text);
	put_text(line, "\x1b[K");
	if (line->cursor == line->length)
		return;
	format_text(back, sizeof(back), "\x1b[%uD", line->length - line->cursor);
	put_text(line, back);
}

void monitor_line_begin(struct monitor_line *line)
{
	line->length = line->cursor = line->recalled = 0;
	line->text[0] = '\0';
	line->sequence = SEQUENCE_NONE;
	put_text(line, line->prompt);
}

/* ---- the text ---- */

static void insert(struct monitor_line *line, char byte)
{
	if (line->length == LINE_LENGTH)
		return;
	memmove(&line->text[line->cursor + 1], &line->text[line->cursor],
		line->length - line->cursor + 1);
	line->text[line->cursor++] = byte;
	line->length++;
	if (line->cursor == line->length)
		line->put(byte);
	else
		monitor_line_redraw(line);
}

/* The text in [start, end) goes, and the cursor to where it was. */
static void erase(struct monitor_line *line, unsigned start, unsigned end)
{
	memmove(&line->text[start], &line->text[end], line->length - end + 1);
	line->length -= end - start;
	line->cursor = start;
	monitor_line_redraw(line);
}

static void erase_before(struct monitor_line *line)
{
	if (line->cursor > 0)
		erase(line, line->cursor - 1, line->cursor);
}

static void erase_under(struct monitor_line *line)
{
	if (line->cursor < line->length)
		erase(line, line->cursor, line->cursor + 1);
}

static void erase_to_start(struct monitor_line *line)
{
	erase(line, 0, line->cursor);
}

static void erase_to_end(struct monitor_line *line)
{
	erase(line, line->cursor, line->length);
}

static void erase_word(struct monitor_line *line)
{
	unsigned start = line->cursor;

	while (start > 0 && line->text[start - 1] == ' ')
		start--;
	while (start > 0 && line->text[start - 1] != ' ')
		start--;
	erase(line, start, line->cursor);
}

/* ---- the cursor ---- */

static void move(struct monitor_line *line, unsigned cursor)
{
	line->cursor = cursor;
	monitor_line_redraw(line);
}

static void go_left(struct monitor_line *line)
{
	move(line, line->cursor - (line->cursor > 0));
}

static void go_right(struct monitor_line *line)
{
	move(line, line->cursor + (line->cursor < line->length));
}

static void go_start(struct monitor_line *line)
{
	move(line, 0);
}

static void go_end(struct monitor_line *line)
{
	move(line, line->length);
}

/* ---- history ---- */

static char *line_back(struct monitor_line *line, unsigned back)
{
	return back == 0 ? line->draft
			 : line->history[(line->count - back) % LINE_HISTORY];
}

static void remember(struct monitor_line *line)
{
	if (line->length == 0 ||
	    (line->count > 0 && strcmp(line_back(line, 1), line->text) == 0))
		return;
	memcpy(line->history[line->count++ % LINE_HISTORY], line->text, line->length + 1);
}

static void recall(struct monitor_line *line, unsigned back)
{
	const char *text;

	if (line->recalled == 0)
		memcpy(line->draft, line->text, sizeof(line->draft));
	line->recalled = back;
	text = line_back(line, back);
	line->length = (unsigned)strlen(text);
	memcpy(line->text, text, line->length + 1);
	go_end(line);
}

static void go_up(struct monitor_line *line)
{
	if (line->recalled < line->count && line->recalled < LINE_HISTORY)
		recall(line, line->recalled + 1);
}

static void go_down(struct monitor_line *line)
{
	if (line->recalled > 0)
		recall(line, line->recalled - 1);
}

/* ---- keys ---- */

struct key_action {
	uint8_t key;
	void (*act)(struct monitor_line *line);
};

static const struct key_action keys[] = {
	{CONTROL('H'), erase_before},
	{RUB_OUT, erase_before},
	{CONTROL('D'), erase_under},
	{CONTROL('U'), erase_to_start},
	{CONTROL('K'), erase_to_end},
	{CONTROL('W'), erase_word},
	{CONTROL('A'), go_start},
	{CONTROL('E'), go_end},
	{CONTROL('B'), go_left},
	{CONTROL('F'), go_right},
	{CONTROL('P'), go_up},
	{CONTROL('N'), go_down},
	{CONTROL('L'), monitor_line_redraw},
};

/* By the final byte of ESC [ and of ESC O. */
static const struct key_action cursor_keys[] = {
	{'A', go_up},	{'B', go_down},	 {'C', go_right},
	{'D', go_left}, {'H', go_start}, {'F', go_end},
};

/* By the number of ESC [ number ~ */
static const struct key_action numbered_keys[] = {
	{1, go_start}, {3, erase_under}, {4, go_end}, {7, go_start}, {8, go_end},
};

static void act(struct monitor_line *line, const struct key_action *actions, size_t count,
		unsigned key)
{
	for (size_t i = 0; i < count; i++)
		if (actions[i].key == key)
			actions[i].act(line);
}

static void end_sequence(struct monitor_line *line, uint8_t final)
{
	line->sequence = SEQUENCE_NONE;
	if (final == '~')
		act(line, numbered_keys, ARRAY_LENGTH(numbered_keys), line->parameter);
	else
		act(line, cursor_keys, ARRAY_LENGTH(cursor_keys), final);
}

static void add_digit(struct monitor_line *line, uint8_t digit)
{
	line->parameter = line->parameter * 10 + digit - '0';
	if (line->parameter > PARAMETER_MOST)
		line->parameter = PARAMETER_MOST;
}

/* False: the sequence ended before this byte, which is a key by itself. */
static bool goes_on(struct monitor_line *line, uint8_t byte)
{
	const enum line_sequence sequence = line->sequence;

	if (sequence == SEQUENCE_NONE || byte < ' ' || byte > '~') {
		line->sequence = SEQUENCE_NONE;
		return false;
	}
	if (sequence == SEQUENCE_ESCAPE) {
		line->sequence = byte == '['   ? SEQUENCE_CONTROL
				 : byte == 'O' ? SEQUENCE_SINGLE
					       : SEQUENCE_NONE;
		line->parameter = 0;
	} else if (sequence == SEQUENCE_SINGLE || byte >= '@') {
		end_sequence(line, byte);
	} else if (byte >= '0' && byte <= '9') {
		add_digit(line, byte);
	}
	return true;
}

static enum line_event finish(struct monitor_line *line, enum line_event event)
{
	if (line->cursor < line->length)
		go_end(line);
	put_text(line, event == LINE_CANCELLED ? "^C\r\n" : "\r\n");
	if (event == LINE_DONE)
		remember(line);
	return event;
}

enum line_event monitor_line_key(struct monitor_line *line, uint8_t key)
{
	const bool second = key == '\n' && line->after_return;

	line->after_return = key == '\r';
	if (second || goes_on(line, key))
		return LINE_EDITED;
	if (key == '\r' || key == '\n')
		return finish(line, LINE_DONE);
	if (key == CONTROL('C'))
		return finish(line, LINE_CANCELLED);
	if (key == ESCAPE)
		line->sequence = SEQUENCE_ESCAPE;
	else if (key >= ' ' && key <= '~')
		insert(line, (char)key);
	else
		act(line, keys, ARRAY_LENGTH(keys), key);
	return LINE_EDITED;
}
