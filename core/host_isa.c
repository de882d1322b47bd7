/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which extensions a hart has, from the two properties that may say so.
 *
 * riscv,isa-extensions is a plain list. riscv,isa is a string as in the chapter
 * "ISA Extension Naming Conventions" of the unprivileged specification: the
 * base, single letters, then longer names that begin with s, x or z, separated
 * by underscores, each optionally with a version such as 2p0; case does not
 * matter. Pure functions; both properties end with NUL (host_fdt.c checks).
 */
#include "core/host_fdt.h"
#include "core/string.h"

static char lower(char character)
{
	return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a')
						    : character;
}

static bool is_digit(char character)
{
	return character >= '0' && character <= '9';
}

static const char *skip_digits(const char *text)
{
	while (is_digit(*text))
		text++;
	return text;
}

/* Steps over a version, "2" or "2p0". */
static const char *skip_version(const char *text)
{
	const char *after = skip_digits(text);

	if (after != text && lower(after[0]) == 'p' && is_digit(after[1]))
		after = skip_digits(after + 1);
	return after;
}

/* A name that goes on to the next underscore. */
static bool begins_long_name(const char *text)
{
	char first = lower(*text);

	/* Early QEMU wrote "su" for the privilege modes among the single letters. */
	if (first == 's' && lower(text[1]) == 'u')
		return false;
	return first == 's' || first == 'x' || first == 'z';
}

static const char *name_end(const char *text)
{
	if (!begins_long_name(text))
		return text + 1;
	while (*text != '\0' && *text != '_')
		text++;
	return text;
}

/* Is the name in [text, end) this one, with or without a version? */
static bool is_name(const char *text, const char *end, const char *name)
{
	while (text < end && *name != '\0' && lower(*text) == *name) {
		text++;
		name++;
	}
	return *name == '\0' && (text == end || skip_version(text) == end);
}

static bool is_in_general(const char *name)
{
	static const char *const general[] = {"i", "m",	    "a",       "f",
					      "d", "zicsr", "zifencei"};

	for (size_t i = 0; i < ARRAY_LENGTH(general); i++) {
		if (strcmp(name, general[i]) == 0)
			return true;
	}
	return false;
}

static bool isa_string_has(const char *isa, const char *name)
{
	const char *at = isa;

	/* Behind the base, "rv64". */
	if (lower(at[0]) != 'r' || lower(at[1]) != 'v')
		return false;
	at = skip_digits(at + 2);
	while (*at != '\0') {
		const char *end = name_end(at);

		if (is_name(at, end, name) ||
		    (is_name(at, end, "g") && is_in_general(name)))
			return true;
		at = begins_long_name(at) ? end : skip_version(end);
	}
	return false;
}

static bool list_has(const char *list, size_t size, const char *name)
{
	const char *at = list;

	while (at < list + size) {
		if (strcmp(at, name) == 0)
			return true;
		at += strlen(at) + 1;
	}
	return false;
}

bool host_fdt_has_extension(const struct host_hart *hart, const char *name)
{
	if (hart->extensions_size > 0)
		return list_has(hart->extensions, hart->extensions_size, name);
	return hart->isa && isa_string_has(hart->isa, name);
}
