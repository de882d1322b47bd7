/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's ASIDs, and a way to hand them out from the first again. Each
 * sequence begins so, or how it ends would depend on those before it.
 */
#include "lsp/asid.c"

#include <string.h>

#include "tests/oracle/run.h"

void oracle_fresh_asids(void)
{
	memset(harts_asids, 0, sizeof(harts_asids));
}
