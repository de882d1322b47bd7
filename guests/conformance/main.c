/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance guest: checks the privileged architecture from inside.
 *
 * Expectations come from the RISC-V privileged and unprivileged specifications
 * and the SBI specification alone, so the guest has to pass on a bare machine
 * and in any virtual machine. Where several results are allowed, all of them are
 * accepted and nothing else. Faults known in the machine below are named in
 * their line and never hidden.
 *
 * Boot arguments: group=NAME, for the groups alone whose name begins so; zicclsm=yes
 * and sstvala=yes, for a machine whose firmware makes up for what its harts have not
 * (misaligned accesses, and the instruction in stval).
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/lib/console.h"
#include "guests/lib/guest.h"
#include "guests/lib/platform.h"

static const struct group *const groups[] = {
	&privileged_group,     &counters_group,	    &traps_group,
	&floating_point_group, &interrupts_group,   &sbi_group,
	&satp_group,	       &modes_group,	    &satp_forms_group,
	&permissions_group,    &reserved_group,	    &outside_group,
	&accessed_dirty_group, &contended_group,    &superpages_group,
	&fence_group,	       &fence_levels_group, &fence_loops_group,
	&stale_group,	       &random_group,	    &asids_group,
	&asid_reuse_group,     &tables_group,	    &reservations_group,
	&fetch_group,	       &misaligned_group,   &paged_traps_group,
	&rfence_group,	       &vectors_group,
};

static bool is_wanted(const struct group *group)
{
	const char *wanted = platform_argument("group");
	const char *name = group->name;

	for (; wanted && *wanted && *wanted != ' '; wanted++, name++)
		if (*wanted != *name)
			return false;
	return true;
}

bool guest_main(void)
{
	paging_init(platform.memory_end);
	for (unsigned i = 0; i < ARRAY_LENGTH(groups); i++)
		if (is_wanted(groups[i]))
			run_group(groups[i]);
	return checks_summary();
}
