/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMs that there are, in the order that they came, each with a name of its own on
 * the console. Changed by the boot hart, between runs of their vCPUs.
 */
#ifndef CORE_VMS_H
#define CORE_VMS_H

#include "core/types.h"

struct vm;

#define VMS_LIMIT 16

/* Its console joins the host's; when it goes, what the monitor gave it goes with it. */
void vms_add(struct vm *vm);
void vms_remove(struct vm *vm);

/* NULL: there is none, there is no other. */
struct vm *vms_first(void);
struct vm *vms_next(const struct vm *vm);
struct vm *vms_find(const char *name);

#endif
