/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's RAM: one range of guest physical addresses, held in runs of host
 * memory. Every run is aligned to 2 MiB or more in both spaces, so that large
 * mappings of the guest can stay large.
 *
 * Invariant: the runs are sorted by gpa, cover the range without a hole, and
 * belong to this VM alone until guest_memory_free. No lock: the runs do not
 * change while a vCPU of the VM exists.
 */
#ifndef MM_GUEST_MEMORY_H
#define MM_GUEST_MEMORY_H

#include "core/types.h"

#define GUEST_RUN_LIMIT 64
#define GUEST_RAM_BASE	GPA(0x80000000)

struct guest_run {
	gpa_t gpa;
	hpa_t hpa;
	uint64_t size;
};

struct guest_memory {
	gpa_t base;
	uint64_t size;
	unsigned run_count;
	struct guest_run runs[GUEST_RUN_LIMIT];
};

/*
 * Take size bytes (a multiple of 2 MiB, not 0) from the page allocator. What others left
 * there is still in them: core/clearing.h has it cleared before anybody sees it.
 * STATUS_NO_MEMORY leaves nothing allocated.
 */
enum status guest_memory_allocate(struct guest_memory *memory, gpa_t base, uint64_t size);
void guest_memory_free(struct guest_memory *memory);

/* Zero memory of the host's that nobody else uses: any bytes at all. */
void guest_memory_clear(hpa_t start, uint64_t size);

/* The run that gpa lies in; NULL where there is no RAM. */
const struct guest_run *guest_memory_run(const struct guest_memory *memory, gpa_t gpa);

/* Where size bytes at gpa are, if they are RAM and contiguous in the host. */
bool guest_memory_find(const struct guest_memory *memory, gpa_t gpa, uint64_t size,
		       hpa_t *hpa);

/* True if all of [hpa, hpa + size) belongs to this VM. */
bool guest_memory_owns(const struct guest_memory *memory, hpa_t hpa, uint64_t size);

/*
 * The largest level (0: 4 KiB, 1: 2 MiB ...) up to most, at which gpa can be
 * mapped with one leaf: host and guest aligned alike, all of it in one run.
 */
unsigned guest_memory_level(const struct guest_memory *memory, gpa_t gpa, unsigned most);

/* Copy into guest memory, across runs; STATUS_INVALID if not all of it is RAM. */
enum status guest_memory_write(struct guest_memory *memory, gpa_t to, const void *from,
			       uint64_t size);
enum status guest_memory_zero(struct guest_memory *memory, gpa_t to, uint64_t size);
enum status guest_memory_read(const struct guest_memory *memory, void *to, gpa_t from,
			      uint64_t size);

/* Host pointers and host physical addresses are the same numbers. */
static inline void *hpa_pointer(hpa_t hpa)
{
	return (void *)(uintptr_t)hpa.raw;
}

static inline hpa_t pointer_hpa(const void *pointer)
{
	return HPA((uintptr_t)pointer);
}

#endif
