/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ISA a guest is shown: what the boot hart has and Gnomon virtualizes.
 *
 * An extension without state of its own passes if the host's device tree lists
 * it; one that Gnomon has a hand in passes by what was probed. All others are
 * not shown, and switched off where the architecture has a switch.
 */
#include "arch/riscv/features.h"
#include "core/arch.h"
#include "core/machine.h"
#include "mm/paging.h"
#include "mm/pte.h"

/* In the device-tree binding's order: single letters, then Z, then S. */
static const char *const stateless[] = {
	"zicntr", "zicond", "zicsr", "zifencei", "zihintpause", "zba", "zbb",
	"zbc",	  "zbs",    "zca",   "zcb",	 "zcd",		"zfa",
};

/* Part of RV64GC, which Gnomon itself is built for. */
static const char *const always_there[] = {"i", "m", "a", "f", "d", "c"};

size_t arch_guest_extensions(const struct paging_isa *isa, const char **names,
			     size_t limit)
{
	const struct host_hart *hart = &machine.fdt.harts[0];
	const struct {
		const char *name;
		bool shown;
	} probed[] = {
		{"zicbom", isa->cache_management && features.cache_block_manage &&
				   hart->cbom_block_size},
		{"zicboz", features.cache_block_zero && hart->cboz_block_size},
		{"sstc", features.sstc},
		{"svade", isa->svade},
		/* Alone: always on, with nothing to switch (device-tree binding). */
		{"svadu", isa->svadu},
		{"svinval", features.svinval},
		{"svvptc", isa->svvptc},
	};
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(always_there) && count < limit; i++)
		names[count++] = always_there[i];
	if (features.vector && count < limit)
		names[count++] = "v";
	for (size_t i = 0; i < ARRAY_LENGTH(stateless) && count < limit; i++)
		if (host_fdt_has_extension(hart, stateless[i]))
			names[count++] = stateless[i];
	for (size_t i = 0; i < ARRAY_LENGTH(probed) && count < limit; i++)
		if (probed[i].shown)
			names[count++] = probed[i].name;
	return count;
}

bool arch_guest_svvptc(void)
{
	return host_fdt_has_extension(&machine.fdt.harts[0], "svvptc");
}

const char *arch_guest_mmu_type(void)
{
	if (features.guest_modes & 1u << SATP_SV57)
		return "riscv,sv57";
	return features.guest_modes & 1u << SATP_SV48 ? "riscv,sv48" : "riscv,sv39";
}
