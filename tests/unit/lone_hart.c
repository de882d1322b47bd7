/* SPDX-License-Identifier: BSD-2-Clause */
/* Harts, where there is one: nobody else has a lock that it could wait for. */
#include "core/harts.h"

#include <stdlib.h>

void harts_serve(void)
{
	abort();
}
