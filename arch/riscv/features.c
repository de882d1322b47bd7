/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether another hart is as good as the boot hart. See features.h. */
#include "arch/riscv/features.h"
#include "core/arch.h"

struct features features;

#define FLAG(member) offsetof(struct features, member)

/* More than the boot hart has does no harm; where both are right, both are the same. */
static const struct {
	size_t offset;
	bool must_match;
	const char *difference;
} flags[] = {
	{FLAG(hypervisor), true, "is not as the boot hart: hypervisor extension"},
	{FLAG(sstc), false, "is not as the boot hart: no Sstc"},
	{FLAG(satp_traps), true, "is not as the boot hart: traps of satp"},
	{FLAG(access_faults), true, "is not as the boot hart: access faults"},
	{FLAG(svade), true, "is not as the boot hart: A and D"},
	{FLAG(lr_as_store), true, "is not as the boot hart: faults of lr"},
	{FLAG(lr_needs_write), true, "is not as the boot hart: permissions of lr"},
	{FLAG(stores_as_loads), true, "is not as the boot hart: faults of stores"},
	{FLAG(vector), true, "is not as the boot hart: V"},
	{FLAG(svinval), false, "is not as the boot hart: no Svinval"},
	{FLAG(environment), true, "is not as the boot hart: envcfg"},
	{FLAG(state_enable), true, "is not as the boot hart: Smstateen"},
	{FLAG(cache_block_zero), false, "is not as the boot hart: no cbo.zero"},
	{FLAG(cache_block_manage), false, "is not as the boot hart: no cbo.clean"},
	{FLAG(time), false, "is not as the boot hart: no time CSR"},
	{FLAG(counters), false, "is not as the boot hart: no counters"},
};

static bool flag(const struct features *of, size_t offset)
{
	return *(const bool *)((const char *)of + offset);
}

const char *features_difference(const struct features *hart)
{
	for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
		const bool here = flag(hart, flags[i].offset);
		const bool there = flag(&features, flags[i].offset);

		if (flags[i].must_match ? here != there : there && !here)
			return flags[i].difference;
	}
	if (features.guest_modes & ~hart->guest_modes ||
	    features.gstage_modes & ~hart->gstage_modes)
		return "is not as the boot hart: fewer modes of translation";
	if (hart->asid_bits < features.asid_bits || hart->vmid_bits < features.vmid_bits)
		return "is not as the boot hart: fewer ASID or VMID bits";
	if (hart->vector_bytes != features.vector_bytes)
		return "is not as the boot hart: vector registers";
	if (hart->foreign != features.foreign)
		return "is not as the boot hart: mstatus.GVA";
	if (hart->poison.raw != features.poison.raw)
		return "is not as the boot hart: faults of pages that are closed";
	return NULL;
}

/* ---- what core/ asks for, alike in both seats ---- */

bool arch_has_counters(void)
{
	return features.counters;
}

uint32_t arch_translation_modes(void)
{
	return features.guest_modes;
}

bool arch_satp_traps(void)
{
	return features.satp_traps;
}

bool arch_guest_svade(void)
{
	return features.svade;
}

unsigned arch_asid_bits(void)
{
	return features.asid_bits;
}
