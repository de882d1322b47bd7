/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a vCPU on a hart. See vcpu.h. */
#include "core/vcpu.h"
#include "core/arch.h"
#include "core/exit.h"
#include "core/harts.h"
#include "core/timer.h"
#include "core/vm.h"

void vcpu_reset(struct vcpu *vcpu, gpa_t entry, uint64_t a0, uint64_t a1)
{
	vcpu->timer_deadline = UINT64_MAX;
	vcpu->pmu = (struct pmu){0};
	arch_vcpu_reset(vcpu, entry, a0, a1);
}

void vcpu_run(struct vcpu *vcpu)
{
	struct hart_box *box = harts_own_box();
	struct vm *vm = vcpu->vm;
	struct vm_exit exit;

	arch_vcpu_load(vcpu);
	vm->mode->load(vcpu);
	timer_load(vcpu);
	pmu_load(vcpu);
	while (vm->end == VM_RUNNING) {
		harts_enter_guest(box);
		arch_vcpu_enter(vcpu, &exit);
		harts_leave_guest(box);
		exit_handle(vcpu, &exit);
	}
	pmu_put(vcpu);
	vm->mode->put(vcpu);
	arch_vcpu_put(vcpu);
}
