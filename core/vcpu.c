/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a vCPU on a hart. See vcpu.h. */
#include "core/vcpu.h"
#include "core/arch.h"
#include "core/exit.h"
#include "core/harts.h"
#include "core/timer.h"
#include "core/vcpu_requests.h"
#include "core/vm.h"

void vcpu_reset(struct vcpu *vcpu, gpa_t entry, uint64_t a0, uint64_t a1)
{
	vcpu->timer_deadline = UINT64_MAX;
	vcpu->pmu = (struct pmu){0};
	vcpu->steal = (struct vcpu_steal){0};
	vcpu->starting = true;
	arch_vcpu_reset(vcpu, entry, a0, a1);
}

/* As a hart comes from the firmware: satp is Bare, and nothing older is cached. */
static void start(struct vcpu *vcpu)
{
	const struct paging_mode *mode = vcpu->vm->mode;

	vcpu->starting = false;
	if (mode->satp_read(vcpu) != 0)
		vcpu_satp_write(vcpu, 0);
	mode->fence(vcpu, &(struct fence){0});
}

static void load(struct vcpu *vcpu)
{
	const bool starts = vcpu->starting;

	arch_vcpu_load(vcpu);
	vcpu->vm->mode->load(vcpu);
	if (starts)
		start(vcpu);
	/* What it or who started it has stored elsewhere may be code of its own. */
	if (starts || vcpu->place.last != arch_hart_index())
		arch_fence_i();
	pmu_load(vcpu);
	sta_load(vcpu);
	vcpu->leave = VCPU_STAYS;
	timer_tick(vcpu);
}

static void put(struct vcpu *vcpu)
{
	pmu_put(vcpu);
	if (vcpu->leave == VCPU_PREEMPTED && !vm_has_ended(vcpu->vm))
		sta_preempted(vcpu);
	vcpu->vm->mode->put(vcpu);
	arch_vcpu_put(vcpu);
}

enum vcpu_leave vcpu_run(struct vcpu *vcpu)
{
	struct hart_box *box = harts_own_box();
	struct vm *vm = vcpu->vm;
	struct vm_exit exit;

	box->has_vcpu = true;
	load(vcpu);
	while (!vm_has_ended(vm) && vcpu->leave == VCPU_STAYS) {
		harts_enter_guest(box);
		if (vcpu_is_asked(vcpu)) {
			harts_leave_guest(box);
			vcpu_serve(vcpu);
			continue;
		}
		arch_vcpu_enter(vcpu, &exit);
		harts_leave_guest(box);
		exit_handle(vcpu, &exit);
	}
	put(vcpu);
	box->has_vcpu = false;
	return vcpu->leave;
}
