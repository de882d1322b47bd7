/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workloads of memory: mapping, touching, protecting and unmapping pages, and
 * random updates of a table larger than any TLB reaches. Anonymous private memory
 * in 4 KiB pages throughout (main.c turns huge ones off).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "guests/linux/workloads/workload.h"

#define PAGE ((size_t)4096)
#define MIB  ((size_t)1 << 20)

static char *map(size_t bytes)
{
	void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return start == MAP_FAILED ? NULL : start;
}

static volatile uint64_t *first_word(char *page)
{
	return (volatile uint64_t *)(void *)page;
}

/* One store to every page; the pages remember it. */
static void touch(char *start, size_t bytes, uint64_t value)
{
	for (size_t at = 0; at < bytes; at += PAGE)
		*first_word(start + at) = value + at;
}

static bool was_touched(char *start, size_t bytes, uint64_t value)
{
	for (size_t at = 0; at < bytes; at += PAGE)
		if (*first_word(start + at) != value + at)
			return false;
	return true;
}

static bool map_once(size_t bytes, uint64_t i)
{
	char *start = map(bytes);

	if (!start)
		return false;
	touch(start, bytes, i);
	return *first_word(start + bytes - PAGE) == i + bytes - PAGE &&
	       munmap(start, bytes) == 0;
}

bool run_mmap(const struct workload *self, uint64_t count, uint64_t size)
{
	size_t bytes = size * MIB;
	bool correct = map_once(bytes, 1);

	measure_begin();
	for (uint64_t i = 0; i < count; i++)
		correct &= map_once(bytes, i);
	measure_end();
	return measure_report(self, count, size, correct);
}

/* mincore() fails with ENOMEM for a range that is not mapped. */
static bool is_unmapped(char *start, size_t bytes)
{
	unsigned char present[MUNMAP_LIMIT];

	return bytes / PAGE <= sizeof(present) && mincore(start, bytes, present) == -1 &&
	       errno == ENOMEM;
}

/* All are touched first: unmapping alone is measured. */
bool run_munmap(const struct workload *self, uint64_t count, uint64_t size)
{
	size_t piece = size * PAGE;
	char *start = map(count * piece);
	bool correct = true;

	if (!start)
		return false;
	touch(start, count * piece, 0);
	measure_begin();
	for (uint64_t i = 0; i < count; i++)
		correct &= munmap(start + i * piece, piece) == 0;
	measure_end();
	correct &= is_unmapped(start, piece) &&
		   is_unmapped(start + (count - 1) * piece, piece);
	return measure_report(self, count, size, correct);
}

/* A system call that stores there is refused, which a store itself would not survive. */
static bool is_read_only(char *page)
{
	int zero = open("/dev/zero", O_RDONLY);
	bool refused = read(zero, page, 1) == -1 && errno == EFAULT;

	close(zero);
	return refused;
}

static bool protect_once(char *start, size_t bytes, uint64_t i)
{
	if (mprotect(start, bytes, PROT_READ) ||
	    mprotect(start, bytes, PROT_READ | PROT_WRITE))
		return false;
	touch(start, bytes, i);
	return true;
}

bool run_mprotect(const struct workload *self, uint64_t count, uint64_t size)
{
	size_t bytes = size * MIB;
	char *start = map(bytes);
	bool correct;

	if (!start)
		return false;
	touch(start, bytes, 0);
	correct = protect_once(start, bytes, 0) &&
		  mprotect(start, bytes, PROT_READ) == 0 && is_read_only(start) &&
		  is_read_only(start + bytes - PAGE) && protect_once(start, bytes, 0);
	measure_begin();
	for (uint64_t i = 1; i <= count; i++)
		correct &= protect_once(start, bytes, i);
	measure_end();
	correct &= was_touched(start, bytes, count) && munmap(start, bytes) == 0;
	return measure_report(self, count, size, correct);
}

/* Each page is touched once, so `count` times the memory is mapped anew. */
bool run_touch(const struct workload *self, uint64_t count, uint64_t size)
{
	size_t bytes = size * MIB;
	bool correct = map_once(MIB, 1);
	char *start = map(count * bytes);

	if (!start)
		return false;
	measure_begin();
	touch(start, count * bytes, 7);
	measure_end();
	correct &=
		was_touched(start, count * bytes, 7) && munmap(start, count * bytes) == 0;
	return measure_report(self, count * bytes / PAGE, size, correct);
}

static uint64_t next_random(uint64_t x)
{
	x ^= x << 13;
	x ^= x >> 7;
	return x ^ x << 17;
}

/* The same updates twice leave a table as it was, since each is an exclusive or. */
static void update(uint64_t *table, uint64_t entries, uint64_t count)
{
	uint64_t random = UINT64_C(0x9e3779b97f4a7c15);

	for (uint64_t i = 0; i < count; i++) {
		random = next_random(random);
		table[(random >> 20) & (entries - 1)] ^= random;
	}
}

static bool is_as_filled(const uint64_t *table, uint64_t entries)
{
	for (uint64_t i = 0; i < entries; i++)
		if (table[i] != i)
			return false;
	return true;
}

#define SETTLING_ROUNDS 300
#define SETTLING_PAUSE	1000000 /* ns */

/*
 * An emulator makes its TLB larger or smaller when it is flushed, by how much of it has
 * been used for some time; whatever ran before would decide what is measured. Flushes
 * with little in between leave it small, so that updates miss it as they miss a hart's.
 */
static bool settle(void)
{
	const struct timespec pause = {.tv_nsec = SETTLING_PAUSE};
	char *page = map(PAGE);
	bool correct = page;

	for (unsigned i = 0; correct && i < SETTLING_ROUNDS; i++) {
		*first_word(page) = i;
		correct = mprotect(page, PAGE, PROT_READ) == 0 &&
			  mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0 &&
			  nanosleep(&pause, NULL) == 0;
	}
	return correct && munmap(page, PAGE) == 0;
}

bool run_gups(const struct workload *self, uint64_t count, uint64_t size)
{
	size_t bytes = size * MIB;
	uint64_t entries = bytes / sizeof(uint64_t);
	uint64_t *table = (void *)map(bytes);
	bool correct;

	if (!table)
		return false;
	for (uint64_t i = 0; i < entries; i++)
		table[i] = i;
	update(table, entries, count);
	correct = settle();
	measure_begin();
	update(table, entries, count);
	measure_end();
	correct &= is_as_filled(table, entries) && munmap(table, bytes) == 0;
	return measure_report(self, count, size, correct);
}
