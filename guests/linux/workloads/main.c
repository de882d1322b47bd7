/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workloads for a Linux guest: fixed work, checked, measured in nanoseconds and,
 * where the hypervisor tells, in VM exits.
 *
 *   workloads NAME COUNT [SIZE]              one of those below
 *   workloads run NAME COUNT -- PROGRAM ...  a program that does COUNT operations
 *
 * Prints one line of name=value pairs for each thing measured, and ends with 0 if
 * all was correct. Its own workloads mean 4 KiB pages, so they turn transparent
 * huge pages off for themselves; a program that is run gets what the system gives.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "guests/lib/marks.h"
#include "guests/linux/workloads/exits.h"
#include "guests/linux/workloads/workload.h"

#define MOST_MIB (UINT64_C(1) << 20)

static const struct workload workloads[] = {
	{"syscall", "getppid()", "", 0, 0, run_syscall},
	{"fork", "fork, exit, wait", "", 0, 0, run_fork},
	{"exec", "fork, exec, wait", "", 0, 0, run_exec},
	{"pipe", "round trip between 2 processes on 1 CPU", "", 0, 0, run_pipe},
	{"mmap", "map, touch every page, unmap", "MiB", 64, MOST_MIB, run_mmap},
	{"munmap", "unmap touched pages", "pages", 64, MUNMAP_LIMIT, run_munmap},
	{"mprotect", "protect, unprotect, touch every page", "MiB", 16, MOST_MIB,
	 run_mprotect},
	{"file", "write and read back in a tmpfs file", "KiB", 64, FILE_LIMIT, run_file},
	{"touch", "first touch of a page", "MiB", 256, MOST_MIB, run_touch},
	{"gups", "random update, warm", "MiB, a power of two", 256, MOST_MIB, run_gups},
	{"frames", "aligned run of COUNT frames, a power of two up to 512, in memory",
	 "MiB", 64, MOST_MIB, run_frames},
};

static bool counted;
static const char *page_size = "4k";
static struct exits exits_begin, exits_end;
static struct timespec time_begin, time_end;

void measure_begin(void)
{
	if (counted)
		exits_read(&exits_begin);
	clock_gettime(CLOCK_MONOTONIC, &time_begin);
	mark_begin();
}

void measure_end(void)
{
	mark_end();
	clock_gettime(CLOCK_MONOTONIC, &time_end);
	if (counted)
		exits_read(&exits_end);
}

static int64_t nanoseconds(void)
{
	return (time_end.tv_sec - time_begin.tv_sec) * INT64_C(1000000000) +
	       (time_end.tv_nsec - time_begin.tv_nsec);
}

static void print_exits(void)
{
	struct exits exits;

	if (!counted) {
		printf(" exits=-");
		return;
	}
	exits_between(&exits_begin, &exits_end, &exits);
	printf(" exits=%" PRIu64, exits.total);
	for (unsigned i = 0; i < REASON_COUNT; i++)
		if (exits.by_reason[i])
			printf(" exits:%s=%" PRIu64, exits_names[i], exits.by_reason[i]);
}

bool measure_report(const struct workload *self, uint64_t operations, uint64_t size,
		    bool correct)
{
	printf("workload name=%s", self->name);
	if (size)
		printf(" size=%" PRIu64 "%s", size, self->unit);
	printf(" operations=%" PRIu64 " nanoseconds=%" PRId64 " pages=%s", operations,
	       nanoseconds(), page_size);
	print_exits();
	printf(" status=%s\n", correct ? "ok" : "failed");
	fflush(stdout);
	return correct;
}

#define MOST_COUNT (UINT64_C(1) << 40)

/* From 1 to `most`; says what is wrong otherwise. */
static bool number(const char *what, const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *value > 0 &&
	    *value <= most)
		return true;
	fprintf(stderr, "workloads: %s '%s' is no number from 1 to %" PRIu64 "\n", what,
		text, most);
	return false;
}

static int usage(void)
{
	fprintf(stderr, "usage: workloads NAME COUNT [SIZE], where NAME is one of\n");
	for (size_t i = 0; i < ARRAY_LENGTH(workloads); i++)
		fprintf(stderr, "  %-9s %s%s%s\n", workloads[i].name,
			workloads[i].operation, workloads[i].size ? "; SIZE in " : "",
			workloads[i].unit);
	fprintf(stderr, "or: workloads run NAME COUNT -- PROGRAM [ARGUMENT]...\n");
	return BAD_USAGE;
}

/* Once for nothing, so that no page is touched for the first time when it counts. */
static void open_counters(void)
{
	counted = exits_open();
	if (counted) {
		exits_read(&exits_begin);
		exits_read(&exits_end);
	}
	clock_gettime(CLOCK_MONOTONIC, &time_begin);
	clock_gettime(CLOCK_MONOTONIC, &time_end);
}

/* Everything on CPU 0, where the exits are counted. */
static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int run_external(char **arguments)
{
	struct workload self = {.name = arguments[0], .unit = ""};
	uint64_t operations;
	bool correct;

	if (strcmp(arguments[2], "--") != 0)
		return usage();
	if (!number("COUNT", arguments[1], MOST_COUNT, &operations))
		return BAD_USAGE;
	page_size = "default";
	pin();
	open_counters();
	measure_begin();
	correct = run_program(arguments + 3);
	measure_end();
	return measure_report(&self, operations, 0, correct) ? 0 : 1;
}

/* What a workload cannot do is said before it begins. */
static bool is_possible(const struct workload *workload, uint64_t count, uint64_t size)
{
	const char *mistake = NULL;

	if (workload->run == run_gups && !is_power_of_two(size))
		mistake = "SIZE is no power of two";
	else if (workload->run == run_frames &&
		 (!is_power_of_two(count) || count > FRAMES_LIMIT))
		mistake = "COUNT is no power of two up to 512";
	else if (workload->run == run_touch && count > workload->most / size)
		mistake = "COUNT times SIZE is more than any memory";
	if (mistake)
		fprintf(stderr, "workloads: %s: %s\n", workload->name, mistake);
	return !mistake;
}

static int run_own(const struct workload *workload, char **arguments)
{
	uint64_t count, size = workload->size;

	if (arguments[1] && !workload->size) {
		fprintf(stderr, "workloads: %s has no SIZE\n", workload->name);
		return BAD_USAGE;
	}
	if (!number("COUNT", arguments[0], MOST_COUNT, &count) ||
	    (arguments[1] && !number("SIZE", arguments[1], workload->most, &size)) ||
	    !is_possible(workload, count, size))
		return BAD_USAGE;
	pin();
	open_counters();
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		page_size = "default";
	errno = 0;
	if (workload->run(workload, count, size))
		return 0;
	fprintf(stderr, "workloads: %s failed%s%s\n", workload->name, errno ? ": " : "",
		errno ? strerror(errno) : "");
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "exit") == 0)
		return EXEC_STATUS;
	if (argc > 5 && strcmp(argv[1], "run") == 0)
		return run_external(argv + 2);
	if (argc < 3 || argc > 4)
		return usage();
	for (size_t i = 0; i < ARRAY_LENGTH(workloads); i++)
		if (strcmp(argv[1], workloads[i].name) == 0)
			return run_own(&workloads[i], argv + 2);
	return usage();
}
