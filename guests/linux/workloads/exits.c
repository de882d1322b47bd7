/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exit counters through perf_event_open(). Each counter is read by itself, in a
 * fixed order, so the exits that reading takes are the same every time, and are
 * found by reading twice. The invariant: a counter that was opened really runs,
 * or exits_open() said no.
 */
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guests/linux/workloads/exits.h"

/* Bits 63:62 = 2 make a raw event an SBI firmware event; 256 begins those that are
 * the implementation's own: all exits, then one for each reason. */
#define FIRMWARE_EVENT (UINT64_C(2) << 62)
#define ALL_EXITS      256

#define COUNTERS (1 + REASON_COUNT)
#define TRIALS	 8

#define EXIT_NAME(enumerator, name) [enumerator] = name,
const char *const exits_names[REASON_COUNT] = {EXIT_REASONS(EXIT_NAME)};
#undef EXIT_NAME

static int counters[COUNTERS];
static struct exits reading; /* what reading all the counters once takes */

static bool open_counter(unsigned i)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_RAW,
		.size = sizeof(attributes),
		.config = FIRMWARE_EVENT | (ALL_EXITS + i),
		.read_format =
			PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
	};

	counters[i] = (int)syscall(SYS_perf_event_open, &attributes, -1, 0, -1,
				   (unsigned long)PERF_FLAG_FD_CLOEXEC);
	return counters[i] >= 0;
}

/* False if the counter had to share its place, and did not count all the time. */
static bool read_counter(unsigned i, uint64_t *value)
{
	struct {
		uint64_t value, enabled, running;
	} now = {0};

	if (read(counters[i], &now, sizeof(now)) != sizeof(now))
		return false;
	*value = now.value;
	return now.running && now.running == now.enabled;
}

static bool read_all(struct exits *now)
{
	bool running = read_counter(0, &now->total);

	for (unsigned i = 0; i < REASON_COUNT; i++)
		running &= read_counter(1 + i, &now->by_reason[i]);
	return running;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The least of several trials, since an interrupt may come between. */
static bool calibrate(void)
{
	struct exits before, after;

	memset(&reading, 0xff, sizeof(reading));
	for (unsigned trial = 0; trial < TRIALS; trial++) {
		if (!read_all(&before) || !read_all(&after))
			return false;
		reading.total = smaller(reading.total, after.total - before.total);
		for (unsigned i = 0; i < REASON_COUNT; i++)
			reading.by_reason[i] =
				smaller(reading.by_reason[i],
					after.by_reason[i] - before.by_reason[i]);
	}
	return true;
}

bool exits_open(void)
{
	for (unsigned i = 0; i < COUNTERS; i++)
		if (!open_counter(i))
			return false;
	return calibrate();
}

void exits_read(struct exits *now)
{
	memset(now, 0, sizeof(*now));
	read_all(now);
}

static uint64_t without(uint64_t count, uint64_t part)
{
	return count > part ? count - part : 0;
}

void exits_between(const struct exits *begin, const struct exits *end,
		   struct exits *result)
{
	result->total = without(end->total - begin->total, reading.total);
	for (unsigned i = 0; i < REASON_COUNT; i++)
		result->by_reason[i] = without(end->by_reason[i] - begin->by_reason[i],
					       reading.by_reason[i]);
}
