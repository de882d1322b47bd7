/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types everything else is written in: typed addresses and error values.
 *
 * A guest virtual, a guest physical and a host physical address are three
 * one-field structs, so that none can be passed for another; going from one to
 * the next is always a translation that somebody wrote down. Host pointers are
 * host physical addresses, since Gnomon maps itself at identity.
 */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
	uint64_t raw;
} gva_t;

typedef struct {
	uint64_t raw;
} gpa_t;

typedef struct {
	uint64_t raw;
} hpa_t;

/* Memory of the host, in bytes. */
struct host_range {
	hpa_t base;
	uint64_t size;
};

#define GVA(x) ((gva_t){.raw = (uint64_t)(x)})
#define GPA(x) ((gpa_t){.raw = (uint64_t)(x)})
#define HPA(x) ((hpa_t){.raw = (uint64_t)(x)})

/* Errors are values; 0 is success. What a person reads comes with them. */
enum status {
	STATUS_OK = 0,
	STATUS_NO_MEMORY,
	STATUS_INVALID,
	STATUS_NOT_FOUND,
	STATUS_UNSUPPORTED,
	STATUS_TOO_BIG,
	STATUS_CORRUPT,
};

#define PAGE_SHIFT 12
#define PAGE_SIZE  (UINT64_C(1) << PAGE_SHIFT)
#define MIB	   (UINT64_C(1) << 20)
#define GIB	   (UINT64_C(1) << 30)

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* size must be a power of two. */
static inline uint64_t align_down(uint64_t value, uint64_t size)
{
	return value & ~(size - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t size)
{
	return align_down(value + size - 1, size);
}

static inline bool is_aligned(uint64_t value, uint64_t size)
{
	return (value & (size - 1)) == 0;
}

/* True if [start, start + size) lies in [base, base + length), no overflow. */
static inline bool range_within(uint64_t start, uint64_t size, uint64_t base,
				uint64_t length)
{
	return start >= base && size <= length && start - base <= length - size;
}

#endif
