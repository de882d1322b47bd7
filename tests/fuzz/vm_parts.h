/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What core/vm.c makes a VM of, without a machine: page allocator, guest memory
 * (its bounds only), paging modes and the few arch_* functions it calls. Every
 * write to a VM's memory must lie within it.
 */
#ifndef TESTS_FUZZ_VM_PARTS_H
#define TESTS_FUZZ_VM_PARTS_H

#include "mm/guest_memory.h"
#include "tests/fuzz/guarded.h"

#define TREE_ROOM	   (4 * MIB)  /* the largest device tree there is room for */
#define FREE_MEM	   (64 * MIB) /* of the machine */
#define LEAST_SHADOW	   (64 * UINT64_C(1024)) /* budget of the mode that has one */
#define VM_PARTS_WRITE_MAX UINT64_C(16384)	 /* but for device trees */

struct vm_parts {
	struct guarded room; /* for a device tree: to be mapped by the target */
	char *tree;	     /* while it is taken; else NULL */
	unsigned live;	     /* VMs and disks that have memory */
	void *devices;	     /* of a VM, while there are any */
	unsigned ports;	     /* of switches, attached */
	/* The device tree is written to a VM's memory. */
	void (*check_tree)(const struct guest_memory *guest, gpa_t at, uint64_t size);
};

extern struct vm_parts vm_parts;

#endif
