/* SPDX-License-Identifier: BSD-2-Clause */
/* Properties of device trees with fences. See property_copies.h. */
#include "tests/fuzz/property_copies.h"

#include <sanitizer/asan_interface.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define ROOM	   (512 * 1024)
#define FENCE	   32
#define COPY_LIMIT 4096

static _Alignas(16) char room[ROOM];
static size_t used;
static struct {
	size_t start, length;
} copies[COPY_LIMIT];
static unsigned count;

void property_copies_forget(void)
{
	__asan_unpoison_memory_region(room, used);
	used = 0;
	count = 0;
}

/*
 * In a tree values are aligned to four bytes. So are these, to no more than that
 * every other time; but poison right before one takes eight.
 */
static const void *copy_of(const void *value, size_t length)
{
	size_t start = used + FENCE + 4 * (count % 2);
	size_t end = align_up(start + length, 8) + FENCE;

	require(end <= ROOM && count < COPY_LIMIT);
	memcpy(room + start, value, length);
	__asan_poison_memory_region(room + used, start - used);
	__asan_poison_memory_region(room + start + length, end - start - length);
	copies[count].start = start;
	copies[count++].length = length;
	used = end;
	return room + start;
}

bool property_copies_hold(const void *data, uint64_t size)
{
	for (unsigned i = 0; i < count; i++)
		if (range_within((uintptr_t)data, size, (uintptr_t)room + copies[i].start,
				 copies[i].length))
			return true;
	return false;
}

const void *__wrap_fdt_getprop(const void *fdt, int node, const char *name, int *length)
{
	int size = 0;
	const void *value = __real_fdt_getprop(fdt, node, name, &size);

	if (length)
		*length = size;
	/* With no room left, as libfdt gave it. */
	if (!value || size < 0 || count == COPY_LIMIT ||
	    used + (size_t)size + 3 * FENCE > ROOM)
		return value;
	return copy_of(value, (size_t)size);
}
