/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting a guest's images into its memory, and finding out where it starts.
 *
 * Three kinds of kernels: a RISC-V Linux `Image`, a 64-bit RISC-V ELF
 * executable, and anything else as a flat binary at RAM base + 2 MiB. The
 * initial ramdisk goes under the slot for the device tree, which lies at the
 * top of RAM. Kernel, ramdisk and slot never overlap. The images are input
 * from outside. Used while a VM is made, before any of its vCPUs runs; the hart's other
 * work is seen to meanwhile (harts_attend()).
 */
#ifndef CORE_LOADER_H
#define CORE_LOADER_H

#include "core/bundle.h"
#include "core/types.h"
#include "mm/guest_memory.h"

/* A slot for the device tree is this much larger than the bundle's own tree. */
#define LOADER_DTB_ROOM (64 * UINT64_C(1024))

struct loaded_guest {
	gpa_t entry;
	gpa_t kernel; /* what the kernel occupies, its bss included */
	uint64_t kernel_size;
	gpa_t initrd_start; /* both 0 where there is no ramdisk */
	gpa_t initrd_end;   /* exclusive */
	gpa_t dtb;	    /* a multiple of 2 MiB */
	uint64_t dtb_max;   /* bytes; at least LOADER_DTB_ROOM */
};

/*
 * Load the kernel and the ramdisk of config into RAM at [ram_base, ram_base +
 * ram_size), all of it zero so far, and choose the place of the device tree,
 * which the caller writes. STATUS_TOO_BIG: something does not fit;
 * STATUS_INVALID, STATUS_UNSUPPORTED, STATUS_CORRUPT: no kernel that could run.
 * On failure *why says what and where, and RAM may hold parts of the images.
 */
enum status loader_load(const struct vm_config *config, struct guest_memory *memory,
			gpa_t ram_base, uint64_t ram_size, struct loaded_guest *out,
			const char **why);

#endif
