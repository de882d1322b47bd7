/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload of the page cache: a tmpfs file written and read back piece by piece,
 * and emptied when it has grown to a few MiB, so that its pages are taken and
 * given back all the time.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guests/linux/workloads/workload.h"

#define KIB	   ((size_t)1024)
#define LARGEST	   (4096 * KIB) /* the file, in bytes */
#define MOST_PIECE (FILE_LIMIT * KIB)

struct pieces {
	int file;
	size_t bytes; /* of a piece */
	char *written, *read;
};

static bool piece_once(const struct pieces *pieces, uint64_t i)
{
	size_t bytes = pieces->bytes, in_file = LARGEST / bytes;
	off_t at = (off_t)((i % in_file) * bytes);

	if (at == 0 && ftruncate(pieces->file, 0))
		return false;
	memcpy(pieces->written, &i, sizeof(i));
	return pwrite(pieces->file, pieces->written, bytes, at) == (ssize_t)bytes &&
	       pread(pieces->file, pieces->read, bytes, at) == (ssize_t)bytes &&
	       memcmp(pieces->written, pieces->read, bytes) == 0;
}

static bool measure(const struct workload *self, const struct pieces *pieces,
		    uint64_t count, uint64_t size)
{
	bool correct = true;

	for (uint64_t i = 0; i < WARM_UP; i++)
		correct &= piece_once(pieces, i);
	measure_begin();
	for (uint64_t i = 0; i < count; i++)
		correct &= piece_once(pieces, i);
	measure_end();
	return measure_report(self, count, size, correct);
}

bool run_file(const struct workload *self, uint64_t count, uint64_t size)
{
	static char written[MOST_PIECE], back[MOST_PIECE];
	size_t bytes = size * KIB;
	struct pieces pieces = {.bytes = bytes, .written = written, .read = back};
	bool correct;

	if (bytes == 0 || bytes > MOST_PIECE)
		return false;
	for (size_t i = 0; i < bytes; i++)
		written[i] = (char)(i * 131 >> 3);
	pieces.file = memfd_create("workload", 0);
	if (pieces.file < 0)
		return false;
	correct = measure(self, &pieces, count, size);
	close(pieces.file);
	return correct;
}
