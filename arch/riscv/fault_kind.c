/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kind of an access that faulted, from the guest's code where the boot's probes have
 * found that the hart takes some for others. Code that cannot be read just now leaves it
 * as it was reported.
 */
#include "arch/riscv/features.h"
#include "arch/riscv/seat.h"
#include "core/guest_code.h"

enum access_kind seat_true_kind(struct vcpu *vcpu, enum access_kind reported,
				bool access_fault)
{
	if (features.lr_as_store && reported == ACCESS_STORE &&
	    guest_code_is_load_reserved(vcpu))
		return ACCESS_LOAD;
	if (features.stores_as_loads && access_fault && reported == ACCESS_LOAD &&
	    guest_code_is_store(vcpu))
		return ACCESS_STORE;
	return reported;
}
