/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest guest: says where it runs and powers off.
 *
 * What it prints is what a guest can know about its machine without trying
 * anything; useful as the first thing to boot on a new host or seat.
 */
#include "core/types.h"
#include "guests/lib/console.h"
#include "guests/lib/guest.h"
#include "guests/lib/paging.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"

bool guest_main(void)
{
	uint64_t version = SBI_CALL(SBI_EXT_BASE, SBI_BASE_SPEC_VERSION, 0).value;
	uint64_t memory = platform.memory_end - platform.memory_base;

	print("hello from hart %lu: %lu MiB of memory at 0x%lx, SBI %lu.%lu\n",
	      platform.hart, memory / MIB, platform.memory_base, version >> 24,
	      version & 0xffffff);
	paging_init(platform.memory_end);
	for (unsigned i = 0; i < PAGING_MODES; i++)
		if (paging_supported(&paging_modes[i]))
			print("satp takes %s with %u ASID bits\n", paging_modes[i].name,
			      paging_asid_bits(&paging_modes[i]));
	return true;
}
