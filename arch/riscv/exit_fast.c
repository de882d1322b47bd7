/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C of the fast trap vector. See exit_fast.S, which calls it with most of the
 * guest's registers still in the hart: nothing here, nor in what it calls, may look
 * at one that it was not given.
 */
#include "arch/riscv/exit_fast.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/seat_hs.h"
#include "core/check.h"
#include "core/exit.h"
#include "core/vcpu.h"

_Static_assert(sizeof(struct fast_root) == 1 << FAST_ROOT_SHIFT, "the vector shifts");

unsigned exit_fast_fault(struct vcpu *vcpu, uint64_t cause)
{
	struct vm_exit exit;
	enum exit_action action;

	vcpu->arch.pc = csr_read(CSR_SEPC);
	vcpu->arch.sstatus = csr_read(CSR_SSTATUS);
	vcpu->arch.hstatus = csr_read(CSR_HSTATUS);
	seat_assert_guest(vcpu);
	seat_describe_fault(vcpu, cause, &exit);
	action = exit_translation_fast(vcpu, &exit);
	if (action == EXIT_STOP)
		return FAST_NOT;
	check_exit(vcpu);
	return action == EXIT_RESUME ? FAST_AGAIN : FAST_INJECTED;
}

bool exit_fast_call(struct vcpu *vcpu)
{
	if (!exit_sbi_fast(vcpu))
		return false;
	check_exit(vcpu);
	return true;
}
