/* SPDX-License-Identifier: BSD-2-Clause */
/* Host RAM and assertions of the tests. See host_ram.h. */
#include "tests/unit/host_ram.h"
#include <sys/mman.h>

#include "core/panic.h"

jmp_buf *expected_assertion;

_Noreturn void assert_failed(const char *file, unsigned line, const char *text)
{
	jmp_buf *here = expected_assertion;

	expected_assertion = NULL;
	if (here)
		longjmp(*here, 1);
	fail_msg("%s:%u: assertion failed: %s", file, line, text);
	__builtin_unreachable();
}

hpa_t host_ram_map(uint64_t size, uint64_t alignment)
{
	uint64_t length = size + alignment;
	void *at = mmap(NULL, length, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t start, base;

	assert_true(at != MAP_FAILED);
	start = (uintptr_t)at;
	base = align_up(start, alignment);
	if (base > start)
		munmap(at, base - start);
	munmap((void *)(uintptr_t)(base + size), start + length - base - size);
	return HPA(base);
}

void host_ram_unmap(hpa_t base, uint64_t size)
{
	munmap((void *)(uintptr_t)base.raw, size);
}
