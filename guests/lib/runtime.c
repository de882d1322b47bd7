/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the entry to guest_main() and to the power-off.
 *
 * The trap guard comes first, so that whatever goes wrong is said on the console
 * and ends the machine with reason 1 rather than in silence.
 */
#include "guests/lib/guest.h"

#include "guests/lib/console.h"
#include "guests/lib/context.h"
#include "guests/lib/csr.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"

_Noreturn void guest_start(uint64_t hart, const void *tree)
{
	bool ok = false;

	context_init();
	csr_clear(sstatus, SSTATUS_FS | SSTATUS_SUM | SSTATUS_MXR);
	csr_set(sstatus, SSTATUS_FS_INITIAL);
	console_init();
	if (platform_init(hart, tree))
		ok = guest_main();
	else
		print("no device tree that names memory\n");
	sbi_shutdown(!ok);
}
