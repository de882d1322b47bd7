/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the device tree says about the machine a guest runs on.
 *
 * Read once at start and copied, so that the tree's own memory may be reused
 * afterwards. Only what guests ask for is kept.
 */
#ifndef GUESTS_LIB_PLATFORM_H
#define GUESTS_LIB_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

struct platform {
	uint64_t hart;		/* the hart we were started on */
	uint64_t memory_base;	/* bytes, lowest memory node */
	uint64_t memory_end;	/* bytes, end of the highest memory node */
	uint64_t timebase;	/* ticks of the time CSR per second */
	uint64_t uart;		/* an ns16550a's registers; 0: none */
	uint64_t firmware;	/* a region reserved for M-mode; size 0: none */
	uint64_t firmware_size; /* bytes */
	bool is_qemu_virt;	/* the root is compatible with riscv-virtio */
	char mmu_type[24];	/* of the hart, "riscv,sv57"; empty: not said */
	char bootargs[128];	/* of /chosen; empty: none, or too long to keep */
};

extern struct platform platform;

/* False if tree is no flattened device tree or names no memory. */
bool platform_init(uint64_t hart, const void *tree);

/* name: in small letters, as in riscv,isa-extensions: "h", "sstc", "svadu". */
bool platform_has_extension(const char *name);

/* The same, or what NAME=yes among the boot arguments says it is to be taken for. */
bool platform_promises(const char *name);

/* What follows "NAME=" among the words of the boot arguments; NULL if nothing. */
const char *platform_argument(const char *name);

/* Ticks of the time CSR in so many microseconds. */
static inline uint64_t platform_ticks(uint64_t microseconds)
{
	return platform.timebase * microseconds / 1000000;
}

#endif
