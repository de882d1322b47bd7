/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assertions of the hypervisor's own invariants. Nothing a guest, a bundle or
 * a device tree contains may reach one: those are handled as errors.
 */
#ifndef CORE_PANIC_H
#define CORE_PANIC_H

#include "core/types.h"

_Noreturn void assert_failed(const char *file, unsigned line, const char *text);

#undef assert
#define assert(condition)                                                                \
	((condition) ? (void)0 : assert_failed(__FILE__, __LINE__, #condition))

#endif
