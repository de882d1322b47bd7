/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * <stdlib.h> for libfdt's headers in the freestanding build.
 *
 * Of all of it libfdt uses strtoul() alone, which core/string.h declares.
 */
#ifndef FREESTANDING_STDLIB_H
#define FREESTANDING_STDLIB_H

#include "core/string.h"

#endif
