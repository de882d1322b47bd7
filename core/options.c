/* SPDX-License-Identifier: BSD-2-Clause */
/* Gnomon's own boot arguments. See options.h. */
#include "core/options.h"
#include "core/reason.h"
#include "core/string.h"

static bool set_report(struct options *options, const char *value)
{
	memcpy(options->report, value, strlen(value) + 1);
	return value[0] != '\0';
}

static bool set_console(struct options *options, const char *value)
{
	options->console_by_firmware = strcmp(value, "sbi") == 0;
	return options->console_by_firmware || strcmp(value, "uart") == 0;
}

static const struct {
	const char *name;
	const char *form;
	bool (*set)(struct options *options, const char *value);
} known[] = {
	{"report", "report=TOKEN", set_report},
	{"console", "console=sbi or console=uart", set_console},
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
		      "boot arguments: unknown option '%s' (there are report=TOKEN and "
		      "console=sbi|uart)",
		      word);
}

enum status options_parse(struct options *options, const char *arguments,
			  const char **why)
{
	*options = (struct options){0};
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
