/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical addresses, before there is anything that translates them: one that the build
 * was told, and whether there is something behind one.
 */
#include "arch/riscv/place.h"
#include "arch/riscv/hart.h"
#include "core/arch.h"

_Static_assert(BUNDLE_ADDRESS % 8 == 0, "BUNDLE_ADDRESS is no multiple of 8");

const uint64_t bundle_address = UINT64_C(BUNDLE_ADDRESS);

bool arch_can_load(hpa_t address)
{
	return guarded("lbu zero, 0(%1)", "r"(address.raw));
}
