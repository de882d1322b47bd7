/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much of fresh memory lies in runs of frames that a larger leaf could map: so
 * many in a row, aligned alike in both spaces. Read from /proc/self/pagemap, which
 * tells root the frame of each page. What is "done" is a run that was found.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guests/linux/workloads/workload.h"

#define PAGE	  ((size_t)4096)
#define MIB	  ((size_t)1 << 20)
#define LARGEST	  ((uint64_t)FRAMES_LIMIT)
#define PRESENT	  (UINT64_C(1) << 63)
#define FRAME_MAP ((UINT64_C(1) << 55) - 1)

static bool is_run(const uint64_t *pages, uint64_t count)
{
	if ((pages[0] & FRAME_MAP) % count != 0)
		return false;
	for (uint64_t i = 0; i < count; i++)
		if (!(pages[i] & PRESENT) ||
		    (pages[i] & FRAME_MAP) != (pages[0] & FRAME_MAP) + i)
			return false;
	return true;
}

/* False if the file does not tell. */
static bool find_runs(const char *start, size_t bytes, uint64_t count, uint64_t *found)
{
	int file = open("/proc/self/pagemap", O_RDONLY);
	uint64_t pages[LARGEST];
	bool told = file >= 0;

	for (size_t at = 0; told && at < bytes; at += count * PAGE) {
		off_t where = (off_t)(((uintptr_t)start + at) / PAGE * sizeof(*pages));
		size_t size = count * sizeof(*pages);

		told = pread(file, pages, size, where) == (ssize_t)size &&
		       (pages[0] & FRAME_MAP) != 0;
		*found += told && is_run(pages, count);
	}
	close(file);
	return told;
}

bool run_frames(const struct workload *self, uint64_t count, uint64_t size)
{
	size_t bytes = size * MIB, slack = LARGEST * PAGE;
	uint64_t found = 0;
	bool correct;
	char *start = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		return false;
	start += -(uintptr_t)start % slack;
	measure_begin();
	for (size_t at = 0; at < bytes; at += PAGE)
		*(volatile char *)(start + at) = 1;
	measure_end();
	correct = find_runs(start, bytes, count, &found);
	return measure_report(self, found, size, correct);
}
