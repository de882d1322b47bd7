/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that never waits: it counts, a line each, for as long as it is let, and says
 * for how long it did not run at a time.
 *
 * With the argument reboot=yes it does nothing but ask for a reboot, each time it is
 * started.
 */
#include "core/types.h"
#include "guests/lib/console.h"
#include "guests/lib/csr.h"
#include "guests/lib/guest.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"

#define SPINS	    50000U
#define COLD_REBOOT 1

/* The longest time between two looks at the clock, in its ticks; at least so long. */
static uint64_t spin(uint64_t longest)
{
	uint64_t last = csr_read(time);

	for (unsigned i = 0; i < SPINS; i++) {
		const uint64_t now = csr_read(time);

		if (now - last > longest)
			longest = now - last;
		last = now;
	}
	return longest;
}

bool guest_main(void)
{
	uint64_t longest = 0;

	if (platform_argument("reboot")) {
		print("ticks: reboots\n");
		SBI_CALL(SBI_EXT_SRST, 0, COLD_REBOOT, 0);
		return false;
	}
	for (unsigned long tick = 0;; tick++) {
		print("ticks: %lu, %lu us at most between two looks at the clock\n", tick,
		      longest * 1000000 / platform.timebase);
		longest = spin(0);
	}
}
