/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that ends where nobody may go on: pages that cannot be touched lie on
 * both sides of it. The address sanitizer sees only code that was compiled with
 * it; libfdt comes from the system, and is stopped by these pages.
 */
#ifndef TESTS_FUZZ_GUARDED_H
#define TESTS_FUZZ_GUARDED_H

#include "core/types.h"

struct guarded {
	char *start; /* a multiple of the page size */
	char *end;   /* and so is this */
};

/* size bytes, rounded up to whole pages; for as long as the process lives. */
struct guarded guarded_map(size_t size);

/*
 * A copy of the bytes at a multiple of alignment (a power of two), as near to
 * the end as that allows. What lies before and behind it, up to the copy that
 * was placed there before, is poisoned for code that was compiled with the
 * address sanitizer. size is at most that of the memory.
 */
void *guarded_copy(struct guarded memory, const void *bytes, size_t size,
		   size_t alignment);

#endif
