/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a kernel that comes as a 64-bit little-endian RISC-V ELF executable.
 *
 * Every field of the file is hostile until checked here. What comes out is what
 * a loader needs: the pieces, where they go, and the entry as a physical
 * address. Whether those addresses are RAM is the loader's to say. Pure
 * functions over the file; no state.
 */
#ifndef CORE_ELF_H
#define CORE_ELF_H

#include "core/types.h"

#define ELF_SEGMENT_LIMIT 16

struct elf_segment {
	const void *data;   /* in the file */
	uint64_t data_size; /* bytes of the file, at most size */
	uint64_t physical;  /* where it goes; physical + size does not wrap */
	uint64_t size;	    /* bytes of memory, at least 1 */
};

struct elf_program {
	unsigned segment_count; /* at least 1 */
	struct elf_segment segments[ELF_SEGMENT_LIMIT];
	uint64_t start; /* of the lowest segment */
	uint64_t end;	/* of the highest, exclusive */
	uint64_t entry; /* physical, inside a segment */
};

/* Does the file begin as any ELF file does? */
bool elf_is(const void *file, uint64_t size);

/*
 * Read the loadable segments (PT_LOAD with a size in memory) of an ELF file.
 * STATUS_UNSUPPORTED: another machine, class or byte order, or no executable;
 * STATUS_TOO_BIG: too many segments; STATUS_CORRUPT: offsets or sizes that
 * cannot be right, or an entry outside all segments. *why says it in words.
 */
enum status elf_read(struct elf_program *program, const void *file, uint64_t size,
		     const char **why);

#endif
