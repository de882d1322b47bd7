/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON on the console. See json.h. */
#include "core/json.h"
#include "core/console.h"
#include "core/log.h"

static void put_escaped(const char *text)
{
	char escape[8];

	console_put('"');
	for (; *text; text++) {
		uint8_t byte = (uint8_t)*text;

		if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
			console_put(byte);
			continue;
		}
		format_text(escape, sizeof(escape), "\\u%04x", byte);
		console_write(escape);
	}
	console_put('"');
}

static void begin(struct json *json, const char *name)
{
	if (json->separate)
		console_put(',');
	json->separate = true;
	if (!name)
		return;
	put_escaped(name);
	console_put(':');
}

static void open(struct json *json, const char *name, uint8_t bracket)
{
	if (json->each) {
		json->each(json, name, NULL);
		json->depth++;
		return;
	}
	begin(json, name);
	console_put(bracket);
	json->separate = false;
}

static void close(struct json *json, uint8_t bracket)
{
	if (json->each) {
		json->depth--;
		return;
	}
	console_put(bracket);
	json->separate = true;
}

void json_object(struct json *json, const char *name)
{
	open(json, name, '{');
}

void json_object_end(struct json *json)
{
	close(json, '}');
}

void json_array(struct json *json, const char *name)
{
	open(json, name, '[');
}

void json_array_end(struct json *json)
{
	close(json, ']');
}

void json_number(struct json *json, const char *name, uint64_t value)
{
	char digits[24];

	if (json->each) {
		json->each(json, name, &value);
		return;
	}
	begin(json, name);
	format_text(digits, sizeof(digits), "%lu", value);
	console_write(digits);
}

void json_text(struct json *json, const char *name, const char *text)
{
	if (json->each)
		return;
	begin(json, name);
	put_escaped(text);
}
