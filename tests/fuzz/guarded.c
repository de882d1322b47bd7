/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory between pages that cannot be touched. See guarded.h. */
#include "tests/fuzz/guarded.h"

#include <sanitizer/asan_interface.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/fuzz/fuzz.h"

/* Poisoned before a copy: one too far down is seldom further away. */
#define REDZONE 64

struct guarded guarded_map(size_t size)
{
	size_t length = align_up(size, PAGE_SIZE);
	char *at = mmap(NULL, length + 2 * PAGE_SIZE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	require(at != MAP_FAILED);
	require(mprotect(at + PAGE_SIZE, length, PROT_READ | PROT_WRITE) == 0);
	return (struct guarded){at + PAGE_SIZE, at + PAGE_SIZE + length};
}

void *guarded_copy(struct guarded memory, const void *bytes, size_t size,
		   size_t alignment)
{
	char *to = memory.end - align_up(size, alignment);
	char *before = to - memory.start < REDZONE ? memory.start : to - REDZONE;

	require(to >= memory.start);
	__asan_unpoison_memory_region(memory.start, (size_t)(memory.end - memory.start));
	memcpy(to, bytes, size);
	__asan_poison_memory_region(before, (size_t)(to - before));
	__asan_poison_memory_region(to + size, (size_t)(memory.end - to) - size);
	return to;
}
