/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of the machine's memory is whose on seat m, so that four entries of PMP can keep
 * it so: one naturally aligned region for Gnomon, of which one half is the pool of
 * shadow tables, and one stretch of RAM for guests. Plain numbers; touches no hart.
 */
#ifndef ARCH_RISCV_M_PMP_LAYOUT_H
#define ARCH_RISCV_M_PMP_LAYOUT_H

#include "core/host_fdt.h"
#include "mm/page_alloc.h"

/* The smallest region that is worth having. */
#define PMP_REGION_LEAST (16 * MIB)

/* Of RAM: its pool is then twice what guests in all of RAM have for shadow tables. */
#define PMP_REGION_SHARE 16

struct pmp_layout {
	struct host_range region; /* a power of two, aligned to itself: closed, */
	struct host_range own;	  /* ... the half of it with the image in it, */
	struct host_range pool;	  /* ... the other one, which page-table walks read */
	struct host_range ram;	  /* open, but for the region, which may lie in it */
};

/*
 * The region is about a sixteenth of RAM, around the image; the pool is free RAM, all of
 * it. Where RAM is in several stretches, guests have the largest. granule: what ends of
 * protected ranges have to be multiples of, in bytes, a power of two.
 * STATUS_NO_MEMORY: there is no room for it; *why says so.
 */
enum status pmp_layout_choose(struct pmp_layout *layout, const struct host_fdt *fdt,
			      struct host_range image, uint64_t granule,
			      const char **why);

/* The same as the page allocator wants to have it. */
struct page_division pmp_layout_division(const struct pmp_layout *layout);

#endif
