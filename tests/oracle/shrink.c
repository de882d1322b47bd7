/* SPDX-License-Identifier: BSD-2-Clause */
/* Running apart, and shrinking. See shrink.h. */
#include "tests/oracle/shrink.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A sequence that is shorter than this takes no time to speak of. */
#define SECONDS_LIMIT 600

static _Noreturn void be_child(const struct oracle_setting *setting,
			       const struct operation *operations, size_t count, int said,
			       int report)
{
	struct oracle_counts counts = {0};

	if (said >= 0)
		dup2(said, STDERR_FILENO);
	alarm(SECONDS_LIMIT);
	oracle_run(setting, operations, count, &counts);
	_exit(write(report, &counts, sizeof(counts)) == sizeof(counts) ? 0 : 1);
}

bool oracle_survives(const struct oracle_setting *setting,
		     const struct operation *operations, size_t count, int said,
		     struct oracle_counts *counts)
{
	int report[2], status;
	bool complete;
	pid_t child;

	if (pipe(report) != 0 || (child = fork()) < 0)
		abort();
	if (child == 0)
		be_child(setting, operations, count, said, report[1]);
	close(report[1]);
	complete = read(report[0], counts, sizeof(*counts)) == sizeof(*counts);
	close(report[0]);
	if (waitpid(child, &status, 0) != child)
		abort();
	return complete && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool fails_without(const struct oracle_setting *setting,
			  const struct operation *operations, size_t count, size_t from,
			  size_t length, struct operation *left, int nowhere)
{
	struct oracle_counts counts;

	memcpy(left, operations, from * sizeof(*left));
	memcpy(&left[from], &operations[from + length],
	       (count - from - length) * sizeof(*left));
	return !oracle_survives(setting, left, count - length, nowhere, &counts);
}

/* One pass with pieces of one length, from the end: what is late matters less. */
static size_t drop_pieces(const struct oracle_setting *setting,
			  struct operation *operations, size_t count, size_t length,
			  struct operation *left, int nowhere)
{
	for (size_t end = count; end > 0;) {
		size_t from = end > length ? end - length : 0;

		if (fails_without(setting, operations, count, from, end - from, left,
				  nowhere)) {
			count -= end - from;
			memcpy(operations, left, count * sizeof(*operations));
		}
		end = from;
	}
	return count;
}

size_t oracle_shrink(const struct oracle_setting *setting, struct operation *operations,
		     size_t count)
{
	struct operation *left = malloc(count * sizeof(*left));
	int nowhere = open("/dev/null", O_WRONLY);
	size_t length = count / 2 + 1, before;

	if (!left || nowhere < 0)
		abort();
	do {
		before = count;
		count = drop_pieces(setting, operations, count, length, left, nowhere);
		if (length > 1)
			length = length / 2;
		else if (count == before)
			break;
	} while (count > 0);
	close(nowhere);
	free(left);
	return count;
}
