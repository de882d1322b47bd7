/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark guest: rows of operations, instructions and exits.
 *
 * Boot arguments: bench=NAME,NAME... (default: all), size=quick|full (quick) and
 * mode=sv39|sv48|sv57 (sv39). Each row is one line, "bench: " and a JSON object.
 * The last lines are "bench: total", with all exits, and "bench: done"; a guest that
 * fails a check says so in the row, and ends with a failure.
 */
#include <stdarg.h>

#include "guests/bench/bench.h"
#include "guests/bench/measure.h"
#include "guests/bench/memory.h"
#include "guests/bench/trap.h"
#include "guests/lib/console.h"
#include "guests/lib/guest.h"
#include "guests/lib/platform.h"
#include "guests/lib/string.h"

static const struct benchmark *const benchmarks[] = {
	&bench_sweep, &bench_demand, &bench_fork,  &bench_switch, &bench_range,
	&bench_flush, &bench_reach,  &bench_depth, &bench_null,
};

#define EXIT_REASON_NAME(enumerator, name) [enumerator] = name,
static const char *const reasons[REASON_COUNT] = {EXIT_REASONS(EXIT_REASON_NAME)};
#undef EXIT_REASON_NAME

static struct {
	const struct benchmark *benchmark;
	const struct paging_mode *mode;
	bool full;
	uint32_t wanted; /* a bit for each of benchmarks[] */
	char parameter[32];
	char failure[128];
	bool any_failed;
	uint64_t random;
} bench;

/* ---- boot arguments ---- */

static bool equals(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && memcmp(text, word, length) == 0;
}

/* The length of what `text`, `length` long, has before the first `end`. */
static size_t length_before(const char *text, size_t length, char end)
{
	size_t at = 0;

	while (at < length && text[at] != end)
		at++;
	return at;
}

static bool read_benchmark(const char *name, size_t length)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(benchmarks); i++) {
		if (equals(name, length, benchmarks[i]->name)) {
			bench.wanted |= UINT32_C(1) << i;
			return true;
		}
	}
	return false;
}

static bool read_benchmarks(const char *list, size_t length)
{
	size_t from = 0, to;

	do {
		to = from + length_before(list + from, length - from, ',');
		if (!read_benchmark(list + from, to - from))
			return false;
		from = to + 1;
	} while (to < length);
	return true;
}

static bool read_size(const char *value, size_t length)
{
	bench.full = equals(value, length, "full");
	return bench.full || equals(value, length, "quick");
}

static bool read_mode(const char *value, size_t length)
{
	bench.mode = NULL;
	for (unsigned i = 0; i < PAGING_MODES; i++)
		if (equals(value, length, paging_modes[i].name) &&
		    paging_supported(&paging_modes[i]))
			bench.mode = &paging_modes[i];
	return bench.mode != NULL;
}

static const struct {
	const char *name;
	bool (*read)(const char *value, size_t length);
} options[] = {
	{"bench", read_benchmarks},
	{"size", read_size},
	{"mode", read_mode},
};

/* A word, NAME=VALUE. */
static bool read_word(const char *word, size_t length)
{
	size_t name = length_before(word, length, '=');

	if (name == length)
		return false;
	for (unsigned i = 0; i < ARRAY_LENGTH(options); i++)
		if (equals(word, name, options[i].name))
			return options[i].read(word + name + 1, length - name - 1);
	return false;
}

static bool read_arguments(void)
{
	const char *at = platform.bootargs;
	size_t length;

	if (!read_mode("sv39", strlen("sv39")))
		return false;
	for (; *at; at += length) {
		length = length_before(at, strlen(at), ' ');
		if (length == 0)
			length = 1; /* a space */
		else if (!read_word(at, length))
			return false;
	}
	if (bench.wanted == 0)
		bench.wanted = UINT32_MAX;
	return true;
}

bool bench_is_full(void)
{
	return bench.full;
}

const struct paging_mode *bench_mode(void)
{
	return bench.mode;
}

/* ---- random numbers: splitmix64 ---- */

void random_seed(uint64_t seed)
{
	bench.random = seed;
}

uint64_t random_word(void)
{
	uint64_t z = bench.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t random_below(uint64_t limit)
{
	return (random_word() >> 32) * limit >> 32;
}

/* ---- rows ---- */

void bench_begin(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	format_arguments(bench.parameter, sizeof(bench.parameter), format, arguments);
	va_end(arguments);
	bench.failure[0] = '\0';
	measure_reset();
	random_seed(1);
}

void bench_fail(const char *format, ...)
{
	va_list arguments;

	if (bench.failure[0] != '\0')
		return;
	va_start(arguments, format);
	format_arguments(bench.failure, sizeof(bench.failure), format, arguments);
	va_end(arguments);
}

void bench_expect(const char *what, uint64_t seen, uint64_t expected)
{
	if (seen != expected)
		bench_fail("%s: 0x%lx instead of 0x%lx", what, seen, expected);
}

static void print_exits(const struct measured *measured)
{
	const char *separator = "";

	print("\"exits\": {");
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		if (measured->exits[i] == 0)
			continue;
		print("%s\"%s\": %lu", separator, reasons[i], measured->exits[i]);
		separator = ", ";
	}
	print("}");
}

void bench_end(uint64_t operations)
{
	const struct measured *measured = measure_result();

	print("bench: {\"benchmark\": \"%s\", \"parameter\": \"%s\", \"operations\": "
	      "%lu, "
	      "\"instructions\": %lu",
	      bench.benchmark->name, bench.parameter, operations, measured->instructions);
	if (measure_sees_exits()) {
		print(", ");
		print_exits(measured);
	}
	print(", \"verdict\": \"%s%s\"}\n", bench.failure[0] ? "FAILED: " : "ok",
	      bench.failure);
	bench.any_failed |= bench.failure[0] != '\0';
}

/* Each begins with nothing in memory, the kernel's own space and an empty TLB. */
static void run(const struct benchmark *benchmark)
{
	frames_reset();
	trap_handler_set(NULL);
	bench.benchmark = benchmark;
	benchmark->run();
}

/* For whoever has counted them too: all that has happened until now. */
static void print_total(void)
{
	struct measured total = {0};

	if (!measure_sees_exits())
		return;
	measure_total(&total);
	print("bench: total {");
	print_exits(&total);
	print("}\n");
}

static void print_usage(void)
{
	print("bench: the boot arguments are bench=NAME,..., size=quick or full, and "
	      "mode=sv39, sv48 or sv57; benchmarks:");
	for (unsigned i = 0; i < ARRAY_LENGTH(benchmarks); i++)
		print(" %s", benchmarks[i]->name);
	print("\n");
}

bool guest_main(void)
{
	measure_init();
	memory_init();
	if (!read_arguments()) {
		print_usage();
		return false;
	}
	trap_init();
	for (unsigned i = 0; i < ARRAY_LENGTH(benchmarks); i++)
		if (bench.wanted >> i & 1)
			run(benchmarks[i]);
	frames_reset();
	print_total();
	print("bench: %s\n", bench.any_failed ? "FAILED" : "done");
	return !bench.any_failed;
}
