/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMs that there are, made or off, in the order that they came, each with a name of
 * its own and a screen on the console. Changed by the boot hart, between runs of vCPUs.
 */
#ifndef CORE_VMS_H
#define CORE_VMS_H

#include "core/types.h"

struct vm;

#define VMS_LIMIT 16

/* Its console joins the host's, and leaves it. No more than VMS_LIMIT. */
void vms_add(struct vm *vm);
void vms_remove(struct vm *vm);

/* NULL: there is none, there is no other. */
struct vm *vms_first(void);
struct vm *vms_next(const struct vm *vm);
struct vm *vms_find(const char *name);

bool vms_are_full(void);

/* How many are made. */
unsigned vms_made(void);

#endif
