/* SPDX-License-Identifier: BSD-2-Clause */
/* The encodings. See fences.h. */
#include "scripts/plugin/fences.h"

#define OPCODE(code)	 ((code)&0x7f)
#define FUNCT3(code)	 ((code) >> 12 & 7)
#define CSR_NUMBER(code) ((code) >> 20)
#define SYSTEM		 0x73

static const struct {
	uint32_t mask;
	uint32_t match;
	enum fence_kind kind;
} fences[] = {
	{0xfe007fff, 0x12000073, FENCE_HOST},	/* sfence.vma */
	{0xfe007fff, 0x16000073, FENCE_HOST},	/* sinval.vma */
	{0xfe007fff, 0x22000073, FENCE_GUEST},	/* hfence.vvma */
	{0xfe007fff, 0x26000073, FENCE_GUEST},	/* hinval.vvma */
	{0xfe007fff, 0x62000073, FENCE_GSTAGE}, /* hfence.gvma */
	{0xfe007fff, 0x66000073, FENCE_GSTAGE}, /* hinval.gvma */
};

bool code_is_fence(uint32_t code, bool is_virtual, enum fence_kind *kind)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(fences); i++) {
		if ((code & fences[i].mask) != fences[i].match)
			continue;
		*kind = fences[i].kind == FENCE_HOST && is_virtual ? FENCE_GUEST
								   : fences[i].kind;
		/* Those of the hypervisor trap where V = 1. */
		return !is_virtual || fences[i].kind == FENCE_HOST;
	}
	return false;
}

unsigned code_rs1(uint32_t code)
{
	return code >> 15 & 31;
}

unsigned code_rs2(uint32_t code)
{
	return code >> 20 & 31;
}

struct tlb_fence fence_from(uint32_t code, enum fence_kind kind, uint64_t rs1,
			    uint64_t rs2, uint64_t hgatp)
{
	return (struct tlb_fence){
		.kind = kind,
		.has_address = code_rs1(code) != 0,
		.address = GVA(rs1),
		.has_space = code_rs2(code) != 0,
		.space = (uint16_t)rs2,
		.vmid = regime_space(&(struct regime){true, 0, hgatp}).vmid,
	};
}

bool code_is_translation_csr(uint32_t code)
{
	uint32_t csr = CSR_NUMBER(code);

	return OPCODE(code) == SYSTEM && FUNCT3(code) % 4 != 0 &&
	       (csr == 0x180 || csr == 0x280 || csr == 0x680);
}

bool code_is_satp_write(uint32_t code)
{
	return OPCODE(code) == SYSTEM && FUNCT3(code) == 1 && CSR_NUMBER(code) == 0x180;
}

bool code_is_guest_access(uint32_t code)
{
	return OPCODE(code) == SYSTEM && FUNCT3(code) == 4;
}

bool code_is_mark(uint32_t code)
{
	return code == MARK_BEGIN || code == MARK_END || code == MARK_PAUSE;
}
