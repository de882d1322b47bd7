/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/options.c core/reason.c core/log.c */
/* Gnomon's own boot arguments: what is understood, and what is refused by name. */
#include <string.h>

#include "core/options.h"
#include "tests/unit/silent_console.h"

static struct options options;
static const char *why;

static void understands(const char *arguments, const char *report, bool firmware)
{
	assert_int_equal(options_parse(&options, arguments, &why), STATUS_OK);
	assert_string_equal(options.report, report);
	assert_int_equal(options.console_by_firmware, firmware);
}

static void refuses(const char *arguments, const char *named)
{
	why = NULL;
	assert_int_equal(options_parse(&options, arguments, &why), STATUS_INVALID);
	assert_non_null(why);
	assert_non_null(strstr(why, named));
}

static void what_is_understood(void **state)
{
	(void)state;
	understands("", "", false);
	understands("   ", "", false);
	understands("report=abc", "abc", false);
	understands("console=sbi", "", true);
	understands("console=uart", "", false);
	understands(" report=abc  console=sbi ", "abc", true);
	understands("console=sbi console=uart report=a report=b", "b", false);
	understands("report=a=b", "a=b", false);
	assert_int_equal(options.selftest, SELFTEST_NONE);
	understands("selftest=harts", "", false);
	assert_int_equal(options.selftest, SELFTEST_HARTS);
	understands("selftest=panic", "", false);
	assert_int_equal(options.selftest, SELFTEST_PANIC);
	understands("selftest=migrate", "", false);
	assert_int_equal(options.selftest, SELFTEST_MIGRATE);
}

static void what_is_refused(void **state)
{
	(void)state;
	refuses("quiet", "quiet");
	refuses("report=", "report");
	refuses("report", "report");
	refuses("console=tty0", "console");
	refuses("console=", "console");
	refuses("=x", "");
	refuses("selftest=", "selftest");
	refuses("selftest=hart", "selftest=harts");
	refuses("Report=x", "Report");
	refuses("report=a reports=b", "reports");
	refuses("report=a\tconsole=sbi bad", "bad");
}

static void numbers_and_sizes(void **state)
{
	(void)state;
	understands("", "", false);
	assert_int_equal(options.time_limit, 0);
	assert_int_equal(options.canary, 0);
	understands("time-limit=5 canary=4M", "", false);
	assert_int_equal(options.time_limit, 5);
	assert_int_equal(options.canary, 4 * MIB);
	understands("time-limit=1000000 canary=64K", "", false);
	assert_int_equal(options.time_limit, 1000000);
	assert_int_equal(options.canary, 65536);
	assert_int_equal(options.disk_patience, 30);
	understands("disk-patience=2", "", false);
	assert_int_equal(options.disk_patience, 2);
	refuses("disk-patience=0", "disk-patience");
	refuses("disk-patience=86401", "disk-patience");
	understands("check-every=7", "", false);
	assert_int_equal(options.check_every, 7);
	understands("canary=1024M", "", false);
	assert_int_equal(options.canary, GIB);
	assert_false(options.has_asid_bits);
	understands("asid-bits=16", "", false);
	assert_true(options.has_asid_bits && options.asid_bits == 16);
	understands("asid-bits=3 asid-bits=0", "", false);
	assert_true(options.has_asid_bits && options.asid_bits == 0);
}

static void numbers_that_are_none(void **state)
{
	static const char *const words[] = {
		"time-limit=",	"time-limit=0",	      "time-limit=1000001",
		"time-limit=x", "time-limit=5s",      "time-limit=-1",
		"time-limit",	"time-limit=+5",      "time-limit=99999999999999999999",
		"canary=",	"canary=4",	      "canary=M",
		"canary=0M",	"canary=6K",	      "canary=4MB",
		"canary=1025M", "canary=99999999999M"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(words); i++)
		refuses(words[i], words[i][0] == 't' ? "time-limit" : "canary");
	refuses("asid-bits=", "asid-bits");
	refuses("escape=", "escape");
	refuses("escape=^", "escape");
	refuses("escape=^!", "escape");
	refuses("escape=abcde", "it is escape=KEYS, 1 to 4 such as ^] or ^A^G");
	refuses("interleave=yes", "it is interleave=on or interleave=off");
	refuses("asid-bits=17", "asid-bits");
	refuses("asid-bits=-1", "asid-bits");
	refuses("asid-bits=1.", "it is asid-bits=N, 0 to 16");
	refuses("asid-bits=18446744073709551616", "asid-bits");
	refuses("check-every=0", "check-every");
	refuses("check-every=1000001", "check-every");
}

/* "report=" and 56 characters are a word of 63. */
static void words_have_a_limit(void **state)
{
	char text[100] = "report=";

	(void)state;
	memset(text + 7, 'r', 56);
	understands(text, text + 7, false);
	memset(text + 7, 'r', 57);
	refuses(text, "64");
	memset(text, 'q', sizeof(text) - 1);
	refuses(text, "99");
}

/* A hostile word sends nothing to a terminal but printable characters. */
static void reasons_are_printable(void **state)
{
	(void)state;
	refuses("\033[2J\x80\x01", "?[2J??");
	for (const char *at = why; *at; at++)
		assert_true(*at >= ' ' && *at <= '~');
}

static void keys_are_named_as_they_are_typed(void **state)
{
	static const struct {
		const char *word, *keys;
	} cases[] = {
		{"", "\x1d"},
		{"escape=^]", "\x1d"},
		{"escape=none", ""},
		{"escape=~.", "~."},
		{"escape=^A^g", "\x01\x07"},
		{"escape=^?^^", "\x7f\x1e"},
	};
	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		assert_int_equal(options_parse(&options, cases[i].word, &why), STATUS_OK);
		assert_int_equal(options.escape_count, strlen(cases[i].keys));
		assert_memory_equal(options.escape, cases[i].keys, options.escape_count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_understood),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(numbers_and_sizes),
		cmocka_unit_test(numbers_that_are_none),
		cmocka_unit_test(words_have_a_limit),
		cmocka_unit_test(reasons_are_printable),
		cmocka_unit_test(keys_are_named_as_they_are_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
