/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of VMs. See vms.h. */
#include "core/vms.h"
#include "core/panic.h"
#include "core/string.h"
#include "core/vm.h"

static struct vm *vms[VMS_LIMIT];
static unsigned vm_count;

void vms_add(struct vm *vm)
{
	assert(vm_count < VMS_LIMIT);
	vms[vm_count++] = vm;
	vm->screen.devices = &vm->devices_lock;
	mux_add(&vm->screen, vm->name, &vm->uart);
}

void vms_remove(struct vm *vm)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < vm_count; i++)
		if (vms[i] != vm)
			vms[kept++] = vms[i];
	vm_count = kept;
	mux_remove(&vm->screen);
}

struct vm *vms_first(void)
{
	return vm_count > 0 ? vms[0] : NULL;
}

struct vm *vms_next(const struct vm *vm)
{
	for (unsigned i = 0; i + 1 < vm_count; i++)
		if (vms[i] == vm)
			return vms[i + 1];
	return NULL;
}

struct vm *vms_find(const char *name)
{
	for (unsigned i = 0; i < vm_count; i++)
		if (strcmp(vms[i]->name, name) == 0)
			return vms[i];
	return NULL;
}

bool vms_are_full(void)
{
	return vm_count == VMS_LIMIT;
}

unsigned vms_made(void)
{
	unsigned made = 0;

	for (unsigned i = 0; i < vm_count; i++)
		made += vms[i]->is_made;
	return made;
}
