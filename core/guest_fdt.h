/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree a guest is given: what it sees is what Gnomon virtualizes.
 *
 * A machine like QEMU's virt, so that Linux, OpenBSD, U-Boot and bare-metal
 * programs find their way. The VM fills one guest_fdt_info and gets a tree; a
 * bundle may bring a tree of its own, which is then only told about memory,
 * ramdisk and boot arguments. Pure functions into a buffer of the caller; no
 * state, no locks.
 */
#ifndef CORE_GUEST_FDT_H
#define CORE_GUEST_FDT_H

#include "core/bundle.h"
#include "core/types.h"

/* A device of the guest, a child of /soc. */
struct guest_fdt_device {
	const char *name; /* of the node, without the address: "serial" */
	const char *compatible;
	gpa_t base;
	uint64_t size;
	unsigned interrupt;	  /* source of the PLIC; 0: none */
	uint32_t clock_frequency; /* Hz; 0: not told */
};

struct guest_fdt_info {
	const char *bootargs; /* "": none */
	gpa_t ram_base;
	uint64_t ram_size;
	gpa_t initrd_start; /* start and end equal: no ramdisk */
	gpa_t initrd_end;
	const void *rng_seed; /* bytes for the guest's random number generator ... */
	size_t rng_seed_size; /* ... 0: none */

	unsigned vcpus;		     /* hart ids 0 .. vcpus - 1 */
	uint32_t timebase_frequency; /* Hz */
	/*
	 * The guest's extensions in lower case, the single letters first and in
	 * canonical order: "i", "m", "a", ..., "zicsr", ...
	 */
	const char *const *extensions;
	size_t extension_count;
	const char *mmu_type;	  /* "riscv,sv39", "riscv,sv48" or "riscv,sv57" */
	uint32_t cbom_block_size; /* bytes; 0: no Zicbom, no Zicboz */
	uint32_t cboz_block_size;

	/* The PLIC: its context n is vCPU n's supervisor external interrupt. */
	gpa_t plic_base;
	uint64_t plic_size;
	uint32_t plic_sources; /* the highest source, as in riscv,ndev */

	const struct guest_fdt_device *devices;
	size_t device_count;
	size_t console; /* which of the devices is stdout-path and serial0 */
};

/*
 * Build the guest's tree at buffer (8-byte aligned), in at most buffer_size
 * bytes. STATUS_TOO_BIG where those do not do, STATUS_INVALID for an info that
 * makes no tree; *why in words.
 */
enum status guest_fdt_build(const struct guest_fdt_info *info, void *buffer,
			    uint64_t buffer_size, const char **why);

/*
 * Copy the bundle's tree `own` to buffer and set in it the memory, the ramdisk,
 * the random seed, unless empty the boot arguments, and the devices but for the
 * console; the rest of info is not looked at. Memory and ramdisk that `own` speaks of are forgotten. Errors
 * as above; STATUS_CORRUPT when `own` is no device tree, STATUS_UNSUPPORTED
 * when its root cells cannot describe the memory, or it has no PLIC for devices.
 */
enum status guest_fdt_patch(const struct guest_fdt_info *info, const struct blob *own,
			    void *buffer, uint64_t buffer_size, const char **why);

#endif
