/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing of one JSON object to the console, in one line. Strings are escaped;
 * commas are kept track of; nesting is the caller's to balance.
 */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "core/types.h"

struct json {
	bool separate; /* the next member needs a comma before it */
	/*
	 * NULL; or nothing is written, and this is called for each number, and with NULL
	 * for the beginning of each object and array. depth: of those that it is in.
	 */
	void (*each)(struct json *json, const char *name, const uint64_t *number);
	unsigned depth;
};

/* name is NULL for the outermost object and for elements of an array. */
void json_object(struct json *json, const char *name);
void json_object_end(struct json *json);
void json_array(struct json *json, const char *name);
void json_array_end(struct json *json);
void json_number(struct json *json, const char *name, uint64_t value);
void json_text(struct json *json, const char *name, const char *text);

#endif
