/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading of guest code and data, half by half, since an instruction may cross
 * into a page of its own. See guest_code.h.
 *
 * Where Gnomon translates, the paging mode looks it up, in the tables in memory: a fetch
 * needs X and the right U, whatever R, SUM and MXR say, and what has left the shadow
 * tables since is found in the guest's own. A load by mstatus.MPRV (with MXR, so that
 * pages may be executable and no more) would see the same, but fault on the latter, and
 * take a page for executable that is only readable.
 */
#include "core/guest_code.h"
#include "arch/riscv/decode.h"
#include "core/arch.h"
#include "core/vm.h"

static bool read_half(struct vcpu *vcpu, gva_t gva, enum access_kind kind, uint16_t *half)
{
	struct access access = arch_access(vcpu, gva, kind);

	return is_aligned(gva.raw, 2) && vcpu->vm->mode->read_half(vcpu, &access, half);
}

bool guest_code_fetch(struct vcpu *vcpu, uint32_t *instruction)
{
	gva_t pc = GVA(vcpu->arch.pc);
	uint16_t low, high = 0;

	if (!read_half(vcpu, pc, ACCESS_FETCH, &low))
		return false;
	if (instruction_length(low) == 4 &&
	    !read_half(vcpu, GVA(pc.raw + 2), ACCESS_FETCH, &high))
		return false;
	*instruction = low | (uint32_t)high << 16;
	return true;
}

bool guest_code_is_load_reserved(struct vcpu *vcpu)
{
	uint32_t instruction;

	return guest_code_fetch(vcpu, &instruction) &&
	       decode_is_load_reserved(instruction);
}

bool guest_code_is_store(struct vcpu *vcpu)
{
	uint32_t instruction;

	return guest_code_fetch(vcpu, &instruction) && decode_is_store(instruction);
}

bool guest_load_u64(struct vcpu *vcpu, gva_t gva, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < 4; i++) {
		uint16_t half;

		if (!read_half(vcpu, GVA(gva.raw + 2 * i), ACCESS_LOAD, &half))
			return false;
		*value |= (uint64_t)half << (16 * i);
	}
	return true;
}
