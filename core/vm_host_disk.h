/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's disk that is a part of a disk of the host's, and how it gets its answers: on the
 * boot hart, with the lock of the VM's devices. The part is the VM's until it is freed,
 * and nobody else's who writes, or while it is written. Made and freed on the boot hart.
 */
#ifndef CORE_VM_HOST_DISK_H
#define CORE_VM_HOST_DISK_H

#include "core/vm.h"
#include "drivers/virtio_blk_host.h"

/* *made is left alone on failure, and *why says what is wrong with the part. */
enum status vm_host_disk_make(struct vm *vm, struct virtio_blk *blk,
			      const struct disk_config *config,
			      struct virtio_blk_host **made, const char **why);

/* What the host's disk still has to answer is its own memory, not this. */
void vm_host_disk_free(struct virtio_blk_host *host);

#endif
