/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the build knows of the board that it is for; see `make help`.
 */
#ifndef ARCH_RISCV_PLACE_H
#define ARCH_RISCV_PLACE_H

#include "core/types.h"

/* Where the bundle is if nothing on the board says it; 0: nowhere. */
extern const uint64_t bundle_address;

#endif
