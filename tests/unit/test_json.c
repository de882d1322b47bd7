/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/json.c core/log.c tests/unit/host_ram.c */
/* JSON on the console: commas, nesting, numbers and what has to be escaped. */
#include "core/json.h"
#include "tests/unit/captured_console.h"
#include "tests/unit/host_ram.h"

static void objects_arrays_and_commas(void **state)
{
	struct json json = {0};

	(void)state;
	captured_clear();
	json_object(&json, NULL);
	json_text(&json, "name", "debian");
	json_number(&json, "zero", 0);
	json_number(&json, "most", UINT64_MAX);
	json_object(&json, "empty");
	json_object_end(&json);
	json_array(&json, "list");
	json_number(&json, NULL, 1);
	json_object(&json, NULL);
	json_number(&json, "id", 2);
	json_object_end(&json);
	json_array(&json, NULL);
	json_array_end(&json);
	json_text(&json, NULL, "");
	json_array_end(&json);
	json_number(&json, "last", 3);
	json_object_end(&json);
	assert_string_equal(captured, "{\"name\":\"debian\",\"zero\":0,"
				      "\"most\":18446744073709551615,\"empty\":{},"
				      "\"list\":[1,{\"id\":2},[],\"\"],\"last\":3}");
}

/* Nothing but printable ASCII comes out, whatever goes in. */
static void every_byte_is_escaped_that_needs_to_be(void **state)
{
	(void)state;
	for (unsigned byte = 1; byte < 256; byte++) {
		const char text[] = {(char)byte, '\0'};
		struct json json = {0};

		captured_clear();
		json_text(&json, NULL, text);
		if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
			const char plain[] = {'"', (char)byte, '"', '\0'};

			assert_string_equal(captured, plain);
		} else {
			const char digits[] = "0123456789abcdef";
			const char escaped[] = {'"',
						'\\',
						'u',
						'0',
						'0',
						digits[byte >> 4],
						digits[byte & 15],
						'"',
						'\0'};

			assert_string_equal(captured, escaped);
		}
	}
}

static void names_are_escaped_too(void **state)
{
	struct json json = {0};

	(void)state;
	captured_clear();
	json_number(&json, "a\"b\n", 1);
	assert_string_equal(captured, "\"a\\u0022b\\u000a\":1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_arrays_and_commas),
		cmocka_unit_test(every_byte_is_escaped_that_needs_to_be),
		cmocka_unit_test(names_are_escaped_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
