/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's RAM in runs. See guest_memory.h.
 *
 * Each is the smallest stretch of free memory that holds what is left, or the
 * largest if none does: a VM is one run wherever one is free that is as large.
 */
#include "mm/guest_memory.h"
#include "core/panic.h"
#include "core/string.h"
#include "mm/page_alloc.h"
#include "mm/pte.h"

static bool append(struct guest_memory *memory, hpa_t hpa, uint64_t size)
{
	if (memory->run_count == GUEST_RUN_LIMIT)
		return false;
	memory->runs[memory->run_count++] = (struct guest_run){
		.gpa = GPA(memory->base.raw + memory->size),
		.hpa = hpa,
		.size = size,
	};
	memory->size += size;
	return true;
}

#define BLOCK_WORDS 8
#define BLOCK_SIZE  (BLOCK_WORDS * sizeof(uint64_t))

/*
 * Written only where it is not zero yet: most of a machine's memory has never been used,
 * and reading it costs less than writing it, most of all under an emulator, which has to
 * find memory of its own for each page that is written.
 */
void guest_memory_clear(hpa_t start, uint64_t size)
{
	const uint64_t odd =
		-start.raw % BLOCK_SIZE < size ? -start.raw % BLOCK_SIZE : size;
	uint64_t *words = hpa_pointer(HPA(start.raw + odd));
	uint64_t *const end = words + (size - odd) / BLOCK_SIZE * BLOCK_WORDS;

	memset(hpa_pointer(start), 0, odd);
	for (; words < end; words += BLOCK_WORDS)
		if (words[0] | words[1] | words[2] | words[3] | words[4] | words[5] |
		    words[6] | words[7])
			memset(words, 0, BLOCK_SIZE);
	memset(end, 0, (size - odd) % BLOCK_SIZE);
}

enum status guest_memory_allocate(struct guest_memory *memory, gpa_t base, uint64_t size)
{
	assert(size > 0 && is_aligned(base.raw | size, PAGE_SIZE << PAGE_ORDER_2M));
	*memory = (struct guest_memory){.base = base};
	if (size >> PAGE_SHIFT > page_alloc_free_of(PAGES_GUESTS))
		return STATUS_NO_MEMORY;
	while (memory->size < size) {
		hpa_t hpa;
		uint64_t taken = page_alloc_run(size - memory->size, &hpa);

		if (taken == 0 || !append(memory, hpa, taken)) {
			if (taken > 0)
				page_alloc_add(hpa, taken);
			guest_memory_free(memory);
			return STATUS_NO_MEMORY;
		}
	}
	return STATUS_OK;
}

void guest_memory_free(struct guest_memory *memory)
{
	for (unsigned i = 0; i < memory->run_count; i++)
		page_alloc_add(memory->runs[i].hpa, memory->runs[i].size);
	memory->run_count = 0;
	memory->size = 0;
}

const struct guest_run *guest_memory_run(const struct guest_memory *memory, gpa_t gpa)
{
	for (unsigned i = 0; i < memory->run_count; i++) {
		const struct guest_run *run = &memory->runs[i];

		if (range_within(gpa.raw, 1, run->gpa.raw, run->size))
			return run;
	}
	return NULL;
}

bool guest_memory_find(const struct guest_memory *memory, gpa_t gpa, uint64_t size,
		       hpa_t *hpa)
{
	const struct guest_run *run = guest_memory_run(memory, gpa);

	if (!run || !range_within(gpa.raw, size, run->gpa.raw, run->size))
		return false;
	*hpa = HPA(run->hpa.raw + (gpa.raw - run->gpa.raw));
	return true;
}

bool guest_memory_owns(const struct guest_memory *memory, hpa_t hpa, uint64_t size)
{
	for (unsigned i = 0; i < memory->run_count; i++)
		if (range_within(hpa.raw, size, memory->runs[i].hpa.raw,
				 memory->runs[i].size))
			return true;
	return false;
}

unsigned guest_memory_level(const struct guest_memory *memory, gpa_t gpa, unsigned most)
{
	const struct guest_run *run = guest_memory_run(memory, gpa);

	for (unsigned level = most; level > 0; level--) {
		uint64_t size = level_size(level);

		if (run && is_aligned(run->gpa.raw ^ run->hpa.raw, size) &&
		    range_within(align_down(gpa.raw, size), size, run->gpa.raw,
				 run->size))
			return level;
	}
	return 0;
}

/* Calls `piece` for each stretch of [gpa, gpa + size) that lies in one run. */
static enum status for_each_piece(const struct guest_memory *memory, gpa_t gpa,
				  uint64_t size, void *buffer,
				  void (*piece)(void *host, void *buffer, uint64_t size))
{
	if (!range_within(gpa.raw, size, memory->base.raw, memory->size))
		return STATUS_INVALID;
	while (size > 0) {
		const struct guest_run *run = guest_memory_run(memory, gpa);
		uint64_t offset = gpa.raw - run->gpa.raw;
		uint64_t length = run->size - offset;

		if (length > size)
			length = size;
		piece(hpa_pointer(HPA(run->hpa.raw + offset)), buffer, length);
		if (buffer)
			buffer = (char *)buffer + length;
		gpa.raw += length;
		size -= length;
	}
	return STATUS_OK;
}

static void copy_in(void *host, void *buffer, uint64_t size)
{
	memcpy(host, buffer, size);
}

static void copy_out(void *host, void *buffer, uint64_t size)
{
	memcpy(buffer, host, size);
}

static void clear(void *host, void *buffer, uint64_t size)
{
	(void)buffer;
	memset(host, 0, size);
}

enum status guest_memory_write(struct guest_memory *memory, gpa_t to, const void *from,
			       uint64_t size)
{
	/* copy_in only reads the buffer. */
	return for_each_piece(memory, to, size, (void *)(uintptr_t)from, copy_in);
}

enum status guest_memory_zero(struct guest_memory *memory, gpa_t to, uint64_t size)
{
	return for_each_piece(memory, to, size, NULL, clear);
}

enum status guest_memory_read(const struct guest_memory *memory, void *to, gpa_t from,
			      uint64_t size)
{
	return for_each_piece(memory, from, size, to, copy_out);
}
