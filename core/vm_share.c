/* SPDX-License-Identifier: BSD-2-Clause */
/* The share of the harts that a VM has. See vm_share.h. */
#include "core/vm_share.h"
#include "arch/riscv/layout.h"
#include "core/harts.h"
#include "core/machine.h"
#include "core/reason.h"
#include "core/scheduler.h"
#include "core/vm.h"

_Static_assert(VM_PIN_LIMIT == VCPU_LIMIT, "a pin for each vCPU");

/* Bit n: the hart of index n; 0: no hart of this id runs. */
static uint32_t hart_of_id(uint64_t id)
{
	for (unsigned i = 0; i < machine.fdt.hart_count && i < HART_LIMIT; i++)
		if (machine.fdt.harts[i].id == id)
			return harts_running() & UINT32_C(1) << i;
	return 0;
}

/* Where a vCPU may run; 0: nowhere. */
static uint32_t harts_of(const struct vm_config *config, unsigned vcpu)
{
	if (config->pin_count == 0 || config->pins[vcpu] == BUNDLE_PIN_NONE)
		return UINT32_MAX;
	return hart_of_id(config->pins[vcpu]);
}

enum status share_check(const struct vm_config *config, const char **why)
{
	if (config->pin_count > 0 && config->pin_count != config->vcpus)
		return refuse(why, STATUS_INVALID,
			      "%u vCPUs are pinned, and it has %u: each is to have its "
			      "hart, or none",
			      config->pin_count, config->vcpus);
	for (unsigned i = 0; i < config->pin_count; i++)
		if (!harts_of(config, i))
			return refuse(why, STATUS_NOT_FOUND,
				      "vCPU %u is pinned to hart %u, which does not run",
				      i, config->pins[i]);
	return STATUS_OK;
}

void share_apply(struct vm *vm, const struct vm_config *config)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		scheduler_place(&vm->vcpus[i], config->weight, harts_of(config, i));
}
