/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio devices that a VM's configuration asks for, one after the other from
 * VM_VIRTIO_BASE on, each with a PLIC source of its own: disks first, then entropy,
 * a console, and network cards. Their memory is the VM's: it comes back with
 * devices_remove(), but for the copies of disks, which stay as long as the VM is known.
 */
#ifndef CORE_VM_DEVICES_H
#define CORE_VM_DEVICES_H

#include "core/guest_fdt.h"
#include "core/vm.h"

/* As on QEMU's virt machine. */
#define VM_VIRTIO_BASE UINT64_C(0x10001000)
#define VM_VIRTIO_IRQ  1U

/* Bytes for the copies of its disks that are still to be made. */
uint64_t devices_memory(const struct vm *vm);

/*
 * Take memory for these, and have it filled: one of VM_DISK_LIMIT clearings each, by the
 * disk's index. On failure some have been begun.
 */
enum status devices_take_copies(struct vm *vm, struct clearing *clearings,
				const char **why);

/* When that is done. On failure devices_remove() still has to be called. */
enum status devices_add(struct vm *vm, const struct vm_config *config, const char **why);
void devices_remove(struct vm *vm);

/* How many there are, and what a device tree says of each; VM_VIRTIO_LIMIT at most. */
size_t devices_describe(const struct vm *vm, struct guest_fdt_device *into);

#endif
