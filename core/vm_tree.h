/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree that a VM's guest is handed: its memory, its vCPUs and devices, what
 * its bundle says, and what this machine's harts can do. Written while the VM is made,
 * before any of its vCPUs runs; nothing is kept.
 */
#ifndef CORE_VM_TREE_H
#define CORE_VM_TREE_H

#include "core/loader.h"

struct vm;

/*
 * Write it to the VM's RAM, where the loader has left room for it. All of its devices are
 * there. On failure *why says what was wrong.
 */
enum status tree_load(struct vm *vm, const struct loaded_guest *loaded, const char **why);

#endif
