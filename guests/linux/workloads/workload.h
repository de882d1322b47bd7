/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the workloads for a Linux guest share: a table of them, and the measuring
 * of time and VM exits around the part of each that counts. Everything is a
 * single static program, so that a workload costs no dynamic linking and its
 * name, count and size alone say what is done.
 *
 * One process measures at a time, and only the one that prints the result.
 */
#ifndef GUESTS_LINUX_WORKLOADS_WORKLOAD_H
#define GUESTS_LINUX_WORKLOADS_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WARM_UP 16 /* operations, before any that are measured */

struct workload {
	const char *name;
	const char *operation; /* what is counted as one */
	const char *unit;      /* of size, "" where there is none */
	uint64_t size;	       /* unless another is asked for; 0: it has none */
	uint64_t most;	       /* of size */
	/* Do it `count` times, measured and reported; false: it could not be done. */
	bool (*run)(const struct workload *self, uint64_t count, uint64_t size);
};

#define MUNMAP_LIMIT 512  /* pages in a piece */
#define FILE_LIMIT   1024 /* KiB in a piece */
#define FRAMES_LIMIT 512  /* frames in a run */

static inline bool is_power_of_two(uint64_t x)
{
	return x && !(x & (x - 1));
}

/* Between these two lies what is measured, in time and in exits. */
void measure_begin(void);
void measure_end(void);

/*
 * Print the line of results of what was measured last; `correct` is whether the
 * work's own check passed, and is returned.
 */
bool measure_report(const struct workload *self, uint64_t operations, uint64_t size,
		    bool correct);

bool run_syscall(const struct workload *self, uint64_t count, uint64_t size);
bool run_fork(const struct workload *self, uint64_t count, uint64_t size);
bool run_exec(const struct workload *self, uint64_t count, uint64_t size);
bool run_pipe(const struct workload *self, uint64_t count, uint64_t size);
bool run_mmap(const struct workload *self, uint64_t count, uint64_t size);
bool run_munmap(const struct workload *self, uint64_t count, uint64_t size);
bool run_mprotect(const struct workload *self, uint64_t count, uint64_t size);
bool run_file(const struct workload *self, uint64_t count, uint64_t size);
bool run_touch(const struct workload *self, uint64_t count, uint64_t size);
bool run_gups(const struct workload *self, uint64_t count, uint64_t size);
bool run_frames(const struct workload *self, uint64_t count, uint64_t size);

/* Start a program of the guest's and wait; true if it ended with status 0. */
bool run_program(char *const argv[]);

/* Ends a child of run_exec(), which recognizes it by this status. */
#define EXEC_STATUS 42

#define BAD_USAGE 2 /* the exit status */

#endif
