/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast trap vector's write of satp, as arch/riscv/exit_fast.S does it: what is
 * in the vCPU's struct fast_switch is believed, and nobody is asked.
 */
#include "core/vm.h"
#include "mm/guest_memory.h"
#include "mm/pte.h"
#include "tests/unit/fake_arch.h"

bool fake_vector_switches(struct vcpu *vcpu, uint64_t satp)
{
	struct fast_switch *fast = &vcpu->arch.fast;
	struct fast_root *root = &fast->roots[(satp >> 44 ^ satp) % FAST_ROOT_COUNT];

	if (root->satp != satp || root->vsatp == 0)
		return false;
	arch_shadow_root_set(satp_mode(root->vsatp), HPA(satp_root(root->vsatp)),
			     satp_asid(root->vsatp));
	fast->tree = root->tree;
	root->used = ++fast->switches;
	return true;
}
