/* SPDX-License-Identifier: BSD-2-Clause */
/* Gnomon's own boot arguments. See options.h. */
#include "core/options.h"
#include "core/reason.h"
#include "core/string.h"

#define TIME_LIMIT_MOST	 1000000 /* seconds */
#define CANARY_MOST	 GIB
#define CHECK_EVERY_MOST 1000000 /* exits */
#define ASID_BITS_MOST	 16
#define PATIENCE_MOST	 86400 /* seconds */
#define PATIENCE_USUAL	 30
#define ESCAPE_USUAL	 0x1d /* Ctrl-] */

static bool set_report(struct options *options, const char *value)
{
	memcpy(options->report, value, strlen(value) + 1);
	return value[0] != '\0';
}

static bool set_text(char *text, size_t size, const char *value)
{
	size_t length = strlen(value);

	if (length >= size)
		return false;
	memcpy(text, value, length + 1);
	return length > 0;
}

static bool set_faults(struct options *options, const char *value)
{
	return set_text(options->faults, sizeof(options->faults), value);
}

static bool set_errata(struct options *options, const char *value)
{
	return set_text(options->errata, sizeof(options->errata), value);
}

static bool set_selftest(struct options *options, const char *value)
{
	static const char *const names[] = {
		[SELFTEST_HARTS] = "harts",
		[SELFTEST_PANIC] = "panic",
		[SELFTEST_MIGRATE] = "migrate",
	};

	for (unsigned i = SELFTEST_NONE + 1; i < ARRAY_LENGTH(names); i++)
		if (strcmp(value, names[i]) == 0)
			options->selftest = (enum selftest)i;
	return options->selftest != SELFTEST_NONE;
}

static bool set_console(struct options *options, const char *value)
{
	options->console_by_firmware = strcmp(value, "sbi") == 0;
	return options->console_by_firmware || strcmp(value, "uart") == 0;
}

/* A whole decimal number, with no sign or space that strtoul() would take. */
static bool read_number(const char *text, char **end, uint64_t *number)
{
	if (text[0] < '0' || text[0] > '9')
		return false;
	*number = strtoul(text, end, 10);
	return true;
}

static bool read_count(const char *text, uint64_t most, uint64_t *count)
{
	char *end;

	return read_number(text, &end, count) && *end == '\0' && *count > 0 &&
	       *count <= most;
}

static bool set_time_limit(struct options *options, const char *value)
{
	return read_count(value, TIME_LIMIT_MOST, &options->time_limit);
}

static bool set_disk_patience(struct options *options, const char *value)
{
	return read_count(value, PATIENCE_MOST, &options->disk_patience);
}

static bool set_check_every(struct options *options, const char *value)
{
	return read_count(value, CHECK_EVERY_MOST, &options->check_every);
}

static bool set_asid_bits(struct options *options, const char *value)
{
	uint64_t bits;
	char *end;

	if (!read_number(value, &end, &bits) || *end != '\0' || bits > ASID_BITS_MOST)
		return false;
	options->asid_bits = (unsigned)bits;
	options->has_asid_bits = true;
	return true;
}

static bool set_canary(struct options *options, const char *value)
{
	uint64_t units, unit = 1024;
	char *end;

	if (!read_number(value, &end, &units))
		return false;
	if (*end == 'M')
		unit = MIB;
	else if (*end != 'K')
		return false;
	options->canary = units * unit;
	return end[1] == '\0' && units > 0 && units <= CANARY_MOST / unit &&
	       is_aligned(options->canary, PAGE_SIZE);
}

/* ^X is Ctrl and that key, whatever stands for it in ASCII; others are themselves. */
static bool read_key(const char **text, uint8_t *key)
{
	char first = *(*text)++;

	*key = (uint8_t)first;
	if (first <= ' ' || first > '~')
		return false;
	if (first != '^')
		return true;
	first = *(*text)++;
	if (first >= 'a' && first <= 'z')
		first = (char)(first - 'a' + 'A');
	*key = (uint8_t)(first ^ 0x40);
	return first >= '?' && first <= '_';
}

static bool set_escape(struct options *options, const char *value)
{
	options->escape_count = 0;
	if (strcmp(value, "none") == 0)
		return true;
	while (*value) {
		if (options->escape_count == ESCAPE_LIMIT ||
		    !read_key(&value, &options->escape[options->escape_count++]))
			return false;
	}
	return options->escape_count > 0;
}

static bool set_interleave(struct options *options, const char *value)
{
	options->interleave = strcmp(value, "on") == 0;
	return options->interleave || strcmp(value, "off") == 0;
}

static bool set_uplink(struct options *options, const char *value)
{
	return set_text(options->uplink, sizeof(options->uplink), value);
}

static const struct {
	const char *name;
	const char *form;
	bool (*set)(struct options *options, const char *value);
} known[] = {
	{"report", "report=TOKEN", set_report},
	{"console", "console=sbi or console=uart", set_console},
	{"time-limit", "time-limit=SECONDS, 1 to 1000000", set_time_limit},
	{"check-every", "check-every=EXITS, 1 to 1000000", set_check_every},
	{"faults", "faults=reflect, faults=poison or faults=hole", set_faults},
	{"errata", "errata=cip-453, errata=cip-1200 or both, with a comma", set_errata},
	{"asid-bits", "asid-bits=N, 0 to 16", set_asid_bits},
	{"escape", "escape=KEYS, 1 to 4 such as ^] or ^A^G, or escape=none", set_escape},
	{"interleave", "interleave=on or interleave=off", set_interleave},
	{"disk-patience", "disk-patience=SECONDS, 1 to 86400", set_disk_patience},
	{"uplink", "uplink=NETWORK, of at most 31 letters", set_uplink},
	{"selftest", "selftest=harts, selftest=panic or selftest=migrate", set_selftest},
	{"canary", "canary=SIZE in whole pages, such as 64K or 4M", set_canary},
};

static enum status set_option(struct options *options, char *word, const char **why)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	for (unsigned i = 0; i < ARRAY_LENGTH(known); i++) {
		if (strcmp(known[i].name, word) != 0)
			continue;
		if (value && known[i].set(options, value))
			return STATUS_OK;
		return refuse(why, STATUS_INVALID, "boot arguments: %s=%s: it is %s",
			      word, value ? value : "", known[i].form);
	}
	return refuse(why, STATUS_INVALID,
		      "boot arguments: unknown option '%s' (there are report=TOKEN, "
		      "console=sbi|uart, time-limit=S, check-every=N, faults=NAME, "
		      "errata=NAMES, asid-bits=N, escape=KEYS, interleave=on|off, "
		      "disk-patience=S, selftest=NAME, uplink=NETWORK and canary=SIZE)",
		      word);
}

enum status options_parse(struct options *options, const char *arguments,
			  const char **why)
{
	*options = (struct options){.escape = {ESCAPE_USUAL},
				    .escape_count = 1,
				    .disk_patience = PATIENCE_USUAL};
	while (*arguments) {
		char word[sizeof(options->report)];
		size_t length = 0;

		while (arguments[length] && arguments[length] != ' ')
			length++;
		if (length >= sizeof(word))
			return refuse(why, STATUS_INVALID,
				      "boot arguments: a word of %lu characters, at "
				      "most %lu are allowed",
				      length, sizeof(word) - 1);
		memcpy(word, arguments, length);
		word[length] = '\0';
		if (length > 0 && set_option(options, word, why) != STATUS_OK)
			return STATUS_INVALID;
		arguments += length + (arguments[length] == ' ');
	}
	return STATUS_OK;
}
