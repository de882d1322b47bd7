/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debian builds its libfdt with the stack protector, which asks these two of
 * whoever links it. A hit means that a device tree or a bundle, both input from
 * outside, got the better of a length check: there is no going on from there.
 */
#include "core/panic.h"

extern uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

uintptr_t __stack_chk_guard = 0x00bad0caffe0ff0a;

_Noreturn void __stack_chk_fail(void)
{
	assert_failed("stack", 0, "the stack protector's canary");
}
