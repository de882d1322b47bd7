/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a Gnomon that found itself wrong. */
#include "core/panic.h"
#include "core/arch.h"
#include "core/log.h"

_Noreturn void assert_failed(const char *file, unsigned line, const char *text)
{
	log_line("internal error: %s:%u: %s does not hold", file, line, text);
	arch_power_off(true);
}
